"""`make bench`: every row of goals, each base beside the figure reached. Exit 1 when one base does not hold.

`python -m benchmarks NAME …` runs some of it: a NAME is a suite (`growth`) or the number of a row (`23`).
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.goals import SUITES, Goal


def main(names: Sequence[str]) -> int:
    chosen = _chosen(names)
    goals: list[Goal] = []
    cores = os.sched_getaffinity(0)
    for suite in chosen:
        os.sched_setaffinity(0, cores)
        print(f"{suite} …", file=sys.stderr)
        goals += importlib.import_module(f"benchmarks.{suite}").run()
    _print(goals)
    return 0 if all(goal.met for goal in goals) else 1


def _chosen(names: Sequence[str]) -> list[str]:
    """The suites that are named, or that hold a row that is named. All of them when nothing is named."""
    known = {*SUITES, *(str(row) for rows in SUITES.values() for row in rows)}
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(SUITES)}, and the rows' numbers")
    return [
        suite for suite, rows in SUITES.items() if not names or suite in names or any(str(row) in names for row in rows)
    ]


def _print(goals: Sequence[Goal]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "goal", "base", "reached", ""):
        table.add_column(column, overflow="fold")
    for goal in goals:
        table.add_row(str(goal.number), goal.name, goal.base, goal.reached, "met" if goal.met else "NOT MET")
        table.add_row("", goal.detail, "", "", "", style="dim")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
