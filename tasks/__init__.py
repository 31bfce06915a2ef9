"""The lecture's systems as teaching tasks: `python -m tasks` lists them.

A topic is a folder; it names its tasks in `TASKS` (see `tasks.registry`). A task's module holds a
`Config` (see `tasks.config`), `PRESETS` and `main(run)`, which is handed a `tasks.run.Run`.
"""
