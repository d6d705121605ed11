"""Queued deliveries: accepted durably now, delivered in the order of their lanes by whoever works on the journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from proofport.accounting import Outcome
from proofport.delivery.ids.same import keys_of
from proofport.delivery.lane.payload import DamagedPayload, outcomes_in, pack
from proofport.delivery.queue.taken import content_of
from proofport.delivery.target import Target
from proofport.errors import Problem, UsageError
from proofport.evidence import Neutral
from proofport.journal.contract import Accepted, Delivery, Filter, IdempotencyRecord, Journal, NewDelivery, Submitted

RECORDS = 500
"""At most so many records in one delivery: a delivery is sent again as a whole when its answer is lost."""


def new_deliveries(target: Target, kind: str, mode: Any, records: Sequence[Neutral]) -> list[NewDelivery]:
    """The deliveries that carry `records` to one destination."""
    return [NewDelivery(target.lane, target.name, kind, mode, pack(some), len(some)) for some in _portions(records)]


def _portions(records: Sequence[Neutral]) -> Iterator[list[Neutral]]:
    """None has an id twice: a later state of a record waits until the one before it is written down."""
    portion: list[Neutral] = []
    keys: set[str] = set()
    for record, key in zip(records, keys_of([each["id"] for each in records]), strict=True):
        if key in keys or len(portion) == RECORDS:
            yield portion
            portion, keys = [], set()
        portion.append(record)
        keys.add(key)
    if portion:
        yield portion


async def accepted(journal: Journal, new: Sequence[NewDelivery], key: str | None) -> list[Accepted]:
    """Accept deliveries, or give those that were accepted under `key` before.

    A key holds for each destination: one that it was not used for yet is accepted now, under a key of its own.
    """
    if key is None:
        return [Accepted(number, duplicate=False) for number in (await journal.accept(new)).ids]
    names = dict.fromkeys(each.destination for each in new)
    first = await journal.accept(new, record=_record(key, list(names)))
    if first.first is None:
        return [Accepted(number, duplicate=False) for number in first.ids]
    known = set(orjson.loads(first.first.answer)) & names.keys()
    found = {name: await _known(journal, first, name) for name in known}
    for name in (name for name in names if name not in known):
        only = [each for each in new if each.destination == name]
        done = await journal.accept(only, record=_record(f"{key}/{name}", [name]))
        found[name] = [Accepted(number, duplicate=done.first is not None) for number in done.ids]
    return [each for name in names for each in found[name]]


def _record(key: str, destinations: list[str]) -> IdempotencyRecord:
    """Of a submission in this process, which no tenant of a relay has made."""
    return IdempotencyRecord("", key, b"", orjson.dumps(destinations))


async def _known(journal: Journal, first: Submitted, destination: str) -> list[Accepted]:
    """The deliveries of a submission that went to one destination."""
    chosen = Filter(submission=first.ids[0], destinations=[destination])
    return [Accepted(each.id, duplicate=True) for each in await journal.find(chosen, limit=len(first.ids))]


def letter_of(delivery: Delivery, target: Target) -> list[dict[str, Any]]:
    """Every record of a dead letter: the evidence, why it was refused, the body that was sent, and the one that the
    mapping gives now. None of one that was damaged in the journal: its failure says so."""
    try:
        records, _, sent = content_of(delivery)
    except DamagedPayload:
        return []
    outcomes: Sequence[Outcome | None] = outcomes_in(delivery.failure) or [None] * len(records)
    bodies = [None if delivery.mode == "remove" else target.body_of(record) for record in records]
    return [
        {
            "evidence": record,
            "problem": outcome.problem.as_dict() if outcome and outcome.problem else None,
            "sent": body and orjson.loads(body),
            "body": None if isinstance(now, Problem) else now,
        }
        for record, outcome, body, now in zip(records, outcomes, sent or [None] * len(records), bodies, strict=True)
    ]


async def replayed(journal: Journal, letters: Filter, *, as_it_was: bool) -> list[Accepted]:
    """Queue dead letters again. Raises UsageError, and queues none, where one cannot be sent as it was."""
    after = 0
    while as_it_was and (page := await journal.find(letters, after=after)):
        for letter in page:
            _require_bodies(letter)
        after = page[-1].id
    return await journal.replay(letters, as_it_was=as_it_was)


def _require_bodies(letter: Delivery) -> None:
    """A removal without bodies sent ids alone, and does so again."""
    try:
        missing = (content_of(letter)[2] or [None] * letter.records).count(None)
    except DamagedPayload as error:
        raise UsageError(
            f"letter {letter.id} cannot be sent as it was: {error.message}",
            hint="`proofport dead-letter drop` gives it up. Send its evidence again from the source.",
        ) from None
    if missing and not (letter.mode == "remove" and letter.bodies is None):
        raise UsageError(
            f"letter {letter.id} cannot be sent as it was: {missing} of its {letter.records} records never had a body",
            hint="Replay it without sending it as it was: its evidence is mapped again.",
        )
