"""Module and Parameter: how layers are put together, found, saved, frozen and switched.

A module is an object whose attributes may be parameters and other modules. There is no register to
keep: whoever asks for the parameters looks through the attributes, in the order in which they were
set, and through those of the modules among them. A name is the path of attributes, as
``features.0.weight``, which is also its key in a state_dict.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

import numpy as np

from layers.errors import ParameterError
from layers.state_dict import IncompatibleKeys, as_array, match
from layers.summary import Summary, summarise
from minigrad import Tensor, hooks


class Parameter(Tensor):
    """A Tensor that a Module's `parameters` find, and that asks for its gradient.

    Parameters
    ----------
    data : array_like
        Float data become float32 unless `dtype` says otherwise.
    requires_grad : bool
    dtype : numpy.float32 or numpy.float64, optional
    """

    _path: str = ""

    def __init__(self, data: Any, requires_grad: bool = True, dtype: Any = None):
        super().__init__(data, requires_grad, dtype)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"

    def _place(self, path: str) -> None:
        self._path = path


class Module:
    """Base class of all layers and nets: set parameters and modules as attributes, write `forward`.

    Attributes
    ----------
    training : bool
        True after `train()`, False after `eval()`; Dropout and BatchNorm2d ask for it.

    Examples
    --------
    >>> class Net(Module):
    ...     def __init__(self):
    ...         self.hidden = Linear(784, 32)
    ...         self.last = Linear(32, 10)
    ...
    ...     def forward(self, x):
    ...         return self.last(relu(self.hidden(x)))
    >>> [name for name, _ in Net().named_parameters()]
    ['hidden.weight', 'hidden.bias', 'last.weight', 'last.bias']
    """

    training: bool = True
    #: Where it stands in the module that holds it, so that pictures can name what no variable does.
    _path: str = ""
    _buffers: tuple[str, ...] = ()
    _hooks: tuple[hooks.Handle, ...] = ()

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Compute the output; each kind of module writes its own."""
        raise NotImplementedError(f"{type(self).__name__} has no method forward(self, x).")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if self._hooks:
            return hooks.call(self, inputs, options)
        return self.forward(*inputs, **options)

    def __setattr__(self, name: str, value: Any) -> None:
        before = vars(self).get(name)
        if isinstance(before, Parameter) and not (value is None or isinstance(value, Parameter)):
            raise ParameterError(
                f"{type(self).__name__}.{name} is a Parameter; a {type(value).__name__} in its place "
                f"would never be trained or saved. Set its numbers with module.{name}.data = array, "
                "or assign a new Parameter(array)."
            )
        if isinstance(value, (list, tuple, dict)):
            self._refuse_hidden(name, value)
        if name in self._buffers and value is not None:
            value = as_array(value)
        object.__setattr__(self, name, value)
        if isinstance(value, (Parameter, Module)) and not value._path:
            value._place(_join(self._path, name))

    def _refuse_hidden(self, name: str, values: Any) -> None:
        """Refuse a list, tuple or dict of parts that are nowhere else: nobody looks in there."""
        found = values.values() if isinstance(values, dict) else values
        parts = [part for part in found if isinstance(part, (Parameter, Module))]
        known = {id(part) for part in (*self.modules(), *self.parameters())} if parts else set()
        for part in parts:
            if id(part) not in known:
                remedy = (
                    "Write ModuleList([...]), or give each an attribute of its own."
                    if isinstance(part, Module)
                    else "Give each an attribute of its own."
                )
                raise ParameterError(
                    f"{type(self).__name__}.{name} is a {type(values).__name__} that holds a "
                    f"{type(part).__name__}, whose numbers would never be trained or saved. {remedy}"
                )

    def _place(self, path: str) -> None:
        """Take a path, and hand it on to all inside that do not belong elsewhere."""
        before, self._path = self._path, path
        parts: list[tuple[str, Any]] = [*self.named_modules(), *self.named_parameters()]
        for inner, part in parts:
            if part._path in ("", _join(before, inner)):
                part._path = _join(path, inner)

    def register_buffer(self, name: str, value: Any) -> None:
        """Set an attribute that is state but no parameter: a plain array, saved and never trained."""
        self._buffers = (*self._buffers, name)
        setattr(self, name, value)

    # -- what is inside -------------------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        """The modules directly inside, with the names of their attributes."""
        return ((k, v) for k, v in vars(self).items() if isinstance(v, Module))

    def children(self) -> Iterator["Module"]:
        """The modules directly inside."""
        return (child for _, child in self.named_children())

    def named_modules(self, remove_duplicate: bool = True) -> Iterator[tuple[str, "Module"]]:
        """The module itself (named ""), then all inside it at any depth; a shared one comes once."""
        seen: set[int] = set()
        stack: list[tuple[str, Module]] = [("", self)]
        while stack:
            path, module = stack.pop()
            if remove_duplicate and id(module) in seen:
                continue
            seen.add(id(module))
            yield path, module
            inside = [(_join(path, name), child) for name, child in module.named_children()]
            stack.extend(reversed(inside))

    def modules(self) -> Iterator["Module"]:
        """The module itself and all inside it."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """All parameters at any depth; a shared one comes once, under its first name."""
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, Parameter) and id(value) not in seen:
                    seen.add(id(value))
                    yield _join(path, name), value

    def parameters(self) -> Iterator[Parameter]:
        """All parameters at any depth, for an optimizer."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, np.ndarray]]:
        """All buffers at any depth."""
        for path, module in self.named_modules():
            for name in module._buffers:
                if (value := getattr(module, name)) is not None:
                    yield _join(path, name), value

    # -- switches -------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Set `training` here and in all modules inside."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set `training` to False here and in all modules inside."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze (False) or unfreeze all parameters."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = None

    def double(self) -> Self:
        """Parameters and float buffers in float64, for checks of gradients."""
        return self._cast(np.float64)

    def float(self) -> Self:
        """Parameters and float buffers in float32."""
        return self._cast(np.float32)

    def _cast(self, dtype: type[np.floating]) -> Self:
        for parameter in self.parameters():
            parameter._data = parameter._data.astype(dtype)
            if parameter.grad is not None:
                parameter.grad = parameter.grad.astype(dtype)
        for module in self.modules():
            for name in module._buffers:
                value = getattr(module, name)
                if value is not None and value.dtype.kind == "f":
                    setattr(module, name, value.astype(dtype))
        return self

    # -- saving ---------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of all parameters and buffers, by name; `minigrad.save` writes such a dict."""
        return {path: _array(module, name).copy() for path, module, name in self._state()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Take over the numbers of a state; all of them, or on an error none.

        Parameters
        ----------
        state : mapping from name to array
            From `state_dict`, `minigrad.load`, or a PyTorch module's state_dict on the CPU.
        strict : bool
            False leaves names alone that only one of the two has.

        Returns
        -------
        IncompatibleKeys
            The names left alone, `missing_keys` and `unexpected_keys`.

        Raises
        ------
        StateDictError
            Names or shapes that do not fit, with the nearest right ones.
        """
        own = {path: _array(module, name) for path, module, name in self._state()}
        fitting, incompatible = match(type(self).__name__, own, state, strict)
        for path, module, name in self._state():
            if path in fitting:
                parameter = getattr(module, name)
                if isinstance(parameter, Parameter):
                    parameter.data = fitting[path]
                else:
                    setattr(module, name, fitting[path])
        return incompatible

    def _state(self) -> Iterator[tuple[str, "Module", str]]:
        """Path, module and attribute of all parameters and buffers; shared ones under each path."""
        for path, module in self.named_modules(remove_duplicate=False):
            attributes = vars(module)
            names = [name for name, value in attributes.items() if isinstance(value, Parameter)]
            names += [name for name in module._buffers if attributes[name] is not None]
            for name in names:
                yield _join(path, name), module, name

    # -- looking on -----------------------------------------------------------------------------

    def register_forward_hook(self, hook: Callable[..., Any]) -> hooks.Handle:
        """Have ``hook(module, inputs, output)`` called after each call of this module.

        What it returns, unless None, takes the place of the output. ``handle.remove()`` takes it away;
        copies of the module do not have it.
        """
        return hooks.Handle(self, hook)

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> hooks.Handle:
        """Have ``hook(module, inputs)`` called before each call; it may return other inputs."""
        return hooks.Handle(self, hook, before=True)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_hooks"}

    # -- showing --------------------------------------------------------------------------------

    def summary(self, *inputs: Any) -> Summary:
        """Run once on `inputs` and list each layer: output shape, parameters, multiply-adds.

        It runs as after `eval()`, without recording. Numbers are each module's own; multiply-adds are
        those of products and convolutions, for the whole batch (see `layers.multiply_adds`).

        Parameters
        ----------
        *inputs : Tensor, array, or a shape as a tuple of int, for zeros of float32

        Examples
        --------
        >>> print(Sequential(Flatten(), Linear(784, 10)).summary((1, 1, 28, 28)))
        layer         output shape  parameters  multiply-adds
        -----------------------------------------------------
        Sequential    (1, 10)                -              -
          0: Flatten  (1, 784)               -              -
          1: Linear   (1, 10)            7,850          7,840
        -----------------------------------------------------
        total                            7,850          7,840
        """
        return summarise(self, *inputs)

    def extra_repr(self) -> str:
        """The settings that `repr` shows."""
        return ""

    def __repr__(self) -> str:
        name, settings = type(self).__name__, self.extra_repr()
        lines = [f"({key}): {child!r}" for key, child in self.named_children()]
        if not lines:
            return f"{name}({settings})"
        body = "\n".join([settings, *lines] if settings else lines)
        return f"{name}(\n" + "\n".join("  " + line for line in body.split("\n")) + "\n)"


def _array(module: Module, name: str) -> np.ndarray:
    """The numbers of a parameter or a buffer."""
    value = getattr(module, name)
    return value._data if isinstance(value, Parameter) else value


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
