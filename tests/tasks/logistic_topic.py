"""The topic that the runner's tests put in place of the real ones."""

from tasks.registry import Task

TASKS = (
    Task(
        name="logistic",
        summary="A straight line parts two clouds of points",
        duration="default 1 s, quick at once",
        headline="error 3 %",
        slide="Logistic regression",
        module="logistic_task",
    ),
)
