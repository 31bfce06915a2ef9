"""Context: the bag in which a rule keeps things from forward to backward."""

from typing import Any

from minigrad.errors import GraphError


class Context:
    """What a rule keeps from forward to backward: any attribute, any name.

    Attributes
    ----------
    needs_input_grad : tuple of bool
        For each positional argument of forward, whether its gradient will be used.
    """

    __slots__ = ("needs_input_grad", "__dict__")

    needs_input_grad: tuple[bool, ...]


class EmptyContext(Context):
    """What serves every node whose rule kept nothing and needs the same gradients."""

    __slots__ = ()

    def __init__(self, needs_input_grad: tuple[bool, ...]):
        object.__setattr__(self, "needs_input_grad", needs_input_grad)

    def __setattr__(self, name: str, value: Any) -> None:
        raise GraphError(
            f"ctx.{name} = … in backward: where forward kept nothing on ctx, backward cannot either. "
            f"Use a local variable, or set ctx.{name} in forward."
        )
