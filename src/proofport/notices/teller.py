"""Tells the webhooks of the configuration what is wrong, and when it is over: one process on a journal at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from proofport.config import Config
from proofport.config.notices import by_number
from proofport.errors import JournalError
from proofport.http.configured import Caller
from proofport.journal.contract import Journal, NewCause, Notice
from proofport.logs import get_logger
from proofport.notices.causes import causes_of
from proofport.notices.formats import body_of, headers_of

EVERY = 10.0
"""Seconds between two looks."""

SECONDS = 10.0
"""For one request to a webhook, with its answer."""

LEASE = EVERY + 2 * SECONDS
"""Seconds for which a process that looks keeps others from it. It outlasts a pause and a request."""

ONCE = 15.0
NAME = "notices"
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 3600.0
KEPT = 7 * 86_400.0
"""Seconds after which a notice that does not arrive is given up."""

log = get_logger("notices")


class Teller:
    """Looks, notes what has begun or is over, and sends what is to be told."""

    def __init__(
        self,
        config: Config,
        journal: Journal,
        owner: str,
        *,
        clock: Callable[[], float] = time.time,
        stale: Callable[[], Awaitable[Sequence[NewCause]]] | None = None,
    ) -> None:
        """`clock`: seconds since 1970. `stale`: finds evidence that is too old. Raises ConfigError where a reference of
        `notices:` leads nowhere.
        """
        self._stale = stale
        self._config = config
        self._journal = journal
        self._owner = owner
        self._clock = clock
        self._webhooks = by_number(config.webhooks())
        self._are_numbers_known = False

    async def run(self, stop: asyncio.Event) -> None:
        """Look again and again until `stop` is set, if anybody is to be told."""
        try:
            while self._webhooks and not stop.is_set():
                try:
                    await self.look()
                except JournalError as error:
                    log.error("journal_unavailable", error=error.message)
                except Exception as error:  # whoever delivers goes on
                    log.error("notices_failed", exc_info=error)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), EVERY)
        finally:
            await self.give_back()

    async def look_once(self) -> None:
        """Look for at most `ONCE` seconds, and let others do so at once. What is not told by then is told later."""
        try:
            async with asyncio.timeout(ONCE):
                await self.look()
        except TimeoutError:
            log.warning("notices_wait", seconds=ONCE)
        except JournalError as error:
            log.error("journal_unavailable", error=error.message)
        except Exception as error:  # the run has ended, and its report goes out
            log.error("notices_failed", exc_info=error)
        await self.give_back()

    async def look(self) -> None:
        """Note and tell, unless another process does so. What does not arrive waits in the journal."""
        if self._webhooks and await self._is_ours():
            if not self._are_numbers_known:  # an earlier version numbered webhooks by their places
                await self._journal.renumber_webhooks(dict(enumerate(self._webhooks)))
                self._are_numbers_known = True
            await self._note()
            await self._tell()

    async def give_back(self) -> None:
        """Let another process look at once."""
        if self._webhooks:
            with suppress(JournalError):
                await self._journal.give_back_lease(NAME, owner=self._owner)

    async def _is_ours(self) -> bool:
        return (await self._journal.take_lease(NAME, owner=self._owner, lease=LEASE)).owner == self._owner

    async def _note(self) -> None:
        noted = {cause.key: cause for cause in await self._journal.causes()}
        found = [cause async for cause in causes_of(self._config, self._journal, noted, self._clock())]
        found += await self._stale() if self._stale is not None else ()
        for cause in found:
            if cause.key not in noted:
                await self._journal.note_cause(cause, webhooks=self._wanting(cause.event))
                log.warning("notice_begun", notice=cause.event, cause=cause.key)
        for key in noted.keys() - {cause.key for cause in found}:
            await self._journal.end_cause(key, webhooks=self._wanting(noted[key].event))
            log.info("notice_over", notice=noted[key].event, cause=key)

    def _wanting(self, event: str) -> list[int]:
        return [number for number, webhook in self._webhooks.items() if event in webhook.on]

    async def _tell(self) -> None:
        """Send what is due, to each webhook in order, until nothing is or another process has taken over."""
        async with Caller(SECONDS) as wire:
            while (due := await self._journal.due_notices()) and await self._is_ours():
                await asyncio.gather(*(self._send(each, wire) for each in due))

    async def _send(self, notice: Notice, wire: Caller) -> None:
        """Send one. Of a webhook that is not configured any more, or does not want it any more, it is dropped."""
        number, wanted = notice.number, notice.webhook in self._wanting(notice.event)
        why = await self._posted(notice, wire) if wanted else None
        if why is None:
            await self._journal.notice_sent(number)
        elif self._clock() - (notice.over or notice.since) > KEPT:
            log.error("notice_given_up", notice=notice.event, number=number, error=why)
            await self._journal.notice_sent(number)
        else:
            pause = min(FIRST_PAUSE * 2.0 ** min(notice.attempts, 10), LONGEST_PAUSE)
            log.warning("notice_waits", notice=notice.event, number=number, error=why, seconds=pause)
            await self._journal.notice_later(number, pause)

    async def _posted(self, notice: Notice, wire: Caller) -> str | None:
        webhook = self._webhooks[notice.webhook]
        body = body_of(notice, self._config.instance, webhook)
        headers = headers_of(body, notice, webhook, self._clock())
        return await wire.call(webhook.url.get_secret_value(), body=body, headers=headers)
