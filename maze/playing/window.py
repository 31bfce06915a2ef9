"""Play in a window, by Tk, which comes with Python."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from maze.playing.clock import Clock
from maze.playing.session import HELP, Session

__all__ = ["WindowError", "open_window", "photo", "play_in_window", "show"]

HEIGHT = 480  # pixels of the view
MAP_HEIGHT = 320
RELEASE = 0.04  # seconds within which a key that repeats itself is pressed again


class WindowError(RuntimeError):
    """There is no window to be had."""


def play_in_window(
    session: Session, with_map: bool = False, ready: Callable[[], None] = lambda: None
) -> bool:
    """Play until the time is up or q is pressed; return whether it was played to the end.

    `ready` is called before the game, where there is a window.

    Raises
    ------
    WindowError
        Without Tk, or without a display.
    """
    window = open_window(f"maze · {session.name}")
    import tkinter

    try:
        ready()
        return _Game(session, window, with_map).run()
    finally:
        try:
            window.destroy()
        except tkinter.TclError:
            pass  # closed by its player


def open_window(title: str) -> Any:
    """Open a window, a `tkinter.Tk`.

    Raises
    ------
    WindowError
        Without Tk, or without a display.
    """
    try:
        import tkinter

        window = tkinter.Tk()
    except Exception as error:  # ImportError without Tk, TclError without a display
        raise WindowError(str(error)) from error
    window.title(title)
    return window


def show(window: Any) -> None:
    """Show a window until it is left.

    What goes wrong in what it calls, Ctrl-C too, is raised here: Tk by itself prints it and goes on.
    """
    wrong: list[BaseException] = []

    def report(kind: type, error: BaseException, trace: object) -> None:
        wrong.append(error)
        window.quit()

    window.report_callback_exception = report
    window.mainloop()
    if wrong:
        raise wrong[0]


class _Game:
    """The window of one game, its pressed keys and its clock."""

    def __init__(self, session: Session, window: Any, with_map: bool) -> None:
        import tkinter

        self.session, self.window, self.with_map = session, window, with_map
        self.released: dict[str, float] = {}  # when a key was let go, infinity while it is held
        self.finished = False
        self.view = tkinter.Label(window, borderwidth=0)
        self.view.pack(side="top")
        self.above = tkinter.Label(window, borderwidth=0)
        if with_map:
            self.above.pack(side="top")
        self.line = tkinter.Label(window, text=HELP, font=("TkFixedFont", 12))
        self.line.pack(side="bottom")
        window.bind("<KeyPress>", self._press)
        window.bind("<KeyRelease>", self._release)
        window.bind("<FocusOut>", lambda event: self.released.clear())  # releases go elsewhere then
        window.protocol("WM_DELETE_WINDOW", window.quit)

    def run(self) -> bool:
        """Play, and return whether the time came to its end."""
        self.clock = Clock(self.session.pause)
        self._tick()
        show(self.window)
        return self.finished

    def _press(self, event: Any) -> None:
        key = event.keysym.lower()
        if key in ("q", "escape"):
            self.window.quit()
        self.released[key] = float("inf")

    def _release(self, event: Any) -> None:
        # A held key that repeats itself is released and pressed in turn: only what stays so is let go.
        self.released[event.keysym.lower()] = time.monotonic() + RELEASE

    def _tick(self) -> None:
        now = time.monotonic()
        held = [key for key, until in self.released.items() if until > now]
        self.finished = self.session.step(held)
        self._show()
        if self.finished:
            self.window.quit()
            return
        self.window.after(max(round(1_000 * self.clock.wait()), 1), self._tick)

    def _show(self) -> None:
        self.images = [photo(self.session.image(HEIGHT))]  # Tk does not keep them alive
        self.view.configure(image=self.images[0])
        if self.with_map:
            rows = self.session.simulator.maze_size[0]
            self.images.append(photo(self.session.map(max(MAP_HEIGHT // rows, 1))))
            self.above.configure(image=self.images[1])
        self.line.configure(text=f"{self.session.status}      {HELP}")


def photo(image: np.ndarray) -> Any:
    """An image as Tk takes it, through the format PPM."""
    import tkinter

    height, width, _ = image.shape
    return tkinter.PhotoImage(data=b"P6 %d %d 255 " % (width, height) + image.tobytes())
