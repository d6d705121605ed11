"""Notices: what is wrong now, and what is still to be told about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from proofport.journal.contract import Cause, NewCause, Notice
from proofport.journal.sql.steps import Change, Many, Part, Query, Steps, shown


class NoticesPart(Part):
    async def causes(self) -> list[Cause]:
        return [Cause(*row) for row in await self._store.rows("causes", {})]

    async def note_cause(self, cause: NewCause, *, webhooks: Sequence[int]) -> bool:
        return await self._store.write(_note, cause, webhooks)

    async def end_cause(self, key: str, *, webhooks: Sequence[int]) -> bool:
        return await self._store.write(_end, key, webhooks)

    async def due_notices(self) -> list[Notice]:
        return [Notice(*row) for row in await self._store.rows("due_notices", {})]

    async def notice_sent(self, number: int) -> None:
        await self._store.change("drop_notice", {"number": number})

    async def notice_later(self, number: int, delay: float) -> None:
        await self._store.change("delay_notice", {"number": number, "delay": delay})

    async def renumber_webhooks(self, numbers: Mapping[int, int]) -> None:
        await self._store.write(_renumber, numbers)


def _renumber(numbers: Mapping[int, int]) -> Steps[None]:
    yield Many("renumber_webhook", [{"old": old, "new": new} for old, new in numbers.items()])


def _note(cause: NewCause, webhooks: Sequence[int]) -> Steps[bool]:
    values = {**asdict(cause), "content": shown(cause.content)}
    if not (yield Change("add_cause", values)):
        return False
    yield Many("add_notice", [{"key": cause.key, "webhook": webhook, "is_over": False} for webhook in webhooks])
    return True


def _end(key: str, webhooks: Sequence[int]) -> Steps[bool]:
    if not (yield Query("locked_cause", {"key": key})):
        return False
    yield Many("add_notice", [{"key": key, "webhook": webhook, "is_over": True} for webhook in webhooks])
    yield Change("drop_cause", {"key": key})
    return True
