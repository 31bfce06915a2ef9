"""Which tasks there are. Listing them imports none of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tasks.config import Config, UsageError, nearest

if TYPE_CHECKING:
    from tasks.run import Run
    from tasks.sweep import Sweep

TOPICS: tuple[str, ...] = (
    "tasks.spatial_transformer",
    "tasks.navigation",
)  # in the lecture's order


@dataclass(frozen=True)
class Task:
    """One system of the lecture; its topic's package lists it in `TASKS`.

    Attributes
    ----------
    name
        What is typed: `python -m tasks NAME`.
    summary
        What it shows, in one line.
    duration
        How long it takes, by preset: `"default 2 min, quick 15 s, paper 2 days"`.
    headline
        Its result, with the figures that were measured.
    slide
        The slide of the lecture that it builds.
    module
        The module that holds `Config`, `PRESETS` and `main(run)`; imported when the task is asked for.
    """

    name: str
    summary: str
    duration: str
    headline: str
    slide: str
    module: str

    @property
    def config(self) -> type[Config]:
        """The dataclass of its settings."""
        return import_module(self.module).Config

    @property
    def presets(self) -> Mapping[str, Mapping[str, Any]]:
        """Preset's name to the fields in which it differs from the Config's own defaults."""
        return import_module(self.module).PRESETS

    @property
    def watch(self) -> Callable[..., None] | None:
        """What `python -m tasks NAME --watch [FOLDER]` calls, where the task has something to watch."""
        return getattr(import_module(self.module), "watch", None)

    @property
    def sweep(self) -> Sweep:
        """What is drawn when it is swept; of most tasks nothing."""
        from tasks.sweep import Sweep

        return getattr(import_module(self.module), "SWEEP", Sweep())

    def main(self, run: Run) -> None:
        """Do the task within `run`."""
        import_module(self.module).main(run)


def all_tasks() -> dict[str, Task]:
    """Every task by its name, in the lecture's order."""
    topics = (import_module(topic).TASKS for topic in TOPICS)
    return {task.name: task for topic in topics for task in topic}


def find_task(name: str) -> Task:
    """The task of that name, or a UsageError that tells the nearest one."""
    tasks = all_tasks()
    if name not in tasks:
        raise UsageError(f"there is no task {name!r}. {nearest(name, tasks)}")
    return tasks[name]
