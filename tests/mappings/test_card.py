"""The card of mapping files: every example on it is a rule that loads, and it stays as long as two printed pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from proofport.mapping import compile_source
from proofport.mapping.language import rules
from proofport.mapping.language.syntax import read_mappings

CARD = (Path(__file__).parents[2] / "mappings" / "README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (`.+?`(?:, `[^`]+`)*) \| ", CARD, re.MULTILINE)
EXAMPLES = [example for row in ROWS for example in re.findall(r"`([^`]+)`", row)]
LINES, WIDTH = 84, 230
"""At 11 points on A4 these are two pages."""


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_rule(example: str) -> None:
    rule = example if example.startswith(("$", "{")) else f"{{path: $.a, {example}}}"
    field = "id" if "compare" in example else "name"
    rule = rule.replace("X}", "x}")
    text = f"mapping: sources/a\nto: {{evidence: custom:thing}}\nfields:\n  {field}: {rule}\n"
    text += "" if field == "id" else "  id: $.id\n"
    [mapping] = read_mappings(text.encode(), Path("card.yaml"))
    assert compile_source(mapping)


def test_the_card_names_every_key_of_a_rule() -> None:
    keys = {*rules.OTHERS, *rules.OF_SINGLE_VALUES, "value", "first_of", "template", "fields", "if_null", "default"}
    assert {key for key in keys if not re.search(rf"\b{key}:", CARD)} == set()


def test_the_card_is_as_long_as_two_pages() -> None:
    lines = CARD.splitlines()
    assert len(lines) <= LINES
    assert [line for line in lines if len(line) > WIDTH] == []
