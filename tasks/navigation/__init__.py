"""Navigation: an agent that learns by reinforcement to find its way in a maze."""

from tasks.registry import Task

TASKS = (
    Task(
        name="navigation",
        summary="an agent in a maze learns to find the goal, and depth as a second task teaches it to see",
        duration="quick 20 s, default 10 min, paper 5 h",
        headline="score of a default run: 228 (chance 6, oracle 202); the goal is found again every 3 s",
        slide="RL + DL: Learning to navigate in 3D mazes",
        module="tasks.navigation.navigation",
    ),
)
