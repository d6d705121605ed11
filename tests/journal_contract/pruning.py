"""Pruning while another process accepts, and a process that is killed in the middle of pruning."""

from __future__ import annotations

import asyncio
import os
import signal
from abc import ABC, abstractmethod

from tests.journal_contract.base import KIND
from tests.journal_contract.processes import Processes

from proofport.journal import open_journal, opened
from proofport.journal.contract import Failure, Filter, IdempotencyRecord, Journal, NewDelivery, Sent

SOAK = "PROOFPORT_SOAK" in os.environ
AT_ONCE = 500
PAYLOAD = b'[{"id":"%d","name":"' + b"x" * 700 + b'"}]'
LANES = 10


class PruningTests(ABC):
    """`delivered`: how many deliveries are done and old, three of a submission."""

    delivered = 100_000 if SOAK else 600

    @abstractmethod
    def shared_url(self) -> str:
        """Where `open_journal` finds an empty journal of its own, from any process."""

    async def test_pruning_that_is_killed_while_another_accepts_loses_nothing(self) -> None:
        url = self.shared_url()
        async with opened(open_journal(url)) as journal:
            delivered = await _deliver(journal, self.delivered)
            needed = await _needed(journal)
            full = (await journal.size()).bytes
        with (
            Processes.on(url, "prune", "first", later="first") as killed,
            Processes.on(url, "accept", "other") as other,
        ):
            acknowledged = {int(number): key for number, key in (next(other.lines) for _ in range(50))}
            killed.begin("first")
            for line in killed.lines:
                if line[0] == "dropped":
                    break
            killed.send("first", signal.SIGKILL)
            acknowledged |= {int(number): key for number, key in (next(other.lines) for _ in range(100))}
            async with opened(open_journal(url)) as journal:
                left = await _left(journal, delivered)
                assert 0 < len(left) < self.delivered
                await _keys_are_whole(journal, set(left))
        with Processes.on(url, "prune", "second") as processes:
            assert [line for line in processes.lines if line[0] == "done"] == [["done", "second"]]
        async with opened(open_journal(url)) as journal:
            assert await _left(journal, delivered) == []
            assert await _needed(journal) == needed
            for start in range(0, len(acknowledged), AT_ONCE):
                page = sorted(acknowledged)[start : start + AT_ONCE]
                found = await journal.find(Filter(ids=page), limit=AT_ONCE)
                assert [(d.id, d.payload.decode(), d.state) for d in found] == [
                    (number, acknowledged[number], "queued") for number in page
                ]
            assert await journal.damage() == []
            size = await journal.size()
            if not url.startswith("postgres"):  # there, vacuum decides when
                assert size.bytes < full / 2, f"{size.bytes:,} of {full:,}"


def key_of(number: int) -> str:
    return f"old-{number // 3}"


def record_of(number: int) -> IdempotencyRecord:
    return IdempotencyRecord("default", key_of(number), b"digest", b"answer")


def _new(number: int) -> NewDelivery:
    return NewDelivery(f"lane {number // 3 % LANES}", "somewhere", KIND, "upsert", PAYLOAD % number, 1)


async def _deliver(journal: Journal, count: int) -> list[int]:
    """Accept and deliver. The ids."""
    ids: list[int] = []
    for start in range(0, count, AT_ONCE * 3):
        numbers = range(start, min(start + AT_ONCE * 3, count), 3)
        accepted = await asyncio.gather(
            *(journal.accept([_new(n), _new(n + 1), _new(n + 2)], record=record_of(n)) for n in numbers)
        )
        ids += (number for one in accepted for number in one.ids)
        for lane in range(LANES):
            held = await journal.claim(f"lane {lane}", owner="me", lease=60)
            assert held is not None
            while heads := await held.take(AT_ONCE):
                await asyncio.gather(
                    *(held.done(each, "[]", sent=Sent([str(each.id)], [each.id], items=[b"{}"])) for each in heads)
                )
            await held.release()
    return ids


async def _needed(journal: Journal) -> object:
    """What no pruning may touch: what is known of ids, with their bodies, and dead letters."""
    if not await journal.find(Filter(state="dead")):
        dead = await journal.accept([NewDelivery("dead", "somewhere", KIND, "upsert", b"[]", 1)])
        await journal.set_aside(Filter(ids=dead.ids), Failure("invalid", "[]"))
    known: list[object] = []
    for lane in range(LANES):
        known.append(await journal.known_count(f"lane {lane}", KIND))
        kept = await journal.kept(f"lane {lane}", KIND, limit=5)
        known += [(each.id, each.body, each.removed) for each in kept]
    return known, [each.id for each in await journal.find(Filter(state="dead"))]


async def _left(journal: Journal, ids: list[int]) -> list[int]:
    left: list[int] = []
    while page := await journal.find(Filter(state="done"), after=left[-1] if left else 0, limit=10_000):
        left += (each.id for each in page)
    return sorted(set(left) & set(ids))


async def _keys_are_whole(journal: Journal, left: set[int]) -> None:
    """A key is known with all that was submitted under it, or it is new."""
    for number in sorted(left)[: 3 * 50]:
        [delivery] = await journal.find(Filter(ids=[number]))
        together = await journal.find(Filter(submission=delivery.submission))
        if len(together) < 3:
            continue  # its key went with the first of them
        position = int(delivery.payload[8:].partition(b'"')[0])
        again = await journal.accept([_new(position)], record=record_of(position))
        assert again.first is not None
        assert list(again.ids) == [each.id for each in together]
