"""First-person worlds under random actions, ours and the peers': made, stepped, and timed in a process of their own.

``python -m tests.benchmarks.maze_worlds NAME SECONDS ROUNDS`` prints one line of JSON. Resets are timed apart.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle

import numpy as np

WARM_UP = 50  # steps that do not count
CHECK = 16  # steps between two looks at the clock

#: step() plays one step of all environments and resets them where needed; frames it gives; reset().
World = tuple[Callable[[], None], int, Callable[[], None]]


@dataclass(frozen=True)
class Kind:
    """One row of the table."""

    name: str
    what: str
    package: str  # that must be installed
    make: Callable[[], World]
    threads: int = 1
    apart: bool = False  # its engine is a process of its own, whose processor time is not seen


def _ours(**options: object) -> World:
    import gymnasium

    import maze  # noqa: F401

    return _single(gymnasium.make("maze/StaticSmall-v0", **options))


def _single(env: object, look: Callable[[], object] | None = None) -> World:
    """A Gymnasium environment; `look` is called each step for what its observation lacks."""
    actions = _drawn(env.action_space.n)
    env.reset(seed=0)

    def step() -> None:
        _, _, terminated, truncated, _ = env.step(next(actions))
        if look is not None:
            look()
        if terminated or truncated:
            env.reset()

    return step, 1, env.reset


def _batched(threads: int, copy: bool = False, envs: int = 16) -> World:
    import gymnasium

    import maze

    maze.set_num_threads(threads)
    env = gymnasium.make_vec("maze/StaticSmall-v0", num_envs=envs, copy=copy)
    env.reset(seed=0)
    actions = _drawn(8, envs)
    return lambda: env.step(next(actions)), envs, env.reset


def _drawn(number: int, envs: int | None = None) -> Iterator:
    """Random actions without end, drawn beforehand."""
    drawn = np.random.default_rng(0).integers(0, number, (4_096, envs or 1))
    return cycle(drawn if envs else drawn[:, 0].tolist())


def _doom() -> World:
    """The raw game, of the lowest resolution that it offers, with depth."""
    import vizdoom

    game = vizdoom.DoomGame()
    game.load_config(os.path.join(vizdoom.scenarios_path, "my_way_home.cfg"))
    game.set_window_visible(False)
    game.set_screen_resolution(vizdoom.ScreenResolution.RES_160X120)
    game.set_screen_format(vizdoom.ScreenFormat.RGB24)
    game.set_depth_buffer_enabled(True)
    game.init()
    buttons = np.eye(game.get_available_buttons_size(), dtype=int).tolist()
    actions = _drawn(len(buttons))

    def step() -> None:
        game.make_action(buttons[next(actions)])
        if game.is_episode_finished():
            game.new_episode()
        state = game.get_state()
        assert state.screen_buffer.shape == (120, 160, 3)
        assert state.depth_buffer.shape == (120, 160)

    return step, 1, game.new_episode


def _doom_gymnasium() -> World:
    import gymnasium
    from vizdoom import gymnasium_wrapper  # noqa: F401

    return _single(gymnasium.make("VizdoomMyWayHome-v1"))


def _miniworld(depth: bool) -> World:
    import pyglet

    pyglet.options["headless"] = True
    import gymnasium
    import miniworld  # noqa: F401

    env = gymnasium.make("MiniWorld-Maze-v0", obs_width=84, obs_height=84)
    return _single(env, env.unwrapped.render_depth if depth else None)


KINDS = [
    Kind("maze", "Gymnasium step: 84x84 RGB, depth, velocity; action repeat 4", "gymnasium", _ours),
    Kind("maze x16", "make_vec, one thread", "gymnasium", lambda: _batched(1)),
    Kind("maze x16, 2 threads", "make_vec, two threads", "gymnasium", lambda: _batched(2), 2),
    Kind(
        "maze x16, 2 threads, copy",
        "make_vec(copy=True), two threads",
        "gymnasium",
        lambda: _batched(2, copy=True),
        2,
    ),
    Kind(
        "ViZDoom",
        "DoomGame, my_way_home: 160x120 RGB (its lowest), depth of 8 bits",
        "vizdoom",
        _doom,
        apart=True,
    ),
    Kind(
        "ViZDoom, Gymnasium",
        "VizdoomMyWayHome-v1 as it comes: 320x240 RGB, no depth",
        "vizdoom",
        _doom_gymnasium,
        apart=True,
    ),
    Kind("MiniWorld", "Maze, 84x84 RGB, by Mesa", "miniworld", lambda: _miniworld(False)),
    Kind(
        "MiniWorld with depth",
        "the same, and render_depth()",
        "miniworld",
        lambda: _miniworld(True),
    ),
]


def rate(step: Callable[[], None], frames: int, seconds: float) -> tuple[float, float]:
    """Frames a second over so many seconds, and a second of this process's processor time."""
    start, processor, steps = time.perf_counter(), time.process_time(), 0
    while (now := time.perf_counter()) - start < seconds:
        for _ in range(CHECK):
            step()
        steps += CHECK
    return steps * frames / (now - start), steps * frames / (time.process_time() - processor)


def main() -> None:
    """Time the world of that name, and print the rates of each round, milliseconds of a reset, and memory."""
    name, seconds, rounds = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    (kind,) = (kind for kind in KINDS if kind.name == name)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-kind.threads :])
    step, frames, reset = kind.make()
    for _ in range(WARM_UP):
        step()
    for _ in range(rounds):  # each begins when a line is read: the worlds take turns
        sys.stdin.readline()
        print(json.dumps(rate(step, frames, seconds)), flush=True)
    sys.stdin.readline()
    start = time.perf_counter()
    for _ in range(20):
        reset()
    print(json.dumps([(time.perf_counter() - start) / 20 / frames * 1e3, _peak()]), flush=True)


def _peak() -> float:
    """MB at the process's peak."""
    try:
        import resource
    except ImportError:  # Windows does not tell
        return float("nan")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        2**20 if sys.platform == "darwin" else 2**10
    )


if __name__ == "__main__":
    main()
