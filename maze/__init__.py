"""A ray-cast maze to learn to navigate in: pip only, no OpenGL.

`make` gives a batch of mazes; with Gymnasium installed, ``gymnasium.make("maze/StaticSmall-v0")`` and
the others are there after ``import maze``. ``python -m maze`` lists, draws, plays and records them.
"""

from maze.constants import Action
from maze.errors import EpisodeError, LayoutError, MazeError
from maze.kernels.threads import get_num_threads, set_num_threads
from maze.layout import Layout, from_file, from_text
from maze.registration import register
from maze.simulator import Observation, Simulator, make
from maze.variants import names

__all__ = [
    "Action",
    "EpisodeError",
    "Layout",
    "LayoutError",
    "MazeError",
    "Observation",
    "Simulator",
    "from_file",
    "from_text",
    "get_num_threads",
    "make",
    "names",
    "set_num_threads",
]

register()
