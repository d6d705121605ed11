"""The page about Drata names operations, kinds and options that there are."""

from __future__ import annotations

import re
from pathlib import Path

from proofport.evidence import KINDS
from proofport_drata.operations import OPERATIONS
from proofport_drata.settings import DrataObject, DrataSettings

PAGE = (Path(__file__).parents[3] / "docs" / "drata.md").read_text(encoding="utf-8")
NAMES = {operation.name for operation in OPERATIONS}


def test_every_operation_it_names_is_there() -> None:
    named = re.findall(r"\b(?:v1_)?(?:list|get|create|upsert|update|delete|act)_[a-z_]+\b", PAGE)
    settings = {"delete_all", "get_custom_connection"}
    assert {name for name in named if name not in settings} <= NAMES
    assert len(set(named)) > 8


def test_every_kind_has_its_row() -> None:
    rows = "\n".join(line for line in PAGE.splitlines() if line.startswith("| `"))
    assert [kind for kind in KINDS if f"`{kind}`" not in rows] == []


def test_every_option_of_an_object_is_told() -> None:
    told = PAGE + (Path(__file__).parents[3] / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert [name for name in (*DrataObject.model_fields, *DrataSettings.model_fields) if name not in told] == []
