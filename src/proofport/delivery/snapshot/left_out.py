"""Which sources of the set before the new set lacks: one that was not read at all, and one that lost too much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from proofport.delivery.snapshot.whole import records
from proofport.errors import GuardRefused
from proofport.journal.contract import Delivered, SourceCount

FEW = 10
"""A source with fewer records may lose some of them, whatever share that is, but not all."""


class SourceLeftOut(GuardRefused):
    """A source of the set before is missing, and nobody has said that it is left out on purpose."""

    def __init__(self, source: str, why: str, *, hint: str) -> None:
        super().__init__(f"the source {source} was left out: {why}", hint=hint)
        self.source = source


@dataclass(frozen=True, slots=True)
class WantedSources:
    """The sources of a run, and those that it may lack."""

    read: Sequence[str] = ()  #: By the number of the input.
    #: Those that together are the whole set. None: those that the set before came from.
    expected: Sequence[str] | None = None
    without: Sequence[str] = ()  #: A person says that these are left out on purpose.


class SourcesBefore:
    """The sources of the set before, and how many records of each are gone."""

    def __init__(self, journal: Delivered, lane: str, kind: str, wanted: WantedSources) -> None:
        self._journal = journal
        self._lane, self._kind = lane, kind
        self._wanted = wanted
        self._sources: list[SourceCount] = []
        self._gone: Counter[int] = Counter()

    async def load(self) -> None:
        """Read how many records each source had, before the run adds to them."""
        self._sources = await self._journal.sources(self._lane, self._kind)

    async def count(self, gone: Sequence[Sequence[str]]) -> None:
        """Count records that are gone, each by the keys that it may have. One that another source has now is not."""
        keys = [key for each in gone for key in each]
        known = iter(await self._journal.known(self._lane, self._kind, keys))
        for each in gone:
            found = [last.source for last in islice(known, len(each)) if last is not None]
            self._gone.update(found[:1])

    def forget_counts(self) -> None:
        self._gone.clear()

    def require_all(self) -> None:
        """Raise SourceLeftOut where one is missing. One all of whose records came from others is none."""
        wanted = self._wanted
        names = {source.name: self._gone[source.number] for source in self._sources}
        if wanted.expected is not None:
            missing = {name: names.get(name, 0) for name in wanted.expected if name not in wanted.read}
        else:
            missing = {name: gone for name, gone in names.items() if gone and name not in wanted.read}
        for name, gone in missing.items():
            if name not in wanted.without:
                lost = f"{records(gone)} of it would be gone" if gone else "`sources:` of the configuration names it"
                raise SourceLeftOut(
                    name,
                    lost,
                    hint=f"Push it, too. If it is left out on purpose: --without '{name}', or list the sources that "
                    f"make up the set under `sources: {{{self._kind}: [...]}}` in the configuration.",
                )

    def require_most(self, max_gone: float) -> None:
        """Raise GuardRefused where a source that was read lost all of its records, or more than the share of many."""
        for source in self._sources:
            gone = self._gone[source.number]
            too_much = source.ids >= FEW and gone > source.ids * max_gone
            if source.name in self._wanted.read and gone and (gone == source.ids or too_much):
                raise GuardRefused(
                    f"{gone:,} of {records(source.ids)} of the source {source.name} would be gone",
                    hint='Check what it holds. If they are really gone, push again with --override-guard "why".',
                )
