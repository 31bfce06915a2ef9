"""How it is learned: the synchronous form of A3C, one learner and a batch of mazes.

The gradient of an unroll is that of

    L_π + value L_V - entropy H + d1 L_D1 + d2 L_D2 + loop L_L

backward through the T steps and no further (truncated backpropagation through time): the memory before
the first step is a constant. Its length is clipped, and RMSProp takes a step of a rate that falls to 0
along a line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minigrad import Tensor, optim
from minigrad.errors import NotFiniteError
from tasks import checkpoint
from tasks.navigation import depth, losses
from tasks.navigation.decoder import PositionDecoder
from tasks.navigation.models import NavigationNet, NetOutput
from tasks.navigation.returns import k_step_returns
from tasks.navigation.rollout import Unroll


@dataclass(frozen=True)
class LossWeights:
    """What each term of the loss counts; the policy's counts 1."""

    value: float = 0.5
    entropy: float = 1e-3
    d1: float = 0.1
    d2: float = 0.1
    loop: float = 0.03


class Learner:
    """A network, its position decoder and its optimiser.

    Parameters
    ----------
    net : NavigationNet
    decoder : PositionDecoder
    weights : LossWeights
    rate : float
        The first learning rate.
    updates : int
        After how many it has fallen to 0.
    gamma : float
    max_norm : float
        Of the gradient.
    alpha, eps : float
        Of RMSProp.
    eps_inside : bool
        √(g + eps), as in the paper of A3C, instead of √g + eps.
    """

    def __init__(
        self,
        net: NavigationNet,
        decoder: PositionDecoder,
        weights: LossWeights,
        rate: float,
        updates: int,
        *,
        gamma: float,
        max_norm: float,
        alpha: float,
        eps: float,
        eps_inside: bool,
    ):
        self.net, self.decoder, self.weights = net, decoder, weights
        self.gamma, self.max_norm = gamma, max_norm
        self.optimiser = optim.RMSprop(
            net.parameters(), lr=rate, alpha=alpha, eps=eps, eps_inside=eps_inside
        )
        self.schedule = optim.LambdaLR(self.optimiser, lambda done: share_left(done, updates))
        self._parts = {
            "net": net,
            "decoder": decoder,
            "optimiser": self.optimiser,
            "schedule": self.schedule,
        }

    def learn(self, unroll: Unroll) -> dict[str, float]:
        """Learn from one unroll; what was measured on it before that.

        Raises
        ------
        NotFiniteError
            Where a loss or a gradient is not finite; nothing is changed then.
        """
        output, measures = self.gradient(unroll)
        self.optimiser.step()
        self.schedule.step()
        return measures | {"position": self.decoder.learn(output.h, unroll.cells)}

    def gradient(self, unroll: Unroll) -> tuple[NetOutput, dict[str, float]]:
        """Compute the gradient for an unroll, clipped, and see that it is finite."""
        with np.errstate(all="ignore"):  # what is not finite is found and named
            output, measures = self._backward(unroll)
            length = optim.clip_grad_norm_(self.net.parameters(), self.max_norm)
            if not np.isfinite(length):
                self._backward(unroll)  # once more, for clipping has spread it to all gradients
                raise NotFiniteError(_where(self.net))
        return output, measures | {"gradient": length, "dead": dead(output.f.data)}

    def _backward(self, unroll: Unroll) -> tuple[NetOutput, dict[str, float]]:
        self.net.zero_grad()
        loss, output, measures = self.loss(unroll)
        loss.backward()
        return output, measures

    def loss(self, unroll: Unroll) -> tuple[Tensor, NetOutput, dict[str, float]]:
        """The loss of an unroll, what the network put out, and each term by name."""
        output = self.net(unroll.senses, unroll.state)
        returns = k_step_returns(
            unroll.rewards, unroll.ended, unroll.final_values, unroll.bootstrap, self.gamma
        ).ravel()
        advantages = returns - output.value.detach().data
        terms: dict[str, Tensor] = {
            "policy": losses.policy_loss(output.logits, unroll.actions.ravel(), advantages),
            "value": losses.value_loss(output.value, returns),
            "entropy": losses.entropy(output.logits),
        }
        tiles = unroll.depths.reshape(-1, depth.PIXELS)
        for name, said in self.net.depth_logits(output).items():
            terms[name] = losses.depth_loss(said, tiles)
        looped = self.net.loop_logits(output)
        if looped is not None:
            terms["loop"] = losses.loop_loss(looped, unroll.loops.ravel())
        measures = {name: float(term.item()) for name, term in terms.items()}
        for name, number in measures.items():
            if not np.isfinite(number):
                raise NotFiniteError(f"the loss {name!r} is {number}. {_where(self.net)}")
        factors = {"policy": 1.0} | vars(self.weights) | {"entropy": -self.weights.entropy}
        return sum(factors[name] * term for name, term in terms.items()), output, measures  # type: ignore[return-value]

    def state_dict(self) -> dict:
        """What a checkpoint keeps.

        Raises
        ------
        NotFiniteError
            Where a parameter is not finite, so that the last good checkpoint stays.
        """
        if not all(np.isfinite(p.data).all() for p in self.net.parameters()):
            raise NotFiniteError(_where(self.net))
        return checkpoint.collect(self._parts)

    def load_state_dict(self, state: dict) -> None:
        """Go on where `state_dict` was taken."""
        checkpoint.restore(self._parts, state)


def share_left(done: int, updates: int) -> float:
    """What is left of the first learning rate after `done` updates: it falls to 0 along a line."""
    return max(1 - done / updates, 0.0)


def dead(f: np.ndarray) -> float:
    """Per cent of the units of f (M, 256) that are 0 in all M steps: what they could tell is not seen."""
    return 100 * float(np.mean(~f.any(axis=0)))


def _where(net: NavigationNet) -> str:
    """Which parameters, or else which gradients, are not finite."""
    for what in ("data", "grad"):
        broken = [
            name
            for name, p in net.named_parameters()
            if getattr(p, what) is not None and not np.isfinite(getattr(p, what)).all()
        ]
        if broken:
            kind = {"data": "parameters", "grad": "gradients"}[what]
            others = f" and of {len(broken) - 1} more" if len(broken) > 1 else ""
            return (
                f"The {kind} of {broken[0]}{others} are not finite. A new run with a lower --lr may do "
                "better."
            )
    return (
        "Its parameters and gradients are finite, number by number: the loss or the length of the gradient "
        "overflowed. Try a smaller --lr."
    )
