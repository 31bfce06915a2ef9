"""Where a window that moves over an image stands, and what it sees."""

Pair = tuple[int, int]


def output_size(size: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Pair:
    """Return (Ho, Wo): how many places the window has in an image of `size` (H, W)."""
    height, width = (
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(size, kernel, stride, padding, dilation)
    )
    return height, width


def seen_at(i: int, j: int, size: Pair, stride: Pair, dilation: Pair) -> tuple:
    """Where, in the padded image, the window's entry (i, j) lies as the window moves."""
    rows, cols = (
        slice(k * d, k * d + s * (n - 1) + 1, s)
        for k, d, s, n in zip((i, j), dilation, stride, size)
    )
    return ..., rows, cols
