# %% [markdown]
"""
Lesson 3: Three witnesses
=========================

One line is missing in a backward pass, and the net learns all the same. Three witnesses find it: a
derivation by hand, the same function composed of known operations, and numbers. Then what they say
at a kink, where there is no derivative, and how to watch a gradient go back step by step.

Takes about ten seconds.

You need lesson 1: the chain rule, and what a central difference is.
"""

# %%
import numpy as np
from matplotlib.figure import Figure

import layers.functional as F
from minigrad import Function, draw, gradcheck, optim, recording, step, tensor
from minigrad.kernels.threads import set_num_threads
from tasks.data import load_mnist
from tutorials.lesson import BLUE, FOLDER, ORANGE, show

# %% [markdown]
# A layer
# -------
#
# *Standardise* gives each row of x the mean 0 and the spread 1::
#
#     y = (x − μ) / s          μ = mean of the row          s = √(mean of (x − μ)²)
#
# A student writes its backward: y is x divided by s, so what comes in is divided by s.


# %%
def standardise(x):
    s = x.std(axis=1, keepdims=True)
    y = (x - x.mean(axis=1, keepdims=True)) / s
    return y, (y, s)


def first_try(dy, cache):
    y, s = cache
    return dy / s


# %% [markdown]
# Does it learn? Two such layers in a small net that reads digits, and 400 steps. A pair of array
# functions becomes an operation of minigrad when it is put into a `Function`.


# %%
def operation(forward, backward):
    class Standardise(Function):
        @staticmethod
        def forward(ctx, x):
            y, ctx.cache = forward(x)
            return y

        @staticmethod
        def backward(ctx, dy):
            return backward(dy, ctx.cache)

    return Standardise.apply


mnist = load_mnist()
X, t = mnist.x_train.reshape(-1, 784) / np.float32(255), mnist.y_train
X_test, t_test = mnist.x_test.reshape(-1, 784) / np.float32(255), mnist.y_test
set_num_threads(1)  # the matrices are small


def scores(X, weights, layer):
    A, B, C = weights
    return F.relu(layer(F.relu(layer(X @ A)) @ B)) @ C


def learn(backward, rate):
    """The share of test digits that are read wrongly, in per cent."""
    rng, layer = np.random.default_rng(1), operation(standardise, backward)
    sizes = (784, 64), (64, 64), (64, 10)
    weights = [tensor(rng.standard_normal(s) / np.sqrt(s[0]), requires_grad=True) for s in sizes]
    descent = optim.SGD(weights, lr=rate)
    for _ in range(400):
        drawn = rng.integers(len(X), size=64)
        loss = F.cross_entropy(scores(X[drawn], weights, layer), t[drawn])
        descent.zero_grad()
        loss.backward()
        descent.step()
    return 100 * np.mean(scores(X_test, weights, layer).data.argmax(axis=1) != t_test)


wrong_learned = learn(first_try, rate=0.3)
print(f"with the first try {wrong_learned:.1f} % of the test digits are read wrongly")
assert wrong_learned < 15

# %% [markdown]
# It learns. So a loss that falls is no witness: a gradient that points roughly downhill is enough for
# that. Yet the line is wrong.
#
# Third witness: numbers
# ----------------------
#
# We begin with the one that takes no thought. `gradcheck` draws an upstream gradient dy at random,
# asks the backward for dx, and holds each entry to a central difference of the forward.

# %%
rng = np.random.default_rng(0)
x = rng.standard_normal((3, 5))
report = gradcheck((standardise, first_try), x)
print(report)
assert not report
assert report.mistakes == {"path"}

# %% [markdown]
# How to read it. First how many entries differ: all of them, so it is no matter of a border or an index.
# Then, for each input, the entry that is worst: what the backward gave, what the numbers say, and their
# relative error with what its size means. Near 1e-10 is as good as it gets with differences; one half or
# more is no rounding.
#
# Then a diagnosis. Every known mistake was tried on these numbers, and the one that fits is named. Here
# two *paths* are lost. Where nothing fits the report says so; it does not guess.
#
# First witness: by hand
# ----------------------
#
# An entry x_i moves all y of its row, on three paths::
#
#     directly       ∂y_i/∂x_i = 1/s                              gives   dy_i / s
#     through μ      ∂y_j/∂μ = −1/s,     ∂μ/∂x_i = 1/n            gives   −(Σ_j dy_j) / (n s)
#     through s      ∂y_j/∂s = −y_j/s,   ∂s/∂x_i = y_i/n          gives   −y_i (Σ_j dy_j y_j) / (n s)
#
# (s² is the mean of (x − μ)², so 2 s ∂s/∂x_i = 2 (x_i − μ) / n. Its path through μ is closed, because
# the x − μ of a row add up to 0.) Paths add::
#
#     dx = (dy − mean(dy) − y mean(dy y)) / s
#
# Mend one path, and the report names the other.


# %%
def mean_of_row(a):
    return a.mean(axis=1, keepdims=True)


def second_try(dy, cache):
    y, s = cache
    return (dy - mean_of_row(dy)) / s


def by_hand(dy, cache):
    y, s = cache
    return (dy - mean_of_row(dy) - y * mean_of_row(dy * y)) / s


report = gradcheck((standardise, second_try), x)
print(report)
assert "through the variance" in str(report)
report = gradcheck((standardise, by_hand), x)
print(report)
assert report

# %% [markdown]
# Second witness: composed
# ------------------------
#
# minigrad has rules of its own for mean, square root, minus and division. Say the same forward in those,
# and its backward pass finds the three paths by itself. In float64 the two agree to fifteen digits; numbers
# stop at nine or ten.


# %%
def composed(x):
    centred = x - np.mean(x, axis=1, keepdims=True)
    return centred / np.sqrt(np.mean(centred * centred, axis=1, keepdims=True))


x_t = tensor(x, requires_grad=True, dtype=float)
dy = rng.standard_normal(x.shape)
composed(x_t).backward(dy)
dx = by_hand(dy, standardise(x)[1])
apart = abs(x_t.grad - dx).max()
print(f"by hand and composed: at most {apart:.0e} apart")
assert apart < 1e-14

# %% [markdown]
# Why three? Each is blind to something. The derivation can hold a mistake of thought, and the code may not
# be what was derived. The composition is only as right as the rules it is made of. The numbers know
# neither, but they look at one x, with one dy, and they are only nearly right. Where three agree that
# have so little in common, there is little room for a mistake.
#
# Why dy is drawn at random
# -------------------------
#
# It is tempting to check the gradient of `y.sum()`, that is, dy = 1 everywhere. But a row of y has the
# mean 0 by construction, so that sum is 0 for every x, and its gradient is 0. A backward that gives
# nothing at all would pass.

# %%
ones = np.ones_like(x)
largest = abs(by_hand(ones, standardise(x)[1])).max()
print(f"the right gradient for dy = 1: at most {largest:.0e}")
assert largest < 1e-14
report = gradcheck((standardise, lambda dy, cache: 0 * dy), x)
print(report)
assert not report

# %% [markdown]
# Which operation?
# ----------------
#
# In a net the gradient of everything before the wrong layer is wrong. So gradcheck takes each operation
# alone as well, and names the one that fails, with the line that called it. No need to look at A.

# %%
A, B = rng.standard_normal((4, 6)), rng.standard_normal((6, 2))
layer = operation(standardise, first_try)
report = gradcheck(lambda x, A, B: F.tanh(layer(x @ A)) @ B, [rng.standard_normal((3, 4)), A, B])
print(report)
assert "the fault lies in standardise" in report.fault

# %% [markdown]
# A kink
# ------
#
# relu(x) = max(0, x) has the slope 0 to the left of 0 and the slope 1 to the right. At 0 it has none. The
# central difference says 1/2, whatever h. Which one is to be passed back?
#
# Any number between the two will do: each is a *subgradient*, the slope of a line that touches the
# function there and stays below it. A number outside is none. gradcheck finds the two slopes from
# either side and accepts what lies between. Most libraries pass back 0.


# %%
def relu_with(at_zero):
    def relu(x):
        return np.maximum(x, 0), x

    def backward(dy, x):
        return dy * np.where(x == 0, at_zero, x > 0)

    return relu, backward


points = np.array([-1.0, 0.0, 2.0])
for at_zero in (0, 1, 1.5):
    report = gradcheck(relu_with(at_zero), points)
    print(*report.kinks, *(problem.text for problem in report.problems), sep="\n")
    assert bool(report) == (0 <= at_zero <= 1)
assert not gradcheck(relu_with(1), points, kinks={"relu": 0})  # 0 is asked for, not only allowed

# %% [markdown]
# Is a kink ever hit? With random numbers never. With data, all the time. Max pooling passes dy to the
# largest pixel of a window. Where two are largest there is a kink, and around a digit all pixels are 0.

# %%
windows = mnist.x_train.reshape(-1, 14, 2, 14, 2).transpose(0, 1, 3, 2, 4).reshape(-1, 4)
ties = 100 * np.mean(np.sum(windows == windows.max(axis=1, keepdims=True), axis=1) > 1)
print(f"{ties:.0f} % of all 2x2 windows on the digits have no single largest pixel")
assert ties > 80
report = gradcheck(lambda x: F.max_pool2d(x, 2), np.zeros((1, 1, 2, 2)))
print(report)
assert report
assert report.moved == 4

# %% [markdown]
# gradcheck does two things with a kink. It compares a little beside it, where all must agree; and on it,
# entry by entry, where the slope must lie between those of the sides. The last lines say what it met: each
# pixel has the slope 0 if it shrinks and 1 if it grows.
#
# One of the four is given all of dy. Sharing it evenly would be as right. Giving all of it to each of them
# would not: four pixels that grow together raise the largest by as much as one, not by four times that.
# Taken one by one these slopes are allowed, so gradcheck moves what is equal together as well.


# %%
def largest_of(x):
    return x.max(keepdims=True), x == x.max()


assert gradcheck((largest_of, lambda dy, is_max: dy * is_max / is_max.sum()), np.zeros(4))
report = gradcheck((largest_of, lambda dy, is_max: dy * is_max), np.zeros(4))
print(report)
assert not report

# %% [markdown]
# The third is the bilinear sampler of lesson 10. What it reads between pixels is a line from one to the
# next, so it has a corner on each pixel. The first place lies on a pixel, and the second between two.

# %%
row = np.array([1.0, 4.0, 3.0, 3.0, 7.0, 5.0, 2.0, 2.0])
places = np.array([1.0, 3.25])


def read(u):
    x = (2 * u + 1) / 8 - 1  # from pixels to the -1 ... 1 of grid_sample
    return F.grid_sample(
        row.reshape(1, 1, 1, 8), np.stack([x, 0 * x], axis=-1).reshape(1, 1, -1, 2)
    )


report = gradcheck(read, places)
print(report)
assert report

# %% [markdown]
# To the left of pixel 1 the row rises by 3, to the right it falls by 1. The sampler takes the right side.
# grid_sample measures in units of 4 pixels here, hence 12 and -4. (The other two kinks are by the row: both
# places lie on the middle of the only one.)
#
# Step by step
# ------------
#
# When the report is not enough, look. `minigrad.step` runs a backward pass and keeps every step of it:
# what comes in, the local derivative, what goes out to each operand, and the sum that has arrived there.
# Inside `recording()` the values are kept as well. Here relu gives y, which is used three times.

# %%
x = tensor([0.5, -1.0, 2.0], requires_grad=True)
with recording():
    y = F.relu(x)
    loss = np.sum(y * y + y)
stepper = step(loss)
print(repr(stepper))
print(stepper.goto(2))
print("at y by now:", stepper.gradient(y), "at x:", stepper.gradient(x))
assert stepper.gradient(x) is None
print(stepper.until("multiply"))
print(stepper.until("relu"))
assert np.array_equal(stepper.gradient(x), 2 * y.data + (y.data > 0))

# %% [markdown]
# The same as a page to click through, with arrow keys as well, which needs no network; and as a picture.
# Along the upper arrow from relu two gradients come back, along the lower one a third. In a notebook
# `stepper` alone in a cell is enough.

# %%
page = FOLDER / "03_three_witnesses.html"
FOLDER.mkdir(parents=True, exist_ok=True)
stepper.html(page)
print(f"page: {page}")
show(draw(loss), "03_three_witnesses_graph")

# %% [markdown]
# The picture
# -----------
#
# Was the wrong line harmless, then? Train with it and with the right one, at several rates.

# %%
rates = (0.03, 0.1, 0.3, 1.0)
tries = {"paths lost": first_try, "right gradient": by_hand}
errors = {name: [learn(backward, rate) for rate in rates] for name, backward in tries.items()}
for name, wrong in errors.items():
    print(f"{name:>14}:", ", ".join(f"{w:.1f} % at {rate}" for w, rate in zip(wrong, rates)))
assert errors["paths lost"][3] > 80
assert errors["right gradient"][3] < 12

# %% [markdown]
# Above: at a rate of 0.3 nobody would notice. A slower one costs some per cent. A faster one, with which
# the right gradient learns well, throws the net off, and one would blame the rate.
#
# Below: the three kinks. The fan holds the lines of all slopes between the two sides; the bold line is
# the one that is passed back. (At a peak they stay above.)
#
# To try: drop the last term of `by_hand` only where y > 1, and see what the report makes of it. Give
# `relu_with` a slope of -0.1. Divide by n - 1 in the spread, and mend `by_hand` until it passes. Call
# `minigrad.step` on the loss of the net and go until("standardise").

# %%
figure = Figure(figsize=(10, 6.4), layout="constrained")
above, below = figure.subfigures(2, 1)
axes = above.subplots()
for (name, wrong), color, marker in zip(errors.items(), (ORANGE, BLUE), "Xo"):
    axes.semilogx(rates, wrong, marker=marker, color=color, label=name)
axes.set(xlabel="learning rate", ylabel="read wrongly (%)", yscale="log")
axes.set(yticks=[10, 20, 50, 90], yticklabels=[10, 20, 50, 90])
axes.set(xticks=rates, xticklabels=rates, title="a wrong gradient learns too, up to a rate")
axes.legend()

kinks = {  # function, where its kink is, slope to the left, to the right, passed back
    "relu": (lambda x: np.maximum(x, 0), 0.0, 0, 1, 0),
    "max pool: one pixel, the others 0": (lambda x: np.maximum(x, 0), 0.0, 0, 1, 1),
    "sampler: a place on pixel 1": (lambda x: np.interp(x, np.arange(8), row), 1.0, 3, -1, -1),
}
for axes, (title, (f, at, left, right, passed)) in zip(below.subplots(1, 3), kinks.items()):
    near = np.linspace(at - 1, at + 1, 201)
    ends = np.array([-0.8, 0.8])
    for slope in np.linspace(left, right, 9):
        axes.plot(at + ends, f(at) + slope * ends, color=ORANGE, linewidth=0.8)
    axes.plot(at + ends, f(at) + passed * ends, color=ORANGE, linewidth=3, label="passed back")
    axes.plot(near, [f(u) for u in near], color=BLUE, linewidth=2, label="the function")
    axes.set(title=title, xlabel="x")
    axes.legend()
show(figure, "03_three_witnesses")
