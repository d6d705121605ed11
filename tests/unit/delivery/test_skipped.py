"""Whatever rules of `skip:` say: what is left out and the five sum to what was read, and only that is gone."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.soak import examples
from tests.unit.delivery.runs import Vendor, push, write
from tests.unit.delivery.support import memory_journal

from proofport.accounting import Status
from proofport.delivery.report.report import RunReport
from proofport.delivery.snapshot.guard import Terms
from proofport.mapping import compile_skips, compile_source, load_file

FILE = """\
mapping: sources/t
to: {{evidence: cloud_resource}}
skip: [{{when: {{path: $.kind, is: test}}, reason: a test{missing}}}]
fields: {{id: $.id, type: {{value: x}}, region: $.region}}
---
mapping: t/t
from: cloud_resource
to: {{vendor: t, body: t}}
skip: [{{when: {{path: $.region, is: far}}, reason: far away{missing}}}]
fields: {{id: $.id}}
"""
VALUES = {"kind": ["test", "prod", None, 7], "region": ["far", "near", None, 7]}
RECORDS = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from([*"abcdefg", 7])},
        optional={name: st.sampled_from(values) for name, values in VALUES.items()},
    )
    | st.just("no JSON"),
    max_size=12,
)
TERMS = Terms(max_gone=1, max_rejected=100)


@settings(max_examples=examples(15, 60), deadline=None)
@given(
    nights=st.lists(RECORDS, min_size=1, max_size=3),
    missing=st.sampled_from(["", ", missing: keep", ", missing: skip"]),
)
def test_what_is_left_out_and_the_five_are_what_was_read(nights: list[list[Any]], missing: str) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("m.yaml").write_text(FILE.format(missing=missing))
        asyncio.run(_live_through(nights))


async def _live_through(nights: list[list[Any]]) -> None:
    source, vendor = load_file(Path("m.yaml"))
    journal, leave_out = await memory_journal(), compile_skips(vendor.skips, "t")
    for night in nights:
        report = await push(
            write("f.ndjson", *night),
            mode="snapshot",
            terms=TERMS,
            journal=journal,
            decoder=compile_source(source, mode="snapshot"),
            leave_out=leave_out,
            here=Vendor(),
        )
        _balances(report, len(night))
        there = report.destinations["here"]
        lines = [each for each in night if isinstance(each, dict)]
        left = {"a test": {each["id"] for each in lines if each.get("kind") == "test"}}
        for reason, gone in there.gone_skipped.items():
            assert set(gone.ids) <= set(there.gone.ids)
            if reason in left and "missing" not in vendor.path.read_text():
                assert set(gone.ids) <= left[reason]
        read = Counter(each["id"] for each in lines)
        unexplained = set(there.gone.ids) - {each for found in there.gone_skipped.values() for each in found.ids}
        assert not unexplained & set(read), "in the input, not left out, and gone"


def _balances(report: RunReport, read: int) -> None:
    [source], there = report.sources, report.destinations["here"]
    assert source.read == read
    five = sum(there.tally.status[status] for status in Status)
    assert there.input == five
    assert five + sum(source.skipped.values()) + there.skipped.total() == read
