"""python -m tasks.data"""

import dataclasses
import hashlib

import numpy as np
import pytest

from tasks.data import MNIST, DataError, Mnist
from tasks.data.__main__ import DATASETS, main


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_list_says_where_and_how(capsys, own_cache):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    for part in (str(own_cache), "mnist", "--data embedded", "tasks.data fetch mnist", "CC BY-SA"):
        assert part in out


@pytest.fixture
def full(monkeypatch):
    """Four files in the cache, of 2 MB each, that pass for MNIST's."""
    data = bytes(2_000_000)
    checksum = hashlib.sha256(data).hexdigest()
    small = dataclasses.replace(MNIST, files=dict.fromkeys(MNIST.files, checksum))
    monkeypatch.setitem(DATASETS, "mnist", small)
    small.folder.mkdir(parents=True)
    for name in small.files:
        (small.folder / name).write_bytes(data)
    return small


def test_list_tells_what_is_damaged(capsys, full):
    path = full.folder / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert f"damaged: {path}" in out
    assert "MB)" not in out.split("--data full")[1]


def test_list_shows_what_is_there(capsys, full):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert f"{MNIST.folder}  (8 MB)" in out
    assert "not here" not in out


def test_a_refusal_goes_to_stderr_without_a_traceback(capsys, tmp_path):
    assert main(["import", str(tmp_path / "nowhere")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("cannot read")
    assert "Traceback" not in err


def test_import_of_wrong_digits_fails(capsys, tmp_path):
    x, y = np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.uint8)
    np.savez(tmp_path / "digits.npz", **Mnist(x, y, x, y)._asdict())
    assert main(["import", str(tmp_path / "digits.npz")]) == 1
    assert "SHA-256" in capsys.readouterr().err


def test_fetch_hands_on_what_went_wrong(capsys, monkeypatch):
    def refuse(dataset):
        assert dataset is DATASETS["mnist"]
        raise DataError("no network")

    monkeypatch.setattr("tasks.data.__main__.fetch", refuse)
    assert main(["fetch", "mnist"]) == 1
    assert capsys.readouterr().err == "no network\n"


@pytest.mark.parametrize(
    "arguments", [[], ["fetch"], ["fetch", "imagenet"], ["export"], ["import"]]
)
def test_a_wrong_command_line_ends_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["fetc", "mnist"], "there is no command 'fetc'. Did you mean fetch?"),
        (["fetch", "mnst"], "there is no data set 'mnst'. Did you mean mnist?"),
    ],
)
def test_a_slip_is_answered_with_the_nearest(arguments, answer, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    assert answer in capsys.readouterr().err
