"""The `tests:` of a mapping file, run against the compiled mapping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from proofport.accounting import LeftOut
from proofport.adapter import Body
from proofport.errors import Rejected
from proofport.mapping.compile.evidence import compile_kind
from proofport.mapping.compile.fields import compile_skips
from proofport.mapping.compile.source import compile_source
from proofport.mapping.compile.vendor import compile_vendor
from proofport.mapping.language.nodes import MappingFile, Test, Vendor

BodyOf = Callable[[str, str, str], Body]
"""A function from a vendor, a kind and the body's name in the mapping to that body."""


@dataclass(frozen=True, slots=True)
class TestResult:
    """The result of one test."""

    __test__ = False

    name: str
    ok: bool
    #: JSON, or the words about a rejected record.
    found: str
    #: Likewise.
    expected: str
    #: The line of the test.
    line: int


def run_tests(file: MappingFile, body_of: BodyOf | None = None) -> list[TestResult]:
    """Run every test of a file. `body_of` gives the body that a vendor takes in an upsert; without it, vendor mappings
    are held against their own `type:` only. Raises MappingError where the mapping itself is wrong."""
    run = _vendor_run(file, body_of) if isinstance(file.to, Vendor) else _source_run(file)
    return [_result(test, run) for test in file.tests]


def _source_run(file: MappingFile) -> Callable[[Test], Any]:
    def run(test: Test) -> Any:
        mapping = compile_source(file, test.values)
        records, left = [], None
        for record, parents in mapping.records(test.input):
            try:
                records.append(mapping(record, parents))
            except LeftOut as error:
                left = error
        if left is not None and not records:
            raise left
        return records[0] if len(records) == 1 and not isinstance(test.expect, list) else records

    return run


def _vendor_run(file: MappingFile, body_of: BodyOf | None) -> Callable[[Test], Any]:
    assert isinstance(file.to, Vendor)
    assert file.from_kind is not None
    body = (
        body_of(file.to.vendor, file.from_kind, file.to.body) if body_of else Body(name=file.to.body, mapping=file.name)
    )
    check = compile_kind(file.from_kind)
    leave_out = compile_skips(file.skips, file.name)
    convert = compile_vendor(file, body, file.from_kind, file.to.vendor)

    def run(test: Test) -> Any:
        evidence = check(test.input)
        if leave_out is not None:
            leave_out(evidence)
        return convert(evidence)

    return run


def _result(test: Test, run: Callable[[Test], Any]) -> TestResult:
    if test.rejected is not None:
        expected = f"rejected for {test.rejected}"
    else:
        expected = _json(test.expect) if test.skipped is None else str(LeftOut(test.skipped))
    try:
        made = run(test)
    except Rejected as error:
        ok = test.rejected is not None and error.problem.field == test.rejected
        return TestResult(test.name, ok, f"rejected: {error.problem}", expected, test.at.line)
    except LeftOut as error:
        return TestResult(test.name, test.skipped == error.reason, str(error), expected, test.at.line)
    ok = test.rejected is None and test.skipped is None and _json(made) == expected
    return TestResult(test.name, ok, _json(made), expected, test.at.line)


def _json(value: Any) -> str:
    """Sorted, so that the order of fields does not count; 1 and 1.0, true and 1 stay apart."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
