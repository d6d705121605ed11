"""Decides whether a set may take the place of the one before. The share of ids that would be gone counts, not sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from proofport.adapter import Limits
from proofport.delivery.reading.columns import Lacking, Matched, require_columns
from proofport.delivery.snapshot.left_out import FEW, SourcesBefore, WantedSources
from proofport.delivery.snapshot.whole import records, require_read_to_end
from proofport.errors import GuardRefused

WAYS = (
    "Correct the source, and push the whole set again; or let `guard: {refused: keep_last}` send the last body of a "
    'record that was delivered before; or drop what is refused with --override-guard "why".'
)
"""The ways on with a set of which records are refused."""
ALLOWED = "`guard: {max_rejected: N}` lets a set lack N that were never delivered."
"""One more, where none of them is held."""


@dataclass(frozen=True, slots=True)
class Change:
    """The effect of a snapshot on the set before."""

    #: Ids in the set before.
    previous: int
    #: Those of them that the new set takes away.
    gone: int
    #: Records in the new set.
    new: int

    @property
    def share(self) -> float:
        return self.gone / self.previous if self.previous else 0.0


@dataclass(frozen=True, slots=True)
class Terms:
    """The conditions under which a snapshot may take the place of the last one."""

    #: The largest share of the previous ids that may be gone.
    max_gone: float
    #: The largest number of rejected records that the set may lack.
    max_rejected: int
    #: A person's reason to let any change through.
    override: str | None = None
    sources: WantedSources = field(default_factory=WantedSources)  #: Those of the run.
    #: Where a set removes what it lacks, the last body of a refused record is sent in its place.
    keep_last: bool = False
    #: The tables of the run, and the fields that had values in the last complete run.
    tables: Sequence[Lacking] = ()
    before: Matched = field(default_factory=dict)

    def too_many_rejected(self, rejected: int, kept: int = 0) -> str | None:
        """Why the set lacks too many of the records that were read, if it does, and the ways on. `kept` have their last
        body in it."""
        if self.override is not None or rejected - kept <= self.max_rejected:
            return None
        return f"{records(rejected - kept)} rejected (allowed {self.max_rejected}). {WAYS} {ALLOWED}"

    def believe(self, name: str, delivered: int, lacking: int) -> str | None:
        """Raise GuardRefused where the vendor `name` lists too few of the records that were delivered from here.

        Returns why it would be refused where a person takes the list as the truth. A list may lack a larger share of
        a few records, but not all of them.
        """
        share = Change(delivered, lacking, 0).share
        if share <= self.max_gone or (delivered < FEW and lacking < delivered):
            return None
        why = f"{name} shows {delivered - lacking:,} of {records(delivered)} delivered from here"
        if self.override is None:
            raise GuardRefused(
                f"{why} (allowed to be missing: {self.max_gone:.0%})",
                hint='Look at the vendor. If they were removed there, push again with --override-guard "why": what the '
                "vendor does not show then counts as removed.",
            )
        return why

    def allow(
        self,
        change: Change,
        incomplete: Sequence[str],
        before: SourcesBefore | None = None,
        *,
        may_be_empty: bool = False,
        empty: str = Limits().empty,
    ) -> None:
        """Raise GuardRefused, with the reason, unless the new set may take the place of the one before.

        `incomplete` says of each input that was not read to its end, why. `before`: where the set before came from,
        where that is known. `may_be_empty`: an empty set is meant; else it is refused, even with an override, and
        `empty` says what to do instead.
        """
        if self.override is None:
            require_read_to_end(incomplete)
            require_columns(self.tables, self.before)
            if before is not None:
                before.require_all()
        if change.new == 0 and not may_be_empty:
            raise GuardRefused("the new set is empty", hint=f"An empty set usually means a failed export. {empty}")
        if self.override is not None:
            return
        if change.share > self.max_gone:
            raise GuardRefused(
                f"{change.gone} of {change.previous} records held now would be gone ({change.share:.0%}, "
                f"allowed {self.max_gone:.0%})",
                hint='If they are really gone, push again with --override-guard "why".',
            )
        if before is not None and not may_be_empty:
            before.require_most(self.max_gone)

    def require_no_empty_object(self, held: Iterable[str], new: Iterable[str]) -> None:
        """Raise GuardRefused where one object of the vendor would lose all of its records.

        `held` and `new` are the objects of the records that are held now, and of those of the new set.
        """
        if self.override is not None:
            return
        emptied = Counter(held)
        for each in set(new):
            del emptied[each]
        for name, count in sorted(emptied.items()):
            raise GuardRefused(
                f"{name} would be empty: {records(count)} would be gone",
                hint="This usually means that one of several exports failed. If they are really gone, push again with "
                '--override-guard "why".',
            )
