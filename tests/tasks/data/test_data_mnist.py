"""The digits: embedded, from local files, imported, damaged."""

import gzip
import hashlib
import io

import numpy as np
import pytest

from tasks.data import MNIST, DataError, Mnist, cache, idx, import_mnist, load_mnist, mnist

# SHA-256 over the four arrays as unsigned bytes, in Mnist's order: the digits [::6] and [::5].
EMBEDDED_SHA256 = "f72a561c2cb3eb8eae9cfa502ea3463c47b41dcd4895ed666f49e8b812582ab7"


@pytest.fixture
def digits():
    rng = np.random.default_rng(3)

    def part(n):
        return rng.integers(0, 256, (n, 28, 28), np.uint8), rng.integers(0, 10, n, np.uint8)

    return Mnist(*part(12), *part(10))


@pytest.fixture
def small(digits, tmp_path, monkeypatch):
    """A set of 12 + 10 digits in MNIST's place, with a cache of its own; name -> bytes."""
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path / "cache"))
    contents = {
        name: idx.encode(getattr(digits, key)) for key, name in zip(Mnist._fields, MNIST.files)
    }
    for name, data in contents.items():
        monkeypatch.setitem(MNIST.files, name, hashlib.sha256(data).hexdigest())
    return contents


def write_all(folder, contents, suffix="", pack=bytes):
    folder.mkdir()
    for name, data in contents.items():
        (folder / (name + suffix)).write_bytes(pack(data))
    return folder


def assert_same_digits(loaded, digits):
    for array, expected in zip(loaded, digits, strict=True):
        np.testing.assert_array_equal(array, expected)


def test_embedded_digits_are_the_chosen_ones():
    loaded = load_mnist()
    assert [array.shape for array in loaded] == [(10000, 28, 28), (10000,), (2000, 28, 28), (2000,)]
    assert [array.dtype for array in loaded] == [np.uint8, np.int64] * 2
    content = b"".join(array.astype(np.uint8).tobytes() for array in loaded)
    assert hashlib.sha256(content).hexdigest() == EMBEDDED_SHA256


def test_arrays_are_read_only():
    for array in load_mnist():
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_full_without_a_cache_says_what_to_run(small):
    with pytest.raises(DataError, match=r"python -m tasks\.data fetch mnist"):
        load_mnist("full")


@pytest.mark.parametrize(("suffix", "pack"), [("", bytes), (".gz", gzip.compress)])
def test_import_of_four_files_then_full(small, digits, tmp_path, suffix, pack):
    folder = write_all(tmp_path / "local", small, suffix, pack)
    stored = import_mnist(sorted(folder.iterdir()))
    assert {path.name for path in stored} == set(small)
    assert_same_digits(load_mnist("full"), digits)


def test_import_of_a_folder_then_full(small, digits, tmp_path):
    folder = write_all(tmp_path / "local", small)
    (folder / "notes.txt").write_text("something else")
    import_mnist([folder])
    assert_same_digits(load_mnist("full"), digits)


def test_import_of_an_npz_then_full(small, digits, tmp_path):
    np.savez(tmp_path / "mnist.npz", **digits._asdict())
    import_mnist([tmp_path / "mnist.npz"])
    assert_same_digits(load_mnist("full"), digits)


def test_import_knows_a_file_by_its_bytes(small, tmp_path):
    name, data = next(iter(small.items()))
    (tmp_path / "misnamed").write_bytes(data)
    assert [path.name for path in import_mnist([tmp_path / "misnamed"])] == [name]
    assert MNIST.missing == list(small)[1:]


def test_import_checks_all_before_it_stores_any(small, tmp_path):
    folder = write_all(tmp_path / "local", small)
    last = folder / "t10k-labels-idx1-ubyte"
    last.write_bytes(last.read_bytes()[:-1] + b"\x63")
    with pytest.raises(DataError, match="SHA-256") as error:
        import_mnist([folder])
    assert MNIST.files[last.name] in str(error.value)
    assert MNIST.missing == list(small)


def test_import_of_a_strange_file_lists_the_names(small, tmp_path):
    (tmp_path / "letter.txt").write_text("dear reader")
    with pytest.raises(DataError, match="train-images-idx3-ubyte"):
        import_mnist([tmp_path / "letter.txt"])


def test_import_of_other_digits_in_an_npz_is_refused(small, digits, tmp_path):
    changed = digits._replace(y_test=(digits.y_test + 1) % 10)
    np.savez(tmp_path / "mnist.npz", **changed._asdict())
    with pytest.raises(DataError, match="mnist's t10k-labels-idx1-ubyte"):
        import_mnist([tmp_path / "mnist.npz"])


def test_a_folder_that_lacks_a_file_names_it(small, tmp_path):
    folder = write_all(tmp_path / "local", small)
    (folder / "t10k-labels-idx1-ubyte").unlink()
    for use in (load_mnist, lambda path: import_mnist([path])):
        with pytest.raises(DataError, match="lacks t10k-labels-idx1-ubyte"):
            use(folder)


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_cache_names_the_file(small, tmp_path, damage):
    import_mnist([write_all(tmp_path / "local", small)])
    path = MNIST.folder / "t10k-images-idx3-ubyte"
    data = path.read_bytes()
    path.write_bytes(data[:-1] if damage == "cut" else data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(DataError, match="Delete it and run") as error:
        load_mnist("full")
    assert str(path) in str(error.value)


def test_local_folder_and_npz_serve_without_a_cache(small, digits, tmp_path):
    folder = write_all(tmp_path / "local", small, ".gz", gzip.compress)
    np.savez_compressed(tmp_path / "digits.npz", **digits._asdict())
    assert_same_digits(load_mnist(folder), digits)
    assert_same_digits(load_mnist(str(tmp_path / "digits.npz")), digits)
    assert not cache.cache_root().exists()


def test_file_names_with_a_full_stop_are_known(small, digits, tmp_path):
    folder = write_all(tmp_path / "local", {n.replace("-idx", ".idx"): d for n, d in small.items()})
    assert_same_digits(load_mnist(folder), digits)


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"no such data.*embedded or full"):
        load_mnist(tmp_path / "nowhere")


def test_a_truncated_npz(digits, tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, **digits._asdict())
    path = tmp_path / "digits.npz"
    path.write_bytes(buffer.getvalue()[:-500])
    with pytest.raises(DataError, match=r"digits\.npz"):
        load_mnist(path)


def test_an_npz_with_pickled_objects_is_not_opened(tmp_path):
    path = tmp_path / "digits.npz"
    np.savez(path, **dict.fromkeys(Mnist._fields, np.array([{}], dtype=object)))
    with pytest.raises(DataError, match=r"digits\.npz"):
        load_mnist(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": np.zeros((12, 32, 32), np.uint8)}, r"x_train should be .* \(12, 32, 32\)"),
        ({"x_test": np.zeros((10, 28, 28))}, "x_test should be .* float64"),
        ({"x_test": np.zeros((0, 28, 28), np.uint8)}, "x_test should be"),
        ({"y_train": np.zeros(11, np.uint8)}, r"y_train should be \(12,\) labels"),
        ({"y_train": np.r_[:10, -3, 12]}, r"0 to 9, and y_train\[10\] is -3 \(one of 2 such\)"),
        ({"y_test": np.r_[:9, 12]}, r"y_test\[9\] is 12$"),
        ({"y_test": np.zeros(10)}, "y_test should be .* float64"),
    ],
)
def test_an_npz_of_another_form(digits, tmp_path, change, message):
    np.savez(tmp_path / "digits.npz", **{**digits._asdict(), **change})
    with pytest.raises(DataError, match=message):
        load_mnist(tmp_path / "digits.npz")


def test_an_npz_without_the_names(tmp_path):
    np.savez(tmp_path / "digits.npz", x_train=np.zeros(3))
    with pytest.raises(DataError, match="lacks the arrays y_train, x_test, y_test"):
        load_mnist(tmp_path / "digits.npz")


def test_an_npz_of_something_else_is_not_told_in_full(tmp_path):
    np.savez(tmp_path / "net.npz", **{f"layer{n}": np.zeros(1) for n in range(70)})
    with pytest.raises(DataError, match="it has layer0, .*, layer5 and 64 more$"):
        import_mnist([tmp_path / "net.npz"])


def test_embed_takes_every_sixth_and_every_fifth(small, digits, tmp_path):
    import_mnist([write_all(tmp_path / "local", small)])
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    mnist.embed(first)
    mnist.embed(second)
    assert first.read_bytes() == second.read_bytes()
    train, test = [0, 6], [0, 5]
    expected = Mnist(
        digits.x_train[train], digits.y_train[train], digits.x_test[test], digits.y_test[test]
    )
    assert_same_digits(load_mnist(first), expected)
