"""The tables of `docs/fields.md` and their neighbours hold: every field of a vendor's document has a home."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.generated.reads import fields_of, made, reads
from tests.support.emulators import document

from proofport.evidence import KINDS, model_of
from proofport.mapping import MappingLibrary
from proofport.mapping.language.nodes import MappingFile

DOCS = Path(__file__).parents[3] / "docs"
LIBRARY = MappingLibrary()
MAPPINGS = [LIBRARY.find(name) for name in LIBRARY.names() if not name.startswith("sources/")]


def properties(name: str, of: dict[str, Any]) -> set[str]:
    """The fields of a schema; those of the objects in its arrays as `list[].field`."""
    found: set[str] = set()
    for field, rule in of[name]["properties"].items():
        found.add(field)
        if rule.get("type") == "array":
            part = rule["items"]["$ref"].rsplit("/", 1)[1]
            found |= {f"{field}[].{inner}" for inner in properties(part, of)}
    return found


def test_every_kind_has_its_table() -> None:
    assert set(re.findall(r"^## (\w+)$", (DOCS / "fields.md").read_text(), re.MULTILINE)) == {*KINDS, "custom"}


@pytest.mark.parametrize("mapping", MAPPINGS, ids=[mapping.name for mapping in MAPPINGS])
def test_whatever_a_mapping_reads_stands_in_the_table(mapping: MappingFile) -> None:
    kind = mapping.from_kind or ""
    assert {field for _, field in reads(mapping)} <= set(fields_of(model_of(kind)))
    assert {wire.partition("[")[0].partition(".")[0] for wire in made(mapping)} == set(mapping.fields)


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("drata/device", "DeviceUpsert"),
        ("drata/person", "HrisIdentityInput"),
        ("drata/idp_person", "V1Person"),
        ("secureframe/cloud_resource", "CloudResourceRecord"),
        ("secureframe/training_record", "TrainingRecord"),
        ("secureframe/personnel_account", "PersonnelAccountRecord"),
        ("secureframe/device", "DeviceRecord"),
    ],
)
def test_every_field_of_a_vendors_model_has_a_home(name: str, schema: str) -> None:
    """A device of Secureframe shows no `id` in its document, and needs a primary id all the same."""
    schemas = document(name.partition("/")[0])["components"]["schemas"]
    assert made(LIBRARY.find(name)) - {"id"} == properties(schema, schemas) - {"id"}


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("vanta/personnel_account", "UserAccount"),
        ("vanta/training_record", "UserSecurityTrainingStatus"),
        ("vanta/device", "MacosUserComputer"),
        ("vanta/device", "WindowsUserComputer"),
        ("vanta/cloud_resource", "CustomResource"),
    ],
)
def test_every_field_that_a_vendor_requires_has_a_home(name: str, schema: str) -> None:
    """And nothing is made that the vendor's document does not have."""
    schemas, mapping = document("vanta")["components"]["schemas"], LIBRARY.find(name)
    assert set(schemas[schema]["required"]) <= set(mapping.fields)
    shared = {field for each in schemas.values() for field in each.get("properties", {})}
    assert set(mapping.fields) - {"platform"} <= shared


def test_people_are_accounts_at_secureframe() -> None:
    assert made(LIBRARY.find("secureframe/person")) < made(LIBRARY.find("secureframe/personnel_account"))


def test_the_guide_to_define_schema_names_every_field_of_each_mapping_in_its_order() -> None:
    guide = (DOCS / "secureframe.md").read_text().partition("## Define Schema, step by step")[2]
    sections = {part.splitlines()[0]: part for part in guide.partition("\n## ")[0].split("\n### ")[1:]}
    assert set(sections) == {*KINDS, "custom"}
    for kind in KINDS:
        fields = re.findall(r"^\| `([a-z_]+)` \|", sections[kind], re.MULTILINE)
        assert fields == list(LIBRARY.find(f"secureframe/{kind}").fields)
        assert "Primary ID: `id`" in sections[kind]
