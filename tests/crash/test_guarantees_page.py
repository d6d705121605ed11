"""The page of guarantees names the test of each, and the words of the log: every one of them is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "delivery-guarantees.md").read_text()
NAMED = re.findall(r"`([\w/]+\.py)::(?:\w+::)?(\w+)`", PAGE)
LOGGED = re.compile(r"log\.(?:info|warning|error|exception)\(\s*\"(\w+)\"")


def test_the_page_names_tests() -> None:
    assert len(NAMED) > 15


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_each_is_there(file: str, name: str) -> None:
    assert re.search(rf"def {name}\(", (ROOT / file).read_text())


def test_the_words_for_logs_are_those_that_are_logged() -> None:
    rooms = (ROOT / "src" / "proofport" / room for room in ("delivery", "gateway", "http", "journal"))
    logged = {word for room in rooms for file in room.rglob("*.py") for word in LOGGED.findall(file.read_text())}
    assert set(re.findall(r"`(\w+)`", PAGE[PAGE.index("Words for logs:") :])) == logged
