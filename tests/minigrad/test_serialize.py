"""Files of named arrays: they come back as they went, and a bad one is named."""

import os
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad import serialize
from minigrad.errors import CheckpointError, DtypeError
from minigrad.serialize import load, save, whole_file

NAMES = st.text("abcXYZ019._-/é", min_size=1, max_size=12)
DTYPES = st.sampled_from(["float32", "float64", "float16", "int64", "uint8", "bool", "<U5"])
ARRAYS = DTYPES.flatmap(lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=0, min_side=0)))


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(NAMES, ARRAYS, max_size=4))
def test_arrays_come_back_bit_for_bit(tmp_path_factory, arrays):
    path = tmp_path_factory.mktemp("save") / "a.npz"
    save(path, arrays)
    loaded = load(path)
    assert list(loaded) == list(arrays)
    for name, array in arrays.items():
        assert loaded[name].dtype == array.dtype
        assert loaded[name].shape == array.shape
        assert loaded[name].tobytes() == array.tobytes()


def test_names_that_numpy_takes_for_arguments_and_plain_scalars(tmp_path):
    save(tmp_path / "a.npz", {"file": 3, "arr_0": "text", "allow_pickle": 2.5})
    loaded = load(tmp_path / "a.npz")
    assert (loaded["file"], loaded["arr_0"], loaded["allow_pickle"]) == (3, "text", 2.5)


def test_views_and_fortran_order(tmp_path):
    base = np.arange(24.0).reshape(4, 6)
    save(tmp_path / "a.npz", {"view": base[::2, ::-1], "turned": base.T})
    loaded = load(tmp_path / "a.npz")
    np.testing.assert_array_equal(loaded["view"], base[::2, ::-1])
    np.testing.assert_array_equal(loaded["turned"], base.T)


@pytest.mark.parametrize("value", [np.array([None]), [object()], {"a": 1}])
def test_objects_are_refused_by_name_and_the_old_file_stays(tmp_path, value):
    path = tmp_path / "a.npz"
    save(path, {"x": 1})
    with pytest.raises(DtypeError, match="'culprit'"):
        save(path, {"x": 2, "culprit": value})
    assert load(path)["x"] == 1
    assert os.listdir(tmp_path) == ["a.npz"]


def test_what_is_no_dict_with_names_is_refused(tmp_path):
    with pytest.raises(DtypeError, match="not a list.*state_dict"):
        save(tmp_path / "a.npz", [np.ones(2)])
    with pytest.raises(DtypeError, match="one with the name 3"):
        save(tmp_path / "a.npz", {"x": 1, 3: np.ones(2)})
    with pytest.raises(DtypeError, match=r"path .* comes first.*not a dict: save\(path, arrays\)"):
        save({"x": np.ones(2)}, tmp_path / "a.npz")
    assert os.listdir(tmp_path) == []


def test_a_file_with_pickled_objects_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{}], dtype=object))
    with pytest.raises(CheckpointError, match="a.npz"):
        load(tmp_path / "a.npz")


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_file_cut_anywhere_is_named(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("cut") / "cut.npz"
    save(path, {"w": np.arange(50.0), "b": np.ones(3)})
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(CheckpointError, match=r"cut\.npz"):
        load(path)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_changed_byte_is_found_or_harmless(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("flip") / "flip.npz"
    arrays = {"w": np.arange(50.0)}
    save(path, arrays)
    raw = bytearray(path.read_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(raw)
    try:
        loaded = load(path)
    except CheckpointError:
        return
    for array in loaded.values():  # a name or a date may change unseen; a number may not
        np.testing.assert_array_equal(array, arrays["w"])


def test_a_changed_number_is_found(tmp_path):
    path = tmp_path / "a.npz"
    save(path, {"w": np.arange(50.0)})
    raw = path.read_bytes()
    path.write_bytes(raw.replace(np.float64(7).tobytes(), np.float64(8).tobytes(), 1))
    with pytest.raises(CheckpointError, match="damaged"):
        load(path)


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"\x93NUMPY"])
def test_something_else_under_the_name(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"a\.npz"):
        load(tmp_path / "a.npz")


def test_a_single_npy_array_is_no_file_of_names(tmp_path):
    with open(tmp_path / "a.npz", "wb") as file:
        np.save(file, np.ones(3))
    with pytest.raises(CheckpointError, match="no file of named arrays .it is no zip archive"):
        load(tmp_path / "a.npz")


def test_missing_file_missing_folder_and_a_file_in_the_way(tmp_path):
    with pytest.raises(CheckpointError, match="cannot read .*none.npz"):
        load(tmp_path / "none.npz")
    with pytest.raises(CheckpointError, match="cannot write .*a.npz"):
        save(tmp_path / "nowhere" / "a.npz", {"x": 1})
    (tmp_path / "plain").write_text("a file")
    with pytest.raises(CheckpointError, match="cannot write"):
        save(tmp_path / "plain" / "a.npz", {"x": 1})


def test_other_suffixes_are_refused(tmp_path):
    for function in (load, lambda path: save(path, {})):
        with pytest.raises(CheckpointError, match=r"\.npz or \.safetensors"):
            function(tmp_path / "weights.pkl")


def test_a_block_that_fails_leaves_the_old_file_and_no_scraps(tmp_path):
    path = tmp_path / "note.txt"
    path.write_bytes(b"old")

    def write_and_be_stopped():
        with whole_file(path) as file:
            file.write(b"half of the n")
            file.flush()
            assert path.read_bytes() == b"old"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_and_be_stopped()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["note.txt"]


def test_a_full_disk_is_told_and_the_old_file_stays(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    save(path, {"x": 1})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(serialize.os, "fsync", full)
    with pytest.raises(CheckpointError, match="No space left on device"):
        save(path, {"x": 2})
    monkeypatch.undo()
    assert load(path)["x"] == 1
    assert os.listdir(tmp_path) == ["a.npz"]


def test_numpy_reads_it_and_nothing_is_pickled(tmp_path):
    save(tmp_path / "a.npz", {"layer/w": np.eye(2)})
    assert zipfile.ZipFile(tmp_path / "a.npz").namelist() == ["layer/w.npy"]
    np.testing.assert_array_equal(np.load(tmp_path / "a.npz")["layer/w"], np.eye(2))


def test_safetensors_or_the_word_what_to_install(tmp_path):
    path = tmp_path / "a.safetensors"
    arrays = {"a.weight": np.arange(6.0, dtype=np.float32).reshape(2, 3).T}
    try:
        import safetensors  # noqa: F401
    except ImportError:
        with pytest.raises(ImportError, match="pip install safetensors"):
            save(path, arrays)
        return
    save(path, arrays)
    np.testing.assert_array_equal(load(path)["a.weight"], arrays["a.weight"])
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(CheckpointError, match="a.safetensors"):
        load(path)
