"""Watch a trained agent: what it sees, the maze from above with where it thinks it is, and its value.

    python -m tasks navigation --watch                 the one that comes with the repository
    python -m tasks navigation --watch runs/FOLDER     that of a run

In a window; where there is none in the terminal; where that is none either, as a film in runs/.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from maze import MazeError, Simulator
from maze.constants import ACTION_REPEAT, FRAME_RATE
from maze.playing.clock import Clock
from maze.playing.terminal import clean_screen, half_blocks, shows_half_blocks
from maze.playing.window import WindowError, open_window, photo, show
from maze.recording import save_film
from maze.topdown import side_by_side, top_down
from tasks.config import UsageError
from tasks.navigation.decoder import corner, grid
from tasks.navigation.weights import SHIPPED, Trained, load

HEIGHT = 320  # pixels of the view and the map
GRAPH = 64  # pixels of the value's graph below them
LINE = 20  # pixels of a line of words
PAUSE = ACTION_REPEAT / FRAME_RATE  # seconds from one picture to the next
FILM_SECONDS = 20
LIKELY = np.array([0, 114, 178])  # the colour of where it thinks it is
VALUE, GOAL_FOUND = (230, 159, 0), (192, 0, 0)  # the value, and when the goal was found


def frames(trained: Trained, height: int = HEIGHT) -> Iterator[tuple[np.ndarray, str]]:
    """Let the agent play one episode, and yield a picture (h, w, 3) uint8 and a line of words a step."""
    mazes, player = trained.mazes(), trained.player()
    mazes.reset()
    tile = max(height // mazes.maze_size[0], 1)
    values: deque[tuple[float, bool]] = deque(maxlen=1_000)
    goals = 0
    for _ in range(mazes.steps):
        actions = player(mazes)
        value = float(player.decision.values[0])
        found = int(mazes.agents["goals"][0]) > goals
        goals = int(mazes.agents["goals"][0])
        values.append((value, found))
        likelihood = trained.decoder.likelihood(player.decision.output.h.data[0, 0])
        above = overlaid(top_down(mazes, 0, tile), likelihood, mazes, tile)
        picture = side_by_side(mazes.view(0, above.shape[0]), above)
        left = (mazes.frames - int(mazes.agents["frame"][0])) / FRAME_RATE
        score = mazes.agents["score"][0]
        words = f"points {score:.0f}  goals {goals}  value {value:.2f}  {left:.0f} s left"
        yield np.vstack([picture, graph(values, picture.shape[1])]), words
        mazes.step(actions)


def overlaid(above: np.ndarray, likelihood: np.ndarray, mazes: Simulator, tile: int) -> np.ndarray:
    """The map with the likelihood of each cell laid over it."""
    rows, columns = grid(mazes.maze_size)
    image = above.astype(float)
    for cell, share in enumerate(likelihood):
        if share > 0.02:
            top, left = (tile * at for at in corner(*divmod(cell, columns)))
            part = image[int(top) : int(top + 2 * tile), int(left) : int(left + 2 * tile)]
            part += 0.6 * share * (LIKELY - part)
    return image.astype(np.uint8)


def graph(values: deque[tuple[float, bool]], width: int) -> np.ndarray:
    """The last values as bars (GRAPH, width, 3), and red where the goal was found."""
    image = np.full((GRAPH, width, 3), 24, np.uint8)
    shown = list(values)[-width:]
    numbers = np.array([value for value, _ in shown])
    low, high = min(numbers.min(), 0.0), max(numbers.max(), 0.1)
    heights = ((high - numbers) / (high - low) * (GRAPH - 3)).astype(int)
    for x, (row, (_, found)) in enumerate(zip(heights, shown)):
        image[row:, x] = VALUE
        if found:
            image[:, x] = GOAL_FOUND
    return image


def captioned(image: np.ndarray, words: str) -> np.ndarray:
    """The picture with a line of words below it."""
    from PIL import Image, ImageDraw

    line = Image.new("RGB", (image.shape[1], LINE), (24, 24, 24))
    ImageDraw.Draw(line).text((LINE // 4, LINE // 4), words, fill=(236, 232, 224))
    return np.vstack([image, np.asarray(line)])


def watch(folder: str | None = None) -> None:
    """Show an agent: of the run in `folder`, or the one that comes with the repository."""
    trained = load(folder or SHIPPED)
    print(f"{trained.config.agent} in {trained.config.maze}", flush=True)
    try:
        if in_window(trained):
            return
        if sys.stdout.isatty() and shows_half_blocks():
            in_terminal(trained)
            return
    except KeyboardInterrupt:
        return
    try:
        as_film(trained, film_of(trained))
    except (MazeError, OSError) as error:
        raise UsageError(f"--watch: no film: {error}") from error


def in_window(trained: Trained) -> bool:
    """Show one episode in a window; False where there is none to be had."""
    try:
        window = open_window(f"{trained.config.agent} in {trained.config.maze}")
    except WindowError:
        return False
    import tkinter

    label, line = tkinter.Label(window), tkinter.Label(window, font=("TkFixedFont", 12))
    label.pack()
    line.pack()
    print("It ends with the window, or with Ctrl-C.", flush=True)
    episode, clock = frames(trained), Clock(PAUSE)

    def tick() -> None:
        shown = next(episode, None)
        if shown is None:
            window.destroy()
            return
        image, words = shown
        label.image = photo(image)  # type: ignore[attr-defined]
        label.configure(image=label.image)  # type: ignore[attr-defined]
        line.configure(text=words)
        window.after(max(round(1_000 * clock.wait()), 1), tick)

    tick()
    show(window)
    return True


def in_terminal(trained: Trained) -> None:
    """Show one episode in the terminal, each character two pixels."""
    size, clock = shutil.get_terminal_size(), Clock(PAUSE)
    with clean_screen():
        for image, words in frames(trained, 96):
            rows = np.linspace(0, len(image) - 1, max(2 * (size.lines - 2), 2)).astype(int)
            columns = np.linspace(0, image.shape[1] - 1, min(size.columns, image.shape[1]))
            picture = half_blocks(image[rows][:, columns.astype(int)])
            sys.stdout.write(f"\x1b[H{picture}\r\n{words[: size.columns]}\x1b[K")
            sys.stdout.flush()
            time.sleep(clock.wait())


def film_of(trained: Trained) -> Path:
    """Where the film of an agent is written."""
    return Path("runs", f"watch-{trained.config.agent}-{Path(trained.config.maze).stem}.gif")


def as_film(trained: Trained, path: Path) -> None:
    """Write the first seconds of an episode as a GIF, the words below each picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shown = islice(frames(trained), round(FILM_SECONDS / PAUSE))
    save_film((captioned(image, words) for image, words in shown), path, 1 / PAUSE)
    print(f"There is neither a window nor a terminal here. A film of it: {path}")
