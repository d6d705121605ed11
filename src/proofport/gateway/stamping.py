"""Asks for time stamps of the log of receipts: after each run, once an hour in a worker, and when a person looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from proofport.adapter import Finding
from proofport.config import Config
from proofport.errors import ProofportError
from proofport.http.configured import Caller
from proofport.http.retry import Sleep, waiting
from proofport.journal.contract import Journal, Stamp
from proofport.logs import get_logger

if TYPE_CHECKING:
    from proofport.audit.keys import SigningKey
    from proofport.audit.log import ReceiptLog

OpenLog: TypeAlias = "tuple[ReceiptLog, SigningKey]"

SECONDS = 5.0
"""For one request to an authority, with its answer."""

LONGEST_WAIT = 10.0
"""Seconds for all requests and the pauses between them: what was delivered does not depend on a time stamp."""

LARGEST = 64 * 1024
"""Bytes of an answer, which holds a few certificates."""

WHO = "the authority"

EVERY = 3600.0
"""Seconds between two time stamps that a worker asks for."""

AFTER_FAILURE = 60.0
"""Seconds until a worker asks again after a failure."""

log = get_logger("audit")


class Stamping:
    """The time stamps of the log: `gateway.receipts.stamps`."""

    def __init__(
        self, config: Config, journal: Callable[[], Awaitable[Journal]], log: Callable[[], Awaitable[OpenLog]]
    ) -> None:
        self._config = config
        self._journal = journal
        self._log = log

    async def missing(self) -> int:
        """How many receipts have no time stamp yet. 0 where none are wanted."""
        if self._config.receipts is None or self._config.receipts.timestamps is None:
            return 0
        journal = await self._journal()
        return (await journal.log_head()).size - await journal.stamped()

    async def of(self, place: int) -> Stamp | None:
        """The first time stamp of a log that has this receipt."""
        found = await (await self._journal()).stamps(after=place, limit=1)
        return found[0] if found else None

    async def ask(self) -> str | None:
        """Ask for a time stamp of the log if it has grown. What went wrong, as a sentence; None: nothing.

        Whoever comes next tries again: one time stamp is of all receipts before it.
        """
        try:
            if await self.missing():
                receipts, _ = await self._log()
                note = await receipts.checkpoint()
                at, answer = await self._asked(note.encode())
                size = int(note.split("\n")[1])
                await (await self._journal()).add_stamp(Stamp(size, at, note.encode(), answer))
        except ProofportError as error:
            log.warning("timestamp_missing", error=error.message)
            return _missing(error.message)
        except Exception as error:  # what was delivered does not depend on a time stamp
            log.warning("timestamp_missing", error=type(error).__name__, exc_info=True)
            return _missing(f"an error that was not foreseen ({type(error).__name__})")
        return None

    async def _asked(self, content: bytes) -> tuple[float, bytes]:
        """The time that the authority gives for a text, and its answer. Raises ProofportError."""
        from proofport.audit.stamps import Query, roots_in

        url, roots = self._config.authority()
        query = Query(content, roots_in(roots))
        answer = await asked(url, query.body, self._config.patience)
        return query.time_in(answer), answer

    async def findings(self) -> list[Finding]:
        """If the authority gives time stamps that verify, and how many receipts have none."""
        if self._config.receipts is None or self._config.receipts.timestamps is None:
            return []
        try:
            await self._asked(b"proofport doctor")
            missing = await self.missing()
        except ProofportError as error:
            return [Finding(False, "time stamps", error.message, error.hint or "Runs go on without them.")]
        return [Finding(True, "time stamps", f"the authority gives them; receipts without one: {missing:,}")]

    @asynccontextmanager
    async def kept_up(self) -> AsyncIterator[None]:
        """Ask while the block runs, and once more at its end."""
        asking = asyncio.create_task(self._keep_asking())
        try:
            yield
        finally:
            asking.cancel()
            with suppress(asyncio.CancelledError):
                await asking
            await self.ask()

    async def _keep_asking(self) -> None:
        while True:
            problem = await self.ask()
            await asyncio.sleep(EVERY if problem is None else AFTER_FAILURE)


def _missing(why: str) -> str:
    return f"The latest receipts have no time stamp: {why}. The next run asks again."


async def asked(url: str, query: bytes, retry_seconds: float, *, sleep: Sleep = asyncio.sleep) -> bytes:
    """The answer of an authority. While it does not work, it is asked again, for LONGEST_WAIT at most.

    Raises ProofportError.
    """
    try:
        async with asyncio.timeout(LONGEST_WAIT), Caller(SECONDS, WHO) as caller:
            once = partial(caller.ask, url, query, "application/timestamp-query", LARGEST)
            return await waiting(once, min(retry_seconds, LONGEST_WAIT), lambda _: None, sleep=sleep)
    except TimeoutError:
        raise ProofportError(f"{WHO} gave no answer within {LONGEST_WAIT:g} s") from None
