"""Leads an adapter's flows for one destination run: through the retry time, and through the gate before the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import TypeVar

from proofport.adapter import Flow, Lists, Mode, Page, Resource
from proofport.delivery.lane.lease import Holder
from proofport.errors import GuardRefused
from proofport.http.flow import lead, pages, refuse_destruction
from proofport.http.retry import waiting
from proofport.http.sender import Sender
from proofport.wire import Call

T = TypeVar("T")


class Conversation:
    """Talks to one vendor. `retry_seconds`: how long it waits for a usable answer, anew after each success."""

    def __init__(
        self,
        resource: Resource,
        mode: Mode,
        sender: Sender,
        *,
        retry_seconds: float,
        sleep: Callable[[float], Awaitable[None]],
        on_news: Callable[[], None] | None = None,
    ) -> None:
        self.sender = sender
        #: The lane that is held. None: nothing may be written.
        self.holder: Holder | None = None
        #: A sentence about what is waited for.
        self.waits_for: str | None = None
        #: Records that the vendor has listed so far.
        self.listed = 0
        self._resource = resource
        self._mode = mode
        self._retry_seconds = retry_seconds
        self._sleep = sleep
        self._on_news = on_news

    async def lead(self, flow: Callable[[], Flow[T]], *, cleared: bool = False) -> T:
        """Lead a flow to its end, anew after each pause, until it succeeds or the retry time ends.

        `cleared`: the guard has agreed to what follows from absence.
        """
        gate = partial(self._permit, cleared or self._mode == "remove", cleared)
        return await waiting(
            lambda: lead(flow(), self.sender, gate=gate), self._retry_seconds, self.note, sleep=self._sleep
        )

    async def live_pages(self) -> AsyncIterator[Page]:
        """The records that the vendor holds now, page by page. Raises GuardRefused where it cannot be read."""
        lists = self._resource
        if not isinstance(lists, Lists):
            raise GuardRefused("the records held now cannot be read, so nobody can say what would be gone")
        async for page in pages(lambda cursor: self.lead(partial(lists.page, cursor))):
            self.listed += len(page.records)
            self._tell()
            yield page

    def note(self, note: str | None) -> None:
        """Take note of what is waited for; None: nothing any more."""
        changed, self.waits_for = note != self.waits_for, note
        if changed:
            self._tell()

    def _tell(self) -> None:
        if self._on_news is not None:
            self._on_news()

    async def _permit(self, may_destroy: bool, cleared: bool, call: Call) -> None:
        """The gate of every request: the guard has agreed to what destroys, and the lane is still ours."""
        if not may_destroy:
            await refuse_destruction(call)
        if self.holder is not None:
            await self.holder.permit(call, surely=cleared)
