"""Cuts a stream of record bodies into batches without an id twice.

Brings one batch to its outcomes, halved while it is too large.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from itertools import accumulate, islice

from proofport.accounting import Outcome, rejected, unknown
from proofport.adapter import Batch, Limits
from proofport.delivery.ids.same import keys_in
from proofport.errors import Problem, ProofportError, Rejected, TooLarge, UsageError


class Batcher:
    """Collects records, and gives them out as batches once more has come than fits into one."""

    def __init__(self, limits: Limits) -> None:
        self._max_records = limits.max_records
        self._max_bytes = limits.max_bytes
        self._ids: list[str] = []
        self._bodies: list[bytes] = []
        self._bytes = 0
        self._positions: list[int] = []
        self._observed: list[float] = []
        self._keys: list[str] = []
        self._extras = False

    def extend(
        self,
        ids: Sequence[str],
        bodies: Sequence[bytes],
        positions: Sequence[int],
        observed: Sequence[float],
        *,
        extras: bool,
        keys: Sequence[str] | None = None,
    ) -> None:
        """Add records. `keys`: what their ids compare by. None: the ids themselves."""
        self._bodies += bodies
        self._bytes += sum(map(len, bodies))
        self._ids += ids
        self._positions += positions
        self._observed += observed
        self._keys += ids if keys is None else keys
        self._extras = self._extras or extras

    def full(self) -> Batch | None:
        """The first batch, if more has come than fits into it. Ask again: a block may fill several."""
        count = len(self._bodies)
        if count < 2 or (count <= self._max_records and self._bytes + count <= self._max_bytes):
            return None
        sizes = list(map(len, islice(self._bodies, self._max_records)))
        if sum(sizes) + len(sizes) <= self._max_bytes:  # mostly their number decides
            return self._cut(max(1, len(sizes)))
        with_commas = accumulate(size + 1 for size in sizes)
        return self._cut(max(1, bisect_right(list(with_commas), self._max_bytes)))

    def flush(self) -> Batch | None:
        """The last batch, or None. Ask again: a record that comes twice begins another."""
        return self._cut(len(self._bodies)) if self._bodies else None

    def _cut(self, count: int) -> Batch:
        """The first records, at most `count`, up to one whose id has been there: its states stay in their order."""
        if len(set(self._keys[:count])) < count:
            count = _distinct(self._keys)
        observed = self._observed[:count]
        ids, keys = self._ids[:count], self._keys[:count]
        batch = Batch(
            ids,
            self._bodies[:count],
            self._positions[:count],
            observed if any(observed) else (),
            self._extras,
            keys=keys if keys != ids else (),
        )
        self._bytes -= sum(map(len, batch.bodies))
        del self._ids[:count], self._bodies[:count], self._positions[:count], self._observed[:count]
        del self._keys[:count]
        self._extras = self._extras and bool(self._bodies)
        return batch


def _distinct(keys: Sequence[str]) -> int:
    """How many come before the first that has been there."""
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            break
        seen.add(key)
    return len(seen)


def part(batch: Batch, indexes: Sequence[int]) -> Batch:
    """The records at these indexes."""
    if indexes == range(len(batch)):
        return batch
    return replace(
        batch,
        ids=[batch.ids[i] for i in indexes],
        bodies=[batch.bodies[i] for i in indexes],
        positions=[batch.positions[i] for i in indexes],
        observed=[batch.observed[i] for i in indexes] if batch.observed else (),
        last=[batch.last[i] for i in indexes] if batch.last else (),
        keys=[batch.keys[i] for i in indexes] if batch.keys else (),
    )


def joined(batch: Batch, more: Batch) -> Batch:
    """One batch of two, of which the second has no observations."""
    if not len(more):
        return batch
    return replace(
        batch,
        ids=[*batch.ids, *more.ids],
        bodies=[*batch.bodies, *more.bodies],
        positions=[*batch.positions, *more.positions],
        observed=[*batch.observed, *[0.0] * len(more)] if batch.observed else (),
        keys=[*keys_in(batch), *keys_in(more)] if batch.keys or more.keys else (),
    )


async def exchange(
    batch: Batch, send: Callable[[Batch], Awaitable[Sequence[Outcome] | None]], *, splits: bool = True
) -> Sequence[Outcome]:
    """The outcomes of a batch's records, in order. Errors that are not about the records go to the caller.

    An error after a part of the batch was sent is marked `lost`: that part has taken effect. `splits=False`: a set that
    must go whole is never halved; one that is too large is rejected.
    """
    try:
        return _one_for_each(await send(batch), batch)
    except Rejected as error:
        return [rejected(error.problem)] * len(batch)
    except TooLarge as error:
        if len(batch) == 1 or not splits:
            size = sum(map(len, batch.bodies))
            found = f"a record of {size} bytes" if splits else f"a set of {len(batch):,} records and {size:,} bytes"
            expected = "a record that fits one request" if splits else "a set that fits one request"
            return [rejected(Problem(found, expected, vendor_message=str(error)))] * len(batch)
    middle = len(batch) // 2
    taken = await exchange(part(batch, range(middle)), send)
    try:
        return [*taken, *await exchange(part(batch, range(middle, len(batch))), send)]
    except ProofportError as error:
        error.lost = True
        raise


def _one_for_each(outcomes: Sequence[Outcome] | None, batch: Batch) -> Sequence[Outcome]:
    """More outcomes than records belong to none of them for sure; a missing one is unknown."""
    given = outcomes if outcomes and len(outcomes) <= len(batch) else ()
    missing = len(batch) - len(given)
    return [*given, *[unknown("no_verdict")] * missing] if missing else given


def require_room(whole: Batch, limits: Limits) -> None:
    """Raise UsageError where a whole set does not fit into one request."""
    size = sum(map(len, whole.bodies)) + len(whole) + 1
    if len(whole) > limits.max_records or (len(whole) > 1 and size > limits.max_bytes):
        raise too_large(limits)


def too_large(limits: Limits) -> UsageError:
    return UsageError(
        f"this set does not fit into one request ({limits.max_records:,} records, {limits.max_bytes:,} bytes), "
        "and the vendor takes it only as a whole",
        hint=limits.too_large,
    )
