"""Every built-in source, to every vendor that takes its kind: sources and vendors are found, none is named here.

What is pushed are the inputs of the tests in the source's own file. Where one of these tests fails, mend that file:
give it a test whose input is a whole list of good records, and let each of its rules refuse what it cannot read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import pytest
from tests.generated.matrix import adapter
from tests.support.destination import Destination
from tests.support.emulators import NAMES, Emulators, live
from tests.support.reports import FIVE
from tests.support.soak import SOAK
from tests.support.sources import (
    Sample,
    apart,
    as_pages,
    good_ones,
    paged,
    renamed,
    samples,
    short,
    sources,
    spoiled,
)

from proofport.adapter import Ends, Replaces, Stages
from proofport.delivery.report.report import DestinationReport, RunReport
from proofport.errors import UnsupportedFeature
from proofport.gateway import Input
from proofport.mapping import MappingFile

SOURCES = sources()
GUARD = {"max_gone": 1.0, "max_rejected": 1000, "refused": "keep_last"}
"""Nothing is too much, and who is refused stays where he was."""


ADAPTERS = {vendor: adapter(vendor) for vendor in NAMES}


def takes(vendor: str, kind: str) -> bool:
    try:
        ADAPTERS[vendor].resource(kind)
    except UnsupportedFeature:
        return False
    return True


TAKEN = [(source, [vendor for vendor in NAMES if takes(vendor, str(source.to))]) for source in SOURCES]
PAIRS = [
    (source, vendor)
    for number, (source, vendors) in enumerate(TAKEN if SOAK else TAKEN[::3])
    for vendor in (vendors if SOAK else vendors[number % len(vendors) :][:1])
]
"""Each source with every vendor that takes its kind in a soak; else one source of three with one of them, in turn."""


def ends(vendor: str, kind: str) -> bool:
    """True if what is gone from a snapshot is no longer there, without a word from a person."""
    resource = ADAPTERS[vendor].resource(kind)
    return isinstance(resource, Replaces | Stages) or (isinstance(resource, Ends) and resource.ends == "always")


class Night:
    """One vendor's emulator, and a source that is pushed to it as snapshots."""

    def __init__(self, source: MappingFile, vendor: str, emulators: Emulators, folder: Path) -> None:
        self.kind = str(source.to)
        self.vendor = vendor
        self._emulators = emulators
        block = emulators.config["destinations"][vendor]
        self._seeded = self.kind if self.kind in block["objects"] else _any_custom(block["objects"])
        objects = objects_for(vendor, self.kind, block["objects"])
        self._gateway = Destination(vendor, {**block, "objects": objects}, folder, guard=GUARD).gateway()

    async def __aenter__(self) -> Self:
        await self._gateway.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._gateway.__aexit__(*error)

    async def push(self, given: Sequence[Sample], **how: Any) -> DestinationReport:
        report = await self._pushed([each.input() for each in given], **how)
        as_read(report, given)
        return report.destinations[self.vendor]

    async def _pushed(self, inputs: list[Input], **how: Any) -> RunReport:
        return await self._gateway.push(inputs, kind=self.kind, to=self.vendor, mode="snapshot", **how)

    async def incomplete(self, pages: Sequence[Sample]) -> str | None:
        """Why these are not all pages of one list, if they are not."""
        inputs = [each.input(label="a list") for each in pages]
        report = await self._pushed(inputs, dry_run=True)
        as_read(report, pages)
        return next((each.incomplete for each in report.sources if each.incomplete), None)

    def live(self) -> set[str]:
        """The ids of what the vendor shows as present."""
        return live(self.vendor, self._emulators.state(self.vendor), self._seeded)


def objects_for(vendor: str, kind: str, seeded: dict[str, Any]) -> dict[str, Any]:
    """`objects:` of a destination that takes one kind, of those that a seeded emulator has."""
    found = seeded[kind] if kind in seeded else seeded[_any_custom(seeded)]
    module = import_module(f"tests.support.{vendor}")
    return {kind: module.with_all_known(found, kind) if hasattr(module, "with_all_known") else found}


def _any_custom(objects: dict[str, Any]) -> str:
    """The object that a seeded emulator has for a kind of its own. It takes any fields."""
    return next(kind for kind in objects if kind.startswith("custom:"))


def as_read(report: RunReport, given: Sequence[Sample]) -> None:
    """Check that the report counts what the source's mapping makes of the inputs, and that the books balance."""
    books = report.as_dict()
    assert [each["read"] for each in books["sources"]] == [len(sample.made) for sample in given]
    left = [dict(Counter(each.reason for each in sample.left)) for sample in given]
    assert [each.get("skipped", {}) for each in books["sources"]] == left
    for there in books["destinations"].values():
        assert there["input"] == sum(there[word] for word in FIVE)
        assert there["input"] + sum(there.get("skipped", {}).values()) == sum(
            len(sample.made) - len(sample.left) for sample in given
        )
        assert there["rejected"] >= sum(len(sample.refused) for sample in given)


def troubles(report: DestinationReport) -> dict[str | None, str]:
    """What the vendor cannot take, and why."""
    return {row.id: str(row.outcome.problem) for row in report.problems}


# ---------------------------------------------------------------------- what is gone, and what is refused
@pytest.mark.parametrize(("source", "vendor"), PAIRS, ids=[f"{short(source)}-{vendor}" for source, vendor in PAIRS])
async def test_a_source_reaches_a_vendor_and_only_what_is_gone_goes(
    source: MappingFile, vendor: str, emulators: Emulators, tmp_path: Path
) -> None:
    async with Night(source, vendor, emulators, tmp_path) as night:
        staying = await _taken(night, source)
        sent = {key for each in staying for key in each.ids}
        first = await night.push(staying)
        assert (troubles(first), first.tally.total) == ({}, len(sent))
        shown = night.live()
        base = next((each for each in staying if _ids(each) <= shown), None)
        assert base is not None, f"{vendor} took every record of {source.path.name}, and shows none of them"
        going = _renamed(source, base, "to be gone", sent)
        spoiling = _renamed(source, base, "to be refused", sent | going.ids)
        second = await night.push([*staying, going, spoiling])
        before = night.live()
        lost, at_risk = _ids(going), _ids(spoiling)
        assert (troubles(second), second.gone.ids, lost | at_risk <= before) == ({}, [], True)

        wrong = spoiled(spoiling)
        assert wrong is not None, (
            f"{source.path.name}: no value of a record, however wrong, makes the source refuse it. Let a rule check "
            "its value: a wrong type is rejected, unless `unknown:` or `unmatched:` says `keep` or `omit`."
        )
        third = await night.push([*staying, wrong], without=[going.name])
        readable = wrong.refused != [None]
        gone = lost if readable else set()
        why = "refused is not gone" if readable else "an id that cannot be read may be that of any record"
        assert set(third.gone.ids) == gone, f"{source.path.name}: {why}"
        assert night.live() == (before - gone if ends(vendor, night.kind) else before), f"{source.path.name}: {why}"


async def _taken(night: Night, source: MappingFile) -> list[Sample]:
    """Good records of the source's tests that the vendor takes. Those that it does not take have a reason."""
    given = samples(source)
    for group in apart(given) if SOAK else ():
        refused = troubles(await night.push(group, dry_run=True))
        assert all(refused.values()), "what is not taken has a reason"
    good = good_ones(source, given)
    assert good, (
        f"{source.path.name}: no test has an input that is a whole list of good records. Add one: a list as the tool "
        "prints it, without a token for a next page."
    )
    refused = troubles(await night.push(good, dry_run=True))
    assert all(refused.values()), "what is not taken has a reason"
    taken = [each for each in good if not refused.keys() & _ids(each)]
    if not taken:
        pytest.skip(f"{night.vendor} takes no record of the tests: {next(iter(refused.values()))}")
    return taken


def _ids(sample: Sample) -> set[str]:
    return {record["id"] for record in sample.good}


def _renamed(source: MappingFile, base: Sample, name: str, taken: Collection[str]) -> Sample:
    found = renamed(base, name, taken)
    assert found is not None, (
        f"{source.path.name}: in the input of the test {base.name} no single value can be changed so that the record "
        "has another id. The id of a record must come from a value that is its own."
    )
    return found


# ---------------------------------------------------------------------- pages
PAGED = list(filter(paged, SOURCES))


@pytest.mark.parametrize("source", PAGED, ids=short)
async def test_a_page_is_no_list_and_all_pages_are(source: MappingFile, emulators: Emulators, tmp_path: Path) -> None:
    given = samples(source)
    assert source.incomplete_when is None or any(each.page.more for each in given), (
        f"{source.path.name}: no test's input is a page with a token at {source.incomplete_when.text}. Add one, as the "
        "tool answers when more follows."
    )
    vendor = next(vendor for vendor in NAMES if takes(vendor, str(source.to)))
    good = good_ones(source, given)
    assert good, f"{source.path.name}: no test has an input that is a whole list of good records"
    pages = as_pages(source, good[0], _renamed(source, good[0], "the other page", good[0].ids))
    async with Night(source, vendor, emulators, tmp_path) as night:
        assert await night.incomplete(pages[:1]), (
            f"{source.path.name}: a page with a token at `incomplete_when:`, or with a larger total at `total:`, was "
            "taken for a whole list"
        )
        assert await night.incomplete(pages) is None, (
            f"{source.path.name}: two pages, the last without a token, are whole"
        )
