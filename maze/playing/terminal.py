"""Play in a terminal: each character is two pixels, one above the other, in half-blocks of colour."""

import os
import re
import shutil
import signal
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from maze.errors import MazeError
from maze.playing.clock import Clock
from maze.playing.session import HELP, Session

__all__ = [
    "clean_screen",
    "fitting_height",
    "half_blocks",
    "play_in_terminal",
    "shows_half_blocks",
]

#: Signals that tell a process to end; Windows has no SIGHUP.
ENDS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
HOLD = 0.25  # seconds that a key counts as held: a terminal tells no release
#: A sequence that a key sends, or a character.
KEY = re.compile(r"(\x1b\[[0-?]*[ -/]*[@-~]|\x1bO.)|(.)", re.DOTALL)
#: The beginning of such a sequence, at the end of what was read.
UNFINISHED = re.compile(r"\x1b(\[[0-?]*[ -/]*|O)?\Z")
ARROWS = {"A": "up", "B": "down", "C": "right", "D": "left"}  # at its end
TALLEST = 120  # pixels


def play_in_terminal(session: Session, ready: Callable[[], None] = lambda: None) -> bool:
    """Play until the time is up or q is pressed; return whether it was played to the end.

    `ready` is called before the game, where there is a terminal.

    Raises
    ------
    MazeError
        Where standard input and output are no terminal, or cannot show half-blocks.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise MazeError("there is neither a window nor a terminal to play in.")
    if not shows_half_blocks():
        raise MazeError(
            f"this terminal has no half-blocks of colour in its encoding, {sys.stdout.encoding}: "
            "set PYTHONIOENCODING=utf-8, if it can show them."
        )
    ready()
    size: tuple[int, int] | None = None
    held: dict[str, float] = {}
    with _keys() as read, clean_screen():
        clock = Clock(session.pause)
        while True:
            for key in read():
                if key == "q":
                    return False
                held[key] = time.monotonic() + HOLD
            now = time.monotonic()
            over = session.step([key for key, until in held.items() if until > now])
            if size != shutil.get_terminal_size():
                columns, lines = size = shutil.get_terminal_size()
                keys = textwrap.wrap(HELP, columns)[: max(lines - 2, 0)]
                height = fitting_height(columns, lines - 1 - len(keys))
                sys.stdout.write("\x1b[2J")  # of another size, the last picture would stay in part
            picture = half_blocks(session.image(height))
            words = (f"\r\n{line[:columns]}\x1b[K" for line in (session.status, *keys))
            sys.stdout.write(f"\x1b[H{picture}{''.join(words)}")
            sys.stdout.flush()
            if over:
                return True
            time.sleep(clock.wait())


def fitting_height(columns: int, lines: int) -> int:
    """Pixels of a picture, 4/3 as wide as high, that fits into so many characters; at least two."""
    return max(min(2 * lines, columns * 3 // 4, TALLEST), 2)


def shows_half_blocks() -> bool:
    """Whether standard output has a code for them."""
    try:
        "▀".encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return False
    return True


def half_blocks(image: np.ndarray) -> str:
    """Return an image (h, w, 3) uint8 as lines of text with colours; the last row of an odd h is left out."""
    lines = []
    for above, below in zip(image[::2], image[1::2]):
        line, before = [], None
        for colors in np.hstack([above, below]).tolist():
            if colors != before:  # a colour is said only where it changes
                line.append("\x1b[38;2;{};{};{};48;2;{};{};{}m".format(*colors))
            line.append("▀")
            before = colors
        lines.append("".join(line) + "\x1b[0m")
    return "\r\n".join(lines)


@contextmanager
def clean_screen() -> Iterator[None]:
    """A screen of one's own; the old one is given back, also where the process is told to end."""
    before = {
        number: signal.signal(number, lambda number, _: sys.exit(128 + number)) for number in ENDS
    }
    sys.stdout.write("\x1b[?1049h\x1b[?25l\x1b[2J")
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        sys.stdout.write("\x1b[0m\x1b[?25h\x1b[?1049l")
        sys.stdout.flush()


@contextmanager
def _keys() -> Iterator[Callable[[], list[str]]]:
    """Read keys as they are pressed, without waiting: what is given returns those since the last call."""
    if os.name == "nt":
        yield _windows_keys
        return
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    rest = ""

    def read() -> list[str]:
        nonlocal rest
        keys, rest = _parse(rest + _waiting(terminal))
        return keys

    try:
        tty.setcbreak(terminal)
        yield read
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _waiting(terminal: int) -> str:
    """What was typed and not yet read."""
    import select

    if not select.select([terminal], [], [], 0)[0]:
        return ""
    return os.read(terminal, 1_024).decode(errors="ignore")


def _parse(typed: str) -> tuple[list[str], str]:
    """Names of the keys, and what is to be read with what comes next.

    Arrows come as ESC [ A to D, with Ctrl or Shift as ESC [ 1 ; 5 A.
    """
    unfinished = UNFINISHED.search(typed)
    end = unfinished.start() if unfinished else len(typed)
    keys = []
    for control, key in KEY.findall(typed[:end]):
        keys.append(ARROWS.get(control[-1:], "") if control else key.lower())
    return keys, typed[end:]


def _windows_keys() -> list[str]:
    import msvcrt

    keys = []
    arrows = {"H": "up", "P": "down", "M": "right", "K": "left"}  # after NUL or 0xE0
    while msvcrt.kbhit():  # type: ignore[attr-defined]
        key = msvcrt.getwch()  # type: ignore[attr-defined]
        if key in "\x00\xe0":
            keys.append(arrows.get(msvcrt.getwch(), ""))  # type: ignore[attr-defined]
        else:
            keys.append(key.lower())
    return keys
