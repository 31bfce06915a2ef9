"""Context: the bag in which a rule keeps things from forward to backward."""


class Context:
    """What a rule keeps from forward to backward: any attribute, any name.

    Attributes
    ----------
    needs_input_grad : tuple of bool
        For each positional argument of forward, whether its gradient will be used.
    """

    __slots__ = ("needs_input_grad", "__dict__")

    needs_input_grad: tuple[bool, ...]
