"""Row 16: the journal on PostgreSQL against its design written plainly (`baseline_postgres`), in the same rounds.

Each measurement has a database of its own, on one durable server that is started for it.
`python -m benchmarks.postgres accept|work product|baseline URL [PIPE]` measures in a process of its own.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from tests.support.postgres import Server, database

from benchmarks.baseline_postgres import BaselinePostgres
from benchmarks.goals import POSTGRES, Goal
from benchmarks.workload import compared, drain_rate, figures_of, in_process
from proofport.journal.postgres import PostgresJournal

ROUNDS = 5


def run() -> list[Goal]:
    server = Server.new(durable=True)
    try:
        return compared(
            POSTGRES,
            ROUNDS,
            lambda contender: accepted(contender, server.url),
            lambda contender, lanes: drained(contender, server.url, lanes),
        )
    finally:
        server.delete()


def journal_at(contender: str, url: str) -> Any:
    return PostgresJournal(url) if contender == "product" else BaselinePostgres(url)


def accepted(contender: str, server: str) -> dict[str, float]:
    with database(server) as url:
        asyncio.run(journal_at(contender, url).migrate())
        command = [sys.executable, "-m", "benchmarks.postgres", "accept", contender, url]
        return figures_of(command)


def drained(contender: str, server: str, lanes: int) -> float:
    with database(server) as url:
        asyncio.run(journal_at(contender, url).migrate())
        worker = [sys.executable, "-m", "benchmarks.postgres", "work", contender, url]
        return drain_rate(worker, lambda: journal_at(contender, url), lanes)


if __name__ == "__main__":
    what, contender, url, *pipe = sys.argv[1:]
    asyncio.run(in_process(journal_at(contender, url), what, *pipe))
