"""A plan: what a push would do at each destination, against what the vendor holds now. Nothing is written anywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proofport.adapter import Batch, Lists, Mode
from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.ids.ids import IdStore
from proofport.delivery.ids.same import keys_in, was_sent
from proofport.delivery.lane.live_set import lists_now
from proofport.delivery.lane.payload import digests_of
from proofport.delivery.report.report import DestinationReport, Exit, RunReport, first_of
from proofport.delivery.snapshot.fate import rule_of
from proofport.delivery.snapshot.foretold import Foretold
from proofport.delivery.snapshot.gone import SetBefore
from proofport.delivery.snapshot.guard import Terms
from proofport.delivery.snapshot.left_out import SourceLeftOut
from proofport.delivery.snapshot.listed import VendorList
from proofport.errors import GuardRefused
from proofport.journal.contract import Delivered


class Comparison:
    """Compares one destination's batches with what its vendor holds, or, where that cannot be read, with what was
    delivered last."""

    def __init__(self, journal: Delivered, destination: DestinationRun, vendor_list: VendorList, terms: Terms) -> None:
        self._journal = journal
        self._foretold, self._sources = Foretold(destination, terms), terms.sources
        self._destination = destination
        self._resource = destination.resource
        self._kind, self._mode = destination.job.kind, destination.job.mode
        self._report = destination.report
        self._listed = isinstance(destination.resource, Lists)
        self._list, self._live = vendor_list, vendor_list.live
        self._report.difference, self._report.compared = self._live.difference, True

    async def prepare(self) -> None:
        """Read what the vendor holds. Raises what reading raises: Blocked, Retryable …"""
        if not self._listed:
            return
        try:
            await self._list.read()
        except GuardRefused as refusal:
            self._refuse(refusal)

    async def meet(self, batch: Batch) -> None:
        """Sort the records of a batch into the plan."""
        await self._foretold.meet(batch)
        difference = self._live.difference
        known = await self._journal.known(self._destination.lane, self._kind, keys_in(batch))
        digests = digests_of(batch)
        if self._mode == "remove":
            for record_id, key, last in zip(batch.ids, keys_in(batch), known, strict=True):
                if self._live.meet(key) if self._listed else last is not None:
                    self._report.gone.add(record_id)
                else:
                    difference.unchanged += 1
                    if last is None:
                        self._report.not_known.add(record_id)
        elif self._listed:
            self._live.compare(batch, digests, known)
        else:
            for record_id, last, digest in zip(batch.ids, known, digests, strict=True):
                if last is None or was_sent(last, digest):
                    difference.note(record_id, None if last is None else ())
                else:
                    difference.changed.add(record_id)

    async def finish(self, ids: IdStore | None, incomplete: Sequence[str]) -> None:
        """Find what is gone, and say what becomes of it and whether the guard would agree."""
        notes = self._report.notes
        if not self._listed:
            notes.append(
                "What this vendor holds cannot be read. The comparison is with what this journal last delivered, which "
                "does not say which fields would change."
            )
        if self._live.hidden:
            notes.append(
                f"The vendor does not show {', '.join(sorted(self._live.hidden))}: of these, only what this journal "
                "delivered last is compared."
            )
        if self._mode == "snapshot" and ids is not None:
            before = SetBefore(self._destination, self._journal, ids, self._list, self._sources)
            await before.sources.load()
            if lists_now(self._resource) or self._destination.stages:
                await before.read_list()
            notes.append(rule_of(self._destination))
            try:
                await self._foretold.judge(before, incomplete)
            except GuardRefused as refusal:
                self._refuse(refusal)

    def _refuse(self, refusal: GuardRefused) -> None:
        """Note what the guard would say. What it would say first stands."""
        report = self._report
        report.fail(Exit.GUARD)
        if report.refusal is None:
            report.refusal = str(refusal)
            report.left_out = refusal.source if isinstance(refusal, SourceLeftOut) else None


@dataclass(frozen=True, slots=True)
class Plan:
    """The effect of a push at all its destinations: the report of a run that only compared."""

    kind: str
    mode: Mode
    #: Records, the malformed ones included.
    read: int
    #: Why an input was not read to its end, by its name.
    incomplete: Mapping[str, str]
    destinations: Mapping[str, DestinationReport]
    #: How many records the source mappings leave out, by the reason.
    skipped: Mapping[str, int] = field(default_factory=dict)
    #: What may be wrong with an input, although it could be read.
    warnings: Sequence[str] = ()

    @classmethod
    def of(cls, report: RunReport) -> Plan:
        incomplete = {source.input: source.incomplete for source in report.sources if source.incomplete}
        read = sum(source.read for source in report.sources)
        skipped: Counter[str] = sum((Counter(source.skipped) for source in report.sources), Counter())
        warnings = [*(source.warning for source in report.sources if source.warning), *report.notes]
        return cls(report.kind, report.mode, read, incomplete, report.destinations, skipped, warnings)

    @property
    def exit_code(self) -> Exit:
        """That of the push."""
        return first_of(report.exit for report in self.destinations.values())

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "mode": self.mode,
            "read": self.read,
            **({"skipped": dict(self.skipped)} if self.skipped else {}),
            **({"warnings": list(self.warnings)} if self.warnings else {}),
            "incomplete": dict(self.incomplete),
            "exit_code": int(self.exit_code),
            "destinations": {name: planned(report) for name, report in self.destinations.items()},
        }


def planned(report: DestinationReport) -> dict[str, Any]:
    """The effect of a push at one destination, as JSON."""
    problems = [
        {"position": row.position, "id": row.id, **row.outcome.problem.as_dict()}
        for row in report.problems
        if row.outcome.problem is not None
    ]
    return {
        **report.difference.as_dict(),
        "gone": report.gone.as_dict(),
        **({"gone_became": report.gone_became} if report.gone_became else {}),
        "directly_uploaded": report.outside.as_dict(),
        **report.skips(),
        **report.refused_and_held(),
        **({"not_known": report.not_known.as_dict()} if report.not_known.count else {}),
        "not_expressible": {"count": report.problem_count, "problems": problems},
        "problem_groups": report.problem_groups.as_list(),
        "notes": report.notes,
        "guard": report.refusal,
        **({"left_out": report.left_out} if report.left_out is not None else {}),
    }
