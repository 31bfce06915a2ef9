"""What can go wrong, as types on which a caller can act."""


class MazeError(ValueError):
    """Something asked of the maze that it cannot do: an unknown name, a size, an action."""


class LayoutError(MazeError):
    """A layout in which nobody could play; its text draws the place."""


class EpisodeError(MazeError, RuntimeError):
    """A step where there is no episode: before the first reset, or after the time was up."""
