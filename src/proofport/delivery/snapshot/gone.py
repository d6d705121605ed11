"""Finds what is gone: in the set before, and not among the records that a run has read, be they good or refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence

from proofport.adapter import Splits
from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.ids.ids import IdStore
from proofport.delivery.ids.spellings import delivered
from proofport.delivery.lane.live_set import keeps_gone
from proofport.delivery.report.report import Group
from proofport.delivery.snapshot.guard import Terms
from proofport.delivery.snapshot.left_out import SourcesBefore, WantedSources
from proofport.delivery.snapshot.listed import VendorList
from proofport.delivery.snapshot.whole import records
from proofport.journal.contract import Delivered, Journal
from proofport.logs import get_logger
from proofport.text.wording import listing

NAMED = 5
log = get_logger("delivery")
RUNS = 500
"""The number of runs that are looked through for the object that a destination delivered to before."""


async def note_left_behind(journal: Journal, destination: DestinationRun) -> None:
    """Note in the report if this destination delivered whole sets of the kind to another object before.

    What that holds stays there for ever: no run compares with it any more.
    """
    job, lane = destination.job, destination.lane
    if not destination.goes_whole or await journal.known_count(lane, job.kind):
        return
    for run in await journal.runs(limit=RUNS):
        if (run.destination, run.kind, run.state) == (destination.name, job.kind, "complete"):
            if run.lane == lane:
                return
            destination.report.notes.append(
                f"{destination.name} delivered {job.kind} to another object before: {run.lane}. What that holds stays "
                f"as it is, also who leaves from now on. If that is not meant, end it at the vendor. The object now is "
                f"{lane}."
            )
            log.warning("object_changed", destination=destination.name, lane=lane)
            return


class SetBefore:
    """The set that a snapshot is compared with: what was delivered before, and, once it is read, the vendor's list.

    `ids` are those that the run has read.
    """

    def __init__(
        self,
        destination: DestinationRun,
        journal: Delivered,
        ids: IdStore,
        vendor_list: VendorList,
        wanted: WantedSources,
    ) -> None:
        #: The vendor's list is part of it.
        self.listed = False
        #: Where its records came from, and how many of them are gone.
        self.sources = SourcesBefore(journal, destination.lane, destination.job.kind, wanted)
        #: The number of its records, as far as they were read.
        self.size = 0
        #: Those of them that are missing where the id of a refused record could not be read: any may be that record.
        self.doubtful = Group()
        #: Those of them that were read and refused, in a set that removes what it lacks.
        self.refused: list[str] = []
        #: Records that were read and refused, and that such a set has as gone: they had left before.
        self.refused_as_gone: list[str] = []
        self._destination = destination
        self._journal = journal
        self._ids = ids
        self._list = vendor_list

    async def read_list(self) -> None:
        """Take the vendor's list as it is now. It is not read twice in one run."""
        await self._list.read()
        self.listed, self.size = True, self._list.live.size

    async def note_gone(self, *, keep: bool = False) -> list[str]:
        """Note in the report what is gone. `keep`: return it, too; else memory stays flat, and the list empty."""
        report, kept, self.size = self._destination.report, list[str](), 0
        self.doubtful, self.refused = Group(), []
        self.sources.forget_counts()
        async for page in self._held():
            self.size += len(page)
            if self._destination.goes_whole:
                self.refused += filter(self._is_refused, page)
            missing = self.missing(list(page))
            await self.sources.count([self.keys(each) for each in missing])
            if self._ids.unreadable:
                self.doubtful.extend(await self.written(missing))
                continue
            for record_id, name in zip(missing, await self.written(missing), strict=True):
                report.note_gone(name, outside=page[record_id], skipped=self._skipped(record_id))
            kept += missing if keep else ()
        self.refused_as_gone = await self._refused_as_gone() if self._destination.goes_whole else []
        skipped = {each for group in report.gone_skipped.values() for each in group.ids}
        unread = [each for each in report.gone.ids if each not in skipped]
        if unread and (alike := self._ids.in_another_case(unread)):
            report.notes.append(
                f"In another case, the set holds {len(alike):,} of what is gone: {listing(alike, NAMED)}. If case does "
                "not count in these ids, say `compare: fold` in the rule of the id in the source mapping."
            )
        return kept

    def gone(self, held: Sequence[str]) -> list[str]:
        """Those of `held` that are gone. None is while the id of a refused record is not known."""
        return [] if self._ids.unreadable else self.missing(held)

    def missing(self, held: Sequence[str]) -> list[str]:
        """Those of `held` that the run has not read, or leaves out. They are gone, if all ids are known."""
        missing = self._ids.missing(held)
        if not self._destination.ledger.skipped_ids:
            return missing
        lacking = set(missing)
        return [each for each in held if each in lacking or self._is_skipped_here(each)]

    def require_no_empty_object(self, resource: Splits, terms: Terms, new: Iterable[str]) -> None:
        """Raise GuardRefused where one of the vendor's objects would lose all that the list shows in it."""
        terms.require_no_empty_object(map(resource.object_of, self._list.live.held_bodies()), new)

    @property
    def why_doubtful(self) -> str | None:
        """Why nothing counts as gone although something is missing, if so."""
        if not self.doubtful.count:
            return None
        count, places = self._ids.unreadable, self._ids.unreadable_at
        of = "a refused record" if count == 1 else f"{count:,} refused records"
        where = ", ".join(places) + (" and others" if count > len(places) else "")
        return (
            f"the id of {of} could not be read ({where}), so it is not known who is gone: "
            f"{records(self.doubtful.count)} of the set before not found"
        )

    def _is_refused(self, record_id: str) -> bool:
        refused, keys = self._destination.ledger.rejected_ids, self.keys(record_id)
        return any(key in refused for key in keys) or self._ids.only_refused(record_id) or self._came_again(keys)

    def _came_again(self, keys: Sequence[str]) -> bool:
        """True for what is left out here, and stands in another record that was rejected because of the first."""
        ledger = self._destination.ledger
        return ledger.skipped_ids.reason(keys) is not None and any(key in ledger.repeated_ids for key in keys)

    def _is_skipped_here(self, record_id: str) -> bool:
        keys = self.keys(record_id)
        return self._destination.ledger.skipped_ids.reason(keys) is not None and not self._came_again(keys)

    def _skipped(self, record_id: str) -> str | None:
        """The reason why a record that is gone is left out, if that is why."""
        keys = self.keys(record_id)
        return self._destination.ledger.skipped_ids.reason(keys) or self._ids.skipped.reason(keys)

    async def _refused_as_gone(self) -> list[str]:
        """Refused records that the vendor's set has as gone: as the list shows them, and as the journal has them."""
        refused = {self.refused_key(each) for each in self.refused}
        found = dict[str, str]()
        if self.listed:
            for each in self._list.live.kept_as_gone():
                self._note_refused(each.id, found)
        after, lane, kind = "", self._destination.lane, self._destination.job.kind
        while keeps_gone(self._destination.resource) and (
            page := await self._journal.tombstones(lane, kind, since=0, after=after)
        ):
            after = page[-1].id
            for each in page:
                self._note_refused(each.id, found)
        return [each for key, each in sorted(found.items()) if key not in refused]

    def _note_refused(self, record_id: str, found: dict[str, str]) -> None:
        if self._is_refused(record_id):
            found.setdefault(self.refused_key(record_id), record_id)

    def lacks_a_value(self, record_id: str) -> bool:
        """True if a refused record is only withheld: it lacks a value that the vendor requires."""
        return any(key in self._destination.ledger.unknown_ids for key in self.keys(record_id))

    def keys(self, record_id: str) -> list[str]:
        """The keys under which the journal may have a record of the set before."""
        return sorted(self._ids.keys(record_id))

    def refused_key(self, record_id: str) -> str:
        """The key under which a record of the set before was refused."""
        refused, keys = self._destination.ledger.rejected_ids, self.keys(record_id)
        return next((key for key in keys if key in refused or self._ids.has_refused(key)), keys[0])

    async def last_bodies(self, ids: Sequence[str]) -> dict[str, bytes]:
        """The last bodies of records of the set before: as the vendor lists them, else as the journal has them."""
        live = self._list.live
        found = {each: body for each in ids if self.listed and (body := live.whole_body(each))}
        rest = [(each, key) for each in ids if each not in found for key in self.keys(each)]
        if rest:
            lane, kind = self._destination.lane, self._destination.job.kind
            kept = await self._journal.bodies(lane, kind, [key for _, key in rest])
            found |= {each: body for (each, _), body in zip(rest, kept, strict=True) if body}
        return found

    async def written(self, held: Sequence[str]) -> Sequence[str]:
        """The ids of `held` as the vendor has them."""
        keys = self._list.live.unlisted(held) if self.listed else held
        first = dict(zip(keys, await self.first_written(keys), strict=True))
        return [first.get(each, each) for each in held]

    async def first_written(self, keys: Sequence[str]) -> Sequence[str]:
        """The ids that the journal has under these keys, as they were written first."""
        if not keys:
            return keys
        first = await self._journal.spellings(self._destination.lane, self._destination.job.kind, keys)
        return [spelling or key for spelling, key in zip(first, keys, strict=True)]

    def delivered(self, *, run_id: str = "") -> AsyncIterator[list[str]]:
        """The keys that were delivered before, in their order; without those in a batch of the run `run_id`."""
        return delivered(self._journal, self._destination.lane, self._destination.job.kind, run_id)

    async def _held(self) -> AsyncIterator[dict[str, bool]]:
        """The set before, page by page: ids, each with whether it came from outside."""
        if self.listed:
            for page in self._list.live.held():
                yield page
            return
        # a set that goes whole is compared before it is sent, and a resumed run may have noted it already
        run_id = "" if self._destination.replaces else self._destination.job.run_id
        async for ids in self.delivered(run_id=run_id):
            yield dict.fromkeys(ids, False)
