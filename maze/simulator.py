"""The simulator: a batch of mazes, stepped and drawn in one call."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from maze.arguments import checked_actions, checked_mask, checked_seeds, checked_size, whole
from maze.camera import camera
from maze.errors import EpisodeError, MazeError
from maze.kernels.batch import advance
from maze.kernels.records import LOOK
from maze.kernels.threads import run_sliced
from maze.layout import Layout
from maze.textures import pictures, texels
from maze.variants import Variant, find
from maze.world import World, check_agents

__all__ = ["Observation", "Simulator", "make"]


class Observation(NamedTuple):
    """What N agents see and feel.

    Attributes
    ----------
    rgb : (N, h, w, 3) uint8, or (N, 3, h, w) with ``order="CHW"``
    depth : (N, h, w) float32
        Tiles, along the direction in which the agent looks.
    velocity : (N, 6) float32
        Forwards, to the right, up, in tiles a second; pitch, yaw to the right, roll, in radians a second.
    action : (N,) int64
        The last one; -1 where there was none in this episode.
    reward : (N,) float64
        What it brought.
    """

    rgb: np.ndarray
    depth: np.ndarray
    velocity: np.ndarray
    action: np.ndarray
    reward: np.ndarray


class Simulator(World):
    """A batch of mazes, stepped and drawn. `maze.make` makes it, and says what its arguments are.

    Attributes
    ----------
    size : (h, w)
        Of the images.
    order : {"HWC", "CHW"}
    """

    LINKED = World.LINKED | {"_scenery", "_planar", "_look", "_ring", "_turn"}

    def __init__(
        self,
        variant: Variant,
        batch: int = 1,
        seed: int | Sequence[int] | None = 0,
        *,
        size: int | tuple[int, int] = (84, 84),
        order: str = "HWC",
        ring: int = 4,
        **options: Any,
    ) -> None:
        if order not in ("HWC", "CHW"):
            raise MazeError(f'order={order!r}: an image is "HWC" (colours last) or "CHW" (first).')
        self.size = checked_size(size)
        self.order = order
        self._ring_size = whole("ring", ring, 0, 1_000)
        super().__init__(variant, batch, seed, **options)

    def _link(self) -> None:
        super()._link()
        self._scenery = *camera(self.size), texels(), pictures()
        self._planar = self.order == "CHW"
        self._look = np.full(self.batch, LOOK)
        self._ring = [self._empty_images() for _ in range(self._ring_size)]
        self._turn = 0

    def reset(
        self, which: np.ndarray | None = None, seed: int | Sequence[int] | None = None
    ) -> Observation:
        """Begin new episodes, and return what all agents see.

        Parameters
        ----------
        which : (batch,) bool, optional
            Whose episodes; the others go on. Default: all.
        seed : int or sequence of int, optional
            Begin the random numbers of these mazes anew: maze i from seed + i, or each from its own.

        Raises
        ------
        MazeError
            Where `which` is no such mask, or the others have no episode to go on with.
        """
        mask = np.ones(self.batch, bool) if which is None else checked_mask(which, self.batch)
        if not (self.episodes or mask.all()):
            raise EpisodeError("the first reset() begins the episodes of all mazes.")
        begun = np.flatnonzero(mask)
        if seed is not None:
            seeds = checked_seeds(seed, self.batch)
            for n in begun:
                self.rngs[n] = np.random.default_rng(seeds[n])
        self.begin(begun)
        return self.advance(self._look)

    def step(self, actions: np.ndarray) -> tuple[Observation, np.ndarray, np.ndarray]:
        """Let every agent act, for `repeat` frames.

        What is returned stays as it is for the `ring` - 1 next calls.

        Parameters
        ----------
        actions : (batch,) int
            See `maze.Action`.

        Returns
        -------
        observation : Observation
        reward : (batch,) float64
        over : (batch,) bool
            Whose time is up: call ``reset(over)`` before the next step. No state of the maze is terminal,
            so the value of what is seen is worth bootstrapping from.

        Raises
        ------
        MazeError
            Where these are not `batch` actions.
        EpisodeError
            Where there is no episode.
        """
        checked = checked_actions(actions, self.batch)
        if self._left <= 0:
            self._check_time()
        observation = self.advance(checked)
        return observation, observation.reward, self.over

    def look(self) -> Observation:
        """Return what all agents see, without a step: for when their records were changed by hand.

        Raises
        ------
        MazeError
            Where one of them cannot be so; with the number of its maze.
        """
        self._check_begun()
        check_agents(self.agents, self.episodes)
        self._left = self._steps_left()
        return self.advance(self._look)

    def view(self, n: int = 0, size: int | tuple[int, int] = (252, 252)) -> np.ndarray:
        """Return what agent `n` sees as an image (h, w, 3) uint8 of another size."""
        n = self._checked_index(n)
        height, width = checked_size(size)
        rgb = np.empty((1, 3 * height * width), np.uint8)
        images = rgb, np.empty((1, height, width), np.float32), np.empty((1, 6), np.float32)
        world = tuple(array[n : n + 1] for array in self._arrays)
        scenery = *camera((height, width)), texels(), pictures()
        advance(world, self._look[:1], 1, scenery, False, images, 0, 1)
        return rgb.reshape(height, width, 3)

    def advance(self, actions: np.ndarray) -> Observation:
        """Let the agents act, (batch,) int64, unchecked, and draw; with LOOK (-1) an agent only looks."""
        if actions is not self._look:
            self._left -= 1
        rgb, depth, velocity = images = self._next_images()
        given = self._arrays, actions, self.repeat, self._scenery, self._planar, images
        if self.batch == 1:
            advance(*given, 0, 1)
        else:
            run_sliced(lambda first, last: advance(*given, first, last), self.batch)
        height, width = self.size
        shape = (height, width, 3) if self.order == "HWC" else (3, height, width)
        return Observation(
            rgb.reshape(self.batch, *shape),
            depth,
            velocity,
            self._actions.copy(),
            self._rewards.copy(),
        )

    def _next_images(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if not self._ring:
            return self._empty_images()
        self._turn = (self._turn + 1) % len(self._ring)
        return self._ring[self._turn]

    def _empty_images(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        height, width = self.size
        return (
            np.empty((self.batch, 3 * height * width), np.uint8),
            np.empty((self.batch, height, width), np.float32),
            np.empty((self.batch, 6), np.float32),
        )


OPTIONS = {"size", "order", "fruit", "frames", "repeat", "ring"}


def make(
    name: str | Path | Layout | Variant,
    batch: int = 1,
    seed: int | Sequence[int] | None = 0,
    **options: Any,
) -> Simulator:
    """Make a batch of mazes, all of a kind, to be stepped together.

    Parameters
    ----------
    name : str or Path or Layout or Variant
        One of `maze.names()`, such as "StaticSmall" or "static-small", a text file of your own
        (``*.txt``), a layout (see `maze.layout`), or a game of your own (see `maze.variants`).
    batch : int
        How many mazes. All arrays have this as their first axis, also where it is 1.
    seed : int or sequence of int, optional
        Maze i is drawn from seed + i, whatever the batch, or from the i-th of a sequence. None: other
        random numbers each time.
    size : int or (int, int)
        Height and width of the images, in pixels.
    order : {"HWC", "CHW"}
        Where the colours stand in an image: last, or first.
    fruit : bool
        Dense rewards with fruit, or sparse ones without.
    frames : int, optional
        Of an episode, at 60 a second; default 3,600 or 10,800, as the maze is small or large.
    repeat : int
        Frames that an action lasts.
    ring : int
        Images are written into so many sets of arrays in turn; 0: into new ones each time.

    Raises
    ------
    MazeError
        Where something of that cannot be had.

    Examples
    --------
    >>> mazes = maze.make("StaticSmall", batch=16, seed=0)
    >>> seen = mazes.reset()
    >>> seen, reward, over = mazes.step(np.full(16, maze.Action.FORWARD))
    """
    unknown = sorted({*options} - OPTIONS)
    if unknown:
        raise MazeError(
            f"make has no option {unknown[0]!r}. There are {', '.join(sorted(OPTIONS))}."
        )
    return Simulator(find(name), batch, seed, **options)
