# %% [markdown]
"""
Lesson 10: The spatial transformer
==================================

A layer that learns where to look. The gradient of its sampler is derived case by case, checked
against numbers, and then trained until turned and shifted digits come out in one place and, roughly,
in one pose, though nothing in the loss says which.

Takes about twenty seconds.

The layer is from M. Jaderberg et al., Spatial Transformer Networks, 2015. It has three parts. A
*localisation net* looks at the input U and answers a few numbers θ. A *grid generator* turns θ into
a grid of places in U. A *sampler* reads U at those places, and what it reads is the output V::

    U ──────────────────────────────┐
    └── localisation ── θ ── grid ──┴── sampler ── V ── classifier ── loss

The loss must find its way back to θ, so the sampler needs a derivative by the *places* it reads.
We begin there, and work backwards to θ.
"""

# %%
import numpy as np
from matplotlib.figure import Figure

import layers.functional as F
from minigrad import Function, gradcheck, no_grad, tensor
from minigrad.kernels.threads import set_num_threads
from tasks.data import load_mnist
from tasks.spatial_transformer.data import DISTORTIONS, TrainingBatches
from tasks.spatial_transformer.distortions import sample
from tasks.spatial_transformer.evaluate import error
from tasks.spatial_transformer.figures import draw_grid, picture
from tasks.spatial_transformer.grids import similarity_grid
from tasks.spatial_transformer.models import build, transformers
from tasks.spatial_transformer.train import Trainer
from tutorials.lesson import BLUE, ORANGE, show

# %% [markdown]
# One sample
# ----------
#
# Let U[n, m] be the pixel in row n and column m. What is the value at column x = 1.3 and row
# y = 2.6, between the pixels? Each pixel counts by how near it is, by column and by row::
#
#     V  =  Σ_n Σ_m U[n, m] k(x − m) k(y − n)          k(d) = max(0, 1 − |d|)
#
# k is a tent: 1 on the pixel itself, 0 from one pixel away. So only four pixels count, those around
# the place, and their weights sum to 1.


# %%
def k(d):
    return np.maximum(0, 1 - abs(d))


rng = np.random.default_rng(2)
U = rng.integers(0, 10, (4, 5)).astype(float)
n, m = np.indices(U.shape)
x, y = 1.3, 2.6
weights = k(x - m) * k(y - n)
V = np.sum(U * weights)
print("U, and the weight of each pixel:", U, weights.round(2), sep="\n")
print(f"V = {V:.2f}")
assert np.count_nonzero(weights) == 4
assert np.isclose(weights.sum(), 1)
assert np.isclose(V, 0.4 * (0.7 * U[2, 1] + 0.3 * U[2, 2]) + 0.6 * (0.7 * U[3, 1] + 0.3 * U[3, 2]))

# %% [markdown]
# The gradient by the image
# -------------------------
#
# V is a sum of pixels times weights, so its derivative by a pixel is the weight::
#
#     ∂V/∂U[n, m]  =  k(x − m) k(y − n)
#
# The gradient by the place
# -------------------------
#
# Move x to the right a little. Which weights change? With m₀ = floor(x), the pixel to the left of x:
#
# - pixel m₀ falls behind and loses weight, at the rate 1;
# - pixel m₀ + 1 comes nearer and gains weight, at the rate 1;
# - every other pixel had no weight and still has none.
#
# These are the slopes of k, case by case::
#
#                                          ⎧ −1   if m = floor(x)
#     ∂V/∂x  =  Σ_n Σ_m U[n, m] k(y − n) · ⎨ +1   if m = floor(x) + 1
#                                          ⎩  0   else
#
# In words: right pixel minus left pixel, in the upper row and in the lower, and the mean of the two
# by the weights of the rows. It is the slope of the picture. For y exchange rows and columns.


# %%
def slope(x, m):
    return np.where(m == np.floor(x), -1.0, np.where(m == np.floor(x) + 1, 1.0, 0.0))


def read(U, x, y):
    n, m = np.indices(U.shape)
    return np.sum(U * k(x - m) * k(y - n))


h = 1e-6
by_hand = np.sum(U * slope(x, m) * k(y - n)), np.sum(U * k(x - m) * slope(y, n))
by_numbers = (
    (read(U, x + h, y) - read(U, x - h, y)) / (2 * h),
    (read(U, x, y + h) - read(U, x, y - h)) / (2 * h),
)
print(f"dV/dx = {by_hand[0]:.4f} by hand, {by_numbers[0]:.4f} by numbers")
print(f"dV/dy = {by_hand[1]:.4f} by hand, {by_numbers[1]:.4f} by numbers")
assert np.allclose(by_hand, by_numbers)

# %% [markdown]
# On a pixel
# ----------
#
# The paper states the cases otherwise: 0 where ``|m − x| ≥ 1``, else +1 where ``m ≥ x``, else −1.
# Between the pixels that says the same. But let x be exactly 2. Pixel 2 has m ≥ x, so it gets +1. Its
# neighbours are a whole pixel away, so they get 0. No pixel gets −1, and ∂V/∂x is U[n, 2] itself.
#
# That is no slope of anything. A constant image shows it: its V is the same everywhere, and the
# paper's cases say that V grows. With floor, pixel 2 gets −1 and pixel 3 gets +1, always as a pair.
#
# V has a corner on each pixel: one slope to the left of it, another to the right. Either of them, or
# one in between, serves as *subgradient*. floor takes the right one, and so does PyTorch.
#
# (The lecture's slide prints +1 for ``|m| < x`` and −1 for ``|m| ≥ x``. There the signs have changed
# places too: between the pixels as well, the gradient would point the wrong way.)


# %%
def slope_as_printed(x, m):
    return np.where(abs(m - x) >= 1, 0.0, np.where(m >= x, 1.0, -1.0))


def slope_on_the_slide(x, m):
    return np.where(abs(m - x) >= 1, 0.0, np.where(abs(m) < x, 1.0, -1.0))


columns, row = np.arange(6), np.array([1.0, 4.0, 3.0, 3.0, 7.0, 5.0])
constant = np.full(6, 5.0)
print("constant image, x = 2: with floor", constant @ slope(2.0, columns), end=", ")
print("as printed", constant @ slope_as_printed(2.0, columns))
assert constant @ slope(2.0, columns) == 0
assert constant @ slope_as_printed(2.0, columns) == 5
for x in (1.5, 2.25, 3.9):
    assert row @ slope(x, columns) == row @ slope_as_printed(x, columns)
    assert row @ slope(x, columns) == -(row @ slope_on_the_slide(x, columns))

# %% [markdown]
# It is no rare case. A transformer starts as the identity; where its output has the size of its input,
# each place is then exactly on a pixel. In the drawing the crosses stand as high as the pixels above
# them: they are no slopes of that line.

# %%
figure = Figure(figsize=(8, 5), layout="constrained")
upper, lower = figure.subplots(2, 1, sharex=True)
fine = np.linspace(0, 5, 501)[:-1]
upper.plot(fine, [row @ k(x - columns) for x in fine], color=BLUE, label="V between the pixels")
upper.plot(columns, row, "o", color="black", label="the pixels")
upper.set(ylabel="V", title="a row of pixels, read anywhere")
upper.legend()
slopes = [row @ slope(x, columns) for x in columns[:-1]]
lower.hlines(slopes, columns[:-1], columns[1:], color=BLUE, linewidth=2, label="with floor")
lower.plot(columns[:-1], slopes, "o", color=BLUE)
printed = [row @ slope_as_printed(x, columns) for x in columns[:-1]]
lower.plot(columns[:-1], printed, "X", color=ORANGE, markeredgecolor="black", markersize=9)
lower.plot([], [], "X", color=ORANGE, markeredgecolor="black", label="as printed, on a pixel")
lower.set(
    xlabel="x (column)", ylabel="∂V/∂x", title="its slope: one value to the right of each pixel"
)
lower.axhline(0, color="0.7", linewidth=0.8, zorder=0)
lower.legend()
show(figure, "10_spatial_transformer_kink")

# %% [markdown]
# The whole sampler
# -----------------
#
# Now for many places at once, with the upstream gradient dV of each. A pixel that several places
# read gets a share from all of them (`np.add.at` adds also where a pixel comes twice). Pixels outside
# the image count as 0: they give no value and take no gradient.


# %%
def corners(U, x, y):
    """The four pixels around each place: index, whether inside, weights and slopes by x and y."""
    for i in (0, 1):
        for j in (0, 1):
            n, m = np.floor(y).astype(int) + i, np.floor(x).astype(int) + j
            inside = (n >= 0) & (n < len(U)) & (m >= 0) & (m < len(U[0]))
            index = np.where(inside, n, 0), np.where(inside, m, 0)
            yield index, inside, k(x - m), k(y - n), 2 * j - 1, 2 * i - 1


class Sampler(Function):
    """V = Σ U k(x-m) k(y-n);   dU = dV k k,   dx = dV Σ U k'(x-m) k(y-n),   dy alike"""

    @staticmethod
    def forward(ctx, U, x, y):
        ctx.operands = U, x, y
        return sum(U[index] * inside * kx * ky for index, inside, kx, ky, _, _ in corners(U, x, y))

    @staticmethod
    def backward(ctx, dV):
        U, x, y = ctx.operands
        dU, dx, dy = np.zeros_like(U), np.zeros_like(x), np.zeros_like(y)
        for index, inside, kx, ky, slope_x, slope_y in corners(U, x, y):
            np.add.at(dU, index, dV * inside * kx * ky)
            dx += dV * U[index] * inside * slope_x * ky
            dy += dV * U[index] * inside * kx * slope_y
        return dU, dx, dy


# %% [markdown]
# Two other witnesses. minigrad's `gradcheck` takes central differences for every pixel and every place.
# And `layers` has a sampler, which does the same for all images and channels of a batch at once. That
# one measures places from −1 to 1, whatever the size of the image. With W columns of pixels, −1 and 1
# are the outer edges of the first and the last::
#
#     x in pixels = ((x + 1) W − 1) / 2          ∂(x in pixels)/∂x = W / 2

# %%
H, W = 6, 7
U = rng.standard_normal((H, W))
grid = rng.uniform(-1.3, 1.3, (5, 4, 2))
x, y = ((grid[..., 0] + 1) * W - 1) / 2, ((grid[..., 1] + 1) * H - 1) / 2
report = gradcheck(Sampler, [U, x, y])
print(report)
assert report

dV = rng.standard_normal((5, 4))
U_t, x_t, y_t = (tensor(a, requires_grad=True, dtype=float) for a in (U, x, y))
V_t = Sampler.apply(U_t, x_t, y_t)
V_t.backward(dV)
U_f, grid_f = (tensor(a[None], requires_grad=True, dtype=float) for a in (U[None], grid))
V_f = F.grid_sample(U_f, grid_f)
V_f.backward(dV[None, None])
assert np.allclose(V_f.data[0, 0], V_t.data)
assert np.allclose(U_f.grad[0, 0], U_t.grad)
assert np.allclose(grid_f.grad[0], np.stack([x_t.grad * W / 2, y_t.grad * H / 2], axis=-1))

# %% [markdown]
# The grid, and back to θ
# -----------------------
#
# The output has a regular grid of its own, with places (xₜ, yₜ) from −1 to 1. An affine map sends
# each of them to its place in the input; three numbers for x and three for y::
#
#     x = θ₁₁ xₜ + θ₁₂ yₜ + θ₁₃
#     y = θ₂₁ xₜ + θ₂₂ yₜ + θ₂₃
#
# Note the direction: from output to input, so that every pixel of the output is given a value.
# θ₁₁ moves x by xₜ, θ₁₂ by yₜ, θ₁₃ by 1, in each place of the grid. So each gathers from all of them::
#
#     dθ₁ = Σ_i dx_i (xₜ, yₜ, 1)_i          dθ₂ = Σ_i dy_i (xₜ, yₜ, 1)_i

# %%
theta = np.array([[0.8, -0.3, 0.1], [0.2, 0.9, -0.2]])
side = (2 * np.arange(5) + 1) / 5 - 1
x_out, y_out = np.meshgrid(side, side)
places = np.stack([x_out, y_out, np.ones_like(x_out)], axis=-1).reshape(-1, 3)
grid = (places @ theta.T).reshape(1, 5, 5, 2)

theta_t = tensor(theta[None], requires_grad=True, dtype=float)
grid_t = F.affine_grid(theta_t, (1, 1, 5, 5))
grid_t.retain_grad()
dV = rng.standard_normal((1, 1, 5, 5))
F.grid_sample(U[None, None], grid_t).backward(dV)
dtheta = grid_t.grad.reshape(-1, 2).T @ places
assert np.allclose(grid_t.data, grid)
assert np.allclose(theta_t.grad[0], dtheta)
print("dtheta:", dtheta.round(3), sep="\n")

# %% [markdown]
# The identity
# ------------
#
# θ = (1 0 0, 0 1 0) reads each pixel at its own place: V = U. A transformer starts there. Its last
# layer before θ, the regression, has zero weights and the identity as its bias. So the net begins as
# one without a transformer, and departs from there where the loss gains by it.
#
# Zero weights let no gradient through. At first only the regression itself learns; a step later its
# weights are no longer zero, and the gradient reaches the localisation net behind it.

# %%
identity = np.array([[[1.0, 0, 0], [0, 1, 0]]])
same = F.grid_sample(U[None, None], F.affine_grid(identity, (1, 1, H, W)))
assert np.allclose(same.data[0, 0], U)

mnist, distortion = load_mnist(), DISTORTIONS["RTS"]
first = next(TrainingBatches(mnist.x_train, mnist.y_train, distortion, 64, rng))
net = build("st-fcn", distortion.canvas, rng, hidden=())
F.cross_entropy(net(tensor(first[0])), first[1]).backward()
transformer = transformers(net)[0]
assert transformer.regression.weight.grad.any()
assert not any(p.grad.any() for p in transformer.localisation.parameters())

# %% [markdown]
# Learning where to look
# ----------------------
#
# Digits of MNIST are turned by up to 45 degrees, scaled, and put anywhere on 42x42 pixels. The
# classifier is the one of lesson 1, a single matrix: one template for each class. It needs digits
# that lie still, so it is nearly lost here. Then the same with a transformer in front, which reads
# 28x28 pixels for it. Both see the same batches for as many steps, and minimise the cross-entropy of the
# class and nothing else.
#
# (These matrices are small. One thread is quicker than two that wait for each other.)

# %%
set_num_threads(1)
STEPS = 1300


def train(name):
    rng = np.random.default_rng(3)
    batches = TrainingBatches(mnist.x_train, mnist.y_train, distortion, 64, rng)
    net = build(name, distortion.canvas, rng, hidden=())
    trainer = Trainer(net, "adam", rate=3e-3, steps=STEPS)
    for _ in range(STEPS):
        trainer.step(*next(batches))
    return net


alone = train("fcn")
net = train("st-fcn")

# %% [markdown]
# Test both on digits whose pose we know.

# %%
rng = np.random.default_rng(4)
pose = distortion.draw(1000, rng)
digits, classes = mnist.x_test[:1000], mnist.y_test[:1000]
x_test = sample(digits, similarity_grid(pose, distortion.canvas))
wrong_alone, wrong = error(alone, x_test, classes), error(net, x_test, classes)
print(f"after {STEPS} steps each, wrong: the classifier alone {wrong_alone:.0f} %,", end=" ")
print(f"behind a transformer {wrong:.0f} %")
assert wrong_alone > 60
assert wrong < 40

# %% [markdown]
# Where did the transformer look? The grid of an upright digit is upright, and if the digit is turned
# or shifted, the grid should follow. The turn of an affine map is the angle of (θ₁₁ + θ₂₂, θ₁₂ − θ₂₁),
# its shift (θ₁₃, θ₂₃); half the input's width is 1.

# %%
transformer = transformers(net)[0]
with no_grad():
    net(tensor(x_test))
theta, grids, crops = transformer.theta, transformer.grid, transformer.output[:, 0]
turn = np.rad2deg(np.arctan2(theta[:, 1] - theta[:, 3], theta[:, 0] + theta[:, 4]))
shift = theta[:, 2] * distortion.canvas / 2
turns_together = np.corrcoef(turn, pose.angle)[0, 1]
shifts_together = np.corrcoef(shift, pose.shift[:, 0])[0, 1]
print(f"correlation of grid and digit: turn {turns_together:.2f}, shift {shifts_together:.2f}")
assert turns_together > 0.5
assert shifts_together > 0.8

with no_grad():
    start = F.grid_sample(x_test, F.affine_grid(np.repeat(identity, 1000, 0), (1000, 1, 28, 28)))
means_before = [start.data[classes == j, 0].mean(axis=0) for j in range(10)]
means_after = [crops[classes == j].mean(axis=0) for j in range(10)]

# %% [markdown]
# The picture
# -----------
#
# First row: test digits with the learned grid laid over them; the dot is the grid's upper left corner.
# Second row: what the classifier reads. Then the mean of all crops of a class, before training and
# after: a blur while digits lie anyhow, a digit once they lie alike. Nobody told the net what upright
# is. It found a pose in which one template serves for a whole class.
#
# Below: each dot is a test digit. The grid follows its place closely and its turn roughly.
#
# To try: let `corners` take its slopes from `slope_as_printed`. `gradcheck` still passes, as long as no
# place lies on a pixel. Then round x: at such a corner of V any slope between those of its two sides
# would do, and it says that this one is not. Then give it a constant image. Or give `build` the option
# transform="attention": that transformer can shift and zoom, but not turn.

# %%
figure = Figure(figsize=(10, 7), layout="constrained")
above, below = figure.subfigures(2, 1, height_ratios=(1.7, 1))
axes = above.subplots(4, 10)
for j in range(10):
    i = np.flatnonzero(classes == j)[0]
    picture(axes[0, j], x_test[i, 0])
    draw_grid(axes[0, j], grids[i], distortion.canvas)
    picture(axes[1, j], crops[i])
    picture(axes[2, j], means_before[j] / np.max(means_before[j]))
    picture(axes[3, j], means_after[j] / np.max(means_after[j]))
for row, label in enumerate(["input and\ngrid", "crop", "mean crop\nbefore", "mean crop\nafter"]):
    axes[row, 0].set_ylabel(label)
left, right = below.subplots(1, 2)
left.plot(pose.angle, turn, ".", color=BLUE, markersize=3)
left.set(xlabel="turn of the digit (degrees)", ylabel="turn of the grid")
right.plot(pose.shift[:, 0], shift, ".", color=BLUE, markersize=3)
right.set(xlabel="shift of the digit (pixels)", ylabel="shift of the grid")
for axes in (left, right):
    axes.axline((0, 0), slope=1, color=ORANGE, linestyle="--", linewidth=2, label="as one")
    axes.legend()
figure.suptitle(
    f"read wrongly after {STEPS} steps: {wrong_alone:.0f} % without the transformer, {wrong:.0f} % with it"
)
show(figure, "10_spatial_transformer")
