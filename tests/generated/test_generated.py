"""Every generated table of the documents is what the code makes now."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.generated.pages import TABLES, places

PLACES = list(places())
CHECKED = [place for place in PLACES if place[1] != "drafts"]
"""Drafting from every source takes a while: the tests of drafts look at their table."""


def test_every_table_has_one_place() -> None:
    assert sorted(name for _, name, _ in PLACES) == sorted(TABLES)


@pytest.mark.parametrize(("page", "name", "text"), CHECKED, ids=[name for _, name, _ in CHECKED])
def test_a_table_is_up_to_date(page: Path, name: str, text: str) -> None:
    assert text == TABLES[name](), f"{page.name}: run python -m tests.generated"
