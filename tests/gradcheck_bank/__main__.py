"""Write TABLE.md: what gradcheck and seven public checkers let through, and what gradcheck names."""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tests.gradcheck_bank.everything import LARGE, SMALL
from tests.gradcheck_bank.tables import bank_table, peers_table


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.gradcheck_bank", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="runs a case of the first table")
    parser.add_argument("--seeds", type=int, default=20, help="seeds a planted mistake")
    parser.add_argument("--large-seeds", type=int, default=20, help="the same for large inputs")
    given = parser.parse_args()
    command = " ".join(["python -m tests.gradcheck_bank", *sys.argv[1:]])
    lines = [
        "# gradcheck and the planted mistakes",
        "",
        f"Written by `{command}`.",
        "The columns of the peers are their comparison rules, re-implemented from reading",
        "(`public_checkers.py`), on the same pairs of functions: the figures are those of that re-implementation",
        "on the numbers drawn here, and no figures of the packages themselves; other draws give others.",
        "",
        f"Percentage of {given.runs} runs in which a check passed: 0 is right for a mistake, 100 for what is right.",
        'In the row of the ReLU, gradcheck is told `kinks={"relu": 0}`; without, any slope from 0 to 1 passes',
        "with a note.",
        "",
    ]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        lines += peers_table(given.runs, pool)
        for (rows, columns), seeds in ((SMALL, given.seeds), (LARGE, given.large_seeds)):
            lines += ["", f"## Inputs of {rows} × {columns}", ""]
            lines += bank_table((rows, columns), seeds, pool)
    text = "\n".join(lines) + "\n"
    print(text)
    Path(__file__).with_name("TABLE.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
