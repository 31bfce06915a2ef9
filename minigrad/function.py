"""Function: the one way to state an operation, ours or a student's.

An operation is a class with two static methods. `forward` maps arrays to an array (or a tuple of
them); `backward` maps the gradient of each output to one gradient per positional argument. That is
the local rule and all of it: the tape (tape.py) casts, records, un-broadcasts, adds up, checks and
frees.
"""

import re
from typing import Any

from minigrad import tape
from minigrad.context import Context


class Function:
    """Base class of all operations.

    The first line of a subclass's docstring is its rule as a formula. Call it with `apply`:
    positional arguments are operands (Tensors, arrays, numbers, None), cast to the result's dtype;
    keyword arguments are options, handed to forward as they are.

    Examples
    --------
    >>> class Square(Function):
    ...     "y = x²;   dx = 2 x dy"
    ...
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.x = x
    ...         return x * x
    ...
    ...     @staticmethod
    ...     def backward(ctx, dy):
    ...         return 2 * ctx.x * dy
    >>> Square.apply(minigrad.tensor([3.0])).data
    array([9.], dtype=float32)
    """

    name: str = "function"
    #: The backward rule ends in a compiled kernel, so that it cannot itself be differentiated.
    differentiable_once: bool = False
    #: The result keeps the dtype that forward gives it, instead of that of the operands.
    sets_dtype: bool = False

    def __init_subclass__(cls, **options: Any):
        super().__init_subclass__(**options)
        if "name" not in vars(cls):
            words = cls.__name__.removesuffix("Function")
            cls.name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", words).lower().lstrip("_")

    @staticmethod
    def forward(ctx: Context, *arrays: Any, **options: Any) -> Any:
        """Compute the result from arrays; keep on `ctx` what backward needs.

        What is kept as a Python number (`float(np.sum(x))`) counts as a constant when a gradient is
        differentiated again; of float arrays only operands and outputs may be kept then.
        """
        raise NotImplementedError

    @staticmethod
    def backward(ctx: Context, *grads: Any) -> Any:
        """Turn the gradient of each output into one gradient per positional argument.

        In a tuple, where there are several; None in it where no gradient flows.
        """
        raise NotImplementedError

    @classmethod
    def apply(cls, *operands: Any, **options: Any) -> Any:
        """Run forward on operands and options; recorded if one is tracked and gradients are enabled."""
        return tape.record(cls, operands, options)

    @classmethod
    def call(cls, *operands: Any, **options: Any) -> Any:
        """The operation inside another's rule: arrays for arrays, recorded for Tensors."""
        if any(isinstance(operand, tape.Tensor) for operand in operands):
            return cls.apply(*operands, **options)
        ctx = Context()
        ctx.needs_input_grad = (False,) * len(operands)
        return cls.forward(ctx, *operands, **options)
