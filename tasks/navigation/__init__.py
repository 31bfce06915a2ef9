"""Navigation: an agent that learns by reinforcement to find its way in a maze."""

from tasks.registry import Task

TASKS = (
    Task(
        name="navigation",
        summary="an agent in a maze learns to find the goal, and depth as a second task teaches it to see",
        duration="quick 20 s, default 10 min, paper weeks",
        headline="score after 1.2 million steps of a default run: 100 (chance 4, oracle 148)",
        slide="RL + DL: Learning to navigate in 3D mazes",
        module="tasks.navigation.navigation",
    ),
)
