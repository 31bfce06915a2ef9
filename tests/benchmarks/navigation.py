"""``python -m tests.benchmarks.navigation``: the navigation agent beside PyTorch; writes NAVIGATION.md.

Nav A3C+D2+L acts for 20 steps in 16 mazes and learns from them; the mazes are left out: both see the
same pictures again and again. The two take turns on the same number of threads.
"""

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tasks.navigation import depth
from tasks.navigation.acting import RecurrentPolicy, draw_actions, one_step
from tasks.navigation.agents import ingredients
from tasks.navigation.decoder import PositionDecoder
from tasks.navigation.models import NavigationNet, Senses
from tasks.navigation.rollout import Unroll
from tasks.navigation.train import Learner, LossWeights
from tests.benchmarks import machine
from tests.benchmarks.pairs import measure

AGENT, STEPS, MAZES = "nav-d2l", 20, 16
RESULTS = Path(__file__).with_name("NAVIGATION.md")

HEAD = """\
# The navigation agent beside PyTorch

    {command}

{machine}

Nav A3C+D2+L acts for 20 steps in 16 mazes and learns from them, the mazes left out. Agent steps a second, by the
medians of the times; the ratio is the median over pairs, and half of the pairs lie between the last two.

| threads | ours | PyTorch | ours by it | half of the pairs |
| ------: | ---: | ------: | ---------: | ----------------: |
"""


def fixed_unroll() -> Unroll:
    """An unroll of random numbers."""
    rng = np.random.default_rng(0)
    shape = STEPS, MAZES
    senses = Senses(
        rng.random((*shape, 3, 84, 84), np.float32),
        rng.standard_normal((*shape, 6), np.float32),
        rng.integers(0, 8, shape),
        rng.random(shape, np.float32),
        np.zeros(shape, bool),
    )
    return Unroll(
        senses=senses,
        state=NavigationNet(ingredients(AGENT), rng).empty(MAZES),
        actions=rng.integers(0, 8, shape),
        rewards=rng.random(shape, np.float32),
        ended=np.zeros(shape, bool),
        final_values=np.zeros(shape, np.float32),
        bootstrap=np.zeros(MAZES, np.float32),
        depths=rng.uniform(0.3, 9, (*shape, depth.PIXELS)).astype(np.float32),
        loops=rng.integers(0, 2, shape),
        cells=rng.integers(0, 50, shape),
    )


def ours(unroll: Unroll) -> Callable[[], None]:
    """Act and learn by this project, without the position decoder, which PyTorch's twin has not."""
    rng = np.random.default_rng(1)
    net = NavigationNet(ingredients(AGENT), rng)
    rmsprop = {"rate": 7e-4, "alpha": 0.99, "eps": 1e-5, "eps_inside": False}
    settings = {"updates": 10**9, "gamma": 0.99, "max_norm": 0.5} | rmsprop
    learner = Learner(net, PositionDecoder(50, rng), LossWeights(), **settings)
    learner.decoder.learn = lambda h, cells: 0.0  # type: ignore[method-assign]
    policy = RecurrentPolicy(net, MAZES)

    def run() -> None:
        for t in range(STEPS):
            draw_actions(policy.step(one_step(unroll.senses, t)).probabilities, rng)
        unroll.bootstrap[...] = policy.peek(one_step(unroll.senses, 0)).values
        learner.learn(unroll)

    return run


class TorchNet(nn.Module):
    """The same network in PyTorch."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 16, 8, 4), nn.ReLU(), nn.Conv2d(16, 32, 4, 2), nn.ReLU(), nn.Flatten(),
            nn.Linear(2592, 256), nn.ReLU(),
        )  # fmt: skip
        self.lower, self.upper = nn.LSTM(257, 64), nn.LSTM(334, 256)
        self.policy, self.value = nn.Linear(256, 8), nn.Linear(256, 1)
        self.depth = nn.Sequential(nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 512))
        self.loop = nn.Sequential(nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 2))

    def forward(self, pixels, velocity, action, reward, state):
        """See NavigationNet."""
        steps = len(pixels)
        f = self.encoder(pixels.flatten(0, 1)).view(steps, MAZES, 256)
        below, lower = self.lower(torch.cat([f, reward[:, :, None]], 2), state[0])
        moved = torch.cat([f, below, velocity, F.one_hot(action, 8)], 2)
        h, upper = self.upper(moved, state[1])
        flat = h.flatten(0, 1)
        return flat, self.policy(flat), self.value(flat)[:, 0], (lower, upper)


def theirs(unroll: Unroll) -> Callable[[], None]:
    """Act and learn by PyTorch."""
    torch.manual_seed(0)
    net = TorchNet()
    optimiser = torch.optim.RMSprop(net.parameters(), lr=7e-4, alpha=0.99, eps=1e-5)
    pixels, velocity, action, reward, _ = (torch.from_numpy(part) for part in unroll.senses)
    actions, rewards = torch.from_numpy(unroll.actions), torch.from_numpy(unroll.rewards)
    loops = torch.from_numpy(unroll.loops).flatten()
    empty = tuple((torch.zeros(1, MAZES, n), torch.zeros(1, MAZES, n)) for n in (64, 256))
    memory = [empty]

    def act(t: int):
        one = slice(t, t + 1)
        with torch.no_grad():
            return net(pixels[one], velocity[one], action[one], reward[one], memory[0])

    def run() -> None:
        start = memory[0]
        for t in range(STEPS):
            _, logits, _, memory[0] = act(t)
            torch.multinomial(F.softmax(logits, 1), 1)
        following = act(0)[2]
        returns = torch.empty(STEPS, MAZES)
        for t in reversed(range(STEPS)):
            following = returns[t] = rewards[t] + 0.99 * following
        h, logits, value, _ = net(pixels, velocity, action, reward, start)
        log_p = F.log_softmax(logits, 1)
        advantages = (returns.flatten() - value).detach()
        chosen = log_p.gather(1, actions.flatten()[:, None])[:, 0]
        bands = torch.from_numpy(depth.bands(unroll.depths.reshape(-1, depth.PIXELS)))
        loss = (
            -(chosen * advantages).mean()
            + 0.25 * F.mse_loss(value, returns.flatten())
            + 1e-3 * (log_p.exp() * log_p).sum(1).mean()
            + 0.1 * F.cross_entropy(net.depth(h).view(-1, 8, 64), bands)
            + 0.03 * F.cross_entropy(net.loop(h), loops)
        )
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        optimiser.step()

    return run


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print and write a line for each number of threads."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.navigation", description=__doc__
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each number of threads")
    parser.add_argument("--out", type=Path, default=RESULTS, help="default: NAVIGATION.md here")
    options = parser.parse_args(arguments)
    sides = ours(fixed_unroll()), theirs(fixed_unroll())
    rows = []
    for n in options.threads:
        with machine.running_on(n):
            pairs = measure(*sides, options.seconds, 5)
        rates = (STEPS * MAZES / median(times) for times in (pairs.ours, pairs.theirs))
        figures = " | ".join(f"{rate:,.0f}" for rate in rates)
        low, high = pairs.middle
        rows.append(f"| {n} | {figures} | {pairs.ratio:.2f} | {low:.2f} to {high:.2f} |")
    text = HEAD.format(
        command=shlex.join(["python", "-m", "tests.benchmarks.navigation", *arguments]),
        machine=", ".join(f"{name} {value}" for name, value in machine.describe().items()),
    )
    text += "\n".join(rows) + "\n"
    print(text)
    options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
