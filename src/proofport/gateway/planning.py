"""Plans: every input through the mappings, then what the vendor holds, page by page. Nothing is written anywhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from typing import Any

from proofport.adapter import Mode, Page
from proofport.delivery.closing import Terms
from proofport.delivery.conversation import converse
from proofport.delivery.engine import DestinationProgress, Progress, Target
from proofport.delivery.pacer import Pacer
from proofport.delivery.patience import Tell, patiently
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
    *,
    patience: float = 0.0,
    on_progress: Callable[[Progress], None] | None = None,
) -> Plan:
    """`patience`: seconds that it waits for a vendor that is out of order, or asks to wait."""
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
            look = _Look(target, kind, mode, sets[target.name], plans[target.name], journal, patience)
            await look.at_all(_teller(on_progress, read, plans, target.name))
            _judge(target, kind, mode, plans[target.name], terms, list(incomplete.values()))
    return Plan(kind, mode, read, incomplete, plans)


class _Watched:
    """Reads, and remembers whether a document says that there is more."""

    def __init__(self, reads: Reads) -> None:
        self.quick = None
        self.of_lines = None
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


@dataclass(frozen=True, slots=True)
class _Look:
    """One destination's comparison of the new set with what is held."""

    target: Target
    kind: str
    mode: Mode
    new: NewSet
    plan: DestinationPlan
    journal: Journal
    patience: float

    async def at_all(self, tell: Tell) -> None:
        """All that the vendor holds, page by page; where it cannot be read, what was last delivered."""
        adapter, cursor = self.target.adapter, None
        async with Sender(adapter, Pacer(self.journal, adapter)) as sender:
            while page := await self._page(sender, cursor, tell):
                self.new.meet(page.records, self.mode, self.plan, await self._sent(page))
                cursor = page.cursor
                if cursor is None:
                    break
            else:
                await self._at_journal()
        self.new.finish(self.mode, self.plan)
        if self.plan.hidden:
            self.plan.notes.append(
                f"The vendor does not show {', '.join(sorted(self.plan.hidden))}: of these, only what this journal "
                "delivered last is compared."
            )

    async def _page(self, sender: Sender, cursor: str | None, tell: Tell) -> Page | None:
        def ask() -> Awaitable[Page | None]:
            return converse(self.target.adapter.observe(self.kind, cursor), sender)

        return await patiently(ask, self.patience, tell)

    async def _sent(self, page: Page) -> dict[str, int]:
        """Digests of the bodies that were sent last, of records that the vendor shows in part."""
        ids = [record.id for record in page.records if not record.whole]
        known = await self.journal.known(self.target.adapter.lane(self.kind), self.kind, ids) if ids else []
        return {each: last.body for each, last in zip(ids, known, strict=True) if last}

    async def _at_journal(self) -> None:
        """In place of what the vendor holds, what was last delivered: its ids, and digests of the bodies."""
        self.plan.notes.append(
            "What this vendor holds cannot be read. The comparison is with what this journal last delivered, which "
            "does not say which fields would change."
        )
        lane, after = self.target.adapter.lane(self.kind), ""
        while ids := await self.journal.gone(lane, self.kind, "", after=after):
            after = ids[-1]
            known = await self.journal.known(lane, self.kind, ids)
            sent = {each: last.body for each, last in zip(ids, known, strict=True) if last}
            self.new.meet_sent(sent, self.mode, self.plan)


def _teller(
    on_progress: Callable[[Progress], None] | None, read: int, plans: Mapping[str, DestinationPlan], name: str
) -> Tell:
    """Tells how much of the vendors' state is read, and what is waited for at `name`."""

    def tell(note: str | None) -> None:
        if on_progress is not None:
            notes = {each: note if each == name else None for each in plans}
            states = {each: DestinationProgress(plan.held, plan.rejected, notes[each]) for each, plan in plans.items()}
            on_progress(Progress(read, states))

    return tell


def _judge(
    target: Target, kind: str, mode: Mode, plan: DestinationPlan, terms: Terms, incomplete: Sequence[str]
) -> None:
    if mode != "snapshot":
        return
    capability = target.adapter.capability(kind, mode)
    plan.notes.append(GONE["replaces" if capability.replaces else capability.gone])
    if plan.rejected > terms.max_rejected:
        together = capability.staged or capability.whole
        end = "The snapshot would be cancelled" if together else "What is gone would be left as it is"
        plan.notes.append(f"{end}: {plan.rejected} rejected (allowed {terms.max_rejected}).")
    try:
        terms.allow(plan.change(), incomplete)
    except GuardRefused as refusal:
        plan.refusal = str(refusal)
