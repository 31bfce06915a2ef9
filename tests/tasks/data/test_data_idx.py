"""The IDX format, both ways and damaged."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays

from tasks.data import DataError, idx


@given(arrays(np.uint8, array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5)))
def test_decode_gives_back_what_was_encoded(array):
    again = idx.decode(idx.encode(array), "memory")
    assert again.dtype == np.uint8
    assert not again.flags.writeable
    np.testing.assert_array_equal(again, array)


def test_head_is_big_endian_as_the_format_says():
    data = idx.encode(np.zeros((2, 300), np.uint8))
    assert data[:12] == bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 1, 44])


def test_encode_takes_unsigned_bytes_only():
    with pytest.raises(DataError, match="float64"):
        idx.encode(np.zeros(3))


@pytest.mark.parametrize("size", [3, 4, 7])
def test_a_file_too_short_for_its_head(size):
    data = idx.encode(np.zeros((2, 3), np.uint8))
    with pytest.raises(DataError, match="digits.idx is too short"):
        idx.decode(data[:size], "digits.idx")


@pytest.mark.parametrize("cut", [slice(0, -1), slice(0, 13)])
def test_a_truncated_file_names_both_sizes(cut):
    data = idx.encode(np.zeros((2, 3), np.uint8))[cut]
    with pytest.raises(DataError, match=rf"announces 6 bytes.*{len(data) - 12} follow"):
        idx.decode(data, "digits.idx")


def test_another_format_is_named_by_its_first_bytes():
    with pytest.raises(DataError, match="89 50 4e 47"):
        idx.decode(b"\x89PNG" + bytes(20), "digits.png")


def test_read_bytes_takes_gzip_whatever_the_name(tmp_path):
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    plain.write_bytes(b"content")
    packed.write_bytes(gzip.compress(b"content"))
    assert idx.read_bytes(plain) == idx.read_bytes(packed) == b"content"


@pytest.mark.parametrize("damage", [lambda d: d[:-9], lambda d: d[:30] + b"\xff\x00" + d[32:]])
def test_damaged_gzip_is_named(tmp_path, damage):
    packed = tmp_path / "packed.gz"
    packed.write_bytes(damage(gzip.compress(bytes(range(256)))))
    with pytest.raises(DataError, match=r"packed\.gz is a damaged gzip file"):
        idx.read_bytes(packed)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="cannot read .*nowhere"):
        idx.read_bytes(tmp_path / "nowhere")
