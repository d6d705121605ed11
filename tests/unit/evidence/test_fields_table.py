"""docs/fields.md holds: its rows are the models' fields, its columns the vendors' own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

import proofport_drata.emulator
import proofport_secureframe.emulator
from proofport.evidence import KINDS, model_of
from proofport.mapping import MappingLibrary
from proofport.mapping.language.nodes import selects
from proofport.testing import document

FIELDS = Path(__file__).parents[3] / "docs" / "fields.md"
VENDORS = ("Drata", "Secureframe")
MAPPED = [
    (kind, vendor)
    for vendor, kinds in enumerate(
        (
            ("cloud_resource", "training_record", "personnel_account"),
            ("cloud_resource", "training_record", "personnel_account", "device", "person"),
        )
    )
    for kind in kinds
]

Row = tuple[list[str], list[str]]


def tables() -> dict[str, dict[str, Row]]:
    """Kind, then neutral field, then the names that each vendor's column holds."""
    found: dict[str, dict[str, Row]] = {}
    for section in FIELDS.read_text().split("\n## ")[1:]:
        lines = [line for line in section.splitlines() if line.startswith("|")]
        assert lines[0] == "| evidence | Drata | Secureframe |"
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
        found[section.splitlines()[0]] = {row[0].strip("`"): (_names(row[1]), _names(row[2])) for row in rows}
        assert len(found[section.splitlines()[0]]) == len(rows)
    return found


def _names(cell: str) -> list[str]:
    """`a`, v1 `b` -> a, v1 b."""
    names = [f"{before}{name}" for before, name in re.findall(r"(v1 )?`([^`]+)`", cell)]
    assert names or cell == "\N{EN DASH}"
    return names


TABLES = tables()


def schemas(module: Any) -> dict[str, Any]:
    return dict(document(module.__name__)["components"]["schemas"])


DRATA, SECUREFRAME = schemas(proofport_drata.emulator), schemas(proofport_secureframe.emulator)


def properties(name: str, of: dict[str, Any]) -> set[str]:
    """The fields of a schema; those of the objects in its arrays as `list[].field`."""
    found: set[str] = set()
    for field, rule in of[name]["properties"].items():
        found.add(field)
        if rule.get("type") == "array":
            part = rule["items"]["$ref"].rsplit("/", 1)[1]
            found |= {f"{field}[].{inner}" for inner in properties(part, of)}
    return found


def column(kind: str, vendor: int) -> set[str]:
    return {name for row in TABLES[kind].values() for name in row[vendor]}


def fields_of(model: type[BaseModel]) -> Iterator[str]:
    for name, info in model.model_fields.items():
        yield name
        for part in _parts(info.annotation):
            yield from (f"{name}[].{inner}" for inner in fields_of(part))


def _parts(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _parts(argument)


def test_every_kind_has_its_table() -> None:
    assert set(TABLES) == {*KINDS, "custom"}


@pytest.mark.parametrize("kind", [*KINDS, "custom"])
def test_the_rows_are_the_fields_of_the_model_in_its_order(kind: str) -> None:
    model = model_of("custom:anything" if kind == "custom" else kind)
    assert list(TABLES[kind]) == list(fields_of(model))


@pytest.mark.parametrize(("name", "mark"), [("device", ""), ("person", ""), ("idp_person", "v1 ")])
def test_dratas_other_columns_are_what_the_built_in_mappings_read_and_make(name: str, mark: str) -> None:
    mapping = MappingLibrary().find(f"drata/{name}")
    reads = {
        f"{mark}{field}": {str(select.path.prefix[0]) for select in selects(rule)}
        for field, rule in mapping.fields.items()
    }
    table = TABLES[name.removeprefix("idp_")]
    told = {field: {row for row, columns in table.items() if field in columns[0]} for field in reads}
    assert told == reads
    assert {field for field in column(name.removeprefix("idp_"), 0) if "[]" not in field and _mark(field) == mark} == {
        *reads
    }


def _mark(field: str) -> str:
    return "v1 " if field.startswith("v1 ") else ""


@pytest.mark.parametrize(("kind", "vendor"), MAPPED)
def test_the_columns_are_what_the_built_in_mappings_read_and_make(kind: str, vendor: int) -> None:
    mapping = MappingLibrary().find(f"{VENDORS[vendor].lower()}/{kind}")
    reads = {name: {str(select.path.prefix[0]) for select in selects(rule)} for name, rule in mapping.fields.items()}
    told = {
        name: {field.partition("[")[0] for field, row in TABLES[kind].items() if name in row[vendor]} for name in reads
    }
    assert told == reads
    assert column(kind, vendor) == set(mapping.fields)


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        ("cloud_resource", "CloudResourceRecord"),
        ("training_record", "TrainingRecord"),
        ("personnel_account", "PersonnelAccountRecord"),
        ("device", "DeviceRecord"),
    ],
)
def test_every_field_of_secureframes_models_has_a_home(kind: str, schema: str) -> None:
    """A device shows no `id` in the vendor's document, and needs a primary id all the same."""
    assert column(kind, 1) == properties(schema, SECUREFRAME) | {"id"}


def test_every_field_of_dratas_devices_has_a_home() -> None:
    assert column("device", 0) == properties("DeviceUpsert", DRATA)


def test_every_field_of_dratas_people_has_a_home() -> None:
    first_version = {f"v1 {name}" for name in properties("V1Person", DRATA)}
    assert column("person", 0) == properties("HrisIdentityInput", DRATA) | first_version


def test_people_are_accounts_at_secureframe() -> None:
    assert column("person", 1) < properties("PersonnelAccountRecord", SECUREFRAME)


def test_the_guide_to_define_schema_names_every_field_of_each_mapping_in_its_order() -> None:
    guide = (FIELDS.parent / "secureframe.md").read_text().partition("## Define Schema, step by step")[2]
    sections = {part.splitlines()[0]: part for part in guide.partition("\n## ")[0].split("\n### ")[1:]}
    assert set(sections) == {*KINDS, "custom"}
    for kind in KINDS:
        fields = re.findall(r"^\| `([a-z_]+)` \|", sections[kind], re.MULTILINE)
        assert fields == list(MappingLibrary().find(f"secureframe/{kind}").fields)
        assert "Primary ID: `id`" in sections[kind]
