"""Arrays in a page: small ones as tinted tables of numbers, large ones as heat maps."""

import base64
import math
import struct
import zlib
from html import escape
from typing import Any

import numpy as np

from minigrad.stepping.text import short, summary

#: Entries, and columns, up to which an array is a table.
SMALL, COLUMNS = 64, 12
#: Pixels up to which the sides of a heat map show every entry; matrices of a larger array it shows.
SIDE, TILES = 64, 16
#: Entries up to which the last of several axes is none of an image.
PARTS = 3

#: Colours of a heat map: the most negative, zero, the most positive. They differ for the colour-blind.
LOW, ZERO, HIGH = np.array([[33, 102, 172], [247, 247, 247], [178, 24, 43]])
#: Of each sign; few, so that images are small.
SHADES = 20
NOT_A_NUMBER, GAP = np.array([[0, 0, 0], [150, 155, 165]])


def array_html(array: np.ndarray) -> str:
    """An array as a number, as tables, or as a heat map with its shape and range."""
    if array.ndim == 0:
        return f"<b class=number title='{escape(repr(array.item()))}'>{short(array[()])}</b>"
    if 0 < array.size <= SMALL and array.shape[-1] <= COLUMNS:
        return _tables(array)
    told = f"<div class=summary>{escape(summary(array))}</div>"
    return _heat_map(array) + told if array.size else told


def _tables(array: np.ndarray) -> str:
    """A table of the last two axes, for each place along the axes before."""
    largest = _largest(array)
    if array.ndim <= 2:
        return _table(np.atleast_2d(array), largest)
    parts = []
    for index in np.ndindex(array.shape[:-2]):
        caption = f"<caption>[{', '.join(map(str, index))}]</caption>"
        parts.append(_table(array[index], largest, caption))
    return "<div class=tables>" + "".join(parts) + "</div>"


def _table(array: np.ndarray, largest: float, caption: str = "") -> str:
    body = "".join(
        "<tr>" + "".join(_cell(v, largest) for v in row) + "</tr>" for row in array.tolist()
    )
    return f"<table class=array>{caption}{body}</table>"


def _cell(value: Any, largest: float) -> str:
    share = abs(value) / largest if largest and math.isfinite(value) else 0
    tint = f" class={'high' if value > 0 else 'low'} style=--share:{share:.2f}" if share else ""
    return f"<td{tint} title={value:.9g}>{short(value)}</td>"


def _largest(array: np.ndarray) -> float:
    return float(
        np.max(np.abs(array, where=np.isfinite(array), out=np.zeros(array.shape)), initial=0)
    )


def _heat_map(array: np.ndarray) -> str:
    """An image of an array; blue is negative, red positive, as strong as the largest.

    Where the last axis is too short to be one of an image, as the x and y of a grid, each entry of it is
    an image, side by side with the others.
    """
    parts = array.shape[-1] if array.ndim > 2 and array.shape[-1] <= PARTS else 1
    array = np.moveaxis(array, -1, -3) if parts > 1 else array
    tiles = array.reshape(-1, *np.atleast_2d(array).shape[-2:])
    shown = tiles[:TILES]
    across = -(-math.ceil(math.sqrt(len(shown))) // parts) * parts
    rows, columns = (-(-side * across // SIDE) for side in shown.shape[1:])
    board = as_board(shown[:, ::rows, ::columns], across)
    notes = [f"the first {TILES} of {len(tiles):,}"] if len(tiles) > TILES else []
    if parts > 1:
        notes.append(f"the {parts} of the last axis side by side")
    if max(rows, columns) > 1:
        notes.append(f"every {rows}. row, every {columns}. column")
    height, width = (max(8, 140 * side // max(board.shape)) for side in board.shape)
    return (
        f"<img class=map alt='heat map' width={width} height={height} src='{picture(board)}'>"
        + (f"<div class=summary>shown: {', '.join(notes)}</div>" if notes else "")
    )


def as_board(tiles: np.ndarray, across: int) -> np.ma.MaskedArray:
    """Tiles (n, h, w) side by side on one matrix, masked between them."""
    count, height, width = tiles.shape
    board = np.ma.masked_all((-(-count // across), height + 1, across, width + 1))
    for number, tile in enumerate(tiles):
        board[number // across, :height, number % across, :width] = tile
    return board.reshape(-1, across * (width + 1))[:-1, :-1]


def picture(matrix: np.ndarray, signed: bool = True) -> str:
    """A matrix as the address of a PNG image, in the heat map's colours or from black to white."""
    gaps, entries = np.ma.getmaskarray(matrix), np.ma.getdata(matrix)
    finite = np.isfinite(entries) & ~gaps
    values = np.where(finite, entries, 0)
    if signed:
        share = np.round(values / (_largest(values) or 1) * SHADES) / SHADES
        colours = ZERO + np.abs(share)[..., None] * (
            np.where(share[..., None] < 0, LOW, HIGH) - ZERO
        )
    else:
        low, high = values.min(), values.max()
        grey = (values - low) / (high - low or 1) * 255
        colours = np.repeat(grey[..., None], 3, axis=-1)
    colours = np.where(finite[..., None], colours, NOT_A_NUMBER)
    pixels = np.where(gaps[..., None], GAP, colours).astype(np.uint8)
    return "data:image/png;base64," + base64.b64encode(_png(pixels)).decode()


def _png(pixels: np.ndarray) -> bytes:
    """RGB pixels (H, W, 3) as a PNG file: header, rows each behind a filter type of 0, end."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
