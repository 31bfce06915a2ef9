"""Films: frames written as a GIF by Pillow, which comes with matplotlib, or as an MP4 by ffmpeg."""

import shutil
import subprocess
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from maze.constants import FRAME_RATE
from maze.errors import MazeError
from maze.files import whole_file
from maze.players import Player
from maze.simulator import Simulator
from maze.topdown import wide_view

__all__ = ["film", "save_film"]


def film(
    simulator: Simulator, player: Player, seconds: float, height: int = 252, path: bool = False
) -> Iterator[np.ndarray]:
    """Play maze 0 and yield what the agent sees beside the maze from above, (height, w, 3), a frame a step.

    `path` draws the shortest way to the goal as well. What lasts longer than an episode goes on in the next.
    """
    simulator.reset()
    yield wide_view(simulator, 0, height, path)
    for _ in range(round(seconds * FRAME_RATE / simulator.repeat)):
        _, _, over = simulator.step(player(simulator))
        if over.any():
            simulator.reset(over)
        yield wide_view(simulator, 0, height, path)


def save_film(frames: Iterable[np.ndarray], path: str | Path, rate: float) -> None:
    """Write frames (h, w, 3) uint8, `rate` a second, as a GIF or an MP4, as the path ends.

    The file is there when it is whole.

    Raises
    ------
    MazeError
        Where the path ends otherwise, ffmpeg is needed and not there, or the file cannot be written.
    """
    path = Path(path)
    write = {".gif": _write_gif, ".mp4": _write_mp4}.get(path.suffix.lower())
    if write is None:
        raise MazeError(f"{path}: a film is a .gif, or a .mp4 where ffmpeg is installed.")
    with whole_file(path) as part:
        write(frames, part, rate)


def _write_gif(frames: Iterable[np.ndarray], path: Path, rate: float) -> None:
    from PIL import Image

    # Packed until the palette is known: as they are, those of a long episode take gigabytes.
    packed, some = [], []
    for frame in frames:
        packed.append((frame.shape, zlib.compress(frame.tobytes(), 1)))
        some.append(frame[::4, ::4].copy())
    # One palette for all frames, so that colours do not flicker, from some pixels of each. An octree leaves
    # no colour far off, be it ever so rare; a median cut, Pillow's default, does.
    palette = Image.fromarray(np.vstack(some)).quantize(256, method=Image.Quantize.FASTOCTREE)
    plain = Image.Dither.NONE  # dithered noise would be stored anew each frame

    def images() -> Iterator[Image.Image]:
        for shape, data in packed:
            frame = np.frombuffer(zlib.decompress(data), np.uint8).reshape(shape)
            yield Image.fromarray(frame).quantize(palette=palette, dither=plain)

    others = images()
    first = next(others)
    duration = max(10 * round(100 / rate), 20)  # ms; the format counts in hundredths of a second
    first.save(path, save_all=True, append_images=others, duration=duration, loop=0)


def _write_mp4(frames: Iterable[np.ndarray], path: Path, rate: float) -> None:
    program = shutil.which("ffmpeg")
    if program is None:
        raise MazeError("a .mp4 is written by ffmpeg, which is not installed here: take a .gif.")
    frames = iter(frames)
    first = next(frames)
    height, width = (side - side % 2 for side in first.shape[:2])  # the codec takes even sides only
    command = [program, "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += [
        "-s",
        f"{width}x{height}",
        "-r",
        str(rate),
        "-i",
        "-",
        "-pix_fmt",
        "yuv420p",
        str(path),
    ]
    # Where it ends early the pipe breaks, and its exit code says so.
    with suppress(BrokenPipeError), subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for frame in (first, *frames):
            process.stdin.write(np.ascontiguousarray(frame[:height, :width]).tobytes())
        process.stdin.close()
    if process.returncode:
        raise MazeError(f"ffmpeg could not write {path}; what it said stands above.")
