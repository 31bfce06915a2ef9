"""A task's settings: a dataclass whose fields carry their line of help and their choices.

    @dataclass(frozen=True)
    class Config(tasks.config.Config):
        steps: int = option(1000, "training steps", minimum=1)
        nets: tuple[Literal["cnn", "st-cnn"], ...] = option(("cnn",), "networks, trained side by side")

The annotations say how a value is read from the command line: int, float, bool, str, Literal,
`tuple[X, ...]` (written `a,b,c`) and `X | None` (written `none`).
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import operator
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class UsageError(ValueError):
    """What was typed cannot be done. The message is for whoever typed it: no traceback is shown."""


def option(
    default: T,
    help: str,
    *,
    minimum: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> T:
    """A field of a Config: its default value, its line of help, the least value or what it is above and below."""
    return dataclasses.field(
        default=default,
        metadata={"help": help, "minimum": minimum, "above": above, "below": below},
    )


_BOUNDS = (
    ("minimum", "at least", operator.ge),
    ("above", "above", operator.gt),
    ("below", "below", operator.lt),
)


@dataclass(frozen=True)
class Config:
    """The settings that every task has; a task's own Config adds to them."""

    seed: int = option(0, "decides every random number", minimum=0)
    data: str = option("embedded", "embedded (needs no network), full (fetched), or a file's path")
    threads: int | None = option(None, "threads to run on; none: all usable cores", minimum=1)
    checkpoint_seconds: float = option(30.0, "seconds between two checkpoints", minimum=0)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value, bounds = getattr(self, field.name), field.metadata
            for number in value if isinstance(value, tuple) else (value,):
                for kind, words, fits in _BOUNDS:
                    bound = bounds.get(kind)
                    if number is not None and bound is not None and not fits(number, bound):
                        raise UsageError(f"{flag(field.name)} {number} must be {words} {bound}")


def make_config(
    kind: type[Config],
    presets: Mapping[str, Mapping[str, Any]],
    preset: str,
    texts: Mapping[str, str],
) -> Config:
    """A Config from its defaults, over them the preset, over that the typed `texts` (name to text)."""
    if preset not in presets:
        raise UsageError(f"there is no preset {preset!r}. {nearest(preset, presets)}")
    return kind(**{**presets[preset], **parse_fields(kind, texts)})


def parse_fields(kind: type[Config], texts: Mapping[str, str]) -> dict[str, Any]:
    """The typed values of fields; a UsageError names a field, value or choice that there is not."""
    types_by_name = field_types(kind)
    values = {}
    for name, text in texts.items():
        if name not in types_by_name:
            flags = [flag(known) for known in (*types_by_name, "preset", "out", "resume", "help")]
            raise UsageError(f"there is no option {flag(name)}. {nearest(flag(name), flags)}")
        values[name] = parse_value(text, types_by_name[name], flag(name))
    return values


def field_types(kind: type[Config]) -> dict[str, Any]:
    """Field name to annotation, in the order of the fields."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def parse_value(text: str, kind: Any, where: str) -> Any:
    """Read `text` as the annotated type `kind`; `where` is how an error calls the place."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        (inner_kind,) = (k for k in inner if k is not types.NoneType)
        if text.lower() == "none":
            return None
        try:
            return parse_value(text, inner_kind, where)
        except UsageError as error:
            raise UsageError(f"{error} (or none)") from None
    if origin is tuple:
        parts = [part.strip() for part in text.split(",")]
        twice = {part for part in parts if parts.count(part) > 1}
        if twice and get_origin(inner[0]) is Literal:
            raise UsageError(f"{where} {text!r} names {', '.join(sorted(twice))} more than once")
        return tuple(parse_value(part, inner[0], where) for part in parts)
    if origin is Literal:
        by_text = {str(choice): choice for choice in inner}
        if text not in by_text:
            raise UsageError(f"{where} has no choice {text!r}. {nearest(text, by_text)}")
        return by_text[text]
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise UsageError(f"{where} {text!r} must be true or false")
        return text.lower() == "true"
    return _parse_plain(text, kind, where)


def _parse_plain(text: str, kind: Any, where: str) -> Any:
    try:
        value = kind(text)
    except ValueError:
        raise UsageError(f"{where} {text!r} must be {_PLAIN_NAMES[kind]}") from None
    if kind is float and not math.isfinite(value):
        raise UsageError(f"{where} {text!r} must be a finite number")
    return value


_PLAIN_NAMES = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


def describe_type(kind: Any) -> str:
    """In words, what a field of that annotation takes."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(describe_type(k) for k in inner if k is not types.NoneType) + " or none"
    if origin is tuple:
        return f"one or more (a,b,...) of: {describe_type(inner[0]).removeprefix('one of: ')}"
    if origin is Literal:
        return "one of: " + ", ".join(str(choice) for choice in inner)
    return _PLAIN_NAMES[kind]


def as_text(value: Any) -> str:
    """A value as it is typed on the command line."""
    if isinstance(value, tuple | list):
        return ",".join(as_text(part) for part in value)
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def to_settings(config: Config) -> dict[str, Any]:
    """The settings as plain JSON values."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in vars(config).items()
    }


def from_settings(kind: type[Config], settings: Mapping[str, Any]) -> Config:
    """The Config that `to_settings` was given; a UsageError names what is missing."""
    missing = [name for name in field_types(kind) if name not in settings]
    if missing:
        raise UsageError(f"the settings lack {', '.join(missing)}.")
    texts = {name: as_text(value) for name, value in settings.items()}
    return kind(**parse_fields(kind, texts))


def flag(name: str) -> str:
    """How a field is written on the command line."""
    return "--" + name.replace("_", "-")


def nearest(word: str, known: Iterable[str]) -> str:
    """A sentence with the nearest of the known words, or all of them where none is near."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {by_lower[close[0]]}?"
    return f"There are: {', '.join(by_lower.values())}." if by_lower else "There is none."
