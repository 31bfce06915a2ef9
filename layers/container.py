"""Containers: modules in a row, and modules in a list."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from layers.errors import ParameterError
from layers.module import Module
from minigrad.errors import MinigradError


class _Numbered(Module):
    """Modules in the order of their attributes; "0", "1", ... where no names are given."""

    def _add(self, name: str, module: Any) -> None:
        if not isinstance(module, Module):
            hint = f" Call it first: {module.__name__}(...)." if isinstance(module, type) else ""
            raise ParameterError(
                f"{type(self).__name__} holds modules; entry {name} is {module!r}, "
                f"a {type(module).__name__}.{hint}"
            )
        setattr(self, name, module)

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        self._add(str(len(self)), module)
        return self

    def __len__(self) -> int:
        return len(list(self.children()))

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    def __getitem__(self, index: int | slice) -> Any:
        chosen = list(self.children())[index]
        return type(self)._from(chosen) if isinstance(chosen, list) else chosen

    @classmethod
    def _from(cls, modules: list[Module]) -> "_Numbered":
        raise NotImplementedError


class Sequential(_Numbered):
    """Modules one after the other: each is called with what the one before returned.

    Parameters
    ----------
    *modules : Module, or a dict from name to Module

    Examples
    --------
    >>> net = Sequential(Flatten(), Linear(784, 32), ReLU(), Linear(32, 10))
    >>> net[1]
    Linear(in_features=784, out_features=32, bias=True)
    """

    def __init__(self, *modules: Module | Mapping[str, Module]):
        for number, entry in enumerate(modules):
            named = entry if isinstance(entry, Mapping) else {str(number): entry}
            for name, module in named.items():
                self._add(name, module)

    def forward(self, x: Any) -> Any:
        for name, module in self.named_children():
            try:
                x = module(x)
            except MinigradError as error:
                error.add_note(f"in module ({name}) of a Sequential: {module!r}")
                raise
        return x

    @classmethod
    def _from(cls, modules: list[Module]) -> "Sequential":
        return cls(*modules)


class ModuleList(_Numbered):
    """Modules in a list, so that `parameters` find them; a plain list would hide them."""

    def __init__(self, modules: Iterable[Module] = ()):
        self.extend(modules)

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end."""
        for module in modules:
            self.append(module)
        return self

    @classmethod
    def _from(cls, modules: list[Module]) -> "ModuleList":
        return cls(modules)
