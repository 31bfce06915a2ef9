# %% [markdown]
"""
Lesson 1: A gradient by hand
============================

One gradient found three times: on paper, by minigrad, and by trying nearby numbers. First for a
function of two numbers, then for all the weights of a classifier that learns to read digits.

Takes about five seconds.

You need to know what a derivative is and what a matrix product is. A *gradient* is nothing more
than all the derivatives of one number, usually the loss, by everything it was computed from.
"""

# %%
import numpy as np
from matplotlib.figure import Figure

from minigrad import tensor
from tasks.data import load_mnist
from tutorials.lesson import BLUE, ORANGE, show

# %% [markdown]
# On paper: a value used twice
# ----------------------------
#
# Take this small computation. It has the shape of a diamond, because s is used twice::
#
#                  ┌── p = s + 1 ──┐
#     s = w · x ───┤               ├─── y = p · q
#                  └── q = s² ─────┘
#
# Each step knows its own derivatives, and no step knows of the whole::
#
#     y = p q      ∂y/∂p = q     ∂y/∂q = p
#     p = s + 1    ∂p/∂s = 1
#     q = s²       ∂q/∂s = 2 s
#     s = w x      ∂s/∂w = x     ∂s/∂x = w
#
# The *chain rule* joins them from the end to the beginning. Along a path derivatives multiply.
# Where several paths arrive at one value, they add: a small change of s moves y through p, and
# through q as well, and y feels both.
#
# Write ds for ∂y/∂s, and so on. Then with w = 0.5 and x = 3:

# %%
w, x = 0.5, 3.0
s = w * x
p = s + 1
q = s**2
y = p * q

dy = 1.0
dp = q * dy
dq = p * dy
ds = 1 * dp + 2 * s * dq
dw = x * ds
dx = w * ds
print(f"on paper:    y = {y}   dp = {dp}  dq = {dq}  ds = {ds}  dw = {dw}  dx = {dx}")

# %% [markdown]
# The function is short enough to multiply out: y = (s + 1) s² = s³ + s², so ∂y/∂s = 3 s² + 2 s.
# The steps above must say the same. (Forget one of the two paths and they do not.)

# %%
assert ds == 3 * s**2 + 2 * s
assert dp != ds
assert 2 * s * dq != ds

# %% [markdown]
# Recorded: the same by minigrad
# ------------------------------
#
# minigrad writes down each step while it computes y. `backward` walks the record from the end to
# the beginning, asks each step for its own derivatives, and adds where paths meet: what we just did.

# %%
w_t, x_t = tensor(0.5, requires_grad=True), tensor(3.0, requires_grad=True)
s_t = w_t * x_t
y_t = (s_t + 1) * s_t**2
y_t.backward()
print(f"by minigrad: y = {y_t.item()}   dw = {w_t.grad}  dx = {x_t.grad}")
assert w_t.grad == dw
assert x_t.grad == dx

# %% [markdown]
# Numbers: a witness that knows no rules
# --------------------------------------
#
# A derivative says how fast y changes. So change w a little to both sides, and look::
#
#     ∂y/∂w  ≈  (y(w + h) − y(w − h)) / 2h
#
# This is the *central difference*. Its error shrinks as h²: here y = 27 w³ + 9 w², and the terms
# that are left over come to 27 h². It needs no derivation, so it cannot share a mistake with one.


# %%
def diamond(w, x):
    s = w * x
    return (s + 1) * s**2


for h in (0.1, 0.01, 0.001):
    numeric = (diamond(w + h, x) - diamond(w - h, x)) / (2 * h)
    print(f"by numbers:  h = {h:<5}  dw = {numeric:.6f}   error {numeric - dw:.6f}")
    assert abs(numeric - dw - 27 * h**2) < 1e-9

# %% [markdown]
# A classifier
# ------------
#
# Now something that learns. A digit is a row x of 784 grey levels. Ten scores come from it, one
# for each class, and softmax makes them into probabilities p that sum to 1. The loss is the
# surprise at the true class t::
#
#     z = x W + b          p_j = exp z_j / Σ_k exp z_k          loss = −log p_t
#
# Put p_t into the loss: loss = log Σ_k exp z_k − z_t. The derivative by one score z_j is then ::
#
#     ∂loss/∂z_j  =  exp z_j / Σ_k exp z_k − [j = t]  =  p_j − [j = t]
#
# where [j = t] is 1 for the true class and 0 for the others. So the gradient of the scores is what
# the classifier said minus what it should have said.
#
# A weight W_ij takes part in z_j alone, by x_i W_ij, so that its share is x_i (p_j − [j = t]). But
# all N digits of a batch use the same W: here N paths meet, and what meets is added. The sum over
# the rows of X is exactly the matrix product Xᵀ dz. For the mean loss of the batch::
#
#     dz = (p − [true class]) / N          dW = Xᵀ dz          db = Σ_rows dz


# %%
def probabilities(X, W, b):
    z = X @ W + b
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def mean_loss(X, t, W, b):
    return -np.log(probabilities(X, W, b)[np.arange(len(t)), t]).mean()


def gradient_by_hand(X, t, W, b):
    dz = probabilities(X, W, b)
    dz[np.arange(len(t)), t] -= 1
    dz /= len(t)
    return X.T @ dz, dz.sum(axis=0)


mnist = load_mnist()
X, t = mnist.x_train.reshape(-1, 784) / 255, mnist.y_train
X_test, t_test = mnist.x_test.reshape(-1, 784) / 255, mnist.y_test
print(f"{len(X)} digits to learn from, {len(X_test)} to be tested on")

# %% [markdown]
# Three witnesses
# ---------------
#
# Is the derivation right? Ask for the gradient at random weights, on 32 digits. minigrad gets the
# loss in NumPy's words and knows nothing of our formula. It makes 32-bit numbers of what it is given
# unless told otherwise; to compare closely, take 64.

# %%
rng = np.random.default_rng(1)
W, b = 0.1 * rng.standard_normal((784, 10)), np.zeros(10)
few, t_few = X[:32], t[:32]
dW, db = gradient_by_hand(few, t_few, W, b)

W_t = tensor(W, requires_grad=True, dtype=np.float64)
b_t = tensor(b, requires_grad=True, dtype=np.float64)
z_t = few @ W_t + b_t
loss_t = np.mean(np.log(np.sum(np.exp(z_t), axis=1)) - z_t[np.arange(32), t_few])
loss_t.backward()
minigrad_apart = max(abs(W_t.grad - dW).max(), abs(b_t.grad - db).max())
print(f"minigrad is at most {minigrad_apart:.0e} from the hand")
assert minigrad_apart < 1e-15

# %% [markdown]
# The numbers take two losses for each weight. We ask for the 200 weights with the largest
# gradients, and with several h. A large h errs by h². A small h errs too: the two losses then agree
# in nearly all of their 16 digits, and little is left when one is taken from the other.

# %%
steps = 10.0 ** np.arange(-1, -12, -1)
largest = [np.unravel_index(k, W.shape) for k in np.argsort(-abs(dW), axis=None)[:200]]


def central_difference(entry, h):
    W_up, W_down = W.copy(), W.copy()
    W_up[entry] += h
    W_down[entry] -= h
    return (mean_loss(few, t_few, W_up, b) - mean_loss(few, t_few, W_down, b)) / (2 * h)


numbers_apart = [max(abs(central_difference(k, h) - dW[k]) for k in largest) for h in steps]
best = int(np.argmin(numbers_apart))
print(f"the numbers are at most {numbers_apart[best]:.0e} from the hand, with h = {steps[best]:g}")
assert numbers_apart[best] < 1e-9
assert numbers_apart[0] > 1000 * numbers_apart[best]
assert numbers_apart[-1] > 1000 * numbers_apart[best]

# %% [markdown]
# Learning
# --------
#
# Start at W = 0. There every p_j is 1/10, and the gradient can be read: one step against it adds to
# column j the mean of the digits of class j (times their share), and takes away a tenth of the mean
# of all digits. The very first step makes a template for each class.

# %%
W, b = np.zeros((784, 10)), np.zeros(10)
first_step = -gradient_by_hand(X, t, W, b)[0]
for j in range(10):
    share = np.mean(t == j)
    template = share * X[t == j].mean(axis=0) - X.mean(axis=0) / 10
    assert np.allclose(first_step[:, j], template)

# %% [markdown]
# Then take 1000 steps, each on 100 digits drawn at random.

# %%
losses = []
for _ in range(1000):
    drawn = rng.integers(len(X), size=100)
    dW, db = gradient_by_hand(X[drawn], t[drawn], W, b)
    losses.append(mean_loss(X[drawn], t[drawn], W, b))
    W -= 0.5 * dW
    b -= 0.5 * db

wrong = 100 * np.mean(probabilities(X_test, W, b).argmax(axis=1) != t_test)
print(f"{wrong:.1f} % of the test digits are read wrongly (90 % by guessing)")
assert wrong < 12

# %% [markdown]
# The picture
# -----------
#
# Above: the first step, a template for each class. Light pixels speak for the class, dark ones
# against it, and grey ones do not count. Middle: the weights after 1000 steps. They are no longer
# means of digits; they have become what tells one class from the others. Look at the dark spot in
# the middle of 0: ink there speaks against it.
#
# Below: the loss, and how far the witnesses are from the hand. The numbers come closest in between,
# where h is neither too large nor too small. minigrad needs no h.
#
# To try: leave out the division by N in dz. Which of the assertions notices, and why?

# %%
figure = Figure(figsize=(10, 5.6), layout="constrained")
above, below = figure.subfigures(2, 1, height_ratios=(1, 1.25))
axes = above.subplots(2, 10)
for row, (label, images) in enumerate({"first step": first_step, "weights\nlearned": W}.items()):
    limit = 0.6 * abs(images).max()
    axes[row, 0].set_ylabel(label)
    for j in range(10):
        axes[row, j].imshow(images[:, j].reshape(28, 28), cmap="gray", vmin=-limit, vmax=limit)
        axes[row, j].set(xticks=[], yticks=[], title=f"class {j}" if row == 0 else "")

left, right = below.subplots(1, 2)
left.plot(losses, color=ORANGE, linewidth=0.8, label="loss of each batch")
smooth = np.convolve(losses, np.ones(50) / 50, mode="valid")
left.plot(25 + np.arange(len(smooth)), smooth, color=BLUE, label="mean of 50")
left.axhline(np.log(10), color="0.4", linestyle=":", label="guessing: log 10")
left.set(xlabel="step", ylabel="loss", ylim=(0, None), title=f"learning: {wrong:.1f} % wrong")
left.legend()
right.loglog(steps, numbers_apart, "o-", color=BLUE, label="central differences")
right.axhline(minigrad_apart, color=ORANGE, linestyle="--", linewidth=2, label="minigrad")
right.set(xlabel="h", ylabel="distance from the hand", title="three witnesses of one gradient")
right.legend()
show(figure, "01_a_gradient_by_hand")
