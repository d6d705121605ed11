"""Row 15: the SQLite journal against its design written plainly (`baseline_journal`), in the same rounds.

`python -m benchmarks.journal accept|work product|baseline PATH [PIPE]` measures in a process of its own.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.baseline_journal import BaselineJournal
from benchmarks.goals import EMBEDDED, Goal
from benchmarks.workload import compared, drain_rate, figures_of, in_process
from proofport.journal.sqlite import SqliteJournal

ROUNDS = 5


def run() -> list[Goal]:
    return compared(EMBEDDED, ROUNDS, accepted, drained)


def journal_at(contender: str, path: str) -> Any:
    return SqliteJournal(path) if contender == "product" else BaselineJournal(Path(path))


def accepted(contender: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.journal", "accept", contender, f"{folder}/journal"]
        return figures_of(command)


def drained(contender: str, lanes: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/journal"
        asyncio.run(_make(contender, path))
        worker = [sys.executable, "-m", "benchmarks.journal", "work", contender, path]
        return drain_rate(worker, lambda: journal_at(contender, path), lanes)


async def _make(contender: str, path: str) -> None:
    journal = journal_at(contender, path)
    await journal.open()
    await journal.close()


if __name__ == "__main__":
    what, contender, path, *pipe = sys.argv[1:]
    asyncio.run(in_process(journal_at(contender, path), what, *pipe))
