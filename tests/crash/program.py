"""`proofport` as a process of its own, for tests that kill it. Its batches are small, so that 20 of them are cheap.

python program.py NAME push …        the command line; every request carries the header `X-Process: NAME`
python program.py NAME work [SLOTS]  delivers what is queued, so many lanes at a time, until SIGTERM
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from dataclasses import replace
from typing import Any

from proofport import registry
from proofport.adapter import Adapter, Auth, Flow, Limits, Mode, Replaces, Resource, StaticHeaders, Token
from proofport.cli import main
from proofport.gateway import Gateway

BATCH = 25
SLOTS = 4


def prepare(adapter: Any, process: str) -> None:
    """Cut the adapter's batches, and let its requests name the process. A set that goes whole is never cut."""
    resource, auth, name = adapter.resource, adapter.auth.fget, {"X-Process": process}

    def small(self: Adapter, kind: str) -> Resource:
        found: Resource = resource(self, kind)
        if isinstance(found, Replaces):
            return found
        limits = found.limits

        def cut(mode: Mode) -> Limits:
            given = limits(mode)
            return replace(given, max_records=min(given.max_records, BATCH))

        found.limits = cut  # type: ignore[method-assign]
        return found

    def named(self: Adapter) -> Auth:
        given: Auth = auth(self)
        if isinstance(given, StaticHeaders):
            return StaticHeaders({**given.headers, **name})

        def mint() -> Flow[Token]:
            token = yield from given.mint()
            return Token({**token.headers, **name}, token.lifetime)

        return replace(given, mint=mint)

    adapter.resource, adapter.auth = small, property(named)


async def work(slots: int = SLOTS) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Gateway.from_file() as gateway:
        await gateway.work(stop, slots=slots)


if __name__ == "__main__":
    process = sys.argv.pop(1)
    for name in registry.names(registry.ADAPTERS):
        prepare(registry.load_adapter(name), process)
    if sys.argv[1] == "work":
        logging.basicConfig(level=logging.DEBUG)
        asyncio.run(work(*map(int, sys.argv[2:])))
    else:
        sys.exit(main())
