"""The right to write to one lane."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, TypeVar

import orjson
from pydantic import JsonValue

from proofport.accounting import Assurance
from proofport.adapter import Memory, Mode
from proofport.errors import JournalError, UsageError
from proofport.journal.contract import (
    IN_DOUBT,
    NOTHING_SENT,
    TAKEN_BYTES,
    TAKEN_RECORDS,
    Attempt,
    BatchDone,
    Delivery,
    Failure,
    Intent,
    NewDelivery,
    NewReceipt,
    NewRun,
    Sent,
)
from proofport.journal.sql.intents import intending, unpacked, withdrawing
from proofport.journal.sql.queue import delivery as delivery_of
from proofport.journal.sql.queue import failed
from proofport.journal.sql.receipts import adding
from proofport.journal.sql.steps import Change, Hold, Many, Query, Row, Steps, Store, Values, shown

T = TypeVar("T")


class SqlLaneRun:
    """Checks its epoch in the transaction of every write. See `proofport.journal.contract.LaneRun`.

    How the last delivered state is written is for the journal to say.
    """

    def __init__(self, store: Store, hold: Hold, lease: float) -> None:
        self.lane = hold.lane
        self.tenant = hold.tenant
        self.epoch = hold.epoch
        self._store = store
        self._hold = hold
        self._lease = lease
        self._begun: dict[str, tuple[int, NewRun]] = {}
        #: The numbers of sets that were there before. None: it was made here, in a transaction that may have failed.
        self._sets: dict[str, int | None] = {}
        #: What others have left of the queue was taken up.
        self._took_up = False
        self.left: Mapping[int, int] = {}

    # ------------------------------------------------------------------ the last delivered state
    def _sent(self, sent: Sent, origin: Values, *, staged: bool) -> Steps[None]:
        """Note what was delivered. `origin`: its set, the run or the queued delivery, and whether it was removed."""
        raise NotImplementedError

    def _doubt(self, of_set: int) -> Steps[None]:
        """All that was delivered of a set before now may have been overwritten."""
        raise NotImplementedError

    def _completed(self, of_set: int, run: int) -> Steps[None]:
        """Count all that a staged run has sent as delivered now: after what was sent before, before what comes next.

        Nothing to do where ending the run says so.
        """
        yield from ()

    def _note(self, of_set: int, sent: Sent, mode: Mode, *, staged: bool = False, **by: int | None) -> Steps[None]:
        """Note what was sent. `by`: the number of the `run` or the `delivery`."""
        if sent.ids:
            origin = {"set": of_set, "run": None, "delivery": None, "removed": mode == "remove"}
            yield from self._sent(sent, origin | by, staged=staged)
            if any(sent.spellings):
                yield Change("note_spelled", {"set": of_set})

    def _set(self, kind: str) -> Steps[int]:
        """The number of the set of this lane and kind, which is made when it is new."""
        if (known := self._sets.get(kind)) is not None:
            return known
        values = {"lane": self._hold.number, "kind": kind}
        while not (rows := (yield Query("find_set", values))):
            yield Change("make_set", values)
            self._sets[kind] = None
        number = int(rows[0][0])
        self._sets.setdefault(kind, number)
        return number

    async def _folded(self, kind: str) -> None:
        """Put the last delivered state in order, where that is not done while it is written."""

    # ------------------------------------------------------------------ the lane
    async def _write(self, steps: Callable[..., Steps[T]], *given: Any, wakes: bool = False) -> T:
        """Carry out a transaction in which nobody takes the lane over. `wakes`: it changes when it may be claimed."""
        return await self._store.write(self._fenced, steps, given, wakes)

    def _fenced(self, steps: Callable[..., Steps[T]], given: Sequence[Any], wakes: bool) -> Steps[T]:
        if wakes:
            yield Query("locked_lane", {"lane": self.lane})
        yield from self._check()
        return (yield from steps(*given))

    def _check(self) -> Steps[None]:
        if not (yield Query("held", self._hold.values)):
            raise self._hold.lost()

    async def renew(self) -> None:
        if not await self._store.change("renew_lane", {**self._hold.values, "lease": self._lease}):
            raise self._hold.lost()

    async def release(self) -> None:
        await self._store.write(release, self._store, self._hold)

    async def excuse(self) -> None:
        if not await self._store.change("excuse_lane", self._hold.values):
            raise self._hold.lost()

    # ------------------------------------------------------------------ what is about to be sent
    async def intend(self, kind: str, intents: Sequence[Intent], *, run_id: str | None = None) -> None:
        await self._write(self._intend, kind, intents, self._run(run_id)[0] if run_id else 0)

    def _intend(self, kind: str, intents: Sequence[Intent], run: int) -> Steps[None]:
        yield from intending((yield from self._set(kind)), intents, run)

    async def withdraw(self, kind: str, intents: Sequence[Intent], *, run_id: str | None = None) -> None:
        await self._write(self._withdraw, kind, intents, self._run(run_id)[0] if run_id else 0)

    def _withdraw(self, kind: str, intents: Sequence[Intent], run: int) -> Steps[None]:
        yield from withdrawing((yield from self._set(kind)), intents, run)

    def _take_up(self, of_set: int, rows: Sequence[Row]) -> Steps[None]:
        """Put what was left in doubt: it may have arrived, and belongs to the set of no run."""
        for delivery, content in rows:
            try:
                sent = unpacked(bytes(content))
            except ValueError:  # it is damaged: whatever was delivered may have been overwritten
                yield from self._doubt(of_set)
            else:
                yield from self._note(of_set, sent, "upsert", delivery=delivery or None)

    def _take_up_deliveries(self) -> Steps[Mapping[int, int]]:
        """The requests of the deliveries that are still queued. Their intents stay until they have ended."""
        left: dict[int, int] = {}
        for (of_set,) in (yield Query("sets_with_deliveries_left", self._hold.values)):
            yield from self._take_up(of_set, (yield Query("deliveries_left", {"set": of_set})))
            yield Change("drop_intents_of_ended", {"set": of_set})
            left.update((yield Query("requests_left", {"set": of_set})))
        return left

    # ------------------------------------------------------------------ queued deliveries
    async def take(self, n: int, *, records: int = TAKEN_RECORDS) -> list[Delivery]:
        if not self._took_up:
            if await self._store.rows("sets_with_deliveries_left", self._hold.values):
                self.left = await self._write(self._take_up_deliveries)
            self._took_up = True
        rows = await self._store.heads({**self._hold.values, "n": n, "records": records, "bytes": TAKEN_BYTES})
        if not rows or not rows[0][0]:
            raise self._hold.lost()
        return [delivery_of(row) for _, *row in rows if row[0] is not None]

    async def done(
        self,
        delivery: Delivery,
        outcome: str,
        *,
        sent: Sent = NOTHING_SENT,
        dead: tuple[NewDelivery, Failure] | None = None,
        intents: Sequence[Intent] = (),
        arrived: Assurance | None = None,
    ) -> None:
        values = {**self._hold.values, "id": delivery.id, "outcome": shown(outcome)}
        await self._store.write(self._done, delivery, values, sent, dead, intents, arrived)

    def _done(
        self,
        delivery: Delivery,
        values: Values,
        sent: Sent,
        dead: tuple[NewDelivery, Failure] | None,
        intents: Sequence[Intent],
        arrived: Assurance | None,
    ) -> Steps[None]:
        if not (yield Change("done", values)):
            yield from self._check()
            return
        of_set = yield from self._set(delivery.kind)
        yield Change("drop_intents_of_delivery", {"set": of_set, "id": delivery.id})
        yield from intending(of_set, intents)
        yield from self._note(of_set, sent, delivery.mode, delivery=delivery.id)
        yield from self._arrived(of_set, arrived)
        if dead is not None:
            new, failure = dead
            letter = {**asdict(new), **failed(failure), "attempts": delivery.attempts + 1}
            yield Change("add_dead", {**letter, "number": self._hold.number})

    async def dead(self, delivery: Delivery, failure: Failure, *, bodies: bytes | None = None) -> None:
        values = {**self._hold.values, "id": delivery.id, "bodies": bodies, **failed(failure)}
        await self._store.write(self._dead, delivery, values)

    def _dead(self, delivery: Delivery, values: Values) -> Steps[None]:
        if not (yield Change("dead", values)):
            yield from self._check()
        yield Change("drop_intents_of_delivery", {"set": (yield from self._set(delivery.kind)), "id": delivery.id})

    async def set_aside(self, delivery: Delivery, failure: Failure) -> None:
        await self._write(self._set_aside, delivery, failure)

    def _set_aside(self, delivery: Delivery, failure: Failure) -> Steps[None]:
        values = {**self._hold.values, "id": delivery.id, "bodies": delivery.bodies, **failed(failure)}
        yield Change("dead", values)

    async def unreceipted(self, n: int, *, after: int = 0) -> list[Delivery]:
        rows = await self._store.rows("due_deliveries", {**self._hold.values, "n": n, "after": after})
        return [delivery_of(row) for row in rows]

    async def add_receipt(self, new: NewReceipt, deliveries: Sequence[int], *, after: int) -> bool:
        return await self._write(self._add_receipt, new, deliveries, after)

    def _add_receipt(self, new: NewReceipt, deliveries: Sequence[int], after: int) -> Steps[bool]:
        if not (yield from adding(new, after)):
            return False
        values = {**self._hold.values, "place": after, "ids": list(deliveries)}
        if (yield Change("name_receipt", values)) != len(deliveries):
            raise JournalError(f"deliveries of the lane {self.lane} have a receipt already, or have not ended")
        return True

    async def later(self, delivery: Delivery, delay: float, failure: Failure, *, broke_down: bool = False) -> None:
        breakdowns = delivery.breakdowns + 1 if broke_down else 0
        values = {**self._hold.values, "id": delivery.id, "delay": delay, "breakdowns": breakdowns, **failed(failure)}
        await self._write(_changes, ["later", "rest_lane"], values, wakes=True)

    async def park(self, reason: str) -> None:
        await self._write(_changes, ["park_lane"], {**self._hold.values, "reason": reason}, wakes=True)

    # ------------------------------------------------------------------ runs
    async def begin(self, run: NewRun) -> None:
        self._begun[run.run_id] = await self._write(self._begin, run), run

    def _begin(self, run: NewRun) -> Steps[int]:
        """The number of the run."""
        values = {**asdict(run), "inputs": orjson.dumps(list(run.inputs)).decode(), "lane": self._hold.number}
        of_set = yield from self._set(run.kind)
        if (yield Change("cut_open_runs", values)):
            yield from self._doubt(of_set)
        yield Change("end_other_runs", values)
        rows = yield Query("find_run", values)
        is_new = not rows
        if is_new:
            yield Change("add_run", values)
            rows = yield Query("find_run", values)
        [(number, lane)] = rows
        if lane != self._hold.number:
            raise UsageError(f"the run {run.run_id} of {run.destination} was begun in another lane than {self.lane}")
        values = {**values, "run": number, "number": number}
        yield from self._take_up_left(of_set, values)
        yield Change("drop_unfinished" if is_new else "reopen_run", values)
        return int(number)

    def _take_up_left(self, of_set: int, values: Values) -> Steps[None]:
        """Put in doubt what may have arrived without being noted."""
        yield from self._take_up(of_set, (yield Query("intents_left", {"set": of_set, "run": values["run"]})))
        yield Change("drop_other_intents", {"set": of_set, "run": values["run"]})
        for (number,) in (yield Query("perhaps_completed", values)):
            yield Change("doubt_staged", {"set": of_set, "run": None, "of_run": number})
            yield Change("not_completing", {"number": number})

    def _run(self, run_id: str) -> tuple[int, NewRun]:
        try:
            return self._begun[run_id]
        except KeyError:
            raise UsageError(f"the run {run_id} was not begun by this owner of the lane {self.lane}") from None

    async def remember(self, run_id: str, memory: Memory) -> None:
        number, _ = self._run(run_id)
        values = {"run": number, "memory": orjson.dumps(memory).decode()}
        await self._write(_changes, ["remember"], values)

    async def batch_done(self, run_id: str, batch: BatchDone, *, intents: Sequence[Intent] = ()) -> None:
        await self._write(self._batch_done, *self._run(run_id), batch, intents)

    def _batch_done(self, number: int, run: NewRun, batch: BatchDone, intents: Sequence[Intent]) -> Steps[None]:
        values = {"run": number, "number": batch.number, "first": batch.first, "last": batch.last}
        about = {"records": batch.records, "digest": batch.digest, "outcomes": shown(batch.outcomes)}
        yield Change("put_batch", {**values, **about})
        of_set = yield from self._set(run.kind)
        yield from self._note(of_set, batch.sent, run.mode, run=number, staged=run.staged)
        yield Change("drop_intent", {"set": of_set, "run": number, "delivery": 0, "batch": batch.number})
        yield from intending(of_set, intents, number)

    async def completing(self, run_id: str) -> None:
        await self._write(_changes, ["completing"], {"number": self._run(run_id)[0]})

    async def end(self, run_id: str, *, complete: bool, report: str, arrived: Assurance | None = None) -> None:
        await self._write(self._end, *self._run(run_id), complete, report, arrived)

    def _end(self, number: int, run: NewRun, complete: bool, report: str, arrived: Assurance | None) -> Steps[None]:
        state = "complete" if complete else "ended"
        of_set = yield from self._set(run.kind)
        yield Change("end_run", {"run": number, "state": state, "report": shown(report)})
        yield Change("drop_intents_of_run", {"set": of_set, "run": number})
        yield from self._arrived(of_set, arrived, complete=complete and run.mode == "snapshot")
        if complete and run.staged:
            yield from self._completed(of_set, number)

    def _arrived(self, of_set: int, arrived: Assurance | None, *, complete: bool = False) -> Steps[None]:
        if arrived or complete:
            confirmed = arrived in (Assurance.CONFIRMED, Assurance.VERIFIED)
            values = {"set": of_set, "complete": complete, "delivered": arrived is not None, "confirmed": confirmed}
            yield Change("note_arrived", values)

    # ------------------------------------------------------------------ sources
    async def number_sources(self, kind: str, names: Sequence[str]) -> list[int]:
        return await self._write(self._number_sources, kind, [self._store.id_of(name) for name in names])

    def _number_sources(self, kind: str, names: Sequence[str | bytes]) -> Steps[list[int]]:
        of_set = {"set": (yield from self._set(kind))}
        numbers = {name: number for number, name in (yield Query("source_names", of_set))}
        new = [name for name in dict.fromkeys(names) if name not in numbers]
        numbers |= {name: number for number, name in enumerate(new, len(numbers) + 1)}
        yield Many("add_source", [{**of_set, "number": numbers[name], "name": name} for name in new])
        return [numbers[name] for name in names]

    # ------------------------------------------------------------------ keys and spellings
    async def rekey(self, kind: str, keys: Sequence[tuple[str, str]], *, done: bool = False) -> None:
        await self._folded(kind)
        await self._write(self._rekey, kind, keys, done)

    def _rekey(self, kind: str, keys: Sequence[tuple[str, str]], done: bool) -> Steps[None]:
        of_set, moved = {"set": (yield from self._set(kind))}, False
        for text, key in keys:
            values = {**of_set, "id": self._store.id_of(text), "key": self._store.id_of(key)}
            yield Change("free_key", values)
            if (yield Change("rekey", values)):
                yield Change("free_body", values)
                yield Change("rekey_body", values)
                moved = True
        if moved:
            yield Change("note_spelled", of_set)
        if done:
            yield Change("note_keyed", of_set)

    # ------------------------------------------------------------------ what is gone
    async def note_missing(self, kind: str, ids: Sequence[str], *, at: float) -> list[float]:
        return await self._write(self._note_missing, kind, [self._store.id_of(text) for text in ids], at)

    def _note_missing(self, kind: str, keys: Sequence[str | bytes], at: float) -> Steps[list[float]]:
        of_set = {"set": (yield from self._set(kind))}
        first = dict((yield Query("missing_since", of_set)))
        yield Change("drop_missing", of_set)
        yield Many("note_missing", [{**of_set, "id": key, "gone_at": first.get(key, at)} for key in keys])
        return [first.get(key, at) for key in keys]

    async def forget(self, kind: str, ids: Sequence[str], *, gone_at: float | None = None, since: float = 0.0) -> None:
        await self._write(self._forget, kind, ids, gone_at, since)

    def _forget(self, kind: str, ids: Sequence[str], gone_at: float | None, since: float) -> Steps[None]:
        of_set = yield from self._set(kind)
        if gone_at is not None:
            rows = [{"set": of_set, "id": self._store.id_of(text), "gone_at": gone_at} for text in ids]
            yield Many("keep_tombstone", rows)
            yield Change("drop_old_tombstones", {"set": of_set, "since": since})
        elif ids and (yield Query("has_tombstones", {"set": of_set})):
            yield Many("drop_tombstone", [{"set": of_set, "id": self._store.id_of(text)} for text in ids])
        yield from self._note(of_set, Sent(ids), "remove")

    async def keep_adapter_memory(self, key: str, value: JsonValue, *, doubts: str | None) -> None:
        if doubts is not None:
            await self._folded(doubts)
        values = {"number": self._hold.number, "key": key, "value": orjson.dumps(value).decode()}
        await self._write(_keep, values, doubts)

    async def attempted(self, attempts: Sequence[Attempt]) -> None:
        await self._write(self._attempted, attempts)

    def _attempted(self, attempts: Sequence[Attempt]) -> Steps[None]:
        shared = {"number": self._hold.number}
        yield Many("add_attempt", [asdict(replace(a, message=shown(a.message) or "")) | shared for a in attempts])


def release(store: Store, hold: Hold) -> Steps[None]:
    """Give a lane back. Does nothing when it was lost."""
    yield Query("locked_lane", {"lane": hold.lane})
    if (yield Change("release_lane", hold.values)):
        yield from store.scheduling(hold.number, hold.lane)


def _changes(names: Sequence[str], values: Values) -> Steps[None]:
    for name in names:
        yield Change(name, values)


def _keep(values: Values, doubts: str | None) -> Steps[None]:
    if (yield Change("add_adapter_memory", values)) and doubts is not None:
        yield Change("doubt_kind", {**values, "kind": doubts, "doubt": IN_DOUBT})
