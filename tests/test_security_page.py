"""The page on security names the test of each promise: every one of them is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROMISED = (ROOT / "docs" / "security.md").read_text().partition("## Promised")[2].partition("## Not promised")[0]
NAMED = re.findall(r"`([\w/]+\.py)::(?:\w+::)?(\w+)`", PROMISED)


def test_each_promise_names_a_test() -> None:
    promises = re.split(r"^\d+\. ", PROMISED, flags=re.MULTILINE)[1:]
    assert len(promises) > 15
    assert [promise for promise in promises if "::" not in promise] == []


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_each_is_there(file: str, name: str) -> None:
    assert re.search(rf"def {name}\(", (ROOT / file).read_text())
