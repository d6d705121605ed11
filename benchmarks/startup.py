"""Row 13: how long the command line takes to say its version and its help, against a bare interpreter."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.goals import HELP, VERSION, Goal

ROUNDS = 21
TOOL = str(Path(sys.executable).with_name("proofport"))


def run() -> list[Goal]:
    commands = {
        "pass": [sys.executable, "-c", "pass"],
        "--version": [TOOL, "--version"],
        "--help": [TOOL, "--help"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            taken[name].append(time.perf_counter() - started)
    bare = statistics.median(taken["pass"])
    return [
        base.goal(
            f"proofport {name} against python -c pass",
            statistics.median(taken[name]) / bare,
            f"{statistics.median(taken[name]) * 1000:.0f} ms against {bare * 1000:.0f} ms",
        )
        for name, base in (("--version", VERSION), ("--help", HELP))
    ]
