"""``python -m maze``: list, draw, play and record mazes, and see and score how two players fare in them."""

import argparse
import getpass
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from maze import scores
from maze.constants import FRAME_RATE
from maze.errors import MazeError
from maze.files import whole_file
from maze.players import PLAYERS, find_player, rollout
from maze.playing.session import Session, best, check_scores, keep_score
from maze.playing.terminal import play_in_terminal
from maze.playing.window import WindowError, play_in_window
from maze.recording import film, save_film
from maze.simulator import Simulator, make
from maze.topdown import top_down
from maze.variants import VARIANTS

TILE = 24  # pixels of a tile in a picture
SCORES = Path("runs/maze/scores.jsonl")  # where people's games are kept


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit code is 2 for what cannot be done."""
    options = _parser().parse_args(arguments)
    try:
        options.do(options)
        sys.stdout.flush()
    except MazeError as error:
        print(error, file=sys.stderr)
        return 2
    except MemoryError as error:
        print(
            f"not enough memory: {error} Choose smaller sizes, or a shorter time.", file=sys.stderr
        )
        return 2
    except KeyboardInterrupt:
        return 130  # 128 + SIGINT, as shells say it
    except BrokenPipeError:  # standard output goes to a `head` that has seen enough
        # Python flushes once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # 128 + SIGPIPE
    return 0


def _list(options: argparse.Namespace) -> None:
    width = max(map(len, VARIANTS))
    for variant in VARIANTS.values():
        seconds = f"{variant.frames // FRAME_RATE} s"
        print(f"{variant.name:{width}}  {seconds:>5}  {variant.summary}")
    print(
        "\nTheir layouts (# wall, G goal, A apple, S strawberry, P start where it is not anywhere):"
    )
    for name in ("IMaze", "StaticSmall", "StaticLarge", "RandomMazeSmall"):
        layout = _first_episode(name, 0).episodes[0].layout
        print(f"\n{name}{', for one' if VARIANTS[name].is_random else ''}\n{layout}")
    print("\npython -m maze draw|play|record|ways NAME, python -m maze scores; each has --help.")
    print("NAME may be a text file of your own that ends in .txt.")


def _first_episode(name: str, seed: int) -> Simulator:
    simulator = make(name, 1, seed, size=1)
    simulator.reset()
    return simulator


def _draw(options: argparse.Namespace) -> None:
    simulator = _first_episode(options.name, options.seed)
    if options.out is None:
        if options.path or options.tile:
            raise MazeError("--path and --tile are of a picture: say where it goes by --out.")
        print(simulator.episodes[0].as_layout())
        return
    from matplotlib.image import imsave

    with whole_file(options.out) as part:
        try:
            imsave(part, top_down(simulator, 0, options.tile or TILE, path=options.path))
        except KeyError as error:
            raise MazeError(f"{options.out}: a picture ends in .png, .jpg or .gif.") from error
        except ValueError as error:
            raise MazeError(f"cannot write {options.out}: {error}") from error
    print(f"wrote {options.out}")


def _play(options: argparse.Namespace) -> None:
    if options.map and options.terminal:
        raise MazeError("--map is shown in the window, which --terminal does without.")
    session = Session(options.name, options.seed, options.seconds)
    player = options.player or _user()
    finished = _played(session, options)
    print(session.status)
    if not finished:
        print("Left before the end: this game is not kept.")
        return
    result = session.result(player) | {"map": options.map}
    keep_score(result, options.scores)
    for place, game in enumerate(best(options.scores, result), 1):
        print(f"{place}. {game['score']:5.0f}  {game.get('player')}  {game.get('date')}")


def _user() -> str:
    """Who plays, by the name that the system knows."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # in a container, a user may have no name
        return "player"


def _played(session: Session, options: argparse.Namespace) -> bool:
    ready = partial(check_scores, options.scores)  # which makes the file: not where none can play
    if not options.terminal:
        try:
            return play_in_window(session, options.map, ready)
        except WindowError as reason:
            print(f"There is no window ({reason}); it is played in the terminal.", file=sys.stderr)
    return play_in_terminal(session, ready)


def _record(options: argparse.Namespace) -> None:
    simulator = make(options.name, 1, options.seed, size=1)
    player = find_player(options.player, options.seed)
    frames = film(simulator, player, options.seconds, options.height, options.path)
    out = options.out or Path(f"{Path(simulator.variant.name).stem}.gif")
    save_film(frames, out, FRAME_RATE / simulator.repeat)
    print(f"wrote {out}")


def _ways(options: argparse.Namespace) -> None:
    simulator = make(options.name, options.episodes, options.seed, size=1)
    if simulator.variant.is_random and options.episodes > 1:
        raise MazeError(
            f"{simulator.variant.name} has other walls each episode, and no map fits all: give --episodes 1."
        )
    from matplotlib.backend_bases import FigureCanvasBase

    from maze.figures import ways

    player = find_player(options.player, options.seed)
    name = simulator.variant.name
    out = options.out or Path(f"{Path(name).stem}-ways.png")
    if out.suffix[1:].lower() not in FigureCanvasBase.get_supported_filetypes():
        raise MazeError(f"{out}: a picture ends in .png, .jpg, .svg or .pdf.")
    with whole_file(out) as part:
        played = rollout(simulator, player)
        ways(simulator.episodes, played, f"{name}: {options.player}").savefig(part, dpi=110)
    print(f"wrote {out}")


def _score(options: argparse.Namespace) -> None:
    if options.out is None:
        print(scores.report(options.episodes, options.seed))
        return
    with whole_file(options.out) as part:
        text = scores.report(options.episodes, options.seed)
        part.write_text(text, encoding="utf-8")
    print(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m maze", description=__doc__)
    parser.set_defaults(do=_list)
    commands = parser.add_subparsers(metavar="COMMAND")

    draw = _command(commands, "draw", _draw, "a maze as text, or as a picture from above")
    draw.add_argument("--out", type=Path, help="a PNG; default: text, on standard output")
    draw.add_argument("--tile", type=_positive, help=f"pixels of a tile ({TILE})")
    draw.add_argument("--path", action="store_true", help="with the shortest way to the goal")

    play = _command(commands, "play", _play, "play in a window, or in the terminal", None)
    play.add_argument(
        "--terminal", action="store_true", help="in the terminal, though there is a window"
    )
    play.add_argument(
        "--map", action="store_true", help="in the window, the maze from above as well"
    )
    play.add_argument("--seconds", type=_duration, help="of the game; default: the maze's own")
    play.add_argument("--player", metavar="YOU", help="the name to keep the score under")
    play.add_argument(
        "--scores", type=Path, default=SCORES, help=f"where scores are kept ({SCORES})"
    )

    record = _command(commands, "record", _record, "a film: what a player sees beside the map")
    record.add_argument("--player", default="oracle", help=f"{' or '.join(PLAYERS)} (oracle)")
    record.add_argument("--seconds", type=_duration, default=15, help="of the game (15)")
    record.add_argument("--height", type=_positive, default=252, help="pixels (252)")
    record.add_argument("--path", action="store_true", help="with the shortest way to the goal")
    record.add_argument(
        "--out", type=Path, help="a .gif, or a .mp4 where ffmpeg is; default: NAME.gif"
    )

    walked = _command(commands, "ways", _ways, "a player's way, and where it spends its time")
    walked.add_argument("--player", default="oracle", help=f"{' or '.join(PLAYERS)} (oracle)")
    walked.add_argument("--episodes", type=_positive, default=100, help="of the heat map (100)")
    walked.add_argument("--out", type=Path, help="a picture; default: NAME-ways.png")

    score = commands.add_parser("scores", help="scores of the oracle and of chance in each maze")
    score.set_defaults(do=_score)
    score.add_argument(
        "--episodes", type=_positive, default=100, help="of each maze and player (100)"
    )
    score.add_argument("--seed", type=int, default=0, help="of the first maze (0)")
    score.add_argument("--out", type=Path, help="a file to write them into as well")
    return parser


def _command(commands, name, do, what, seed: int | None = 0) -> argparse.ArgumentParser:
    """A command about one maze."""
    command = commands.add_parser(name, help=what, description=what)
    command.set_defaults(do=do)
    command.add_argument(
        "name", metavar="NAME", help=f"one of {', '.join(VARIANTS)}, or a .txt file"
    )
    command.add_argument("--seed", type=int, default=seed, help="which maze, start and goal")
    return command


def _duration(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no time to play: give seconds")
    return seconds


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 1 on")
    return number


if __name__ == "__main__":
    sys.exit(main())
