"""Sweeps: many runs of a task, each with settings of its own draw, through an Executor.

    python -m tasks sweep NAME --runs N [--jobs J] [--scheduler ADDRESS] [--measure NAME]
        [--rank highest|lowest] [--FIELD VALUE ...]

J runs are under way at once: one unless told, on a cluster all. Each takes all cores, unless told: --threads 1.

A field's value is fixed (`--agent lstm`) or to be drawn: `--lr 1e-4..5e-3` between two numbers, as likely
in each octave, `--mazes 8..64` a whole number, as both ends are, `--unroll 20|50` one of these. What a task's
own `SWEEP` draws, is drawn unless typed otherwise. Draw k of a field depends on the seed, k and the field alone. Runs lie in OUT/000,
OUT/001, …; after Ctrl-C the same command goes on where it was stopped. The work is done by a pool of processes,
or by the Dask cluster (`pip install -e ".[dask]"`) whose scheduler has that address: both are Executors of
concurrent.futures.

A cluster's workers have one thread each (`dask worker --nthreads 1`), see the same folder OUT, and can import
`tasks`. Ctrl-C does not reach the runs that are under way there: they go on to their end, and the same command
finds them when they are done.
"""

from __future__ import annotations

import contextlib
import math
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import numpy as np

from tasks.config import UsageError, as_text, flag, make_config, to_settings
from tasks.registry import Task, find_task

BEST = 5  # runs whose mean is told, as in the paper of the navigation agent


@dataclass(frozen=True)
class Sweep:
    """What a task draws when it is swept; its module names one `SWEEP`.

    Attributes
    ----------
    draws : dict from field to text
        As typed: "1e-4..5e-3" or "20|50".
    measure : str
        The metric by which runs are ranked.
    highest : bool
        Whether the highest is the best.
    """

    draws: Mapping[str, str] = field(default_factory=dict)
    measure: str = ""
    highest: bool = True


def drawn(text: str, rng: np.random.Generator) -> str:
    """The value that is drawn for `text`; what is no range and no choice is itself."""
    if "|" in text:
        return str(rng.choice(text.split("|")))
    if not _is_range(text):
        return text
    low, _, high = text.partition("..")
    try:
        ends = math.log(float(low)), math.log(float(high))
        if not ends[0] <= ends[1] < math.inf:
            raise ValueError
    except ValueError:
        raise UsageError(
            f"{text!r} is no range: two positive numbers, the lower first, as in 1e-4..5e-3"
        ) from None
    if low.isdigit() and high.isdigit():
        beyond = math.log(int(high) + 1)  # so that the last is as likely as its neighbour
        return str(min(int(math.exp(rng.uniform(ends[0], beyond))), int(high)))
    return f"{math.exp(rng.uniform(*ends)):.4g}"


def _is_range(text: str) -> bool:
    """Whether a number is on one side of the dots, at least: the path ../own.txt is none."""
    low, dots, high = text.partition("..")
    return bool(dots) and (_is_number(low) or _is_number(high))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def settings(texts: Mapping[str, str], runs: int, seed: int) -> list[dict[str, str]]:
    """The settings of each run, as they are typed; run k has the seed `seed` + k."""
    found = []
    for k in range(runs):
        words = {name: np.random.SeedSequence([seed, k], spawn_key=name.encode()) for name in texts}
        draws = {
            name: drawn(text, np.random.default_rng(words[name])) for name, text in texts.items()
        }
        found.append(draws | {"seed": str(seed + k)})
    return found


def run_one(name: str, preset: str, texts: Mapping[str, str], path: str) -> dict[str, Any]:
    """Start a run in the folder, or go on with it, and return its metrics; what it says goes to a .txt beside it."""
    from tasks.execute import resume, start
    from tasks.run_folder import RunFolder

    task, folder = find_task(name), RunFolder(path)
    config = make_config(task.config, task.presets, preset, texts)
    folder.path.parent.mkdir(parents=True, exist_ok=True)
    with (
        folder.path.with_suffix(".txt").open("a", encoding="utf-8") as output,
        contextlib.redirect_stdout(output),
    ):
        if not folder.config.exists():
            return start(task, config, folder, preset)
        # So that the result of other settings is not taken for one of these.
        asked = {field: as_text(value) for field, value in to_settings(config).items()}
        if config.threads is None:  # a run notes how many it had
            del asked["threads"]
        return resume(task, folder, asked, preset)


def sweep(
    executor: Executor,
    task: Task,
    preset: str,
    draws: list[dict[str, str]],
    out: Path,
    jobs: int,
    tell: Callable[[int, dict[str, Any]], None],
) -> list[dict[str, Any] | None]:
    """Run all draws by the executor, `jobs` at once; the metrics of each, None where a run failed.

    `tell` is called with a run's number and metrics (or {"failed": why}) as soon as it has ended.
    """
    results: list[dict[str, Any] | None] = [None] * len(draws)
    waiting, under_way = iter(enumerate(draws)), dict[Future, int]()
    while True:
        # No more than can begin at once: what an executor holds cannot be had back when all is to stop.
        for k, texts in islice(waiting, jobs - len(under_way)):
            where = str(out.resolve() / f"{k:03}")  # a worker elsewhere may have another folder
            under_way[executor.submit(run_one, task.name, preset, texts, where)] = k
        if not under_way:
            return results
        for future in wait(under_way, return_when=FIRST_COMPLETED).done:
            k = under_way.pop(future)
            try:
                results[k] = future.result()
            except BrokenExecutor:  # a process was killed, and none of the others is left
                raise
            except Exception as error:  # one bad draw, a rate too high say, does not end the others
                tell(k, {"failed": f"{type(error).__name__}: {error}"})
            else:
                tell(k, results[k] or {})


def best(results: list[dict[str, Any] | None], measure: str, highest: bool) -> list[int]:
    """The numbers of the runs that have the measure, the best first."""
    have = [k for k, r in enumerate(results) if r is not None and r.get(measure) is not None]
    return sorted(have, key=lambda k: results[k][measure], reverse=highest)  # type: ignore[index]


def main(name: str, options: dict[str, str]) -> int:
    """Do what was typed after `python -m tasks sweep`."""
    task = find_task(name)
    plan: Sweep = task.sweep
    runs = _count(options.pop("runs", "8"), "--runs")
    scheduler, preset = options.pop("scheduler", None), options.pop("preset", "default")
    jobs = _count(options.pop("jobs", str(runs if scheduler else 1)), "--jobs")
    seed = _count(options.pop("seed", "0"), "--seed", least=0)
    measure = options.pop("measure", plan.measure)
    rank = options.pop("rank", "highest" if plan.highest else "lowest")
    if rank not in ("highest", "lowest"):
        raise UsageError(f"--rank {rank!r} is highest or lowest")
    out = Path(options.pop("out", f"runs/sweep-{name}-{preset}-seed{seed}"))
    texts = {**plan.draws, **options}
    if not texts or not measure:
        raise UsageError(
            f"{name} says not what to draw: give a range such as --lr 1e-4..1e-2, and --measure NAME, "
            "a metric of its runs"
        )
    draws = settings(texts, runs, seed)
    for draw in draws:  # a slip of the finger is answered at once
        make_config(task.config, task.presets, preset, draw)
    ranged = [field for field, text in texts.items() if drawn_from(text)]

    def tell(k: int, metrics: dict[str, Any]) -> None:
        words = "  ".join(f"{flag(field)} {draws[k][field]}" for field in ranged)
        lacks = f"has no measure {measure!r}, but {', '.join(metrics)}"
        found = f"{measure} {metrics[measure]}" if measure in metrics else lacks
        said = metrics.get("failed", found)
        print(f"{k:03}  {said}  {words}", flush=True)

    try:
        with make_executor(jobs, scheduler) as executor:
            results = sweep(executor, task, preset, draws, out, jobs, tell)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"What was run is kept in {out}") from None
    except BrokenExecutor as error:
        raise UsageError(
            f"a process of the sweep was killed (for want of memory? --jobs {jobs}). What was run is kept in "
            f"{out}, and the same command goes on from there."
        ) from error
    ranking = best(results, measure, rank == "highest")
    if not ranking:
        where = f" What they said is in {out}/*.txt" if any(out.glob("*.txt")) else ""
        print(f"No run has a measure {measure!r}.{where}")
        return 1
    top = [results[k][measure] for k in ranking[:BEST]]  # type: ignore[index]
    print(f"mean {measure} of the best {len(top)} of {runs}: {np.mean(top):.4g}")
    print(f"best: {out / f'{ranking[0]:03}'}")
    return 0


def drawn_from(text: str) -> bool:
    """Whether the text is a range or a choice."""
    return "|" in text or _is_range(text)


@contextlib.contextmanager
def make_executor(jobs: int, scheduler: str | None = None) -> Iterator[Executor]:
    """A pool of processes, or the Dask cluster at that address, as a context.

    Raises
    ------
    UsageError
        Where Dask is asked for and not installed, or does not answer, or has workers of several threads.
    """
    if scheduler is None:
        context = get_context("spawn")
        with ProcessPoolExecutor(jobs, context, initializer=_leave_ctrl_c_to_the_parent) as pool:
            try:
                yield pool
            except KeyboardInterrupt:
                for process in active_children():
                    process.terminate()  # its run saves a checkpoint, and ends
                raise
        return
    try:
        from distributed import Client
    except ImportError:
        raise UsageError("--scheduler takes a Dask cluster: pip install -e '.[dask]'") from None
    try:
        client = Client(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise UsageError(f"no Dask scheduler answers at {scheduler}: {error}") from error
    with client, client.get_executor() as executor:
        if any(threads > 1 for threads in client.nthreads().values()):
            raise UsageError(
                "a run has a process to itself, and workers of this cluster have several threads: "
                "start them by dask worker --nthreads 1"
            )
        try:
            yield executor
        except KeyboardInterrupt:
            executor.shutdown(wait=False)  # which cancels what has not begun
            raise


def _leave_ctrl_c_to_the_parent() -> None:
    """Which tells each process of the pool once to end: a run that is told twice saves nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _count(text: str, where: str, least: int = 1) -> int:
    if not text.isdigit() or int(text) < least:
        raise UsageError(f"{where} {text!r} must be a whole number of at least {least}")
    return int(text)
