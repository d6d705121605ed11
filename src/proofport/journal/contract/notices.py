"""Notices: what is wrong now, and what is still to be told about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class NewCause:
    """Something that is wrong, as whoever looks finds it."""

    #: Tells it from other causes, as long as it lasts.
    key: str
    event: str
    #: JSON, for its notices: what it is about.
    content: str


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that is wrong, and was noted."""

    key: str
    event: str
    content: str
    #: When it was noted.
    since: float


@dataclass(frozen=True, slots=True)
class Notice:
    """Tells one webhook of one cause."""

    number: int
    #: The number by which the configuration knows the webhook.
    webhook: int
    event: str
    content: str
    #: When the cause was noted, and when it was over. None: it has begun.
    since: float
    over: float | None
    #: Every try before.
    attempts: int


class Notices(Protocol):
    async def causes(self) -> list[Cause]:
        """All that is noted as wrong, in the order of noting."""
        ...

    async def note_cause(self, cause: NewCause, *, webhooks: Sequence[int]) -> bool:
        """Note a cause, with a notice for each of these webhooks. False: it is noted already, nothing done."""
        ...

    async def end_cause(self, key: str, *, webhooks: Sequence[int]) -> bool:
        """Forget a cause, with a notice for each of these webhooks that it is over. False: it is not noted."""
        ...

    async def due_notices(self) -> list[Notice]:
        """Of each webhook the first notice that waits, where its time has come: a webhook gets them in order."""
        ...

    async def notice_sent(self, number: int) -> None:
        """Drop a notice: it has arrived, or nobody wants it any more."""
        ...

    async def notice_later(self, number: int, delay: float) -> None:
        """Count an attempt. The next is in `delay` seconds."""
        ...

    async def renumber_webhooks(self, numbers: Mapping[int, int]) -> None:
        """Give the notices of webhooks other numbers: the old and the new ones."""
        ...
