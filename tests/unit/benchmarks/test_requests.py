"""The table of `docs/requests.md` can be read, and its formulas give its numbers."""

from __future__ import annotations

import pytest
from benchmarks.requests import CASES, FIELDS, PAGE, SHOWN, Row, rows, value
from tests.generated.matrix import adapter
from tests.support.emulators import NAMES

from proofport.errors import UnsupportedFeature

HEAD = f"| vendor | kinds | object | {' | '.join(CASES)} |\n|---|---|---|---|---|---|---|\n"


CONFIGURED = {("secureframe", "person")}
"""Taken, once it is configured."""


def taken(vendor: str, kind: str) -> bool:
    """True if a vendor takes a kind from the beginning."""
    try:
        return bool(adapter(vendor).resource(kind))
    except UnsupportedFeature:
        return False


def test_every_vendor_and_kind_is_in_the_table() -> None:
    table = list(rows(PAGE.read_text()))
    shown = {(row.vendor, kind) for row in table for kind in row.kinds}
    assert shown == {(vendor, kind) for vendor in NAMES for kind in FIELDS if taken(vendor, kind)} | CONFIGURED
    assert all(len(row.cells) == len(CASES) for row in table)


def test_every_formula_gives_its_number() -> None:
    cells = [cell for row in rows(PAGE.read_text()) for cell in row.cells]
    assert [(formula, value(formula, SHOWN)) for formula, _ in cells] == cells


def test_a_row_is_read() -> None:
    line = "| Drata | `device`, `person` | thing | `1 + N` = 1201 | `⌈N/500⌉` = 3 | `0` = 0 | `2` = 2 |"
    page = f"# Words\n{HEAD}{line}\n\nmore"
    cells = [("1 + N", 1201), ("⌈N/500⌉", 3), ("0", 0), ("2", 2)]
    assert list(rows(page)) == [Row("drata", ["device", "person"], "thing", cells)]


@pytest.mark.parametrize("cell", ["3", "`3`", "`import os` = 3", "`1 + M` = 3", "`N` = many"])
def test_a_cell_that_is_no_formula_is_refused(cell: str) -> None:
    with pytest.raises(ValueError, match="expected a formula and its number"):
        list(rows(f"{HEAD}| Drata | `device` | thing | {cell} | `0` = 0 | `0` = 0 | `0` = 0 |\n"))


@pytest.mark.parametrize(("count", "uploads"), [(1, 1), (500, 1), (501, 2), (1_200, 3)])
def test_numbers_are_rounded_up(count: int, uploads: int) -> None:
    assert value("⌈N/500⌉", count) == uploads
