"""Sends a million ids to the journal at argv[1], asks for what is gone, and prints the peak resident size in MiB."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from proofport.journal.contract import BatchDone, NewRun, Sent
from proofport.journal.sqlite import SqliteJournal

COUNT, BATCH = 1_000_000, 1_000


async def main(path: str) -> None:
    journal = SqliteJournal(path)
    await journal.open()
    held = await journal.claim("a", owner="million", lease=3_600)
    assert held is not None
    for run, share in (("first", 1), ("second", 2)):
        await held.begin(NewRun(run, "here", "device", "snapshot"))
        for first in range(0, COUNT // share, BATCH):
            ids = [f"i-{n * 2_654_435_761 % 2**32:08x}" for n in range(first, first + BATCH)]
            sent = Sent(ids, range(first + 1, first + BATCH + 1))
            await held.batch_done(run, BatchDone(first, first, first, BATCH, b"", "[]", sent))
        await held.end(run, complete=True, report="{}")
    gone, after = 0, ""
    while page := await journal.gone("a", "device", "second", after=after, limit=5_000):
        gone, after = gone + len(page), page[-1]
    assert gone == COUNT // 2
    assert await journal.known_count("a", "device") == COUNT
    await journal.close()
    print(peak() // 1024)


def peak() -> int:
    """KiB. Not `ru_maxrss`: that one is inherited from the process that started this one."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


asyncio.run(main(sys.argv[1]))
