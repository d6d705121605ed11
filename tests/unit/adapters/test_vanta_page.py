"""The page about Vanta names settings and kinds that there are, and its examples can be used."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

from proofport.evidence import KINDS
from proofport_vanta.definitions import Definition
from proofport_vanta.objects import VantaObject
from proofport_vanta.settings import VantaSettings

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "vanta.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return [dedent(text) for text in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)]


def test_every_kind_has_its_row() -> None:
    rows = "\n".join(line for line in PAGE.splitlines() if line.startswith("| `"))
    assert [kind for kind in KINDS if f"`{kind}`" not in rows] == []


def test_every_option_is_told() -> None:
    told = PAGE + (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert [name for name in (*VantaObject.model_fields, *VantaSettings.model_fields) if name not in told] == []


@pytest.mark.parametrize("text", blocks("yaml"))
def test_an_example_can_be_used(text: str, tmp_path: Path) -> None:
    (tmp_path / "cloud_resource.jtd.json").write_text(blocks("json")[0], encoding="utf-8")
    example: dict[str, Any] = yaml.safe_load(text)
    [settings] = example["destinations"].values() if "destinations" in example else [example]
    given = {"client_id": "vci", "client_secret": "secret", **settings}
    given.pop("adapter", None)
    made = VantaSettings.model_validate(given, context={"folder": tmp_path})
    assert made.objects.keys() == settings["objects"].keys()


@pytest.mark.parametrize("text", blocks("json"))
def test_a_definition_is_one(text: str) -> None:
    assert set(Definition.model_validate(json.loads(text)).types.values()) == {"string"}


def test_every_reason_it_names_is_given() -> None:
    source = "".join(file.read_text() for file in Path("adapters/proofport_vanta").glob("*.py"))
    source += Path("src/proofport/accounting.py").read_text()
    reasons = re.findall(r"(?:withheld|unknown), `(\w+)`", PAGE)
    assert len(reasons) == 4
    assert [reason for reason in reasons if f'"{reason}"' not in source] == []
