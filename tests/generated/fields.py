"""The tables of `docs/fields.md`: each field of a kind, and what the built-in mappings of each vendor make of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.generated.reads import fields_of, reads

from proofport import registry
from proofport.evidence import KINDS, model_of
from proofport.gateway.portability import NOT_SENT, becomes
from proofport.mapping import MappingLibrary, compile_vendor
from proofport.mapping.language.nodes import MappingFile, Vendor

VENDORS = registry.names(registry.EMULATORS)
NOTHING = "\N{EN DASH}"
CUSTOM = "custom:any"
SAMPLE = {"id": "1", "observed_at": "2026-01-31T09:00:00Z", "source": "a source"}


def vendor_mappings(vendor: str, kind: str) -> list[MappingFile]:
    """The built-in mappings of a vendor from a kind."""
    library = MappingLibrary()
    found = [library.find(name) for name in library.names() if name.startswith(f"{vendor}/")]
    return [mapping for mapping in found if mapping.from_kind == kind]


def table(kind: str) -> str:
    columns = [_custom(vendor) if kind == "custom" else _column(vendor_mappings(vendor, kind)) for vendor in VENDORS]
    fields = fields_of(model_of(CUSTOM if kind == "custom" else kind))
    rows = (f"| `{field}` | {' | '.join(column.get(field, NOTHING) for column in columns)} |" for field in fields)
    head = f"| evidence | {' | '.join(map(str.capitalize, VENDORS))} |"
    return "\n".join([head, f"|---{'|---' * len(VENDORS)}|", *rows])


def fates(kind: str) -> str:
    """What arrives of each field: carried, renamed, converted, narrowed or lost."""
    columns = [_fates(vendor_mappings(vendor, kind)) for vendor in VENDORS]
    names = [name for name in model_of(kind).model_fields if name not in NOT_SENT]
    rows = (f"| `{name}` | {' | '.join(column(name) for column in columns)} |" for name in names)
    head = f"| evidence | {' | '.join(map(str.capitalize, VENDORS))} |"
    return "\n".join([head, f"|---{'|---' * len(VENDORS)}|", *rows])


def _fates(mappings: list[MappingFile]) -> Callable[[str], str]:
    """Where several bodies are made of a kind, and do not agree, each is named."""

    def cell(name: str) -> str:
        words = {each.to.body if isinstance(each.to, Vendor) else "": becomes(name, each) for each in mappings}
        found = dict.fromkeys(words.values())
        return (
            next(iter(found), NOTHING)
            if len(found) < 2
            else ", ".join(f"{word} ({body})" for body, word in words.items())
        )

    return cell


def _custom(vendor: str) -> Mapping[str, str]:
    """The cells of a vendor for records that no mapping makes: where each value of a sample stands in its body."""
    [body, *_] = registry.load_adapter(vendor).bodies(CUSTOM)
    made = compile_vendor(None, body, CUSTOM, vendor)({**SAMPLE, "externalUrl": "https://example.com/"})
    return {field: f"`{name}`" for name, value in made.items() for field in SAMPLE if value == SAMPLE[field]}


def _column(mappings: list[MappingFile]) -> Mapping[str, str]:
    """The cells of a vendor. Where several bodies are made of a kind, one that alone has a field is named before it."""
    bodies = [(mapping.to.body if isinstance(mapping.to, Vendor) else "", list(reads(mapping))) for mapping in mappings]
    cells: dict[str, dict[str, list[str]]] = {}
    for body, pairs in bodies:
        for wire, field in pairs:
            cells.setdefault(field, {}).setdefault(wire, []).append(body)
    return {
        field: ", ".join(_named(wire, sorted(set(by)), len(bodies)) for wire, by in wires.items())
        for field, wires in cells.items()
    }


def _named(wire: str, by: list[str], bodies: int) -> str:
    return f"`{wire}`" if len(by) == bodies else f"{' and '.join(by)} `{wire}`"


TABLES = {f"fields {kind}": (lambda kind=kind: table(kind)) for kind in (*KINDS, "custom")} | {
    f"portability {kind}": (lambda kind=kind: fates(kind)) for kind in KINDS
}
