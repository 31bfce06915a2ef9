# %% [markdown]
"""
Lesson 14: The policy gradient
==============================

How to learn from a reward that has no derivative: make what turned out well more likely. First with
three levers, where the gradient can be written down; then in a corridor, where the reward comes
late, and the k-step return and the critic of the lecture's agent carry it back.

Takes about five seconds.

You need lesson 1. The algorithm is advantage actor-critic, from V. Mnih et al., Asynchronous
Methods for Deep Reinforcement Learning, 2016. Its source here is in `tasks/navigation`: `losses.py` and
`returns.py`.
"""

# %%
import numpy as np
from matplotlib.figure import Figure

import layers.functional as F
from minigrad import gradcheck, optim, tensor
from tasks.navigation.losses import entropy, policy_loss, value_loss
from tasks.navigation.returns import k_step_returns
from tutorials.lesson import BLUE, ORANGE, show

# %% [markdown]
# Three levers
# ------------
#
# A lever is pulled, and it pays. The agent chooses lever a with probability π(a); the *policy* π is a
# softmax of three numbers z, its logits. What it wants to be large is the expected pay::
#
#     J  =  Σ_a π(a) r(a)
#
# Here we know the pays r, so the gradient can be written down. With ∂π(a)/∂z_k = π(a) (δ_ak − π(k))::
#
#     ∂J/∂z_k  =  π(k) (r(k) − J)
#
# A lever that pays more than the mean gets likelier, and the more often it is pulled, the faster.

# %%
rng = np.random.default_rng(0)
r = np.array([1.0, 2.0, 5.0])
z = np.array([0.5, 0.2, -0.4])


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


pi = softmax(z)
J = pi @ r
exact = pi * (r - J)
h = 1e-6
by_numbers = [(softmax(z + h * e) @ r - softmax(z - h * e) @ r) / (2 * h) for e in np.eye(3)]
print("pi =", pi.round(3), " J =", J.round(3))
print("dJ/dz exact:     ", exact.round(4))
print("dJ/dz by numbers:", np.round(by_numbers, 4))
assert np.allclose(exact, by_numbers)

# %% [markdown]
# Without knowing r
# -----------------
#
# An agent does not know the pays. It pulls a lever and sees one number. The trick that makes do with
# that::
#
#     ∂J/∂z  =  Σ_a r(a) ∂π(a)/∂z  =  Σ_a π(a) · r(a) ∂log π(a)/∂z
#
# A sum with the weights π(a) is a mean over what the agent does anyway. So: pull, and take
# r(a) ∂log π(a)/∂z as the gradient. One pull is mostly wrong, and the mean of many is right. No
# derivative of r is asked for.
#
# For a softmax, ∂log π(a)/∂z = onehot(a) − π.

# %%
pulled = rng.choice(3, size=200_000, p=pi)
score = np.eye(3)[pulled] - pi
estimates = r[pulled, None] * score
print("mean of 200,000 pulls:", estimates.mean(axis=0).round(4))
assert np.allclose(estimates.mean(axis=0), exact, atol=0.02)

# %% [markdown]
# Better than expected
# --------------------
#
# All pays here are positive, so that each pull makes its lever likelier, and only the mean of many
# sorts that out. It helps to subtract a number V that does not depend on the lever. The mean stays as it
# is, for Σ_a π(a) ∂log π(a)/∂z = ∂(Σ_a π(a))/∂z = 0. But each estimate becomes smaller. What is left, how
# much better it was than expected, is the *advantage*::
#
#     A  =  r(a) − V

# %%
advantages = r[pulled] - J
better = advantages[:, None] * score
print("with V = J:           ", better.mean(axis=0).round(4))
print(
    "spread of one pull: ",
    estimates.std(axis=0).round(2),
    "without,",
    better.std(axis=0).round(2),
    "with V",
)
assert np.allclose(better.mean(axis=0), exact, atol=0.02)
assert (better.std(axis=0) < estimates.std(axis=0)).all()

# %% [markdown]
# A classification in disguise
# ----------------------------
#
# A loss is made small, so take −A log π(a). But −log π(a) is the cross-entropy of a classifier whose
# label is the action that was taken. So policy gradient is classification with the agent's own
# actions as labels, each weighed by its advantage, and the gradient is that of lesson 1::
#
#     ∂loss/∂z  =  A (π − onehot(a))
#
# The advantage counts as a constant; nothing flows back through it.

# %%
Z = tensor(rng.standard_normal((6, 3)), requires_grad=True, dtype=float)
actions, A = rng.integers(0, 3, 6), rng.standard_normal(6)
policy_loss(Z, actions, A).backward()
p = np.array([softmax(row) for row in Z.data])
assert np.allclose(Z.grad, A[:, None] * (p - np.eye(3)[actions]) / 6)
assert gradcheck(lambda z: policy_loss(z, actions, A), [Z.data])

# %% [markdown]
# Stay curious
# ------------
#
# An agent that is certain tries nothing new and learns nothing new. So a little of the policy's entropy H is
# added to the objective. H is highest when all actions are equally likely, and its gradient draws there::
#
#     H  =  −Σ π log π          ∂H/∂z  =  −π (log π + H)

# %%
assert gradcheck(entropy, [Z.data])
assert np.isclose(entropy(np.zeros((1, 3))).item(), np.log(3))
sure = tensor([[4.0, 0.0, 0.0]], requires_grad=True)
entropy(sure).backward()
print("where lever 0 is nearly certain, dH/dz =", sure.grad[0].round(3))
assert sure.grad[0, 0] < 0 < sure.grad[0, 1]

# %% [markdown]
# When the reward comes late
# --------------------------
#
# A corridor of ten places. The agent starts at the left end and steps left or right. At the right end it
# finds the goal: reward 1, and back to the start. By chance that takes about a hundred steps, so which
# of them deserves the reward?
#
# The *k-step return* of a step is the sum of what the next k steps bring, each worth γ times the one
# before it, and then what the critic V thinks of the place that was reached::
#
#     R_t  =  r_t + γ r_{t+1} + … + γ^{k−1} r_{t+k−1} + γ^k V(s_{t+k})          A_t  =  R_t − V(s_t)
#
# V learns to predict R. With k = 1 a reward moves back by one place at each visit, through V. With larger
# k it comes back at once, but with all the chance of the steps in between.

# %%
rewards = np.array([[0.0], [0.0], [1.0], [0.0]])
nobody_ends = np.zeros((4, 1), bool)
R = k_step_returns(rewards, nobody_ends, np.zeros((4, 1)), np.array([0.5]), gamma=0.9)
print("rewards 0 0 1 0, then V = 0.5; returns:", R[:, 0].round(3))
assert np.allclose(R[:, 0], [0.9**2 + 0.9**4 * 0.5, 0.9 + 0.9**3 * 0.5, 1 + 0.9**2 * 0.5, 0.45])

# %% [markdown]
# Actor and critic
# ----------------
#
# Both are tables here: two logits and one value for each place. Sixteen corridors are walked at once, for 20
# steps; then comes one gradient step on the policy's loss, the critic's, and minus a little entropy. The
# returns reach k steps ahead: the twenty are cut into pieces of k, and V stands in for what is beyond each.

# %%
PLACES, WALKERS, STEPS, GAMMA = 10, 16, 20, 0.95


def returns_of(rewards, V_after, k):
    """Returns that reach at most k steps ahead: up to the end of each piece of k."""
    never, unused = np.zeros((k, WALKERS), bool), np.zeros((k, WALKERS))
    pieces = [
        k_step_returns(rewards[i : i + k], never, unused, V_after[i + k - 1], GAMMA)
        for i in range(0, STEPS, k)
    ]
    return np.concatenate(pieces)


def learn(k, updates=500, seed=1):
    """Rewards a step in each unroll of an agent that learns from k-step returns."""
    rng = np.random.default_rng(seed)
    logits = tensor(np.zeros((PLACES, 2)), requires_grad=True)
    values = tensor(np.zeros(PLACES), requires_grad=True)
    optimiser = optim.SGD([logits, values], lr=1.0)
    place, earned = np.zeros(WALKERS, int), []
    for _ in range(updates):
        policy = F.softmax(logits.data, 1).data
        seen, actions, rewards, after = [], [], [], []
        for _ in range(STEPS):
            seen.append(place)
            actions.append((rng.random(WALKERS) < policy[place, 1]).astype(int))
            place = np.maximum(place + 2 * actions[-1] - 1, 0)
            rewards.append((place == PLACES - 1).astype(np.float32))
            place = np.where(place == PLACES - 1, 0, place)
            after.append(place)
        seen, actions, rewards = np.ravel(seen), np.ravel(actions), np.array(rewards)
        returns = returns_of(rewards, values.data[np.array(after)], k).ravel()
        V = values[seen]
        loss = policy_loss(logits[seen], actions, returns - V.detach().data)
        loss = loss + value_loss(V, returns) - 1e-3 * entropy(logits[seen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        earned.append(rewards.mean())
    return np.array(earned)


# %%
curves = {k: learn(k) for k in (1, 5, 20)}
best = 1 / (PLACES - 1)
halfway = {k: int(np.argmax(earned > best / 2)) for k, earned in curves.items()}
for k, earned in curves.items():
    print(
        f"k = {k:2}: half of the best after {halfway[k]} updates, in the end a reward every "
        f"{1 / earned[-50:].mean():.1f} steps"
    )
    assert earned[-50:].mean() > 0.8 * best
assert halfway[20] < halfway[5] < halfway[1]

# %% [markdown]
# The picture
# -----------
#
# On the left the estimates of one number, ∂J/∂z₂, each from a hundred pulls of the levers: with V the
# same mean, and less chance. On the right the corridor: all find the way, and the farther the returns reach,
# the sooner, for then a reward need not wait until V has learned of it, place by place.
#
# The agent of the maze does the same with k up to 20, where the tables are a network that sees pictures and
# remembers (lesson 15).
#
# To try: take `returns` as the weights, without V. Or make the corridor longer. Or let `optimiser` be
# optim.Adam([logits, values], lr=0.03): it makes small gradients as large as others, and k matters less.

# %%
figure = Figure(figsize=(9, 3.6), layout="constrained")
left, right = figure.subplots(1, 2)
for each, colour, label in ((estimates, ORANGE, "r"), (better, BLUE, "r - V")):
    means = each[:, 2].reshape(-1, 100).mean(axis=1)
    left.hist(means, bins=40, color=colour, alpha=0.7, label=f"weighed by {label}")
left.axvline(exact[2], color="black", linewidth=1, label="exact")
left.set(xlabel="estimate of the gradient from 100 pulls", ylabel="how often")
left.legend()
for (k, earned), style in zip(curves.items(), (":", "--", "-")):
    smooth = np.convolve(earned, np.ones(15) / 15, "valid")
    right.plot(smooth, style, color=BLUE, label=f"k = {k}")
right.axhline(best, color="0.5", linewidth=0.8, label="straight to the goal")
right.set(xlabel="updates", ylabel="rewards a step", title="the corridor")
right.legend()
show(figure, "14_policy_gradient")
