"""Observer: stands at the tape's seam and runs every rule, forward and backward, in its place."""

from typing import Any, Self

from minigrad import backward, tape


class Observer:
    """Base class: as a context, it runs all rules of the program, and here adds nothing to them.

    Inside another observer both look on: the inner runs its rules through the outer.
    """

    def __enter__(self) -> Self:
        self._outer, tape.observer = tape.observer, self
        return self

    def __exit__(self, *_: Any) -> None:
        tape.observer = self._outer

    def forward(self, rule: Any, ctx: Any, arrays: list[Any], options: dict[str, Any]) -> Any:
        """Run a rule forward; return what it returned."""
        if self._outer is not None:
            return self._outer.forward(rule, ctx, arrays, options)
        return rule.forward(ctx, *arrays, **options)

    def backward(self, node: tape.Node, gradient: Any, create_graph: bool) -> tuple[Any, ...]:
        """Run the rule of a node backward; return one gradient an operand."""
        if self._outer is not None:
            return self._outer.backward(node, gradient, create_graph)
        return backward.call_rule(node, gradient, create_graph)
