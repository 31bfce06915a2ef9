"""Navigation: an agent that learns by reinforcement to find its way in a maze."""

from tasks.registry import Task

TASKS = (
    Task(
        name="navigation",
        summary="an agent in a maze learns to find the goal, and depth as a second task teaches it to see",
        duration="quick 20 s, default 10 min, paper weeks",
        headline="score of a default run: 163 (chance 4, oracle 148); the goal is found again every 4 s",
        slide="RL + DL: Learning to navigate in 3D mazes",
        module="tasks.navigation.navigation",
    ),
)
