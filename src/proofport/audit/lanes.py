"""The receipts of queued deliveries: one for what has ended on a lane since its last receipt. See docs/audit.md."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from io import BytesIO
from typing import Any, Literal

from proofport import __version__
from proofport.accounting import Assurance, Outcome, Status, Tally
from proofport.audit.envelope import canonical
from proofport.audit.exchanges import ExchangeLog
from proofport.audit.keys import SigningKey
from proofport.audit.log import Draft, ReceiptLog
from proofport.audit.receipt import PREDICATE, moment
from proofport.audit.refused import Refused
from proofport.delivery.lane.lease import new_owner
from proofport.delivery.queue.shown import evidence_of, outcomes_of
from proofport.delivery.target import Target
from proofport.errors import JournalError, LaneLost, ProofportError
from proofport.journal.contract import Delivery, Journal, LaneRun
from proofport.logs import get_logger
from proofport.wire import Call

MOST = 1_000
"""Deliveries of a receipt."""

LONGEST = 3_600.0
"""Seconds from the first delivery of a receipt to the receipt."""

ROUND = 60.0
"""Seconds from one look at lanes in which nothing is delivered any more to the next."""

PAGE = 50
"""Deliveries that are read at a time."""

log = get_logger("audit")


@dataclass(slots=True)
class _Lane:
    """All that this process has seen of a lane since the lane's last receipt."""

    since: float
    exchanges: ExchangeLog = field(default_factory=lambda: ExchangeLog(BytesIO()))
    #: The deliveries that have ended.
    ended: set[int] = field(default_factory=set)
    targets: dict[str, Target] = field(default_factory=dict)


class LaneReceipts:
    """See `proofport.delivery.witness.LaneWitness`. The ended deliveries in the journal say what is due."""

    def __init__(
        self,
        journal: Journal,
        receipts: ReceiptLog,
        key: SigningKey,
        texts: Callable[[Target], Mapping[str, str]],
        *,
        instance: str,
        lease: float,
        ids: Literal["hmac", "plain"] = "hmac",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`texts`: the mapping files that a destination works with, and those that they include."""
        self._journal = journal
        self._log = receipts
        self._key = key
        self._texts = texts
        self._instance = instance
        self._lease = lease
        self._plain = ids == "plain"
        self._clock = clock
        self._owner = new_owner()
        self._lanes: dict[str, _Lane] = {}

    async def begin(self) -> None:
        await self._log.begin()

    def follow(self, lane: str, target: Target) -> Callable[[Call, int, bytes | None, bool], None]:
        seen = self._lane(lane)
        seen.targets[f"{target.name} {target.mapping_name}"] = target
        return partial(self._exchanged, lane)

    def _exchanged(self, lane: str, call: Call, status: int, response: bytes | None, secret: bool) -> None:
        request = None if secret else call.body or b""
        self._lane(lane).exchanges.add(call.method, call.path, status, request, None if secret else response)

    def ended(self, delivery: Delivery) -> None:
        self._lane(delivery.lane).ended.add(delivery.id)

    def _lane(self, name: str) -> _Lane:
        return self._lanes.setdefault(name, _Lane(self._clock()))

    @property
    def most(self) -> int:
        return MOST

    async def cut(self, run: LaneRun, coming: int) -> None:
        seen = self._lanes.get(run.lane)
        if seen is not None and (len(seen.ended) + coming > MOST or self._clock() - seen.since >= LONGEST):
            await self._write_quietly(run)

    async def keep(self) -> None:
        while True:
            await asyncio.sleep(ROUND)
            await self.look_round()

    async def look_round(self) -> None:
        """Write the receipts that are due for a long time: ours, and those of who has died."""
        now = self._clock()
        late = [name for name, seen in self._lanes.items() if now - seen.since >= LONGEST]
        try:
            left = [
                name
                for name, _, since in await self._journal.due_lanes()
                if name not in self._lanes and now - since >= LONGEST + self._lease
            ]
        except JournalError as error:
            log.error("journal_unavailable", error=error.message)
            left = []
        for name in [*late, *left]:
            await self._take(name)

    async def finish(self) -> None:
        for name in [name for name, seen in self._lanes.items() if seen.ended]:
            await self._take(name)

    async def _take(self, name: str) -> None:
        """Write the receipt of a lane that nobody holds. Whoever holds it writes it."""
        try:
            run = await self._journal.claim(name, owner=self._owner, lease=self._lease)
            if run is not None:
                await self._write_quietly(run)
                await run.release()
        except (JournalError, LaneLost) as error:
            log.error("receipt_not_written", lane=name, error=error.message)

    async def _write_quietly(self, run: LaneRun) -> None:
        """Write what is due. What fails stays due; delivering goes on."""
        try:
            await self._write(run)
        except LaneLost:
            raise
        except ProofportError as error:
            log.error("receipt_not_written", lane=run.lane, error=error.message)

    async def _write(self, run: LaneRun) -> None:
        """Write receipts of all that is due. What others have ended has one of its own, without the exchanges."""
        seen = self._lanes.get(run.lane) or _Lane(self._clock())
        while await self._certified(run, lambda each: each.id not in seen.ended, None):
            pass
        while await self._certified(run, lambda each: each.id in seen.ended, seen):
            pass
        seen.exchanges.close()
        self._lanes.pop(run.lane, None)

    async def _certified(self, run: LaneRun, chosen: Callable[[Delivery], bool], seen: _Lane | None) -> bool:
        """Write a receipt of the first due deliveries that are chosen. False: there is none."""
        with closing(_Books(self._key, self._plain)) as books:
            async for each in _due(run):
                if chosen(each):
                    books.add(each)
                if len(books.rows) == MOST:
                    break
            if books.rows:
                # Where somebody else has written the receipt of some, nobody can say what was exchanged for the others.
                await self._certify(run, books, seen if seen and len(books.rows) == len(seen.ended) else None)
            return bool(books.rows)

    async def _certify(self, run: LaneRun, books: _Books, seen: _Lane | None) -> None:
        targets = seen.targets.values() if seen else ()
        texts = {what: text for each in targets for what, text in self._texts(each).items()}
        await self._log.keep_texts(texts)
        files = {"deliveries": b"".join(canonical(row) + b"\n" for row in books.rows), **books.refused.files()}
        subjects = [(name, sha256(files[name]).hexdigest()) for name in sorted(files) if name in ("deliveries", "ids")]
        subjects += [(name, sha256(text.encode()).hexdigest()) for name, text in sorted(texts.items())]
        if seen is not None:
            files["exchanges"] = seen.exchanges.content()
            subjects.insert(0, ("exchanges", seen.exchanges.root))
        predicate = self._predicate(run, books, seen)
        draft = Draft(PREDICATE, subjects, predicate, books.name, str(predicate["destination"]), files)
        numbers = [int(row["id"]) for row in books.rows]
        await self._log.add(draft, lambda new, after: run.add_receipt(new, numbers, after=after))

    def _predicate(self, run: LaneRun, books: _Books, seen: _Lane | None) -> dict[str, Any]:
        tally, count = books.tally, len(books.rows)
        vendors = {each.adapter.name: each.adapter.origin for each in (seen.targets.values() if seen else ())}
        return {
            "instance": self._instance,
            "run": books.name,
            "destination": books.all_of("destination"),
            **({"vendor": ", ".join(vendors), "host": ", ".join(vendors.values())} if vendors else {}),
            "object": run.lane,
            "kind": books.all_of("kind"),
            "mode": "queue",
            "resumed": False,
            "from_journal": seen is None,
            "started": moment(books.began),
            "ended": moment(books.ended),
            "inputs": {"count": 0, "list": []},
            "deliveries": {"count": count, "first": books.rows[0]["id"], "last": books.rows[-1]["id"]},
            "population": {"read": tally.total, "input": tally.total},
            "counts": {status.value: tally.status[status] for status in Status},
            "assurance": {level.value: tally.assurance[level] for level in Assurance},
            "reasons": dict(tally.reasons),
            "gone": {"count": 0, "became": ""},
            "refused": books.refused.told(),
            **({"exchanges": seen.exchanges.count} if seen else {}),
            "versions": {"proofport": __version__},
        }


class _Books:
    """The ends of some deliveries of a lane."""

    def __init__(self, key: SigningKey, plain: bool) -> None:
        self.refused = Refused(key, plain=plain)
        self.tally = Tally()
        self.rows: list[dict[str, Any]] = []
        self.began = float("inf")
        self.ended = 0.0

    @property
    def name(self) -> str:
        """It stands where a run has its id. A delivery is the first of one receipt only."""
        return f"deliveries-{self.rows[0]['id']}"

    def all_of(self, what: str) -> str:
        return ", ".join(sorted({str(row[what]) for row in self.rows}))

    def add(self, delivery: Delivery) -> None:
        outcomes = outcomes_of(delivery) or []
        self.tally.add(outcomes)
        if any(outcome.status not in (Status.DELIVERED, Status.UNCHANGED) for outcome in outcomes):
            for record, outcome in zip(evidence_of(delivery), outcomes, strict=True):
                self._refuse(record.get("id"), outcome)
        self.began = min(self.began, delivery.created)
        self.ended = max(self.ended, delivery.finished or delivery.created)
        self.rows.append(
            {
                "id": delivery.id,
                "destination": delivery.destination,
                "kind": delivery.kind,
                "mode": delivery.mode,
                "state": delivery.state,
                "records": delivery.records,
                "created": moment(delivery.created),
                "finished": moment(delivery.finished or delivery.created),
            }
        )

    def _refuse(self, record_id: str | None, outcome: Outcome) -> None:
        if outcome.status not in (Status.DELIVERED, Status.UNCHANGED):
            self.refused.add(record_id, outcome)

    def close(self) -> None:
        self.refused.close()


async def _due(run: LaneRun) -> AsyncIterator[Delivery]:
    after = 0
    while page := await run.unreceipted(PAGE, after=after):
        for each in page:
            yield each
        after = page[-1].id
