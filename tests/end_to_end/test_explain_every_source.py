"""Every record of every built-in source, explained: the request that carried it is made again, byte for byte.

Sources and vendors are found, none is named here. What is pushed are the inputs of the tests in the source's own file.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import orjson
import pytest
from tests.end_to_end.test_every_source import GUARD, PAIRS, objects_for
from tests.support.destination import Destination
from tests.support.emulators import seeded
from tests.support.sources import Sample, samples, short

from proofport.accounting import LeftOut, Status
from proofport.adapter import Mode
from proofport.audit.keys import SigningKey
from proofport.delivery.report.report import RunReport
from proofport.errors import UnsupportedFeature
from proofport.gateway import Gateway, Input
from proofport.mapping import MappingFile
from proofport.testing import running

SOAK = "PROOFPORT_SOAK" in os.environ
MODES: tuple[Mode, ...] = ("upsert", "snapshot")


@pytest.mark.parametrize(("source", "vendor"), PAIRS, ids=[f"{short(source)}-{vendor}" for source, vendor in PAIRS])
async def test_every_record_names_the_request_that_carried_it(
    source: MappingFile, vendor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    SigningKey.new().write(tmp_path / "receipts.key")
    proven = 0
    async with running(seeded(vendor)) as served:
        block = served.destination()
        objects = objects_for(vendor, str(source.to), block["objects"])
        options = {"guard": GUARD, "receipts": {"key": "file:receipts.key"}}
        destination = Destination(vendor, {**block, "objects": objects}, tmp_path, **options)
        async with destination.gateway() as gateway:
            for number, sample in enumerate(_chosen(source)):
                given = Input(_written(f"{number}.json", sample), sample.mapping.name, values=sample.values)
                for report in await _pushed(gateway, vendor, given):
                    proven += await _proven(gateway, report, vendor, sample)
    if not proven:
        pytest.skip(f"{vendor} takes no record of the tests")


def _chosen(source: MappingFile) -> list[Sample]:
    """All inputs of the source's tests in a soak; else the one with the most good records."""
    given = samples(source)
    return given if SOAK else [max(given, key=lambda each: len(each.good))]


def _written(name: str, sample: Sample) -> str:
    Path(name).write_text(json.dumps(sample.document, default=str), encoding="utf-8")
    return name


async def _pushed(gateway: Gateway, vendor: str, given: Input) -> list[RunReport]:
    """In the first mode that the vendor has; in a soak, in each. Another list is gone from every set."""
    reports: list[RunReport] = []
    for mode in MODES:
        if not reports or SOAK:
            try:
                reports.append(await gateway.push(given, to=vendor, mode=mode, override_guard="another list"))
            except UnsupportedFeature:
                continue
    return reports


async def _proven(gateway: Gateway, report: RunReport, vendor: str, sample: Sample) -> int:
    """Explain every record. Returns for how many of them the request was found. One that is unknown was sent, too."""
    [receipt] = await gateway.receipts.named(report.run_id)
    exchanges = await (await gateway.journal()).receipt_file(receipt.place, "exchanges") or b""
    digests = {each["request"] for each in map(orjson.loads, exchanges.splitlines())}
    rows = report.destinations[vendor].problems
    not_taken = {each.id: each.outcome for each in rows if each.outcome.status is not Status.UNKNOWN}
    proven = unchanged = 0
    for given, made in zip(sample.records, sample.made, strict=True):
        record_id = made["id"] if isinstance(made, dict) else sample.mapping.id_of(*given)
        if record_id is None:
            continue
        [told] = await gateway.explain(report.run_id, record_id)
        if isinstance(made, LeftOut):
            assert (told.outcome, told.missing) == (f"left out: {made.reason}", [])
        elif record_id in not_taken:
            assert str(told.outcome).startswith(not_taken[record_id].status), told
        elif told.outcome == Status.UNCHANGED:
            assert (told.missing, told.request in {None, *digests}) == ([], True), told
            unchanged += 1
        else:
            assert (told.missing, told.request in digests) == ([], True), told
            proven += 1
    assert unchanged == report.destinations[vendor].tally.status[Status.UNCHANGED]
    return proven
