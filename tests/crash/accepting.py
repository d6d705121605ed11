"""A process that accepts, as a relay does: each submission is repeated under its key until it is acknowledged.

python accepting.py URL NAME PIPE COUNT      COUNT submissions for each of 20 lanes; `acked NAME LANE ID KEY` on PIPE
"""

from __future__ import annotations

import asyncio
import os
import sys

from proofport.errors import JournalError
from proofport.journal import open_journal
from proofport.journal.contract import Journal, NewDelivery, Once

LANES = 20
PAUSE = 0.05


async def submit(journal: Journal, lane: int, key: str) -> int:
    new = NewDelivery(f"lane-{lane}", "somewhere", "device", "upsert", key.encode(), 1)
    while True:
        try:
            return (await journal.submit([new], once=Once("default", key, b"digest", b"answer"))).ids[0]
        except JournalError:
            await asyncio.sleep(PAUSE)


async def main(url: str, name: str, pipe: str, count: str) -> None:
    journal = open_journal(url)
    await journal.open()
    os.write(int(pipe), f"ready {name}\n".encode())

    async def one_lane(lane: int) -> None:
        for number in range(int(count)):
            key = f"{name}-{lane}-{number}"
            identity = await submit(journal, lane, key)
            os.write(int(pipe), f"acked {name} {lane} {identity} {key}\n".encode())

    await asyncio.gather(*map(one_lane, range(LANES)))
    await journal.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
