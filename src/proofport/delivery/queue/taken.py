"""Queued deliveries as they come out of the journal: their records, and which of them may go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from proofport.adapter import Mode
from proofport.delivery.ids.same import keys_of
from proofport.delivery.lane.payload import DamagedPayload, size_of, unpack_all, unpack_bodies
from proofport.evidence import Neutral
from proofport.journal.contract import Delivery

MOST_BYTES = 8 * 1024 * 1024
"""The JSON that a lane holds at a time, but for what does not go without the rest: it takes a multiple in memory."""

Group: TypeAlias = "Sequence[Taken]"


@dataclass(frozen=True, slots=True)
class Taken:
    """A delivery with its records."""

    delivery: Delivery
    records: Sequence[Neutral]
    #: What their ids compare by. None: the ids themselves.
    keys: Sequence[str] | None
    #: They compare without case.
    fold: bool
    #: The body of each record, where these are to be sent as they are.
    bodies: Sequence[bytes | None] | None = None


def taken(delivery: Delivery) -> Taken:
    """A delivery with its records. Ids that are the same get the spelling of the first. Raises DamagedPayload."""
    records, fold, bodies = content_of(delivery)
    ids = [record["id"] for record in records]
    keys = keys_of(ids, fold=fold)
    if keys is ids:
        return Taken(delivery, records, None, fold, bodies)
    first = dict(zip(reversed(keys), reversed(ids), strict=True))
    alike = [{**each, "id": first[key]} for each, key in zip(records, keys, strict=True)]
    return Taken(delivery, alike, keys, fold, bodies)


def content_of(delivery: Delivery) -> tuple[Sequence[Neutral], bool, Sequence[bytes | None] | None]:
    """The records of a delivery, whether their ids compare without case, and their bodies. Raises DamagedPayload."""
    records, fold = unpack_all(delivery.payload)
    bodies = None if delivery.bodies is None else unpack_bodies(delivery.bodies)
    for what, kept in (("records", records), ("bodies", bodies)):
        if kept is not None and len(kept) != delivery.records:
            raise DamagedPayload(f"it holds {len(kept):,} {what} instead of {delivery.records:,}")
    return records, fold, bodies


def that_fit(deliveries: Sequence[Delivery], left: Mapping[int, int]) -> Sequence[Delivery]:
    """The first deliveries, at least one, until they hold `MOST_BYTES`. What was to go together is not parted."""
    held = 0
    for number, (before, each) in enumerate(pairwise(deliveries), 1):
        held += size_of(before.payload, MOST_BYTES) + size_of(before.bodies or b"", MOST_BYTES)
        together = before.id in left and left.get(each.id) == left[before.id]
        if held >= MOST_BYTES and not together:
            return deliveries[:number]
    return deliveries


def groups(deliveries: Sequence[Taken], left: Mapping[int, int]) -> Iterator[Group]:
    """Deliveries that may share a request: of one destination, kind and mode, and with no id twice.

    A record that comes again waits until what came before it is written down. What is sent as it was goes alone.
    `left`: by delivery, the request that it was to go in when that was cut off. The same go in one request again.
    """
    group: list[Taken] = []
    keys: set[str] = set()

    def goes_with(other: Delivery, each: Delivery) -> bool:
        together = left.get(other.id) == left.get(each.id) and other.bodies is None and each.bodies is None
        return together and _sort(other) == _sort(each)

    for each in deliveries:
        own = {record["id"] for record in each.records} if each.keys is None else set(each.keys)
        if group and (not keys.isdisjoint(own) or not goes_with(group[0].delivery, each.delivery)):
            yield group
            group, keys = [], set()
        group.append(each)
        keys |= own
    if group:
        yield group


def _sort(delivery: Delivery) -> tuple[str, str, Mode]:
    return delivery.destination, delivery.kind, delivery.mode
