"""The command line: `python -m tasks [NAME [--OPTION VALUE ...]]`."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from tasks.config import UsageError, make_config
from tasks.printing import run_summary, task_help, task_list
from tasks.registry import Task, all_tasks, find_task

INTERRUPTED = 130  # 128 + SIGINT, as shells say it
NOBODY_READS = 141  # 128 + SIGPIPE: standard output goes to a `head` that has seen enough


def main(arguments: Sequence[str]) -> int:
    """Do what was typed after `python -m tasks`; the exit code is 2 for what cannot be done."""
    try:
        code = _answer(arguments)
        sys.stdout.flush()
        return code
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    except MemoryError as error:
        print(f"not enough memory: {error} Choose smaller sizes.", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        print(f"\nInterrupted. {interrupt}", flush=True)
        return INTERRUPTED
    except BrokenPipeError:
        # Python flushes once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS


def _answer(arguments: Sequence[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(task_list(all_tasks()))
        return 0
    if arguments[0] == "sweep":
        return _sweep(arguments[1:])
    task = find_task(arguments[0])
    if {"-h", "--help"} & {*arguments}:
        print(task_help(task))
        return 0
    if any(word.partition("=")[0] == "--watch" for word in arguments):
        _watch(task, arguments[1:])
        return 0
    command = shlex.join(["python", "-m", "tasks", *arguments])
    return _run(task, _read_options(arguments[1:]), command)


def _watch(task: Task, words: Sequence[str]) -> None:
    """Watch the run in the folder that is named, or what comes with the repository."""
    from minigrad.errors import CheckpointError

    if not task.watch:
        raise UsageError(f"{task.name} has nothing to --watch")
    first, equals, folder = words[0].partition("=")
    words = [first, *([folder] if equals else []), *words[1:]]
    if first != "--watch" or len(words) > 2 or any(word.startswith("--") for word in words[1:]):
        raise UsageError(
            f"--watch stands first, and a run's folder may follow: python -m tasks {task.name} --watch [FOLDER]"
        )
    try:
        task.watch(*words[1:])
    except CheckpointError as error:
        raise UsageError(f"--watch: {error}") from error


def _sweep(words: Sequence[str]) -> int:
    from tasks import sweep

    if not words or {"-h", "--help"} & {*words}:
        print(sweep.__doc__)
        return 0
    try:
        return sweep.main(words[0], _read_options(words[1:]))
    except KeyboardInterrupt as interrupt:
        command = shlex.join(["python", "-m", "tasks", "sweep", *words])
        raise KeyboardInterrupt(f"{interrupt}\nGo on with it by:\n    {command}") from None


def _read_options(words: Sequence[str]) -> dict[str, str]:
    """`--a-b 1 --c=2` as {"a_b": "1", "c": "2"}: every option takes one value."""
    options = {}
    words = list(words)
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            raise UsageError(f"{word!r} stands alone: options are written --NAME VALUE")
        name, equals, value = word[2:].partition("=")
        if not equals:
            if not words or words[0].startswith("--"):
                raise UsageError(f"{word} takes a value")
            value = words.pop(0)
        options[name.replace("-", "_")] = value
    return options


def _run(task: Task, options: dict[str, str], command: str) -> int:
    out, old, preset = (options.pop(name, None) for name in ("out", "resume", "preset"))
    if out is not None and old is not None:
        raise UsageError(
            "--out names a new folder, --resume that of an old run: give one of the two"
        )
    if out == "" or old == "":
        raise UsageError(f"{'--out' if out == '' else '--resume'} names no folder")
    if old is None:
        chosen = preset or "default"
        config = make_config(task.config, task.presets, chosen, options)
        path = Path(out or Path("runs", f"{task.name}-{chosen}-seed{config.seed}"))
    else:
        path = Path(old)

    # Only now what is slow to import: a slip of the finger is answered at once.
    from minigrad.errors import CheckpointError, NotFiniteError
    from tasks.data.errors import DataError
    from tasks.execute import resume, start
    from tasks.run_folder import RunFolder

    folder = RunFolder(path)
    try:
        if old is None:
            metrics = start(task, config, folder, chosen, command)
        else:
            metrics = resume(task, folder, options, preset)
    except NotFiniteError as error:
        kept = f" {folder.checkpoint} is from before that." if folder.checkpoint.exists() else ""
        raise UsageError(f"{error}{kept}") from error
    except (CheckpointError, DataError) as error:
        raise UsageError(str(error)) from error
    except KeyboardInterrupt as interrupt:
        command = f"python -m tasks {task.name} --resume {shlex.quote(str(path))}"
        raise KeyboardInterrupt(f"{interrupt}\nGo on with it by:\n    {command}") from None
    print(run_summary(folder.path, metrics, folder.figures()))
    return 0


if __name__ == "__main__":
    os.environ["MPLBACKEND"] = "Agg"  # figures go to files: no display is needed
    sys.exit(main(sys.argv[1:]))
