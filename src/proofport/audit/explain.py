"""Where each field of a delivered record comes from: the rule, the place in the input, and why a field is absent.

Inputs are read again, and only counted as proof where their SHA-256 is that of the receipt. See docs/audit.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proofport.audit.absent import NO_RULE, giver, made_by, up_to, why_absent
from proofport.mapping.compile.functions import MISSING
from proofport.mapping.language.nodes import (
    Condition,
    Constant,
    Default,
    FirstOf,
    IfNull,
    Lookup,
    MappingFile,
    Nested,
    Parent,
    Rule,
    Select,
    Template,
    selects,
)
from proofport.mapping.language.pointers import escaped, found_at


@dataclass(frozen=True, slots=True)
class FieldTold:
    """One field, and how it came to be."""

    name: str
    #: `copied`, `renamed`, `converted`, `table`, `constant`, `default`, `joined`, `absent`, or `kept`: not recomputed.
    how: str
    value: Any = None
    #: Why it is absent.
    why: str | None = None
    #: The rule: `FILE:LINE`.
    rule: str | None = None
    #: The paths that the rule reads, and the JSON pointers at which they found something.
    paths: Sequence[str] = ()
    pointers: Sequence[str] = ()


@dataclass(slots=True)
class Explanation:
    """One record at one destination."""

    destination: str
    receipt: str
    record: str
    #: Where it was read: `FILE:LINE`, `FILE#RECORD`, or `delivery N, record N`.
    place: str | None = None
    #: What the vendor said, as far as it is known.
    outcome: str | None = None
    #: The fields of the record body, made of evidence; and those of the evidence, made of the input.
    body: list[FieldTold] = field(default_factory=list)
    evidence: list[FieldTold] = field(default_factory=list)
    #: The SHA-256 of the request that carried it: recomputed, and equal to one in the receipt.
    request: str | None = None
    #: What cannot be proven, and why.
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A field of a vendor's body that holds, or depends on, a value of the source."""

    destination: str
    #: The field of the evidence on the way, and that of the body.
    evidence: str
    field: str
    how: str
    rule: str | None


def fields_told(
    file: MappingFile, record: object, made: Mapping[str, Any], known: Iterable[str] = ()
) -> list[FieldTold]:
    """How each field was `made` of a record by the rules of a file. `known`: every field that there may be."""
    told = [_told(name, rule, file, record, made) for name, rule in file.fields.items()]
    from_parents = {parent.field for parent in file.parents} - set(file.fields)
    told += [
        FieldTold(name, "copied", made[name], rule=f"{file.path}:{file.at.line}", paths=["an enclosing element"])
        for name in sorted(from_parents & set(made))
    ]
    ruled = {each.name for each in told}
    told += [FieldTold(name, "constant", made[name], rule="set for the run") for name in made if name not in ruled]
    return told + [FieldTold(name, "absent", why=NO_RULE) for name in known if name not in ruled and name not in made]


def as_it_is(made: Mapping[str, Any]) -> list[FieldTold]:
    """The fields of what no mapping made."""
    return [FieldTold(name, "copied", value, pointers=[f"/{escaped(name)}"]) for name, value in made.items()]


def _told(name: str, rule: Rule, file: MappingFile, record: object, made: Mapping[str, Any]) -> FieldTold:
    read = [each for each in selects(rule) if isinstance(each, Select)]
    giving = [each for each in selects(_giving(rule, file, record)) if isinstance(each, Select)]
    found = [match for each in giving for match in found_at(each.path, record)]
    place, paths = f"{rule.at.file}:{rule.at.line}", list(dict.fromkeys(each.path.text for each in read))
    pointers = list(dict.fromkeys(pointer for pointer, _ in found))
    if name not in made:
        return FieldTold(name, "absent", None, why_absent(rule, file, record), place, paths, pointers)
    return FieldTold(name, _how(name, rule, file, record), made[name], None, place, paths, pointers)


def how_of(name: str, rule: Rule) -> str:
    """The word for a rule, whatever a record holds."""
    if any(isinstance(each, Lookup) for each in rule.changes):
        return "table"
    match rule.source:
        case Constant():
            return "constant"
        case Template() | Nested():
            return "joined"
        case FirstOf(rules):
            return "converted" if _converts(rule) else how_of(name, rules[0])
        case Select() as select if select.join is not None or select.each is not None:
            return "joined"
        case Select() as select:
            if _converts(rule):
                return "converted"
            return "copied" if select.path.text in (f"$.{name}", f"$['{name}']") else "renamed"


def _converts(rule: Rule) -> bool:
    return any(not isinstance(each, Default | IfNull) for each in rule.changes)


def _giving(rule: Rule, file: MappingFile, record: object) -> Rule:
    """The rule that gave the value: of several, the one that counted."""
    chosen = giver(rule.source.rules, file, record) if isinstance(rule.source, FirstOf) else None
    return rule if chosen is None else _giving(chosen, file, record)


def _how(name: str, rule: Rule, file: MappingFile, record: object) -> str:
    """The word for what a rule has made of this record."""
    for number, change in enumerate(rule.changes):
        stands_for = MISSING if isinstance(change, Default) else None
        if isinstance(change, Default | IfNull) and made_by(up_to(rule, number), file, record) is stands_for:
            return "default"
    chosen = giver(rule.source.rules, file, record) if isinstance(rule.source, FirstOf) else None
    if chosen is None:
        return how_of(name, rule)
    word = _how(name, chosen, file, record)
    return how_of(name, rule) if word in ("copied", "renamed") and _converts(rule) else word


# ------------------------------------------------------------------ where a source field ends up
def reading(file: MappingFile, pointer: str) -> list[tuple[str, Rule]]:
    """The rules of a file that read what stands at a JSON pointer, or below or above it, with their fields."""
    wanted = _keys(pointer)
    return [(name, rule) for name, rule in file.fields.items() if any(_meets(each, wanted) for each in selects(rule))]


def from_around(file: MappingFile, pointer: str) -> list[str]:
    """The fields of `parent:` that read what stands at a JSON pointer in an element around the record."""
    wanted = _keys(pointer)
    return [each.field for each in file.parents if any(_begins(keys, wanted) for keys in _in_parent(each))]


def _in_parent(parent: Parent) -> list[tuple[str, ...]]:
    if parent.rule is None:
        return [tuple(map(str, parent.keys))]
    # the first step is the number of the element in the list of those that enclose the record
    return [tuple(map(str, each.path.prefix[1:])) for each in selects(parent.rule)]


def _keys(pointer: str) -> tuple[str, ...]:
    return tuple(each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:])


def _meets(select: Select | Condition, wanted: tuple[str, ...]) -> bool:
    return _begins(tuple(map(str, select.path.prefix)), wanted)


def _begins(read: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    return all(one == other for one, other in zip(read, wanted, strict=False))
