"""Which agents there are: the ingredients of the slides, and what each agent has of them.

    ff           pictures only, no memory                                           (FF A3C)
    lstm         pictures only, one LSTM                                            (LSTM A3C)
    nav          stacked LSTMs; last reward, last action and velocity as inputs     (Nav A3C)
    nav-d1 ...   predicts depth from the encoder's features f                       (+D1)
    nav-d2 ...   predicts depth from the last LSTM's output h                       (+D2)
    nav-l ...    predicts loop closure from h                                       (+L)
    nav-rgbd     depth is one more channel of the picture: an input, not a target

The slides' Nav++ is Nav A3C with both kinds of auxiliary task: nav-d1d2l has them all.

Source: P. Mirowski et al., Learning to Navigate in Complex Environments, 2017, section 4.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from tasks.config import UsageError, nearest

AgentName = Literal[
    "ff",
    "lstm",
    "nav",
    "nav-d1",
    "nav-d2",
    "nav-d1d2",
    "nav-l",
    "nav-d1l",
    "nav-d2l",
    "nav-d1d2l",
    "nav-rgbd",
]
AGENTS: tuple[str, ...] = get_args(AgentName)


@dataclass(frozen=True)
class Ingredients:
    """What an agent is made of.

    Attributes
    ----------
    lstms : int
        How many, one on the other: 0, 1 or 2. With 2, the lower one is told the last reward, the upper
        one velocity and last action.
    depth_from_f, depth_from_h, loop : bool
        The auxiliary tasks D1, D2 and L.
    sees_depth : bool
        Whether depth is an input.
    """

    lstms: int
    depth_from_f: bool = False
    depth_from_h: bool = False
    loop: bool = False
    sees_depth: bool = False

    @property
    def channels(self) -> int:
        """Channels of the picture."""
        return 4 if self.sees_depth else 3


def ingredients(name: str) -> Ingredients:
    """What the agent of that name is made of.

    Raises
    ------
    UsageError
        Where there is none.
    """
    if name not in AGENTS:
        raise UsageError(f"there is no agent {name!r}. {nearest(name, AGENTS)}")
    kind, _, tasks = name.partition("-")
    return Ingredients(
        lstms={"ff": 0, "lstm": 1, "nav": 2}[kind],
        depth_from_f="d1" in tasks,
        depth_from_h="d2" in tasks,
        loop="l" in tasks,
        sees_depth=tasks == "rgbd",
    )
