"""A trained agent in a file: its settings, its network and its position decoder, in float16.

python -m tasks.navigation.weights runs/navigation-default-seed0      keeps that run's as weights.npz
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from layers.errors import StateDictError
from maze import MazeError, Simulator
from minigrad import serialize
from minigrad.errors import CheckpointError
from tasks import checkpoint
from tasks.config import UsageError, from_settings, to_settings
from tasks.navigation.acting import Player
from tasks.navigation.decoder import PositionDecoder
from tasks.navigation.mazes import TEST_SEED, make_mazes
from tasks.navigation.models import NavigationNet
from tasks.navigation.setup import build
from tasks.navigation.shared import pieces
from tasks.run_folder import RunFolder, read_config

if TYPE_CHECKING:
    from tasks.navigation.navigation import Config

SHIPPED = Path(__file__).with_name("weights.npz")


@dataclass
class Trained:
    """A trained agent.

    Attributes
    ----------
    config : Config
        Of the run that trained it.
    net : NavigationNet
    decoder : PositionDecoder
    """

    config: Config
    net: NavigationNet
    decoder: PositionDecoder

    def mazes(self, batch: int = 1) -> Simulator:
        """Mazes of its kind; starts, and all else that is drawn anew, by the seed of the tests."""
        return make_mazes(self.config, batch, TEST_SEED)

    def player(self) -> Player:
        """It, to play in them."""
        return Player(self.net, np.random.default_rng(0), self.config.reward_scale)

    def save(self, path: Path) -> None:
        """Write it in float16: half the size, and no worse an agent."""
        arrays: dict[str, Any] = {
            f"{part}/{name}": array.astype(np.float16)
            for part, module in (("net", self.net), ("decoder", self.decoder.linear))
            for name, array in module.state_dict().items()
        }
        serialize.save(path, {"settings": json.dumps(to_settings(self.config)), **arrays})


def load(path: str | Path = SHIPPED) -> Trained:
    """Read a trained agent: a file that `Trained.save` wrote, or the folder of a run.

    Raises
    ------
    UsageError
        Where there is none.
    CheckpointError
        Where the file is damaged, or another's.
    """
    path = Path(path)
    if path.is_dir():
        return _from_run(RunFolder(path))
    if not path.exists():
        raise UsageError(
            f"there is no trained agent in {path}: train one by python -m tasks navigation"
        )
    arrays = serialize.load(path)
    if "settings" not in arrays:
        raise CheckpointError(
            f"{path} holds no agent that `Trained.save` wrote; of a run, give the folder."
        )
    trained = _untrained(json.loads(str(arrays.pop("settings"))))
    for part, module in (("net", trained.net), ("decoder", trained.decoder.linear)):
        module.load_state_dict(
            {
                name.partition("/")[2]: array.astype(np.float32)
                for name, array in arrays.items()
                if name.startswith(part + "/")
            }
        )
    return trained


def _untrained(settings: dict[str, Any]) -> Trained:
    from tasks.navigation.navigation import Config

    config: Any = from_settings(Config, settings)
    rng = np.random.default_rng(0)
    return Trained(config, *build(config, make_mazes(config, 1, 0, size=1), lambda _: rng))


def _from_run(folder: RunFolder) -> Trained:
    """What the last checkpoint of a run holds, if its settings still say the same mazes and the same network."""
    record = read_config(folder)
    if record["task"] != "navigation":
        raise UsageError(f"{folder.path} holds a run of {record['task']}, not of navigation")
    if not folder.checkpoint.exists():
        raise UsageError(f"{folder.path} has no checkpoint yet: the run has only just begun")
    trained = _untrained(record["settings"])
    section = checkpoint.read(folder.checkpoint)["train"]
    state = checkpoint.unpack(section.state, section.arrays)
    net, linear = trained.net, trained.decoder.linear
    try:
        if "fleet" in state:
            make_mazes(trained.config, 1, 0, size=1).check_making(state["fleet"]["mazes"])
            own = [*net.parameters(), *linear.parameters()]
            for p, array in zip(own, pieces(state["fleet"]["parameters"], own), strict=True):
                p.data[...] = array
        else:
            mazes = make_mazes(trained.config, trained.config.mazes, 0, size=1)
            mazes.check_making(state["actor"]["simulator"]["making"])
            net.load_state_dict(state["learner"]["net"])
            linear.load_state_dict(state["learner"]["decoder"]["linear"])
    except (MazeError, StateDictError, ValueError) as error:
        raise CheckpointError(
            f"the run in {folder.path} does not fit its settings, or the layout of its maze, any more: {error}"
        ) from error
    return trained


def main(arguments: Sequence[str]) -> int:
    """Keep a run's agent as the one that comes with the repository."""
    if len(arguments) != 1:
        print("python -m tasks.navigation.weights FOLDER: which run's agent is to be kept?")
        return 2
    try:
        load(arguments[0]).save(SHIPPED)
    except (UsageError, CheckpointError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{SHIPPED}: {SHIPPED.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
