"""Where the cache lies, and that nothing damaged goes in or comes out."""

import hashlib
import sys
from pathlib import Path

import pytest

from tasks.data import DataError, DataSet, cache

CONTENT = b"the content of a file"


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path / "cache"))
    sha = hashlib.sha256(CONTENT).hexdigest()
    return DataSet("toy", "about", "licence", ("http://nowhere/",), {"file": sha}, "a part of it")


def test_variable_decides_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path))
    assert cache.cache_root() == tmp_path


@pytest.mark.parametrize(
    ("platform", "variable", "value", "expected"),
    [
        ("linux", "XDG_CACHE_HOME", "/x/cache", "/x/cache/minigrad"),
        ("linux", None, None, "/home/me/.cache/minigrad"),
        ("darwin", None, None, "/home/me/Library/Caches/minigrad"),
        ("win32", "LOCALAPPDATA", "/x/local", "/x/local/minigrad"),
        ("win32", None, None, "/home/me/AppData/Local/minigrad"),
    ],
)
def test_else_the_platforms_custom(monkeypatch, platform, variable, value, expected):
    for name in ("MINIGRAD_DATA", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/me"))
    monkeypatch.setattr(sys, "platform", platform)
    assert cache.cache_root() == Path(expected)


def test_store_then_read(dataset):
    assert dataset.missing == ["file"]
    path = cache.store(dataset, "file", CONTENT, "here")
    assert path == dataset.folder / "file"
    assert dataset.missing == []
    assert cache.read(dataset, "file") == CONTENT


def test_store_refuses_other_bytes_and_keeps_what_was_there(dataset):
    cache.store(dataset, "file", CONTENT, "here")
    with pytest.raises(DataError, match="somewhere is not toy's file") as error:
        cache.store(dataset, "file", b"other", "somewhere")
    assert dataset.files["file"] in str(error.value)
    assert hashlib.sha256(b"other").hexdigest() in str(error.value)
    assert cache.read(dataset, "file") == CONTENT


def test_reading_what_is_not_there_says_how_to_get_it(dataset):
    with pytest.raises(DataError) as error:
        cache.read(dataset, "file")
    for remedy in ("tasks.data fetch toy", "tasks.data import", "--data embedded", "MINIGRAD_DATA"):
        assert remedy in str(error.value)
    assert str(cache.cache_root()) in str(error.value)


@pytest.mark.parametrize("damage", [CONTENT[:-1], b"", b"T" + CONTENT[1:]])
def test_reading_a_damaged_file_says_which_and_what_to_do(dataset, damage):
    path = cache.store(dataset, "file", CONTENT, "here")
    path.write_bytes(damage)
    with pytest.raises(DataError, match="damaged") as error:
        cache.read(dataset, "file")
    assert str(path) in str(error.value)
    assert "Delete it and run `python -m tasks.data fetch toy`" in str(error.value)


def test_a_cache_that_cannot_be_made_names_the_variable(dataset, tmp_path):
    (tmp_path / "cache").write_text("a file stands in the way")
    with pytest.raises(DataError, match="MINIGRAD_DATA"):
        cache.store(dataset, "file", CONTENT, "here")
