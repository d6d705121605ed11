"""Takes one id out of the journal: what is kept of its records, wherever that is, but what others rest on."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from proofport.audit.refused import PLAIN
from proofport.delivery.ids.same import key_of, keys_of
from proofport.delivery.lane.payload import (
    DamagedPayload,
    decode_outcomes,
    encode_outcomes,
    left_with,
    outcomes_in,
    pack,
    pack_bodies,
    unpack_all,
)
from proofport.delivery.queue.taken import content_of
from proofport.delivery.target import lane_of
from proofport.errors import ConfigError, UsageError
from proofport.journal.contract import ALL, Delivery, Failure, Filter, Journal, Standing, State, all_receipts
from proofport.text.wording import listing

if TYPE_CHECKING:
    from proofport.gateway.gateway import Gateway

T = TypeVar("T")
PAGE = 100
ENDED: tuple[State, ...] = ("dead", "done", "cancelled")
FORGOTTEN = "(forgotten)"
"""Stands in reports where the id stood."""

STILL_HELD = (
    "The id and the digest of its last body stay as long as a vendor may hold the record: without them, nobody would "
    "find that it is gone. Take it out of the source, and push a set without it or `--mode remove`."
)
TOMBSTONE = "Tombstones stay until they have been sent for their days: a vendor is still told with them who has left."
RECEIPTS = "Receipts stay as they were signed. They hold digests, and with `receipts: {ids: plain}` the first ids."
ELSEWHERE = "Backups of the journal, exported receipts and logs are not touched."


LEFT_EARLIER = (
    "A vendor that does not delete keeps a record that left earlier, as one that is not active. The journal knows "
    "nothing of it any more: look there, too."
)
"""Said of a record that is gone."""


@dataclass(slots=True)
class Forgotten:
    """The result: what was taken out, what vendors may hold, and what stays."""

    id: str
    bodies: int = 0
    #: Records in the evidence of deliveries that have ended.
    records: int = 0
    attempts: int = 0
    #: Reports, outcomes and answers in which the id stood.
    texts: int = 0
    #: Lines of the lists of plain ids beside receipts.
    listed: int = 0
    #: The vendors that may hold the record: destinations, lane and kind.
    held: list[dict[str, Any]] = field(default_factory=list)
    stays: list[str] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """False: the journal knew nothing of the id."""
        return bool(self.bodies or self.records or self.attempts or self.texts or self.listed or self.held)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


async def forgotten(gateway: Gateway, record_id: str) -> Forgotten:
    """Take an id out of the journal.

    Raises UsageError, and changes nothing, while something that is still to be sent has it: what was accepted is never
    dropped on the way. So it does while a receipt has still to count a delivery that has it.
    """
    if not record_id.strip():
        raise UsageError("an id is needed")
    journal = await gateway.journal()
    if waits := [each async for each in _waiting(journal, record_id)]:
        raise UsageError(
            f"{record_id} is still to be sent: {listing(waits)}",
            hint="Let it be delivered, or make a dead letter of a delivery (`proofport dead-letter set-aside`), which "
            "may be queued again afterwards, and commit or abort a snapshot. Then run this again.",
        )
    if due := [each async for each in _without_receipt(journal, record_id)]:
        raise UsageError(
            f"{record_id} was delivered, and no receipt counts it yet: {listing(due)}",
            hint="A relay or worker writes the receipt after an hour, and when it stops. Then run this again.",
        )
    result = Forgotten(record_id)
    places = await _standing(journal, record_id)
    await journal.erase_bodies(places)  # what is dropped after that is overwritten, too
    touched = [each async for each in _take_out(journal, record_id, result)]
    result.bodies = sum(each.has_body for each in places)
    says = _Word(record_id)
    result.attempts = await journal.erase_attempts(touched, record_id.replace("\0", "\ufffd"), says.is_in)
    result.texts = await journal.erase_words(says.as_json, says.out_of)
    await _unlist(journal, record_id, result)
    while await journal.give_space_back():
        pass
    _explain(gateway, places, result)
    result.stays.append(LEFT_EARLIER)
    if later := [each async for each in _waiting(journal, record_id)]:
        result.stays.append(f"It was accepted again meanwhile, and is to be sent: {listing(later)}.")
    return result


# ---------------------------------------------------------------------- what waits
async def _waiting(journal: Journal, record_id: str) -> AsyncIterator[str]:
    async for delivery in _deliveries(journal, "queued"):
        if _has(delivery.payload, record_id):
            yield f"delivery {delivery.id}"
    for state in ("open", "committed"):
        for snapshot in await journal.snapshots(state=state, limit=ALL):
            after = ""
            while parts := await journal.parts(snapshot.id, after=after):
                after = parts[-1].name
                for part in parts:
                    if _has(part.payload, record_id):
                        yield f"part {part.name} of the snapshot {snapshot.id}"
    keys = {key_of(record_id), key_of(record_id, fold=True)}
    for sent in await journal.intended():
        if keys & set(sent.ids):
            yield "a request that is being sent, or was cut off: the next push of its kind ends that"


async def _without_receipt(journal: Journal, record_id: str) -> AsyncIterator[str]:
    """The deliveries that have ended and that a receipt has still to count, as they were."""
    due = {lane: since for lane, _, since in await journal.due_lanes()}
    for state in ENDED if due else ():
        async for delivery in _deliveries(journal, state):
            is_due = delivery.receipt is None and (delivery.finished or 0.0) >= due.get(delivery.lane, inf)
            if is_due and _has(delivery.payload, record_id):
                yield f"delivery {delivery.id}"


def _has(payload: bytes, record_id: str) -> bool:
    """True if the id is that of a record, or of one that was left out: a commit brings that back, too."""
    try:
        records, fold = unpack_all(payload)
        left = left_with(payload)
    except DamagedPayload:  # `journal check` says that it is damaged
        return False
    ids = [each["id"] for each in records] + [each.record_id for each in left if each.record_id is not None]
    return key_of(record_id, fold=fold) in keys_of(ids, fold=fold)


async def _deliveries(journal: Journal, state: State) -> AsyncIterator[Delivery]:
    after = 0
    while page := await journal.find(Filter(state=state), after=after, limit=PAGE):
        after = page[-1].id
        for delivery in page:
            yield delivery


# ---------------------------------------------------------------------- deliveries that have ended
async def _take_out(journal: Journal, record_id: str, result: Forgotten) -> AsyncIterator[int]:
    """Take the records out of the deliveries that have ended. The ids of these deliveries."""
    for state in ENDED:
        async for delivery in _deliveries(journal, state):
            if not _has(delivery.payload, record_id):
                continue
            less = _without(delivery, record_id)
            if await journal.erase_records(delivery, less):
                result.records += delivery.records - less.records
                yield delivery.id


def _without(delivery: Delivery, record_id: str) -> Delivery:
    """The delivery without the records of an id. A dead letter of which nothing is left is cancelled."""
    records, fold, bodies = content_of(delivery)
    gone = key_of(record_id, fold=fold)
    stays = [key != gone for key in keys_of([each["id"] for each in records], fold=fold)]
    outcome, failure = delivery.outcome, delivery.failure
    if delivery.state == "done" and outcome is not None:
        outcome = encode_outcomes(_kept(decode_outcomes(outcome), stays))
    if (outcomes := outcomes_in(failure)) is not None and failure is not None:
        failure = Failure(failure.reason, encode_outcomes(_kept(outcomes, stays)))
    state = delivery.state
    if state == "dead" and not any(stays):
        state, outcome = "cancelled", orjson.dumps({"reason": FORGOTTEN}).decode()
    return replace(
        delivery,
        payload=pack(_kept(records, stays), fold=fold),
        records=sum(stays),
        bodies=None if bodies is None else pack_bodies(_kept(bodies, stays)),
        outcome=outcome,
        failure=failure,
        state=state,
    )


def _kept(values: Sequence[T], stays: Iterable[bool]) -> list[T]:
    return [value for value, stay in zip(values, stays, strict=True) if stay]


# ---------------------------------------------------------------------- the last delivered state
async def _standing(journal: Journal, record_id: str) -> list[Standing]:
    """Where the id stands. Under a key without case only where it is known that case does not count there."""
    key, folded = key_of(record_id), key_of(record_id, fold=True)
    return [
        place
        for place in await journal.standing(list(dict.fromkeys([key, folded])))
        if place.id == key or await journal.spellings(place.lane, place.kind, [folded]) != [None]
    ]


def _explain(gateway: Gateway, places: Sequence[Standing], result: Forgotten) -> None:
    names = _destinations(gateway)
    for place in places:
        if place.body:
            to = names.get((place.lane, place.kind), [])
            result.held.append({"destinations": to, "lane": place.lane, "kind": place.kind})
    if result.held:
        result.stays.append(STILL_HELD)
    if any(place.is_gone for place in places):
        result.stays.append(TOMBSTONE)
    result.stays += [RECEIPTS, ELSEWHERE]


def _destinations(gateway: Gateway) -> dict[tuple[str, str], list[str]]:
    """The configured destinations by lane and kind."""
    found: dict[tuple[str, str], list[str]] = {}
    for name in gateway.config.all_destinations():
        try:
            adapter = gateway.config.adapter(name, offline=True)
            for kind in adapter.settings.objects:
                found.setdefault((lane_of(name, adapter.resource(kind)), kind), []).append(name)
        except (ConfigError, UsageError):  # `doctor` says why
            continue
    return found


# ---------------------------------------------------------------------- words and lists
class _Word:
    """An id as it stands in texts: as a word of its own, not as a part of another."""

    def __init__(self, record_id: str) -> None:
        self._word = re.compile(rf"(?<![\w@.-]){re.escape(record_id)}(?![\w@-]|\.\w)")
        #: As it is written in JSON.
        self.as_json = orjson.dumps(record_id)[1:-1].decode()

    def is_in(self, text: str) -> bool:
        return self._word.search(text) is not None

    def out_of(self, text: str) -> str:
        """A JSON text without the id. One that is no JSON stays."""
        try:
            found = orjson.loads(text)
        except ValueError:
            return text
        changed = self._changed(found)
        return text if changed == found else orjson.dumps(changed).decode()

    def _changed(self, value: Any) -> Any:
        match value:
            case str():
                return self._word.sub(lambda _: FORGOTTEN, value)
            case list():
                return [self._changed(each) for each in value]
            case dict():
                return {key: self._changed(each) for key, each in value.items()}
        return value


async def _unlist(journal: Journal, record_id: str, result: Forgotten) -> None:
    """Take the id out of the lists of plain ids beside receipts, of which receipts hold no digest."""
    key = key_of(record_id)
    async for receipt in all_receipts(journal):
        content = await journal.receipt_file(receipt.place, PLAIN) if PLAIN in receipt.files else None
        lines = (content or b"").splitlines(keepends=True)
        left = [line for line in lines if key_of(orjson.loads(line).get("id") or "") != key]
        if len(left) < len(lines):
            result.listed += len(lines) - len(left)
            await journal.put_receipt_file(receipt.place, PLAIN, b"".join(left))
