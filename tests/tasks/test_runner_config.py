"""Settings: read from text by their annotations, and every slip answered with the right word."""

from dataclasses import dataclass
from typing import Literal, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.config import (
    Config,
    UsageError,
    describe_type,
    from_settings,
    make_config,
    nearest,
    option,
    parse_value,
    to_settings,
)


@dataclass(frozen=True)
class Small(Config):
    steps: int = option(10, "training steps", minimum=1)
    rate: float = option(0.1, "learning rate")
    flip: bool = option(False, "flip the image")
    net: Literal["cnn", "st-cnn"] = option("cnn", "the net")
    nets: tuple[Literal["cnn", "st-cnn"], ...] = option(("cnn",), "the nets")
    size: Optional[int] = option(None, "pixels")  # noqa: UP045 - both spellings are read
    width: int | None = option(3, "channels")
    hidden: tuple[int, ...] = option((8, 8), "units of each layer", minimum=1)
    kept: float = option(0.5, "a share", minimum=0, below=1)
    small: float = option(1e-5, "beside a root", above=0)


PRESETS = {"quick": {"steps": 2}, "default": {}, "paper": {"steps": 500, "nets": ("cnn", "st-cnn")}}

CONFIGS = st.builds(
    Small,
    seed=st.integers(0, 2**40),
    data=st.text("abc/.~", min_size=1),
    steps=st.integers(1, 10**6),
    rate=st.floats(allow_nan=False, allow_infinity=False),
    flip=st.booleans(),
    net=st.sampled_from(["cnn", "st-cnn"]),
    nets=st.lists(st.sampled_from(["cnn", "st-cnn"]), min_size=1, unique=True).map(tuple),
    hidden=st.lists(st.integers(1, 9), min_size=1).map(tuple),
    size=st.none() | st.integers(),
    width=st.none() | st.integers(),
)


@settings(max_examples=50, deadline=None)
@given(CONFIGS)
def test_settings_come_back_from_json_values_as_they_went(config):
    settings = to_settings(config)
    assert from_settings(Small, settings) == config
    del settings["seed"]
    with pytest.raises(UsageError, match="the settings lack seed"):
        from_settings(Small, settings)


def test_typed_values_go_over_the_preset_and_the_preset_over_the_defaults():
    config = make_config(Small, PRESETS, "paper", {"rate": "1e-3", "nets": "st-cnn, cnn"})
    assert (config.steps, config.rate, config.nets) == (500, 1e-3, ("st-cnn", "cnn"))
    assert make_config(Small, PRESETS, "paper", {"steps": "7"}).steps == 7
    assert make_config(Small, PRESETS, "default", {}) == Small()


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("15_000", int, 15000),
        ("-2e-3", float, -0.002),
        ("True", bool, True),
        ("false", bool, False),
        ("none", int | None, None),
        ("4", Optional[int], 4),  # noqa: UP045
        ("1,2", tuple[int, ...], (1, 2)),
        ("8", Literal[4, 8], 8),
    ],
)
def test_values_by_their_annotation(text, kind, value):
    parsed = parse_value(text, kind, "--x")
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"steps": "many"}, "--steps 'many' must be a whole number"),
        ({"steps": "2.5"}, "--steps '2.5' must be a whole number"),
        ({"steps": ""}, "--steps '' must be a whole number"),
        ({"steps": "0"}, "--steps 0 must be at least 1"),
        ({"seed": "-1"}, "--seed -1 must be at least 0"),
        ({"rate": "fast"}, "--rate 'fast' must be a number"),
        ({"rate": "nan"}, "--rate 'nan' must be a finite number"),
        ({"rate": "inf"}, "--rate 'inf' must be a finite number"),
        ({"flip": "maybe"}, "--flip 'maybe' must be true or false"),
        ({"net": "st_cnn"}, "--net has no choice 'st_cnn'. Did you mean st-cnn?"),
        ({"net": "lstm"}, "--net has no choice 'lstm'. There are: cnn, st-cnn."),
        ({"nets": "cnn,CNN"}, "--nets has no choice 'CNN'. Did you mean cnn?"),
        ({"nets": "cnn,"}, "--nets has no choice ''. There are: cnn, st-cnn."),
        ({"nets": "cnn,st-cnn,cnn"}, "--nets 'cnn,st-cnn,cnn' names cnn more than once"),
        ({"hidden": "8,0"}, "--hidden 0 must be at least 1"),
        ({"kept": "1"}, "--kept 1.0 must be below 1"),
        ({"small": "0"}, "--small 0.0 must be above 0"),
        ({"size": "nil"}, "--size 'nil' must be a whole number (or none)"),
        ({"stpes": "3"}, "there is no option --stpes. Did you mean --steps?"),
        ({"ouut": "x"}, "there is no option --ouut. Did you mean --out?"),
        ({"checkpoint_secs": "3"}, "Did you mean --checkpoint-seconds?"),
    ],
)
def test_slips_are_answered(texts, message):
    with pytest.raises(UsageError) as error:
        make_config(Small, PRESETS, "default", texts)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_preset_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match="no preset 'qiuck'. Did you mean quick?"):
        make_config(Small, PRESETS, "qiuck", {})


def test_nearest_looks_past_capitals_and_lists_all_where_none_is_near():
    assert nearest("rts", ["R", "RTS", "P"]) == "Did you mean RTS?"
    assert nearest("zebra", ["cnn", "fcn"]) == "There are: cnn, fcn."


def test_types_in_words():
    assert describe_type(int | None) == "a whole number or none"
    assert describe_type(tuple[Literal["a", "b"], ...]) == "one or more (a,b,...) of: a, b"
    assert describe_type(Literal["a", "b"]) == "one of: a, b"
