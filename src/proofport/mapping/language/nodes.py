"""The content of a mapping file, checked and without its YAML: files, rules, and where each stood."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import time, tzinfo
from typing import Any, Literal, TypeAlias

from proofport.mapping.language.bounded import Pattern
from proofport.mapping.language.paths import Path
from proofport.mapping.language.values import Nothing, json_key
from proofport.text.yaml_nodes import Mark

JsonType: TypeAlias = Literal["string", "integer", "number", "boolean", "object", "array"]
Comparing: TypeAlias = Literal["fold"]
Conversion: TypeAlias = Literal["int", "number", "bool", "date", "datetime", "string"]


@dataclass(frozen=True, slots=True)
class Select:
    """The values that a path selects: at most one, or with `all` a list, each item by a rule of its own, or joined."""

    path: Path
    at: Mark
    all: bool = False
    each: Rule | None = None
    join: str | None = None


@dataclass(frozen=True, slots=True)
class Constant:
    value: Any


@dataclass(frozen=True, slots=True)
class FirstOf:
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """Literal text (`str`) and selected scalars in turn."""

    parts: tuple[str | Select, ...]


@dataclass(frozen=True, slots=True)
class Nested:
    fields: Mapping[str, Rule]


@dataclass(frozen=True, slots=True)
class Trim:
    """`trim: true`."""


@dataclass(frozen=True, slots=True)
class Lower:
    """`lower: true`."""


@dataclass(frozen=True, slots=True)
class Split:
    """`split:`. The tables and conversions after it are those of each item."""

    separator: str


@dataclass(frozen=True, slots=True)
class Substitute:
    """`sub:`."""

    pattern: Pattern
    #: As it is written, for messages.
    text: str
    replacement: str
    #: What becomes of text that has no match.
    unmatched: Literal["keep", "omit", "reject"]


@dataclass(frozen=True, slots=True)
class Unknown:
    """The treatment of a value that a table does not know."""

    action: Literal["reject", "omit", "keep", "value"]
    #: Used by the action of that name.
    value: Any = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table."""

    #: For messages.
    name: str
    #: The keys are as `json_key` makes them.
    entries: Mapping[object, Any]
    unknown: Unknown
    #: True where case does not count: then the keys are in small letters.
    fold: bool = False

    def key(self, value: object) -> object:
        """The key under which a value stands, if it does."""
        return json_key(value.casefold() if self.fold and isinstance(value, str) else value)

    @property
    def results(self) -> list[Any]:
        """The values that it may give, beside the value itself."""
        return [*([self.unknown.value] if self.unknown.action == "value" else []), *self.entries.values()]


@dataclass(frozen=True, slots=True)
class Times:
    """The way that dates and times are written where they are read."""

    #: `iso`, `epoch_seconds`, …, or formats of strptime: the first that fits counts.
    forms: tuple[str, ...] = ("iso",)
    #: Of times that are written without one.
    zone: tzinfo | None = None
    #: The time of day for plain dates.
    at: time | None = None


@dataclass(frozen=True, slots=True)
class Convert:
    """`as:`."""

    to: Conversion
    #: Used by `date` and `datetime`.
    times: Times = Times()


@dataclass(frozen=True, slots=True)
class IfNull:
    value: Any


@dataclass(frozen=True, slots=True)
class Default:
    value: Any


Source: TypeAlias = Select | Constant | FirstOf | Template | Nested
Change: TypeAlias = Trim | Substitute | Lower | Split | Lookup | Convert | IfNull | Default


@dataclass(frozen=True, slots=True)
class Condition:
    path: Path
    at: Mark
    test: Literal["in", "present", "null", "above", "below", "at_least", "at_most"]
    values: tuple[Any, ...] = ()
    negated: bool = False
    #: True where `in` compares without case.
    fold: bool = False
    #: True where it compares without blanks around a text.
    trim: bool = False


@dataclass(frozen=True, slots=True)
class Combined:
    """Conditions of which all must hold, or any."""

    word: Literal["all", "any"]
    conditions: tuple[When, ...]
    negated: bool = False


When: TypeAlias = Condition | Combined


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How one field is made."""

    at: Mark
    source: Source
    #: Without it, the field is missing.
    when: When | None = None
    #: What becomes of the value, one after the other.
    changes: tuple[Change, ...] = ()
    required: bool = False
    type: JsonType | None = None
    nullable: bool = False
    #: `fold`: ids that this rule makes are the same where they differ in case alone.
    compare: Comparing | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """A rule that leaves records out."""

    reason: str
    #: Gives a constant where its condition is true.
    rule: Rule
    #: What becomes of a record that lacks what the condition reads.
    missing: Literal["reject", "keep", "skip"] = "reject"

    @property
    def needs(self) -> list[Path]:
        """The paths that have to lead somewhere for the condition to be decided."""
        read = [each for each in selects(self.rule) if not (isinstance(each, Condition) and each.test == "present")]
        return [each.path for each in read]


@dataclass(frozen=True, slots=True)
class Vendor:
    """`to: {vendor, body}`."""

    vendor: str
    body: str


@dataclass(frozen=True, slots=True)
class Parent:
    """A field that comes from an element which encloses the record."""

    field: str
    #: The number of steps of `records` that lead to the element.
    depth: int
    #: The names from there to the value.
    keys: tuple[str | int, ...]
    #: The rule that makes the field of a list of elements, instead of `keys`, ...
    rule: Rule | None = None
    #: ... with the steps of `records` that lead to each of them.
    depths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Test:
    """One entry of `tests:`."""

    name: str
    at: Mark
    input: Any
    expect: Any = None
    #: The field that must be refused, instead of `expect`.
    rejected: str | None = None
    #: The reason for which the record must be left out, instead of `expect`.
    skipped: str | None = None
    #: The values of `set:`.
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingFile:
    """One document of a mapping file."""

    name: str
    path: pathlib.Path
    at: Mark
    #: A vendor's body, or a kind of evidence.
    to: Vendor | str
    fields: Mapping[str, Rule]
    #: The kind of evidence that a vendor mapping reads.
    from_kind: str | None = None
    tables: Mapping[str, Mapping[object, Any]] = field(default_factory=dict)
    tests: tuple[Test, ...] = ()
    skips: tuple[Skip, ...] = ()
    #: Where the records of a document are: in the first of these places that it has. None: it is one record.
    records: tuple[Path, ...] = ()
    parents: tuple[Parent, ...] = ()
    #: Where a document has the token for the next page.
    incomplete_when: Path | None = None
    #: Where a document states the number of records in the whole list.
    total: Path | None = None
    #: True of a document that is a page without records, and has no place for them.
    empty_when: When | None = None
    context: tuple[str, ...] = ()
    #: The scalars that are missing wherever a path reads them.
    nothing: Nothing | None = None
    display_name: str | None = None
    #: The files that it includes: of tables, and of rules.
    included: tuple[pathlib.Path, ...] = ()

    @property
    def folds(self) -> bool:
        """True if its ids are the same where they differ in case alone."""
        rule = self.fields.get("id")
        return rule is not None and rule.compare == "fold"


def selects(rule: Rule) -> Iterator[Select | Condition]:
    """Every path of a rule that starts at the rule's own record; those inside `each` start at its items."""
    if rule.when is not None:
        yield from conditions_of(rule.when)
    match rule.source:
        case Select() as select:
            yield select
        case Template(parts):
            yield from (part for part in parts if isinstance(part, Select))
        case FirstOf(rules):
            for inner in rules:
                yield from selects(inner)
        case Nested(fields):
            for inner in fields.values():
                yield from selects(inner)


def conditions_of(when: When) -> Iterator[Condition]:
    """The conditions on one path each that a condition consists of."""
    if isinstance(when, Condition):
        yield when
    else:
        for inner in when.conditions:
            yield from conditions_of(inner)


def is_the_id(rule: Rule) -> bool:
    """True if a rule takes `$.id`."""
    return isinstance(rule.source, Select) and not rule.source.all and rule.source.path.text in ("$.id", "$['id']")
