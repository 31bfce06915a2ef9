"""What a task is handed when it runs: its settings, random streams, log, loop and figures.

    def main(run):
        net = build(run.config.net, rng=run.rng("init"))
        batches = Batches(digits, run.config.batch, rng=run.rng("batches"))
        optimiser = Adam(net.parameters(), run.config.lr)
        for step in run.steps(run.config.steps, {"net": net, "optimiser": optimiser}):
            loss = train_step(net, optimiser, *next(batches))
            if step % run.config.evaluate_every == 0:
                run.log(step, loss=loss, error=error_of(net))
                run.figure("curves", draw_curves(run.history("error")))
        run.metrics["error"] = error_of(net)

Nothing in there speaks of checkpoints, resuming or Ctrl-C; `steps` sees to them all.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from tqdm import tqdm

import minigrad.random
from minigrad.errors import CheckpointError, MinigradError
from minigrad.serialize import whole_file
from tasks import checkpoint
from tasks.config import Config
from tasks.run_folder import Log, RunFolder, flatten, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

C = TypeVar("C", bound=Config)


class Interrupted(KeyboardInterrupt):
    """The run was asked to stop; what there is of it is saved."""


class Run(Generic[C]):
    """One run of a task.

    Attributes
    ----------
    config
        The settings.
    folder
        Where the run's files lie.
    metrics
        The final figures, to be filled by the task: `run.metrics["error"] = {"cnn": 8.1}` becomes
        `error.cnn` in metrics.json. `seconds` is added.
    """

    def __init__(self, config: C, folder: RunFolder):
        self.config = config
        self.folder = folder
        self.metrics: dict[str, Any] = {}
        self._generators = {"minigrad": minigrad.random.manual_seed(config.seed)}
        self._sections: dict[str, checkpoint.Section] = {}
        self._saved = checkpoint.read(folder.checkpoint) if folder.checkpoint.exists() else {}
        last = next(reversed(self._saved.values()), None)
        self._log = Log(folder.log, kept=last.log_lines if last else 0)
        self._started = time.perf_counter()
        self._in_step = False
        self._stop = False
        self._bar: tqdm | None = None

    def rng(self, name: str) -> np.random.Generator:
        """The run's random stream of that name.

        It depends on the seed and the name alone, so that one more stream changes no other. The
        same name gives the same generator again; its state is kept in the checkpoint.
        """
        if name not in self._generators:
            words = np.random.SeedSequence(self.config.seed, spawn_key=tuple(name.encode()))
            self._generators[name] = np.random.default_rng(words)
        return self._generators[name]

    def steps(self, total: int, state: Mapping[str, Any], name: str = "train") -> Iterator[int]:
        """Count the steps 1, 2, … `total` of a loop, from where its checkpoint left it.

        Parameters
        ----------
        total
            The steps of the whole loop.
        state
            What the loop changes: name to object with `state_dict()` and `load_state_dict()`, or to
            a mapping or list of such. Random streams, log and metrics are kept without being named.
        name
            Tells several loops of one run apart.

        Raises
        ------
        Interrupted
            After the step in which Ctrl-C was pressed, with the checkpoint written.
        """
        done = self._enter(name, state)
        last_save = time.perf_counter()
        self._bar = tqdm(
            total=total, initial=done, desc=name, file=sys.stdout, disable=not sys.stdout.isatty()
        )
        self._in_step = True
        try:
            for step in range(done + 1, total + 1):
                yield step
                self._bar.update()
                due = time.perf_counter() - last_save >= self.config.checkpoint_seconds
                if due or self._stop or step == total:
                    self._save(name, step, state)
                    last_save = time.perf_counter()
                if self._stop:
                    raise Interrupted(f"{name}: {step} of {total} steps are done")
        finally:
            self._in_step = False
            self._bar.close()
            self._bar = None

    def log(self, step: int, **measurements: Any) -> None:
        """Add a line of measurements to log.jsonl; nested ones get dotted names.

        Where standard output is no terminal, the line is printed too.
        """
        seconds = round(self.seconds, 3)
        values = flatten(measurements)
        self._log.append({"step": step, "seconds": seconds, **values})
        words = "  ".join(f"{name} {_short(value)}" for name, value in values.items())
        if self._bar is not None and not self._bar.disable:
            self._bar.set_postfix_str(words)
        else:
            print(f"step {step}  {words}  ({seconds:.0f} s)", flush=True)

    def history(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """The steps at which the measurement of that (dotted) name was logged, and its values."""
        rows = [(line["step"], line[name]) for line in self._log.records if name in line]
        values = [np.nan if value is None else value for _, value in rows]
        return np.array([step for step, _ in rows], dtype=int), np.array(values, dtype=float)

    def figure(self, name: str, figure: Figure) -> None:
        """Save the figure as NAME.png (over an earlier one of that name) and close it."""
        path = self.folder.figure(name)
        new = not path.exists()
        with whole_file(path) as file:
            figure.savefig(file, format="png", dpi=150, bbox_inches="tight")
        if "matplotlib.pyplot" in sys.modules:  # which alone keeps figures open
            sys.modules["matplotlib.pyplot"].close(figure)
        if new:
            self.say(f"figure: {path}")

    def say(self, text: str) -> None:
        """Print a line, above the progress bar if there is one."""
        tqdm.write(text, file=sys.stdout)
        sys.stdout.flush()

    @property
    def seconds(self) -> float:
        """How long the run has taken, in all its sessions up to their last checkpoints."""
        return time.perf_counter() - self._started

    def stop(self) -> None:
        """Ask the run to stop after the current step; at once if there is none, or asked twice."""
        if not self._in_step or self._stop:
            raise Interrupted("stopped at once")
        self._stop = True
        self.say("finishing this step; press Ctrl-C again to stop at once")

    def _enter(self, name: str, state: Mapping[str, Any]) -> int:
        """Restore the loop of that name, if the checkpoint has it, and tell how far it was."""
        if name in self._sections:
            raise ValueError(f"this run has had a loop {name!r}: give each its own name=")
        if not self._saved:
            return 0
        if name != next(iter(self._saved)):
            raise CheckpointError(
                f"{self.folder.checkpoint} knows of no loop {name!r} at this place: it was made by "
                "another version of the task. Start the run anew."
            )
        section = self._saved.pop(name)
        try:
            checkpoint.restore(state, checkpoint.unpack(section.state, section.arrays))
        except (MinigradError, KeyError) as error:
            raise CheckpointError(
                f"{self.folder.checkpoint} does not fit this task and its settings: it was made by "
                f"other ones, or by another version of the task ({str(error).rstrip('.')}). Start the run anew."
            ) from error
        for stream, generator_state in section.generators.items():
            self.rng(stream).bit_generator.state = generator_state
        self.metrics = dict(section.metrics)
        self._log.replay(section.log_lines)
        self._started = time.perf_counter() - section.seconds
        self._sections[name] = section
        return section.step

    def _save(self, name: str, step: int, state: Mapping[str, Any]) -> None:
        arrays: dict[str, np.ndarray] = {}
        self._sections[name] = checkpoint.Section(
            step=step,
            seconds=self.seconds,
            log_lines=len(self._log.records),
            metrics=plain(self.metrics),
            generators={key: rng.bit_generator.state for key, rng in self._generators.items()},
            state=checkpoint.pack(checkpoint.collect(state), arrays),
            arrays=arrays,
        )
        checkpoint.write(self.folder.checkpoint, self._sections)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
