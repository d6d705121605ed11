"""Accepting deliveries, those of many requests at once. Works within the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proofport.journal.contract import Accepted, NewDelivery, Once
from proofport.journal.postgres import lanes
from proofport.journal.postgres.database import Db
from proofport.journal.postgres.shared import Shared, rows_of

LOCK = (
    "SELECT lane, number, due IS NULL AND parked IS NULL FROM lanes WHERE lane = ANY(%(lanes)s) "
    "ORDER BY number FOR NO KEY UPDATE"
)
IDS = "SELECT nextval('deliveries_id_seq') FROM generate_series(1, %(count)s)"
INSERT = """
INSERT INTO deliveries (id, lane, destination, kind, mode, payload, records, key, submission, bodies, created)
SELECT g.*, journal_now(%(now)s) FROM unnest(%(ids)s::bigint[], %(numbers)s::int[], %(destinations)s::text[],
%(kinds)s::text[], %(modes)s::text[], %(payloads)s::bytea[], %(records)s::int[], %(keys)s::text[],
%(submissions)s::bigint[], %(bodies)s::bytea[]) AS g ON CONFLICT DO NOTHING RETURNING id
"""
WAKE = (
    "UPDATE lanes SET due = greatest(journal_now(%(now)s), next_at) WHERE number = ANY(%(numbers)s) "
    "RETURNING lane, due - journal_now(%(now)s)"
)
KEYED = "SELECT key, id FROM deliveries WHERE key = ANY(%(keys)s)"
SUBMIT = """
INSERT INTO submissions (tenant, key, digest, answer, submission)
SELECT * FROM unnest(%(tenants)s::text[], %(keys)s::text[], %(digests)s::bytea[], %(answers)s::bytea[],
%(submissions)s::bigint[]) AS g (tenant, key, digest, answer, submission) ORDER BY tenant, key
ON CONFLICT DO NOTHING RETURNING submission
"""
SUBMITTED = """
SELECT s.tenant, s.key, s.digest, s.answer, array(SELECT d.id FROM deliveries d WHERE d.submission = s.submission
ORDER BY d.id) FROM submissions s WHERE (s.tenant, s.key) IN
(SELECT * FROM unnest(%(tenants)s::text[], %(keys)s::text[]))
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What is accepted together. `submission`: its deliveries name the first of them."""

    deliveries: Sequence[NewDelivery]
    submission: bool = False
    once: Once | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """`first`: what had been submitted under this key before."""

    accepted: list[Accepted]
    first: Once | None = None


async def accept(shared: Shared, db: Db, requests: Sequence[Request]) -> list[Answer]:
    """In the order given, within lanes that stay locked: so ids of a lane become visible in their order."""
    known = await _submitted(db, requests)
    fresh = _first_of_each_key(requests, known)
    answers: dict[int, Answer] = {}
    if fresh:
        asleep, numbers = await _locked(db, fresh.values())
        ids = await _new_ids(db, fresh)
        fresh = await _registered(db, fresh, ids)
        answers = await _inserted(shared, db, fresh, ids, numbers)
        await _wake(shared, db, asleep & _lanes_with_more(fresh, answers), numbers)
    if len(answers) < len(requests):
        known = await _submitted(db, requests)
    return [answers[n] if n in answers else _again(known, request.once) for n, request in enumerate(requests)]


async def _submitted(db: Db, requests: Iterable[Request]) -> dict[tuple[str, str], Answer]:
    """What was submitted before under the keys of these requests."""
    keys = [(one.once.tenant, one.once.key) for one in requests if one.once is not None]
    if not keys:
        return {}
    rows = await rows_of(db, SUBMITTED, {"tenants": [tenant for tenant, _ in keys], "keys": [key for _, key in keys]})
    return {
        (tenant, key): Answer([Accepted(number, duplicate=True) for number in ids], Once(tenant, key, digest, answer))
        for tenant, key, digest, answer, ids in rows
    }


def _first_of_each_key(requests: Sequence[Request], known: dict[tuple[str, str], Answer]) -> dict[int, Request]:
    """Those to be accepted, by their place."""
    fresh, taken = {}, set(known)
    for place, request in enumerate(requests):
        if request.once is not None:
            key = request.once.tenant, request.once.key
            if key in taken:
                continue
            taken.add(key)
        fresh[place] = request
    return fresh


async def _locked(db: Db, requests: Iterable[Request]) -> tuple[set[str], dict[str, int]]:
    """The lanes that sleep, and the numbers of all of them. Nobody else accepts for them until the end."""
    names = list({new.lane for request in requests for new in request.deliveries})
    rows = await rows_of(db, LOCK, {"lanes": names})
    if len(rows) < len(names):
        await lanes.make(db, set(names) - {lane for lane, *_ in rows})
        rows = await rows_of(db, LOCK, {"lanes": names})
    return {lane for lane, _, sleeps in rows if sleeps}, {lane: number for lane, number, _ in rows}


async def _new_ids(db: Db, fresh: dict[int, Request]) -> dict[int, list[int]]:
    rows = await rows_of(db, IDS, {"count": sum(len(request.deliveries) for request in fresh.values())})
    ids = (number for (number,) in rows)
    return {place: [next(ids) for _ in request.deliveries] for place, request in fresh.items()}


async def _registered(db: Db, fresh: dict[int, Request], ids: dict[int, list[int]]) -> dict[int, Request]:
    """Without those whose key somebody else has registered meanwhile."""
    once = {ids[place][0]: request.once for place, request in fresh.items() if request.once is not None}
    if not once:
        return fresh
    values = {
        "tenants": [each.tenant for each in once.values()],
        "keys": [each.key for each in once.values()],
        "digests": [each.digest for each in once.values()],
        "answers": [each.answer for each in once.values()],
        "submissions": list(once),
    }
    ours = {number for (number,) in await rows_of(db, SUBMIT, values)}
    return {place: one for place, one in fresh.items() if one.once is None or ids[place][0] in ours}


async def _inserted(
    shared: Shared, db: Db, fresh: dict[int, Request], ids: dict[int, list[int]], numbers: dict[str, int]
) -> dict[int, Answer]:
    rows = [
        (number, new, ids[place][0] if request.submission else None)
        for place, request in fresh.items()
        for number, new in zip(ids[place], request.deliveries, strict=True)
    ]
    values = {
        "ids": [number for number, _, _ in rows],
        "numbers": [numbers[new.lane] for _, new, _ in rows],
        "destinations": [new.destination for _, new, _ in rows],
        "kinds": [new.kind for _, new, _ in rows],
        "modes": [new.mode for _, new, _ in rows],
        "payloads": [new.payload for _, new, _ in rows],
        "records": [new.records for _, new, _ in rows],
        "keys": [new.key for _, new, _ in rows],
        "submissions": [submission for _, _, submission in rows],
        "bodies": [new.bodies for _, new, _ in rows],
        "now": shared.now(),
    }
    added = {number for (number,) in await rows_of(db, INSERT, values)}
    keys = [new.key for number, new, _ in rows if number not in added]
    known: dict[str | None, int] = dict(await rows_of(db, KEYED, {"keys": keys})) if keys else {}
    return {
        place: Answer(
            [
                Accepted(number, duplicate=False) if number in added else Accepted(known[new.key], duplicate=True)
                for number, new in zip(ids[place], request.deliveries, strict=True)
            ]
        )
        for place, request in fresh.items()
    }


def _lanes_with_more(fresh: dict[int, Request], answers: dict[int, Answer]) -> set[str]:
    return {
        new.lane
        for place, answer in answers.items()
        for new, one in zip(fresh[place].deliveries, answer.accepted, strict=True)
        if not one.duplicate
    }


async def _wake(shared: Shared, db: Db, names: set[str], numbers: dict[str, int]) -> None:
    if names:
        values = {"numbers": [numbers[name] for name in names], "now": shared.now()}
        for lane, delay in await rows_of(db, WAKE, values):
            await shared.waker.wake(db, lane, delay)


def _again(known: dict[tuple[str, str], Answer], once: Once | None) -> Answer:
    assert once is not None
    return known[once.tenant, once.key]
