"""The navigation agent: it learns from what it finds, and auxiliary tasks teach it to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from maze.arguments import LARGEST_IMAGE
from maze.world import MOST
from minigrad.kernels.threads import get_num_threads
from tasks.config import Config as CommonConfig
from tasks.config import UsageError, option
from tasks.navigation.a3c import Fleet
from tasks.navigation.agents import AgentName
from tasks.navigation.mazes import SEEDS_A_RUN, TEST_SEED, check_name, drawn_by, make_mazes
from tasks.navigation.report import Means, Reports
from tasks.navigation.rollout import Actor
from tasks.navigation.setup import build, make_learner
from tasks.navigation.train import LossWeights
from tasks.run import Run
from tasks.sweep import Sweep


@dataclass(frozen=True)
class Config(CommonConfig):
    """The settings of navigation."""

    seed: int = option(0, "decides every random number", minimum=0, below=TEST_SEED // SEEDS_A_RUN)
    maze: str = option(
        "tiny",
        "tiny (5x5 cells, static), TinyRandomGoal, TMaze, PlainSmall, a maze of `python -m maze`, or a layout's path (.txt)",
    )
    agent: AgentName = option("nav-d2", "its ingredients; d1, d2: depth from f, h; l: loop closure")
    method: Literal["sync", "a3c"] = option(
        "sync", "one learner and a batch of mazes, or asynchronous workers with a maze each"
    )
    workers: int | None = option(
        None, "a3c: processes; none: as many as --threads", minimum=1, below=257
    )
    steps: int = option(1_500_000, "agent steps, over all mazes", minimum=1)
    mazes: int = option(16, "sync: mazes side by side", minimum=1, below=MOST + 1)
    unroll: int = option(20, "agent steps from one update to the next", minimum=1)
    lr: float = option(7e-4, "first learning rate; it falls to 0 along a line", minimum=0)
    entropy: float = option(LossWeights.entropy, "weight of the policy's entropy", minimum=0)
    value: float = option(LossWeights.value, "weight of the value loss", minimum=0)
    depth1: float = option(LossWeights.d1, "weight of depth from f, in agents with d1", minimum=0)
    depth2: float = option(LossWeights.d2, "weight of depth from h, in agents with d2", minimum=0)
    loop: float = option(LossWeights.loop, "weight of loop closure, in agents with l", minimum=0)
    depth_form: Literal["bands", "regression"] = option(
        "bands", "depth by classification into 8 bands, or as a number"
    )
    gamma: float = option(0.99, "what a reward is worth one step later", minimum=0, below=1)
    reward_scale: float = option(
        0.2,
        "rewards times this, then clipped at 1 and -1: by 0.2 a goal counts five apples",
        above=0,
    )
    max_norm: float = option(0.5, "length to which the gradient is clipped", above=0)
    alpha: float = option(0.99, "RMSProp: what the mean of squares keeps", minimum=0, below=1)
    eps: float = option(
        1e-5, "RMSProp: the small number beside the root of the mean of squares", above=0
    )
    eps_inside: bool = option(
        False,
        "RMSProp: add eps under the root, as A3C does; then its root is what counts beside it",
    )
    side: int = option(84, "pixels of the picture's side", minimum=20, below=LARGEST_IMAGE + 1)
    fruit: bool = option(True, "apples and strawberries, or the goal alone (sparse)")
    frames: int | None = option(None, "frames of an episode; none: the maze's own", minimum=4)
    log_every: int = option(20_000, "agent steps between two points of the curve", minimum=1)
    draw_every: int = option(200_000, "agent steps between two pictures of the map", minimum=1)
    test_episodes: int = option(100, "episodes of the final test", minimum=1, below=MOST + 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_name(self.maze)
        if self.data != "embedded":
            raise UsageError(f"--data {self.data}: navigation reads no data, --maze is what it has")
        if self.workers is not None and self.method != "a3c":
            raise UsageError(f"--workers {self.workers} is of --method a3c; sync has --mazes")


PRESETS: dict[str, dict[str, Any]] = {
    "quick": {
        "steps": 3_200,
        "mazes": 4,
        "frames": 600,
        "log_every": 800,
        "draw_every": 1_600,
        "test_episodes": 4,
    },
    "default": {},
    "paper": {  # but by one learner and a batch of mazes; --method a3c --workers 16 is its way
        "maze": "StaticSmall",
        "agent": "nav-d1d2l",
        "steps": 25_000_000,
        "unroll": 50,
        "lr": 3e-4,  # from the middle of the paper's range, as we remember it: see SWEEP
        "reward_scale": 0.3,
        # The paper tells no eps. Under the root it has to be small beside the squares of gradients that are means.
        "eps_inside": True,
        "eps": 1e-10,
    },
}

#: As in the paper: 64 draws, and the mean of the best five. Its ranges of the rate, 1e-4..5e-4, and of the
#: entropy's weight, 1e-4..1e-3, as we remember them, are within ours, which reach higher: a run of 2 million
#: steps makes few updates.
SWEEP = Sweep(
    {
        "lr": "1e-4..2e-3",
        "entropy": "1e-4..1e-2",
        "depth1": "0.03|0.1|0.33",
        "depth2": "0.03|0.1|0.33",
        "loop": "0.01|0.03|0.1",
    },
    measure="score",
)


def main(run: Run[Config]) -> None:
    """Train an agent, and test it."""
    config = run.config
    run.say(
        f"{config.agent} learns in {config.maze} for {config.steps:,} steps; the first time, what is compiled "
        "takes a minute before anything else is told"
    )
    with drawn_by(get_num_threads()):
        if config.method == "a3c":
            _asynchronously(run)
        else:
            _in_step(run)


def watch(folder: str | None = None) -> None:
    """Show a trained agent: of the run in `folder`, or the one that comes with the repository."""
    from tasks.navigation.watch import watch as show

    show(folder)


def _in_step(run: Run[Config]) -> None:
    """One learner, and a batch of mazes that act in step."""
    config = run.config
    mazes = make_mazes(config, config.mazes, config.seed * SEEDS_A_RUN)
    net, decoder = build(config, mazes, run.rng)
    batch = config.mazes * config.unroll
    updates = max(config.steps // batch, 1)
    learner = make_learner(config, net, decoder, updates)
    actor = Actor(net, mazes, config.unroll, config.reward_scale, run.rng("actions"))
    measured = Means()
    reports = Reports(run, net, decoder, batch, updates)
    # The actor first: where the maze is another now, it says so; the learner would tell of sizes.
    parts = {"actor": actor, "learner": learner, "means": measured}
    for step in run.steps(updates, parts):
        measured.add(learner.learn(actor.unroll()))
        if reports.log_is_due(step):
            reports.log(step, actor.take_finished(), measured.take())
        if reports.drawing_is_due(step):
            reports.draw()
    reports.test()


def _asynchronously(run: Run[Config]) -> None:
    """Workers, each with a maze, that change the same parameters."""
    config = run.config
    mazes = make_mazes(config, 1, 0)
    net, decoder = build(config, mazes, run.rng)
    updates = max(config.steps // config.unroll, 1)
    reports = Reports(run, net, decoder, config.unroll, updates)
    workers = config.workers or get_num_threads()
    fleet = Fleet(config, mazes, net, decoder, updates, workers, run.say)
    try:
        for step in run.steps(updates, {"fleet": fleet}):
            fleet.wait(step)
            if reports.log_is_due(step):
                measures = fleet.take_measures()
                if measures:  # of more updates than `step`, where they went on while this drew
                    reports.log(fleet.measured, fleet.take_finished(), measures)
            if reports.drawing_is_due(step):
                fleet.take_over()
                reports.draw()
        fleet.take_over()
    finally:
        fleet.close()
    reports.test()
