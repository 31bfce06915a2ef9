# %% [markdown]
"""
Lesson 15: The maze and its agent
=================================

The lecture's last system, piece by piece: what the agent sees, its network, its memory, the tasks that
teach it to see, and then a short training in a small maze, after which it knows the way to the goal.

Takes about ninety seconds.

You need lesson 14. The agent is Nav A3C+D2 of P. Mirowski et al., Learning to Navigate in Complex
Environments, 2017; its source is in `tasks/navigation`, and `python -m tasks navigation` trains it for longer
and in larger mazes.
"""

# %%
import numpy as np
from matplotlib.figure import Figure

import maze
from maze.figures import draw_trajectory
from maze.players import Oracle, RandomPlayer, rollout
from minigrad import no_grad
from minigrad.kernels.threads import set_num_threads
from tasks.navigation import depth
from tasks.navigation.acting import Player
from tasks.navigation.agents import ingredients
from tasks.navigation.decoder import PositionDecoder, grid
from tasks.navigation.evaluate import evaluate
from tasks.navigation.loop_closure import LoopClosure
from tasks.navigation.models import NavigationNet, Senses
from tasks.navigation.rollout import Actor
from tasks.navigation.train import Learner, LossWeights
from tutorials.lesson import BLUE, ORANGE, show

set_num_threads(1)

# %% [markdown]
# What it sees
# ------------
#
# A maze of 3x3 cells, drawn by characters: `G` the goal (+10), `A` apples (+1). Who finds the goal is put
# down somewhere else and has to find it again, until the time is up. The agent sees this from within:
# a picture, and it feels how fast it moves and turns. Where it is, nobody tells it.
#
# Depth, how far each pixel is, is known to the renderer. It is no input but a *target*: the agent is asked
# to predict it, coarsely, in 4x16 pixels of the picture's middle, and each in one of 8 bands.

# %%
LAYOUT = maze.from_text(
    """
#######
#..A..#
#.###.#
#A..G.#
#.###.#
#..A..#
#######
"""
)
SIDE = 36  # pixels; the paper has 84


def make(batch, seed, **options):
    """Mazes whose episodes last twenty seconds: 300 actions."""
    return maze.make(LAYOUT, batch, seed, frames=1200, **{"size": SIDE, "order": "CHW"} | options)


mazes = make(16, 0)
seen = mazes.reset()
coarse = depth.coarse(seen.depth)
bands = depth.bands(coarse)
print(
    "picture", seen.rgb.shape[1:], " depth", coarse.shape[1:], " velocity", seen.velocity.shape[1:]
)
print("bands of the first agent's view, 0 is near:", bands[0], sep="\n")
assert bands.min() >= 0
assert bands.max() < depth.BANDS

# %% [markdown]
# The network
# -----------
#
# Two convolutions and a layer make 256 features f of the picture. A first LSTM reads them and the last
# reward, a second one reads f again, the first one's output, velocity and last action. From its output h
# come the policy's eight logits, the value, and, for this agent, depth (D2)::
#
#     picture ─ conv ─ conv ─ FC ─ f ──┬────────────┐
#                       reward ── LSTM 64 ───── LSTM 256 ─ h ─┬─ policy, value
#                                 velocity, action ─┘         └─ depth: 64 pixels x 8 bands

# %%
rng = np.random.default_rng(0)
net = NavigationNet(ingredients("nav-d2"), rng, SIDE)
print(f"{sum(p.size for p in net.parameters()):,} parameters")

# %% [markdown]
# Memory, and where it ends
# -------------------------
#
# An unroll is T steps of N agents. Gradients flow back through its steps and no further (*truncated
# backpropagation through time*), the memory itself goes on to the next one. Where an episode begins it is
# emptied. So what comes after does not depend on what came before:

# %%
T, N = 6, 2
senses = Senses(
    rng.random((T, N, 3, SIDE, SIDE), np.float32),
    np.zeros((T, N, 6), np.float32),
    np.zeros((T, N), int),
    np.zeros((T, N), np.float32),
    np.zeros((T, N), bool),
)
senses.first[3, 0] = True  # the first agent's episode begins anew in step 3
other = senses._replace(pixels=senses.pixels.copy())
other.pixels[0] = -other.pixels[0]  # another past
with no_grad():
    h = [net(s, net.empty(N)).h.data for s in (senses, other)]
change = np.abs(h[0] - h[1]).max(axis=2)
print("change of h by another first picture, step by step:", change.round(4).T, sep="\n")
assert (change[3:, 0] == 0).all()
assert (change[:, 1] > 0).all()

# %% [markdown]
# Have I been here?
# -----------------
#
# The other auxiliary task of the paper is *loop closure*: was I here, went away, and am here again? The
# answer to learn from is computed of the path, which is integrated from velocity. Five tiles ahead and back:

# %%
loop = LoopClosure(batch=1, longest=20, seconds=1.0)
path = [0, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1]
answers = [int(loop.step(np.array([[speed, 0, 0, 0, 0, 0.0]]))[0]) for speed in path]
print("place: ", np.cumsum(path).tolist())
print("closed:", answers)
assert answers == [0] * 10 + [1]

# %% [markdown]
# Learning
# --------
#
# Sixteen mazes are played at once, twenty steps at a time. Then one step of RMSProp on the sum of all losses: the
# policy's, half the value's and a tenth of depth's, less a thousandth of the entropy, so that the agent keeps trying
# other ways. Rewards are divided by ten, and a gradient longer than 0.5 is cut to that.
#
# Beside, a linear classifier learns to tell from h in which of the nine cells the agent is. Its gradient does
# not go into the agent: it reads its mind, and leaves it alone.

# %%
UPDATES = 600
rows, columns = grid(mazes.maze_size)
decoder = PositionDecoder(rows * columns, rng)
learner = Learner(
    net,
    decoder,
    LossWeights(value=0.5, d2=0.1, entropy=1e-3),
    rate=1e-3,
    updates=UPDATES,
    gamma=0.99,
    max_norm=0.5,
    alpha=0.99,
    eps=1e-5,
    eps_inside=False,
)
actor = Actor(net, mazes, steps=20, reward_scale=0.1, rng=rng)
points, depth_losses = [], []
for update in range(1, UPDATES + 1):
    depth_losses.append(learner.learn(actor.unroll())["d2"])
    if update % 60 == 0:
        episodes = actor.take_finished()
        points.append(np.mean([score for score, _ in episodes]) if episodes else np.nan)
        print(f"{update * 320:7,} steps: {points[-1]:5.1f} points an episode")

# %% [markdown]
# How good is that? Chance and an oracle that knows the maze give it a scale.

# %%
scale = {
    name: rollout(make(20, 99, size=1), player).scores.mean()
    for name, player in (("chance", RandomPlayer()), ("oracle", Oracle()))
}
test_mazes = make(20, 99)
test = evaluate(Player(net, np.random.default_rng(0), 0.1), decoder, test_mazes)
score = test.played.scores.mean()
print(f"chance {scale['chance']:.1f}, agent {score:.1f}, oracle {scale['oracle']:.1f} points")
print(
    f"depth right in {test.depth['d2']:.0f} % of pixels, position in {test.position:.0f} % of steps"
)
assert score > 2 * scale["chance"]
assert np.mean(depth_losses[-50:]) < np.mean(depth_losses[:20])

# %% [markdown]
# The picture
# -----------
#
# Left: the way of the best of twenty test episodes, from light to dark as time goes on. Middle: the value in it,
# which rises on the way to the goal; a red line stands where the goal was found. Right: points an episode while it
# learned.
#
# To try: "nav" in place of "nav-d2", the same agent without depth, and some other seeds. Depth as an input is
# "nav-rgbd". Or give it your own maze.

# %%
best = int(np.argmax(test.played.scores))
poses, found = test.played.poses[:, best], test.played.found[:, best]
figure = Figure(figsize=(10, 3.4), layout="constrained")
left, middle, right = figure.subplots(1, 3)
draw_trajectory(left, test_mazes.episodes[best], poses, found)
left.set_title(f"points {test.played.scores[best]:.0f}, goals {found.sum()}")
seconds = np.arange(len(found)) * test.played.seconds
middle.plot(seconds, test.values[:, best], color=BLUE)
for second in seconds[found]:
    middle.axvline(second, color="#c00000", linewidth=1)
middle.set(xlabel="seconds of the episode", ylabel="value")
right.plot(np.arange(1, len(points) + 1) * 60 * 320 / 1000, points, "o-", color=BLUE, label="agent")
for (name, level), style in zip(scale.items(), (":", "--")):
    right.axhline(level, color=ORANGE, linestyle=style, label=name)
right.set(xlabel="thousand steps", ylabel="points an episode")
right.legend()
show(figure, "15_the_maze")
