"""Plans: every input through the mappings, then what the vendor holds, page by page. Nothing is written anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from typing import Any

from proofport.adapter import Mode
from proofport.delivery.closing import Terms
from proofport.delivery.conversation import converse
from proofport.delivery.engine import Target
from proofport.delivery.pacer import Pacer
from proofport.delivery.pipeline import Reads, not_json
from proofport.delivery.report import Exit
from proofport.delivery.sender import Sender
from proofport.errors import GuardRefused, Problem, Rejected
from proofport.gateway.inputs import Input, each_record, open_input
from proofport.journal.contract import Journal
from proofport.planning.ids import duplicate
from proofport.planning.plan import DestinationPlan, NewSet

GONE = {
    "replaces": "What is gone is deleted when the snapshot completes.",
    "ended": "What is gone is given an end date or state.",
    "deletable": "What is gone stays there, unless it is pushed with --delete-gone.",
    "kept": "What is gone stays there: the vendor has no call that removes it.",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a push would do. `incomplete` says of inputs that were not read to their end, why."""

    kind: str
    mode: Mode
    read: int
    incomplete: Mapping[str, str]
    destinations: Mapping[str, DestinationPlan] = field(default_factory=dict)

    @property
    def exit_code(self) -> Exit:
        plans = self.destinations.values()
        if any(plan.refusal for plan in plans):
            return Exit.GUARD
        return Exit.INCOMPLETE if any(plan.rejected for plan in plans) or self.incomplete else Exit.OK

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "mode": self.mode,
            "read": self.read,
            "incomplete": dict(self.incomplete),
            "exit_code": int(self.exit_code),
            "destinations": {name: plan.as_dict() for name, plan in self.destinations.items()},
        }


async def planned(
    inputs: Sequence[tuple[Input, Reads]],
    targets: Sequence[Target],
    kind: str,
    mode: Mode,
    terms: Terms,
    journal: Journal,
) -> Plan:
    async with AsyncExitStack() as stack:
        sets = {target.name: stack.enter_context(closing(NewSet())) for target in targets}
        plans = {target.name: DestinationPlan(target.name) for target in targets}
        read, incomplete = 0, {}
        for item, reads in inputs:
            reader = stack.enter_context(open_input(item))
            watched = _Watched(reads)
            for position, record in each_record(reader, watched):
                read += 1
                for target in targets:
                    _take(position, record, target, mode, sets[target.name], plans[target.name])
            why = reader.incomplete or watched.why
            if why:
                incomplete[reader.name] = why
        for target in targets:
            await _meet(target, kind, mode, sets[target.name], plans[target.name], journal)
            _judge(target, kind, mode, plans[target.name], terms, list(incomplete.values()))
    return Plan(kind, mode, read, incomplete, plans)


class _Watched:
    """Reads, and remembers whether a document says that there is more."""

    def __init__(self, reads: Reads) -> None:
        self.single = reads.single
        self.why: str | None = None
        self._reads = reads

    def records(self, document: object) -> Any:
        try:
            self.why = self._reads.incomplete(document) or self.why
        except Rejected as error:
            self.why = str(error.problem)
        return self._reads.records(document)

    def __call__(self, record: Any, parents: Any) -> Any:
        return self._reads(record, parents)

    def incomplete(self, document: object) -> str | None:
        return self._reads.incomplete(document)


def _take(position: str, record: Any, target: Target, mode: Mode, new: NewSet, plan: DestinationPlan) -> None:
    if isinstance(record, Problem):
        plan.reject(position, None, record)
        return
    try:
        first = new.add(record["id"], None if mode == "remove" else target.render(record), position)
    except Rejected as error:
        plan.reject(position, record["id"], error.problem)
        return
    except TypeError as error:
        plan.reject(position, record["id"], not_json(error))
        return
    if first is not None:
        plan.reject(position, record["id"], duplicate(first, position))


async def _meet(target: Target, kind: str, mode: Mode, new: NewSet, plan: DestinationPlan, journal: Journal) -> None:
    cursor: str | None = None
    async with Sender(target.adapter, Pacer(journal, target.adapter)) as sender:
        while True:
            page = await converse(target.adapter.observe(kind, cursor), sender)
            if page is None:
                await _meet_journal(target, kind, mode, new, plan, journal)
                break
            new.meet(page.records, mode, plan)
            if page.cursor is None:
                break
            cursor = page.cursor
    new.finish(mode, plan)


async def _meet_journal(
    target: Target, kind: str, mode: Mode, new: NewSet, plan: DestinationPlan, journal: Journal
) -> None:
    """In place of what the vendor holds, what was last delivered: its ids, and digests of the bodies."""
    plan.notes.append(
        "What this vendor holds cannot be read. The comparison is with what this journal last delivered, which does "
        "not say which fields would change."
    )
    lane, after = target.adapter.lane(kind), ""
    while ids := await journal.gone(lane, kind, "", after=after):
        after = ids[-1]
        known = await journal.known(lane, kind, ids)
        new.meet_sent({each: last.body for each, last in zip(ids, known, strict=True) if last}, mode, plan)


def _judge(
    target: Target, kind: str, mode: Mode, plan: DestinationPlan, terms: Terms, incomplete: Sequence[str]
) -> None:
    if mode != "snapshot":
        return
    capability = target.adapter.capability(kind, mode)
    plan.notes.append(GONE["replaces" if capability.replaces else capability.gone])
    if plan.rejected > terms.max_rejected:
        plan.notes.append(f"The snapshot would be cancelled: {plan.rejected} rejected (allowed {terms.max_rejected}).")
    try:
        terms.allow(plan.change(), incomplete)
    except GuardRefused as refusal:
        plan.refusal = str(refusal)
