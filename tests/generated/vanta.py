"""The generated parts of `docs/vanta.md`.

- What Vanta requires and a built-in source does not know, with the value to declare. A source knows what the records of
  its mapping's own tests have.
- The definitions of custom resources that fit the built-in mappings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.sources import samples

from proofport.adapter import Body
from proofport.errors import Rejected
from proofport.evidence import Neutral
from proofport.mapping import MappingLibrary, compile_vendor
from proofport.mapping.language.kinds import wire_fields
from proofport.mapping.language.nodes import MappingFile
from proofport.registry import load_adapter

VENDOR = "vanta"
PAGE = Path(__file__).parents[2] / "docs" / "vanta.md"
NOTHING = "\N{EN DASH}"


def sources() -> Iterator[tuple[MappingFile, MappingFile]]:
    """Each built-in source of a kind that the vendor has a mapping for, with that mapping."""
    library = MappingLibrary()
    names = library.names()
    for name in names:
        source = library.find(name)
        if name.startswith("sources/") and f"{VENDOR}/{source.to}" in names:
            yield source, library.find(f"{VENDOR}/{source.to}")


def records(source: MappingFile) -> list[Neutral]:
    """The evidence that the source's own tests are about."""
    return [record for sample in samples(source) for record in sample.good]


def body(kind: str) -> Body:
    return load_adapter(VENDOR).bodies(kind)[0]


def lacking(source: MappingFile, mapping: MappingFile) -> list[set[str]]:
    """For each record of the source's tests, the fields that Vanta requires and the mapping cannot make."""
    kind = str(source.to)
    of = body(kind)
    assert of.model is not None
    required = {name for name, info in wire_fields(of.model).items() if info.is_required()}
    convert = compile_vendor(mapping, replace(of, model=None), kind, VENDOR)
    return [required - convert(record).keys() for record in records(source)]


@cache
def declared() -> Mapping[str, Any]:
    """The values that the page suggests, by field."""
    found = re.findall(r"^\| `(\w+): (.+?)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: json.loads(value) for name, value in found}


@cache
def declared_for(kind: str) -> dict[str, Any]:
    """Of these, the values of what a built-in source of the kind does not know."""
    lacks = [fields for source, mapping in sources() if str(source.to) == kind for fields in lacking(source, mapping)]
    return {name: value for name, value in declared().items() if name in set().union(*lacks)}


def table() -> str:
    rows: dict[tuple[str, str, str], list[str]] = {}
    for source, mapping in sources():
        first, *others = lacking(source, mapping)
        never, ever = first.intersection(*others), first.union(*others)
        row = (str(source.to), _named(never, mapping), _named(ever - never, mapping))
        rows.setdefault(row, []).append(f"`{source.name.removeprefix('sources/')}`")
    lines = ["| kind | sources | never known | not known of every record |", "|---|---|---|---|"]
    lines += [f"| `{kind}` | {', '.join(names)} | {never} | {some} |" for (kind, never, some), names in rows.items()]
    return "\n".join(lines)


def _named(fields: set[str], mapping: MappingFile) -> str:
    """The fields in the mapping's order, each with the value to declare."""
    shown = [
        f"`{name}: {json.dumps(declared()[name])}`" if name in declared() else f"`{name}`"
        for name in mapping.fields
        if name in fields
    ]
    return ", ".join(shown) or NOTHING


def unfilled_by(source: MappingFile, mapping: MappingFile) -> list[str]:
    """What is wrong with the source's records once the page's values for what it lacks are under `when_unknown`."""
    kind, settings = str(source.to), {"client_id": "vci", "client_secret": "secret"}
    lacks = set.union(*lacking(source, mapping))
    values = {name: value for name, value in declared().items() if name in lacks}
    objects = {kind: {"resource_id": "r", "when_unknown": values}}
    vendor = load_adapter(VENDOR)
    resource = vendor(vendor.Settings.model_validate({**settings, "objects": objects})).resource(kind)
    convert = compile_vendor(mapping, resource.body("snapshot"), kind, VENDOR)
    wrong = []
    for record in records(source):
        try:
            convert(record)
        except Rejected as rejected:
            wrong.append(f"{source.name}: {rejected.problem}")
    return wrong


def definition(kind: str) -> str:
    """The JSON Type Definition of the own properties that the built-in mapping makes, all of them texts."""
    mapping = MappingLibrary().find(f"{VENDOR}/{kind}")
    made = compile_vendor(mapping, body(kind), kind, VENDOR).made_schema()["properties"]["customProperties"]
    lines = ",\n".join(f'  "{name}": {{"type": "{rule["type"]}"}}' for name, rule in made["properties"].items())
    return f'```json\n{{"properties": {{\n{lines}\n}}}}\n```'


def device() -> str:
    """The evidence of one computer that has all that Vanta requires, and what is sent of it."""
    mapping = MappingLibrary().find(f"{VENDOR}/device")
    [evidence] = [test.input for test in mapping.tests if test.name == "a laptop with macOS"]
    convert = compile_vendor(mapping, body("device"), "device", VENDOR)
    sent = {name: value for name, value in convert(evidence).items() if name != "platform"}
    request = {"resourceId": "66f1c0de0000000000000003", "resources": [sent]}
    sending = "The request, `PUT /v1/resources/macos_user_computer`:"
    return "\n\n".join(["The evidence:", _block(evidence), sending, _block(request)])


def _block(value: Mapping[str, Any]) -> str:
    return f"```jsonc\n{_lines(value)}\n```"


def _lines(value: Mapping[str, Any], indent: str = "") -> str:
    """A field a line, and those of the records in `resources` likewise."""
    lines = []
    for name, inner in value.items():
        text = json.dumps(inner, ensure_ascii=False)
        if name == "resources":
            text = "[" + ", ".join(_lines(each, f"{indent}  ") for each in inner) + "]"
        lines.append(f"{indent}  {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


TABLES = {
    "a device": device,
    "what Vanta requires": table,
    "definition of cloud_resource": lambda: definition("cloud_resource"),
    "definition of device": lambda: definition("device"),
}
