"""Sets, night after night, at every vendor: with refusals at every stage, pages, sources and kills.

Nothing that is in the input is ever ended or dropped, except by an override. Everything is ended that left. Nothing
stays active that no set holds.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.property.sets.nights import NIGHTS, SOURCES, Night, plain
from tests.property.sets.pushing import Office
from tests.property.sets.vendors import vendor_of
from tests.support.destination import configuration
from tests.support.emulators import NAMES, NOWHERE, block

from proofport.adapter import Ends, Replaces, Stages
from proofport.delivery.report.report import Exit
from proofport.errors import UnsupportedFeature

SOAK = bool(os.environ.get("PROOFPORT_SOAK"))
EXAMPLES = 60 if SOAK else 2


def kinds(name: str) -> Iterator[str]:
    """The kinds that a vendor can be told about what is gone of; one of those that it treats alike, but for a soak."""
    adapter = configuration(Path(), {name: block(name, NOWHERE)}).adapter(name)
    seen = set()
    for kind in adapter.settings.objects:
        resource = adapter.resource(kind)
        try:
            resource.limits("snapshot")
        except UnsupportedFeature:
            continue
        if isinstance(resource, Stages | Replaces | Ends) and (SOAK or type(resource) not in seen):
            seen.add(type(resource))
            yield kind


CASES = [(name, kind) for name in NAMES for kind in kinds(name)]
CASES += [("toy", "cloud_resource"), ("whole", "cloud_resource"), ("whole", "personnel_account")]


@pytest.mark.usefixtures("toys_installed")
@pytest.mark.parametrize(("name", "kind"), CASES, ids=[" ".join(case) for case in CASES])
def test_nobody_is_gone_who_is_here_and_nobody_stays_who_left(name: str, kind: str) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=not SOAK,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(nights=NIGHTS, keep_last=st.booleans())
    def check(nights: list[Night], keep_last: bool) -> None:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(_live_through(nights, Office(vendor_of(name), name, kind, Path(folder), keep_last=keep_last)))

    check()


async def _live_through(nights: list[Night], office: Office) -> None:
    async with office.opened():
        watch = Watch(office)
        for night in nights:
            await watch.over(night)


# ------------------------------------------------------------------ the oracle
class Watch:
    """Looks at the vendor before and after each night."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._drops = office.drops
        #: The source of what was surely delivered, by id; and all sources that each id may be known by.
        self._source: dict[str, str] = {}
        self._sources: dict[str, set[str]] = {}
        #: Records that the vendor has refused, perhaps without a word: it only accepted them.
        self._accepted: set[str] = set()

    async def over(self, night: Night) -> None:
        held, given = await self._office.live(), set(night.given)
        gone = await self._office.gone() if self._drops else set()
        resumed = night.resume and self._office.killed is not None
        report = await self._office.push(night)
        live = await self._office.live()
        lost, left = (held & given) - live, held - given - live
        assert lost <= (night.refused() if self._drops and night.override else set()), "in the input, and ended"
        assert not left or self._may_end(night, held), "ended, and not known to be gone"
        if report is not None:
            assert not given & set(map(plain, report.gone.ids)), "in the input, and listed as gone"
            assert lost <= set(map(plain, report.dropped.ids)), "dropped, and not said"
        done = report is not None and (report.exit is Exit.OK or (not resumed and self._must_end(night, held, gone)))
        if done:
            assert live <= given, "gone, and not ended"
            lacking = given - night.refused() - live
            assert lacking <= (self._accepted if night.skip_unchanged else set()), "in the input, and not delivered"
        self._remember(night, done=done)

    def _may_end(self, night: Night, held: set[str]) -> bool:
        """True if what the input lacks may be known to be gone."""
        if night.override:
            return self._drops or not night.refused("nameless")
        unsaid = (
            set() if night.without else {name for name, source in self._source.items() if source not in night.sources}
        )
        return night.whole and not night.refused("nameless") and not held & unsaid - set(night.given)

    def _must_end(self, night: Night, held: set[str], gone: set[str]) -> bool:
        """True if nothing stands in the way of ending what the input lacks.

        A refused record that had left and is back blocks the set: nothing can stand in its place. A vendor that takes
        a set in one request refuses it for one record. One that refuses a record refuses its last body, too.
        """
        refused = night.refused()
        if not self._may_end(night, held):
            return False
        if not night.given or (self._drops and refused == set(night.given)):
            return False
        if not night.override and any(self._may_have_lost_all(source, night, held) for source in SOURCES):
            return False
        if isinstance(self._office.resource, Replaces) and night.refused("vendor"):
            return False
        if self._drops and self._office.keep_last and held & night.refused("vendor"):
            return False
        if not self._drops or night.override:
            return True
        return (self._office.keep_last or not held & refused) and not gone & refused

    def _may_have_lost_all(self, source: str, night: Night, held: set[str]) -> bool:
        given = set(night.given)
        lost = {name for name, sources in self._sources.items() if source in sources} - given
        if source not in night.sources:
            return bool(lost) and not night.without
        return bool(lost) and not given & held & {name for name, sure in self._source.items() if sure == source}

    def _remember(self, night: Night, *, done: bool) -> None:
        self._accepted |= night.refused("vendor")
        if done and not night.skip_unchanged:
            self._accepted -= set(night.given) - night.refused()
        if done:
            self._source = {name: source for name, source in self._source.items() if name in night.given}
            self._sources = {name: sources for name, sources in self._sources.items() if name in night.given}
        for name, record in night.given.items():
            if done and record.stage is None:
                self._source[name], self._sources[name] = record.source, {record.source}
            else:
                self._sources.setdefault(name, set()).add(record.source)
                if self._source.get(name) != record.source:
                    self._source.pop(name, None)
