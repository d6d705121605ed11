"""`make bench`: every goal in numbers, what was reached beside what is asked. Exit 1 when one is not met."""

from __future__ import annotations

import importlib
import os
import sys

from rich.console import Console
from rich.table import Table

from benchmarks.goals import Goal

SUITES = ("mapping", "end_to_end", "journal", "postgres", "relay", "startup")


def main(chosen: list[str]) -> int:
    goals: list[Goal] = []
    cores = os.sched_getaffinity(0)
    for suite in chosen or SUITES:
        os.sched_setaffinity(0, cores)
        print(f"{suite} …", file=sys.stderr)
        goals += importlib.import_module(f"benchmarks.{suite}").run()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "goal", "asked", "reached", ""):
        table.add_column(column, overflow="fold")
    for goal in goals:
        table.add_row(str(goal.number), goal.name, goal.base, goal.reached, "met" if goal.met else "NOT MET")
        table.add_row("", goal.detail, "", "", "", style="dim")
    Console().print(table)
    return 0 if all(goal.met for goal in goals) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
