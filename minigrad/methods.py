"""NumPy's methods of a Tensor: each is NumPy's function of the same name."""

from typing import TYPE_CHECKING, Any

import numpy

if TYPE_CHECKING:
    from minigrad.tensor import Tensor

#: NumPy's annotations know nothing of Tensors, of which its functions make Tensors.
np: Any = numpy


class NumPyMethods:
    """The methods and properties that a Tensor shares with an ndarray.

    `options` are NumPy's others, which its function refuses with a remedy.
    """

    _data: numpy.ndarray

    @property
    def T(self) -> "Tensor":
        """The axes in reverse order."""
        return np.transpose(self)

    @property
    def mT(self) -> "Tensor":
        """The last two axes exchanged."""
        return np.swapaxes(self, -1, -2)

    @property
    def real(self) -> "Tensor":
        """np.real."""
        return np.real(self)

    @property
    def imag(self) -> "Tensor":
        """np.imag: zeros."""
        return np.imag(self)

    def __round__(self, ndigits: int = 0) -> Any:
        return np.round(self, ndigits)

    def sum(self, axis: Any = None, keepdims: bool = False, **options: Any) -> "Tensor":
        """np.sum."""
        return np.sum(self, axis=axis, keepdims=keepdims, **options)

    def mean(self, axis: Any = None, keepdims: bool = False, **options: Any) -> "Tensor":
        """np.mean."""
        return np.mean(self, axis=axis, keepdims=keepdims, **options)

    def var(
        self, axis: Any = None, ddof: float = 0, keepdims: bool = False, **options: Any
    ) -> "Tensor":
        """np.var."""
        return np.var(self, axis=axis, ddof=ddof, keepdims=keepdims, **options)

    def std(
        self, axis: Any = None, ddof: float = 0, keepdims: bool = False, **options: Any
    ) -> "Tensor":
        """np.std."""
        return np.std(self, axis=axis, ddof=ddof, keepdims=keepdims, **options)

    def max(self, axis: Any = None, keepdims: bool = False, **options: Any) -> "Tensor":
        """np.max."""
        return np.max(self, axis=axis, keepdims=keepdims, **options)

    def min(self, axis: Any = None, keepdims: bool = False, **options: Any) -> "Tensor":
        """np.min."""
        return np.min(self, axis=axis, keepdims=keepdims, **options)

    def prod(self, axis: Any = None, keepdims: bool = False, **options: Any) -> "Tensor":
        """np.prod."""
        return np.prod(self, axis=axis, keepdims=keepdims, **options)

    def cumsum(self, axis: Any = None, **options: Any) -> "Tensor":
        """np.cumsum."""
        return np.cumsum(self, axis=axis, **options)

    def cumprod(self, axis: Any = None, **options: Any) -> "Tensor":
        """np.cumprod."""
        return np.cumprod(self, axis=axis, **options)

    def clip(self, min: Any = None, max: Any = None) -> "Tensor":
        """np.clip."""
        return np.clip(self, min, max)

    def round(self, decimals: int = 0) -> "Tensor":
        """np.round; its gradient is 0."""
        return np.round(self, decimals)

    def dot(self, other: Any) -> "Tensor":
        """np.dot."""
        return np.dot(self, other)

    def reshape(self, *shape: Any, order: str = "C") -> "Tensor":
        """np.reshape; the shape as one tuple or as several numbers."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)

    def ravel(self, order: str = "C") -> "Tensor":
        """np.ravel."""
        return np.ravel(self, order=order)

    flatten = ravel

    def transpose(self, *axes: Any) -> "Tensor":
        """np.transpose; the axes as one tuple or as several numbers."""
        return np.transpose(self, axes[0] if len(axes) == 1 else (axes or None))

    def swapaxes(self, axis1: int, axis2: int) -> "Tensor":
        """np.swapaxes."""
        return np.swapaxes(self, axis1, axis2)

    def squeeze(self, axis: Any = None) -> "Tensor":
        """np.squeeze."""
        return np.squeeze(self, axis=axis)

    def repeat(self, repeats: Any, axis: int | None = None) -> "Tensor":
        """np.repeat."""
        return np.repeat(self, repeats, axis=axis)

    def take(self, indices: Any, axis: int | None = None, *, mode: str = "raise") -> "Tensor":
        """np.take."""
        return np.take(self, indices, axis=axis, mode=mode)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> "Tensor":
        """np.trace."""
        return np.trace(self, offset=offset, axis1=axis1, axis2=axis2)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> "Tensor":
        """np.diagonal."""
        return np.diagonal(self, offset=offset, axis1=axis1, axis2=axis2)

    def copy(self) -> "Tensor":
        """np.copy: the same numbers in memory of their own, still in the graph."""
        return np.copy(self)

    def argmax(self, axis: int | None = None, keepdims: bool = False) -> Any:
        """np.argmax: a plain array of positions."""
        return np.argmax(self._data, axis=axis, keepdims=keepdims)

    def argmin(self, axis: int | None = None, keepdims: bool = False) -> Any:
        """np.argmin: a plain array of positions."""
        return np.argmin(self._data, axis=axis, keepdims=keepdims)

    def argsort(self, axis: int | None = -1, **options: Any) -> Any:
        """np.argsort: a plain array of positions."""
        return np.argsort(self._data, axis=axis, **options)

    def nonzero(self) -> Any:
        """np.nonzero: plain arrays of positions."""
        return np.nonzero(self._data)

    def all(self, axis: Any = None, keepdims: bool = False) -> Any:
        """np.all: plain bools."""
        return np.all(self._data, axis=axis, keepdims=keepdims)

    def any(self, axis: Any = None, keepdims: bool = False) -> Any:
        """np.any: plain bools."""
        return np.any(self._data, axis=axis, keepdims=keepdims)
