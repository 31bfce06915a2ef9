"""Textures and pictures of things, all computed: from noise, from bricks and boards, from emblems.

Each wall has a texture of `wall_styles()`: a pattern in a colour for each region of a maze, and emblems,
signs of their own that hang on single walls and tell one place from another.
"""

from functools import cache

import numpy as np

from maze.kernels.caster import COARSEST, FINEST, TEXELS, THING_SIDE
from maze.kernels.records import APPLE, GOAL, STRAWBERRY

__all__ = ["CEILING", "EMBLEMS", "FLOOR", "STYLES", "average_color", "pictures", "texels"]

SIDE = 1 << FINEST
STYLES, EMBLEMS = 12, 12  # wall textures: regions' first, then emblems
FLOOR, CEILING = STYLES + EMBLEMS, STYLES + EMBLEMS + 1
SEED = 20170427

#: The regions' colours: far apart in hue, or in lightness for those who do not see the hue.
COLORS = np.array(
    [
        (196, 84, 62),  # brick red
        (84, 140, 196),  # blue
        (228, 190, 92),  # sand
        (74, 132, 90),  # green
        (168, 120, 184),  # violet
        (206, 206, 198),  # chalk
        (110, 82, 64),  # dark wood
        (84, 190, 180),  # turquoise
        (230, 140, 60),  # orange
        (90, 94, 120),  # slate
        (226, 150, 170),  # rose
        (150, 170, 70),  # olive
    ],
    np.float64,
)


@cache
def texels() -> np.ndarray:
    """All textures as the caster takes them, each at its sides 64, 32, ..., 4, as 0xBBGGRR (T * 5456,)."""
    rng = np.random.default_rng(SEED)
    images = [*_regions(rng), *_emblems(rng), _floor(rng), _ceiling(rng)]
    return np.concatenate([_packed(level) for image in images for level in _pyramid(image)])


@cache
def pictures() -> np.ndarray:
    """The things' pictures by kind (4, 32, 32) uint32, 0xAABBGGRR; see-through where AA is 0."""
    drawn = np.zeros((4, THING_SIDE, THING_SIDE), np.uint32)
    for kind, draw in ((GOAL, _goal), (APPLE, _apple), (STRAWBERRY, _strawberry)):
        color, inside = draw()
        drawn[kind] = np.where(inside, _packed(color).reshape(inside.shape) | 0xFF000000, 0)
    return drawn


@cache
def average_color() -> np.ndarray:
    """The average colour of each texture (T, 3), from 0 to 255: for maps."""
    smallest = texels().reshape(-1, TEXELS)[:, -(4**COARSEST) :]
    return (smallest[..., None] >> np.array([0, 8, 16], np.uint32) & np.uint32(0xFF)).mean(axis=1)


def _pyramid(image: np.ndarray) -> list[np.ndarray]:
    """The image, and as often halved as the caster wants it."""
    levels = [image]
    for _ in range(FINEST - COARSEST):
        a = levels[-1]
        levels.append((a[::2, ::2] + a[1::2, ::2] + a[::2, 1::2] + a[1::2, 1::2]) / 4)
    return levels


def _packed(image: np.ndarray) -> np.ndarray:
    """An image (..., 3) of 0 to 255 as 0xBBGGRR, flat."""
    red, green, blue = np.clip(image, 0, 255).astype(np.uint32).reshape(-1, 3).T
    return red | green << np.uint32(8) | blue << np.uint32(16)


# -- walls ------------------------------------------------------------------------------------------


def _regions(rng: np.random.Generator) -> list[np.ndarray]:
    patterns = [_bricks, _boards, _stones, _tiles]
    return [
        color * _lit(patterns[k % len(patterns)], rng)[..., None] for k, color in enumerate(COLORS)
    ]


def _lit(pattern, rng: np.random.Generator) -> np.ndarray:
    """A pattern's light (64, 64) about 1, roughened, and darker at the wall's foot."""
    v = np.linspace(0, 1, SIDE)[:, None]
    foot = np.where(v > 0.92, 0.55, 1.0)
    return pattern(rng) * (1 + 0.16 * (_noise(rng) - 0.5)) * foot


def _noise(rng: np.random.Generator, exponent: float = 1.2) -> np.ndarray:
    """Noise (64, 64) in [0, 1] that goes on across the edges: random phases, large waves high."""
    f = np.fft.fftfreq(SIDE)
    size = np.hypot(f[:, None], f[None]) + 1 / SIDE
    waves = np.fft.ifft2(size**-exponent * np.exp(2j * np.pi * rng.random((SIDE, SIDE)))).real
    return (waves - waves.min()) / np.ptp(waves)


def _bricks(rng: np.random.Generator, rows: int = 8, columns: int = 4) -> np.ndarray:
    v, u = np.mgrid[:SIDE, :SIDE]
    row = v * rows // SIDE
    u = (u + (row % 2) * SIDE // columns // 2) % SIDE
    shade = rng.uniform(0.8, 1.1, (rows, columns))[row, u * columns // SIDE]
    joint = (v % (SIDE // rows) < 1) | (u % (SIDE // columns) < 1)
    return np.where(joint, 0.6, shade)


def _boards(rng: np.random.Generator) -> np.ndarray:
    grain = np.roll(_noise(rng).mean(axis=0), 7)[None] + 0.35 * _noise(rng)
    board = rng.uniform(0.82, 1.1, 8)[np.arange(SIDE) * 8 // SIDE]
    gap = np.where(np.arange(SIDE) % 8 == 0, 0.6, 1.0)
    return board * gap * (0.75 + 0.4 * (grain - grain.min()) / np.ptp(grain))


def _stones(rng: np.random.Generator) -> np.ndarray:
    """Cells around random points, darker towards their borders."""
    points = rng.uniform(0, SIDE, (16, 2))
    v, u = np.mgrid[:SIDE, :SIDE]
    away = np.abs(np.stack([v, u], -1)[:, :, None] - points)
    away = np.sort(np.hypot(*np.moveaxis(np.minimum(away, SIDE - away), -1, 0)), axis=-1)
    nearest = np.argmin(np.hypot(v[..., None] - points[:, 0], u[..., None] - points[:, 1]), axis=-1)
    border = np.clip((away[..., 1] - away[..., 0]) / 5, 0, 1)
    return (0.6 + 0.4 * border) * rng.uniform(0.85, 1.1, 16)[nearest]


def _tiles(rng: np.random.Generator) -> np.ndarray:
    v, u = np.mgrid[:SIDE, :SIDE]
    checks = (v // 16 + u // 16) % 2
    edge = (v % 16 == 0) | (u % 16 == 0)
    return np.where(edge, 0.65, 0.85 + 0.25 * checks)


def _emblems(rng: np.random.Generator) -> list[np.ndarray]:
    """Signs of 6 x 8 squares, the same left and right, light on dark or dark on light, framed."""
    images = []
    for k in range(EMBLEMS):
        half = rng.random((8, 3)) < 0.55
        sign = np.kron(np.hstack([half, half[:, ::-1]]), np.ones((6, 7)))
        hue = 2 * np.pi * k / EMBLEMS
        color = 128 + 110 * np.cos(hue + np.array([0, 2, 4]) * np.pi / 3)
        ground = np.full(3, 30.0 if k % 2 else 235.0)
        image = np.tile(ground, (SIDE, SIDE, 1))
        image[8:56, 11:53][sign > 0] = color
        image[:4], image[-4:], image[:, :4], image[:, -4:] = color, color, color, color
        images.append(image * (1 + 0.08 * (_noise(rng)[..., None] - 0.5)))
    return images


# -- floor and ceiling ------------------------------------------------------------------------------


def _floor(rng: np.random.Generator) -> np.ndarray:
    v, u = np.mgrid[:SIDE, :SIDE]
    checks = (v // 32 + u // 32) % 2
    return np.array([112.0, 100, 88]) * (0.82 + 0.2 * checks + 0.3 * (_noise(rng) - 0.5))[..., None]


def _ceiling(rng: np.random.Generator) -> np.ndarray:
    clouds = np.clip(2 * _noise(rng, 1.6) - 0.7, 0, 1)[..., None]
    return (1 - clouds) * np.array([118.0, 160, 214]) + clouds * np.array([246.0, 248, 252])


# -- things -----------------------------------------------------------------------------------------


def _plane() -> tuple[np.ndarray, np.ndarray]:
    """x to the right and y down, from -1 to 1, at the middles of a picture's texels."""
    middle = (np.arange(THING_SIDE) + 0.5) / THING_SIDE * 2 - 1
    return middle[None], middle[:, None]


def _goal() -> tuple[np.ndarray, np.ndarray]:
    """A golden star on a white disc with a black rim."""
    x, y = _plane()
    r, angle = np.hypot(x, y), np.arctan2(x, -y)
    # Folded into half a point, from its tip (0.84, 0) to the notch (u, v) beside it.
    angle = np.abs((angle + np.pi / 5) % (2 * np.pi / 5) - np.pi / 5)
    u, v = 0.38 * np.cos(np.pi / 5), 0.38 * np.sin(np.pi / 5)
    star = (u - 0.84) * r * np.sin(angle) > v * (r * np.cos(angle) - 0.84)
    color = np.where(star[..., None], [255.0, 176, 0], [255.0, 255, 255])
    return np.where((r > 0.88)[..., None], 10.0, color), r < 1


def _apple() -> tuple[np.ndarray, np.ndarray]:
    """A red ball with a light and a green leaf."""
    x, y = _plane()
    ball = np.hypot(x, y - 0.15) < 0.82
    leaf = np.hypot((x - 0.3) / 0.42, (y + 0.78) / 0.2) < 1
    light = np.exp(-((x + 0.3) ** 2 + (y + 0.15) ** 2) / 0.12)[..., None]
    color = np.array([214.0, 24, 30]) + light * np.array([40.0, 190, 190])
    return np.where(leaf[..., None], [60.0, 190, 60], color), ball | leaf


def _strawberry() -> tuple[np.ndarray, np.ndarray]:
    """A magenta cone with yellow seeds, its tip down, under green leaves."""
    x, y = _plane()
    cone = np.abs(x) < 0.9 * np.sqrt(np.clip((0.95 - y) / 1.4, 0, 1))
    inside = cone & (y > -0.6)
    leaves = (np.abs(y + 0.68) < 0.24 - 0.2 * np.abs(np.sin(4 * x))) & (np.abs(x) < 0.85)
    seeds = (np.sin(11 * x + 5 * y) * np.sin(11 * y) > 0.72)[..., None]
    color = np.where(seeds, [250.0, 226, 90], [226.0, 20, 130])
    return np.where(leaves[..., None], [50.0, 170, 70], color), inside | leaves
