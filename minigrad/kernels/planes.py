"""Images laid out so that a window's move by one place is a move by one number.

Channel c of an image is split into sh x sw phases, each every sh-th row and sw-th column; each phase is
a plane of rows x cols, row after row, with the zeros that lie around the image::

    plane (c, a, b) at [r, s]  =  image[c, r*sh + a - ph, s*sw + b - pw]       0 outside

A row of outputs is then a run of numbers per channel. Where rows are short, several of them can be
joined to one run, with a few numbers between them that are no outputs; and several images (`lanes`) can
be interleaved: number s*lanes + n of a row is image n's.
"""

from typing import NamedTuple

import numpy as np

from minigrad.kernels import part
from minigrad.kernels.simd import LANES, interleave, splat, transpose

Pair = tuple[int, int]


class Layout(NamedTuple):
    """How many channels, with which stride and padding, as planes of which size; outputs; images."""

    channels: int
    stride: Pair
    padding: Pair
    rows: int
    cols: int
    out_rows: int
    out_cols: int
    lanes: int
    joined: bool


@part
def plane_size(layout):
    """How many numbers all planes have."""
    sh, sw = layout.stride
    return layout.channels * sh * sw * layout.rows * layout.cols * layout.lanes


@part
def runs_of(layout, rows):
    """How many runs `rows` rows of outputs make, and their length."""
    if layout.joined:
        return 1, ((rows - 1) * layout.cols + layout.out_cols) * layout.lanes
    return rows, layout.out_cols * layout.lanes


@part
def spread(images, first, count, channel, layout, planes):
    """Lay out `count` images from `first` on, channels from `channel` on; planes are 0 before."""
    width = min(images.shape[3], layout.cols * layout.stride[1] - layout.padding[1])
    if count == layout.lanes and count in (LANES, LANES // 2) and width >= LANES:
        _interleave(images, first, channel, layout, width, planes)
        return
    if count < layout.lanes:
        planes[:] = 0  # an earlier use has left its images
    _exchange(images, first, count, channel, layout, planes, True)


@part
def _interleave(images, first, channel, layout, width, planes):
    """What `_exchange` does, LANES columns of all images at a time: the first `width` columns are seen."""
    (sh, sw), (ph, pw), lanes = layout.stride, layout.padding, layout.lanes
    _, channels, height, full = images.shape
    pixels, image = images.reshape(-1), channels * height * full
    plane = layout.rows * layout.cols
    places = np.empty(width, np.intp)  # of a row's columns, from where its first phase's row starts
    for j in range(width):
        places[j] = ((j + pw) % sw * plane + (j + pw) // sw) * lanes
    for c in range(layout.channels):
        for i in range(min(height, layout.rows * sh - ph)):
            row = first * image + ((channel + c) * height + i) * full
            a, r = (i + ph) % sh, (i + ph) // sh
            to = ((c * sh + a) * sw * plane + r * layout.cols) * lanes
            for j in range(0, width, LANES):
                j = min(j, width - LANES)  # the last ones may be moved twice
                interleave(pixels, row + j, image, lanes, planes, to, places, j)


@part
def unspread(planes, first, count, channel, layout, images):
    """Take images out of planes: what `spread` does, in the other direction."""
    _exchange(images, first, count, channel, layout, planes, False)


@part
def _exchange(images, first, count, channel, layout, planes, into_planes):
    (sh, sw), (ph, pw), lanes = layout.stride, layout.padding, layout.lanes
    _, channels, height, width = images.shape
    pixels, image = images.reshape(-1), channels * height * width
    place = 0
    for c in range(layout.channels):
        corner = first * image + (channel + c) * height * width
        for a in range(sh):
            r0, r1 = _inside(a - ph, sh, height, layout.rows)
            for b in range(sw):
                s0, s1 = _inside(b - pw, sw, width, layout.cols)
                for r in range(r0, r1):
                    i = corner + (r * sh + a - ph) * width + s0 * sw + b - pw
                    k = place + (r * layout.cols + s0) * lanes
                    if into_planes:
                        move(pixels, i, planes, k, count, (image, 1), s1 - s0, (sw, lanes), 0)
                    else:
                        move(planes, k, pixels, i, count, (1, image), s1 - s0, (lanes, sw), 0)
                place += layout.rows * layout.cols * lanes


@part
def spread_outputs(images, first, count, channel, channels, top, rows, layout, runs):
    """Lay out rows of outputs as runs (channels, runs, room); what is no output is 0 before."""
    _, depth, height, width = images.shape
    pixels, places, image = images.reshape(-1), runs.reshape(-1), depth * height * width
    step = layout.cols * layout.lanes if layout.joined else runs.shape[2]
    for c in range(channels):
        for r in range(rows):
            i = ((first * depth + channel + c) * height + top + r) * width
            k = c * runs.shape[1] * runs.shape[2] + r * step
            move(pixels, i, places, k, count, (image, 1), width, (1, layout.lanes), 0)


@part
def collect_outputs(runs, first, count, channel, channels, top, rows, layout, bias, images):
    """Take rows of outputs out of runs, and add to each channel its bias."""
    _, depth, height, width = images.shape
    pixels, places, image = images.reshape(-1), runs.reshape(-1), depth * height * width
    step = layout.cols * layout.lanes if layout.joined else runs.shape[2]
    for c in range(channels):
        for r in range(rows):
            i = ((first * depth + channel + c) * height + top + r) * width
            k = c * runs.shape[1] * runs.shape[2] + r * step
            move(places, k, pixels, i, count, (1, image), width, (layout.lanes, 1), bias[c])


@part
def _inside(offset, stride, size, count):
    """The first and last + 1 of i in range(count) for which 0 <= i*stride + offset < size."""
    first = min(count, max(0, -(offset // stride)))
    return first, max(first, min(count, (size - 1 - offset) // stride + 1))


@part
def move(source, i, target, k, lines, between, count, along, plus):
    """target[k + n*between[1] + j*along[1]] = source[i + n*between[0] + j*along[0]] + plus.

    For n < lines and j < count. Unsigned indices need no test whether they count from the end.
    """
    if lines == LANES and count >= LANES:
        if between[0] == 1 and along[0] == LANES and along[1] == 1:
            _turn(source, i, LANES, target, k, between[1], count, LANES, 1, plus)
            return
        if between[1] == 1 and along[1] == LANES and along[0] == 1:
            _turn(source, i, between[0], target, k, LANES, count, 1, LANES, plus)
            return
    i, k, count = np.uintp(i), np.uintp(k), np.uintp(count)
    di, dk = np.uintp(between[0]), np.uintp(between[1])
    si, sk = np.uintp(along[0]), np.uintp(along[1])
    if lines == 1 and along[0] == 1 and along[1] == 1:
        for j in range(count):
            target[k + np.uintp(j)] = source[i + np.uintp(j)] + plus
        return
    for _ in range(lines // 4):  # four at a time: what is read or written in between is still near
        i1, i2, i3 = i + di, i + di + di, i + di + di + di
        k1, k2, k3 = k + dk, k + dk + dk, k + dk + dk + dk
        for j in range(count):
            u, v = np.uintp(j) * si, np.uintp(j) * sk
            target[k + v], target[k1 + v] = source[i + u] + plus, source[i1 + u] + plus
            target[k2 + v], target[k3 + v] = source[i2 + u] + plus, source[i3 + u] + plus
        i, k = i3 + di, k3 + dk
    for _ in range(lines % 4):
        for j in range(count):
            target[k + np.uintp(j) * sk] = source[i + np.uintp(j) * si] + plus
        i, k = i + di, k + dk


@part
def _turn(source, i, step, target, k, pitch, count, along_source, along_target, plus):
    """What `move` does, for LANES lines of which one side is interleaved: LANES numbers of each at a time."""
    more = splat(source.dtype.type(plus))
    for j in range(0, count, LANES):
        j = min(j, count - LANES)  # the last ones may be moved twice
        transpose(source, i + j * along_source, step, target, k + j * along_target, pitch, more)
