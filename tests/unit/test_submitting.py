"""Accepting records under a key: the same key again gives the deliveries that were accepted then."""

from __future__ import annotations

from collections.abc import Sequence

from tests.support.journals import MemoryJournal

from proofport.delivery.queue.deliveries import accepted
from proofport.journal.contract import Accepted, Filter, NewDelivery


def new(*destinations: str) -> list[NewDelivery]:
    return [NewDelivery(f"{name}/device", name, "device", "upsert", b"[]", 1) for name in destinations]


async def submitted(journal: MemoryJournal, key: str | None, *destinations: str) -> list[tuple[int, bool]]:
    found: Sequence[Accepted] = await accepted(journal, new(*destinations), key)
    return [(each.id, each.duplicate) for each in found]


async def test_a_key_is_accepted_once_and_no_key_each_time() -> None:
    journal = MemoryJournal()
    assert await submitted(journal, "k", "a", "a", "b") == [(1, False), (2, False), (3, False)]
    assert await submitted(journal, "k", "a", "a", "b") == [(1, True), (2, True), (3, True)]
    assert await submitted(journal, "l", "b") == [(4, False)]
    assert await submitted(journal, None, "b") == [(5, False)]
    assert await submitted(journal, None) == []
    assert len(await journal.find(Filter())) == 5


async def test_a_key_holds_for_each_destination() -> None:
    journal = MemoryJournal()
    assert await submitted(journal, "k", "a", "b") == [(1, False), (2, False)]
    assert await submitted(journal, "k", "b") == [(2, True)]
    for duplicate in (False, True):
        assert await submitted(journal, "k", "c", "a", "d") == [(3, duplicate), (1, True), (4, duplicate)]
    assert await submitted(journal, "k", "d") == [(4, True)]
