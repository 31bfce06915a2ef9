"""What `import maze` tells Gymnasium, where it is installed: maze/IMaze-v0, maze/StaticSmall-v0, ..."""

from importlib.util import find_spec

from maze.constants import ACTION_REPEAT
from maze.variants import VARIANTS

__all__ = ["register"]


def register() -> None:
    """Register all mazes; without Gymnasium, do nothing."""
    if find_spec("gymnasium") is None:
        return
    import gymnasium

    for variant in VARIANTS.values():
        gymnasium.register(
            id=f"maze/{variant.name}-v0",
            entry_point="maze.gymnasium_env:MazeEnv",
            vector_entry_point="maze.gymnasium_env:MazeVectorEnv",
            max_episode_steps=variant.frames // ACTION_REPEAT,
            kwargs={"maze": variant.name},
        )
