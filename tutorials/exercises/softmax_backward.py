# %% [markdown]
"""
Exercise 3: The backward of softmax
===================================

Softmax makes probabilities of scores. Derive how a gradient goes back through it, and write that in a
line or two; gradcheck tells what is missing.

Takes about twenty minutes.

Difficulty: 2 of 5. You need lesson 3: paths, and how to read a report of gradcheck. Run this file as often
as you like, `python softmax_backward.py`; it says what is right so far.
"""

# %%
import numpy as np

from minigrad import gradcheck
from tutorials.exercise import grade, points, returned

# %% [markdown]
# Forward
# -------
#
# Each row of scores x becomes a row of probabilities y, which are positive and add up to 1::
#
#     y_i = exp(x_i) / Σ_k exp(x_k)
#
# A *row* lies along the last axis, however many axes come before it. The largest score of a row is taken
# from all its scores first. That changes no probability, and keeps exp from overflowing.


# %%
def softmax(x):
    """Return the probabilities, and what backward needs: the same once more."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    y = e / e.sum(axis=-1, keepdims=True)
    return y, y


print("softmax of 0, 0, log 2:", softmax(np.log([1.0, 1.0, 2.0]))[0])

# %% [markdown]
# Backward
# --------
#
# Given dy, the gradient by each probability, find dx, the gradient by each score. y itself is all that
# you need to keep from forward.
#
# Mind that x_i moves more than y_i: a larger score takes from the probability of all others. For two scores
# of the same size y = (1/2, 1/2). If then dy = (1, 0), so that only the first probability counts, the right
# answer is dx = (1/4, -1/4).
#
# Hints, to be opened one by one:
#
# <details><summary>Which derivatives?</summary>
#
# Write S for the sum of all exp(x_k). Take the logarithm first: log y_j = x_j - log S, and the derivative
# of log S by x_i is y_i. So what is ∂y_j/∂x_i, for j = i and for j ≠ i?
#
# </details>
#
# <details><summary>Which sum?</summary>
#
# ∂y_j/∂x_i = y_j ([j = i] - y_i). x_i reaches the loss through every y_j of its row, and paths add:
# dx_i = Σ_j dy_j y_j ([j = i] - y_i). Split the sum at the minus.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "softmax-backward", "locked": false, "schema_version": 3, "solution": true}
def softmax_backward(dy, y):
    """Return dx, of the shape of dy and y: the gradient by the scores."""
    # BEGIN SOLUTION
    return y * (dy - np.sum(dy * y, axis=-1, keepdims=True))
    # END SOLUTION


# %% [markdown]
# Checks
# ------
#
# They leave alone what you wrote, and each says what it found.


# %% nbgrader={"grade": true, "grade_id": "check-softmax-backward", "locked": true, "points": 5, "schema_version": 3, "solution": false}
@points(1, number="3.1", hint="a score that grows takes from the probability of all others.")
def check_two_scores(softmax_backward):
    """two scores of the same size"""
    dx = returned(softmax_backward, np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]]))
    assert np.allclose(dx, [[0.25, -0.25]]), f"dx is {dx}; it must be [[0.25 -0.25]]"


@points(2, number="3.2", hint="read the diagnosis; then open the hints above.")
def check_gradient(softmax_backward):
    """the gradient, held to numbers"""
    x = np.random.default_rng(3).standard_normal((3, 5))
    report = gradcheck((softmax, softmax_backward), x)
    assert report, report


# BEGIN HIDDEN TESTS
@points(1, number="3.3", visibility="after_published", hint="a row lies along the last axis.")
def check_more_axes(softmax_backward):
    """rows along the last of three axes"""
    x = np.random.default_rng(4).standard_normal((4, 4, 4))
    report = gradcheck((softmax, softmax_backward), x)
    assert report, report


@points(
    1, number="3.4", visibility="after_published", hint="divide by no probability: it may be 0."
)
def check_impossible(softmax_backward):
    """a class of probability 0"""
    dx = returned(softmax_backward, np.array([[1.0, 0.0, 7.0]]), np.array([[0.5, 0.5, 0.0]]))
    assert np.allclose(dx, [[0.25, -0.25, 0]]), f"dx is {dx}; it must be [[0.25 -0.25 0]]"


# END HIDDEN TESTS
grade(globals())
