"""python -m tasks.data fetch NAME | import FILE… | list"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence

from tasks.config import nearest
from tasks.data import MNIST, DataError, DataSet, cache, cache_root, import_mnist
from tasks.data.download import fetch

DATASETS = {dataset.name: dataset for dataset in (MNIST,)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it went well, 1 when the data refused, 2 for a wrong command line."""
    parser, commands = _parser()
    words = sys.argv[1:] if arguments is None else arguments
    if words and not words[0].startswith("-") and words[0] not in commands:
        parser.error(f"there is no command {words[0]!r}. {nearest(words[0], commands)}")
    options = parser.parse_args(words)
    try:
        options.run(options)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; what has come is kept, and the next fetch resumes it", file=sys.stderr)
        return 130
    return 0


def _parser() -> tuple[argparse.ArgumentParser, Mapping[str, argparse.ArgumentParser]]:
    """The parser, and that of each command by its name."""
    parser = argparse.ArgumentParser(prog="python -m tasks.data", description="The data sets.")
    commands = parser.add_subparsers(required=True, metavar="fetch|import|list")

    command = commands.add_parser("fetch", help="download a data set into the cache, and check it")
    command.add_argument("dataset", type=_dataset, metavar="NAME", help=", ".join(DATASETS))
    command.set_defaults(run=_fetch)

    command = commands.add_parser("import", help="take local files into the cache, and check them")
    command.add_argument(
        "files", nargs="+", metavar="FILE", help="MNIST's IDX files (or .gz), a folder, or its .npz"
    )
    command.set_defaults(run=_import)

    command = commands.add_parser("list", help="what there is, where it lies, how to get it")
    command.set_defaults(run=_list)
    return parser, commands.choices


def _dataset(name: str) -> DataSet:
    if name not in DATASETS:
        raise argparse.ArgumentTypeError(
            f"there is no data set {name!r}. {nearest(name, DATASETS)}"
        )
    return DATASETS[name]


def _fetch(options: argparse.Namespace) -> None:
    for path in fetch(options.dataset):
        print(f"{path}  checked")


def _import(options: argparse.Namespace) -> None:
    for path in import_mnist(options.files):
        print(f"{path}  checked")
    if MNIST.missing:
        print(f"still missing: {', '.join(MNIST.missing)}")


def _list(options: argparse.Namespace) -> None:
    print(f"cache: {cache_root()}  (the environment variable MINIGRAD_DATA moves it)")
    for dataset in DATASETS.values():
        print(f"\n{dataset.name}: {dataset.about}\n  {dataset.licence}")
        if dataset.embedded:
            print(f"  --data embedded   {dataset.embedded}")
        if dataset.missing:
            how = f"python -m tasks.data fetch {dataset.name}   or   import FILE…"
            print(f"  --data full       not here; {how}")
            continue
        try:
            size = sum(len(cache.read(dataset, name)) for name in dataset.files)
        except DataError as error:
            print(f"  --data full       damaged: {error}")
        else:
            print(f"  --data full       {dataset.folder}  ({size / 1e6:.0f} MB)")


if __name__ == "__main__":
    sys.exit(main())
