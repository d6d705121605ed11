"""Mapping files: one or more YAML documents, each checked whole before it is used."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from proofport.errors import UsageError
from proofport.evidence import KINDS, model_of
from proofport.mapping.language.conditions import condition
from proofport.mapping.language.kinds import check_fields, check_paths, field_of
from proofport.mapping.language.nodes import MappingFile, Parent, Test, Vendor, When, conditions_of
from proofport.mapping.language.parents import parent_of
from proofport.mapping.language.paths import Path
from proofport.mapping.language.rules import RuleReader, Tables, table_entries
from proofport.mapping.language.selection import OF_OPENING, opened, parse_path
from proofport.mapping.language.skips import refuse_other_names, skips_of
from proofport.mapping.language.values import Nothing, nothing
from proofport.text.wording import did_you_mean, listing
from proofport.text.yaml_nodes import (
    Block,
    Items,
    Keys,
    Mark,
    Node,
    Scalar,
    block_of,
    choice_of,
    content_of,
    data,
    items_of,
    kind_of,
    read_documents,
    text_of,
    what,
)

COMMON = ("mapping", "to", "fields", "skip", "tables", "tests")
MAX_PARENTS = 100
MAX_PLACES = 10
EXPECTED_RULES = "rules: field names with their rules"
OF_SOURCES = ("records", "parent", "incomplete_when", "total", "empty_when", "context", "nothing")
FORM = 'mapping: <folder>/<name>, for example "mapping: sources/aws.ec2.instances"'


def load_file(path: pathlib.Path) -> list[MappingFile]:
    """The mappings of one file, in its order. Raises MappingError, or UsageError when it cannot be read."""
    try:
        content = content_of(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="Check the path of the mapping file.") from None
    return read_mappings(content, path)


def read_mappings(content: bytes, path: pathlib.Path) -> list[MappingFile]:
    """The mappings of a file's content. Raises MappingError."""
    mappings = [_Document(path, node).mapping() for node in read_documents(content, str(path))]
    if not mappings:
        raise Mark(str(path), 1, 1).error("an empty file", f"a mapping, which begins with {FORM}")
    first: dict[str, MappingFile] = {}
    for mapping in mappings:
        twin = first.setdefault(mapping.name, mapping)
        if twin is not mapping:
            raise mapping.at.error(f"the mapping {mapping.name!r} again", f"it once: see line {twin.at.line}")
    return mappings


class _Document:
    """Reads one document of a file."""

    def __init__(self, path: pathlib.Path, node: Node) -> None:
        self.path = path
        self.included: list[pathlib.Path] = []
        if isinstance(node, Scalar):
            raise node.at.error(kind_of(node), f"a mapping, which begins with {FORM}")
        block = block_of(node, f"a mapping, which begins with {FORM}")
        refuse_other_names(block)
        self.keys = Keys(block, (*COMMON, "from", *OF_SOURCES), "a mapping file")

    def mapping(self) -> MappingFile:
        keys = self.keys
        name = keys.need("mapping", FORM)
        to, shown = self._to()
        from_kind = self._from_kind(to)
        tables = keys.read("tables", self._tables, {})
        rules, compared = keys.need("fields", "fields: a rule for each field"), "id" if from_kind is None else None
        words = keys.read("nothing", nothing, None)
        reader = RuleReader(tables, words)
        fields = reader.fields(self._with_included(rules), compared=compared)
        known = f"one of the fields: {listing(list(fields))}"
        display_name = choice_of(shown, list(fields), known) if shown is not None else None
        records = keys.read("records", lambda node: _records(node, words), ())
        if not records:
            keys.refuse(("parent", "total", "empty_when"), "without 'records'", "records: where the records are")
        if len(records) > 1:
            keys.refuse(("parent",), "beside several places of records", "one place, which `parent:` follows")
        mapping = MappingFile(
            name=text_of(name, FORM),
            path=self.path,
            at=name.at,
            to=to,
            from_kind=from_kind,
            fields=fields,
            tables=tables,
            tests=keys.read("tests", lambda node: tuple(map(_test, items_of(node, "a list of tests"))), ()),
            skips=keys.read("skip", skips_of, ()),
            records=records,
            parents=keys.read("parent", lambda node: _parents(node, records[0], str(to), reader), ()),
            incomplete_when=keys.read("incomplete_when", _document_path, None),
            total=keys.read("total", _document_path, None),
            empty_when=keys.read("empty_when", _document_condition, None),
            context=keys.read("context", lambda node: _context(node, str(to)), ()),
            nothing=words,
            display_name=display_name,
            included=tuple(self.included),
        )
        if from_kind is not None:
            read = [*fields.values(), *(skip.rule for skip in mapping.skips)]
            check_paths(read, model_of(from_kind), from_kind)
        else:
            made = {*fields, *mapping.context, *(parent.field for parent in mapping.parents)}
            check_fields(mapping, made, model_of(str(to)), str(to))
        return mapping

    def _to(self) -> tuple[Vendor | str, Node | None]:
        node = self.keys.need("to", "to: {vendor: …, body: …}, or to: {evidence: <kind>}")
        to = Keys(block_of(node, "to: {vendor: …, body: …}"), ("vendor", "body", "evidence", "display_name"), "to")
        if "evidence" in to:
            to.refuse(("vendor", "body", "display_name"), "beside 'evidence'", "vendor: and body:, or evidence: alone")
            return _kind(to.need("evidence", "")), None
        vendor = text_of(to.need("vendor", "vendor: and body:, or evidence:"), "a vendor's name")
        body = text_of(to.need("body", "body: which of the vendor's bodies this makes"), "a body's name")
        return Vendor(vendor, body), to.get("display_name")

    def _from_kind(self, to: Vendor | str) -> str | None:
        if isinstance(to, Vendor):
            self.keys.refuse(OF_SOURCES, "in a vendor mapping", "it in source mappings only")
            return _kind(self.keys.need("from", "from: <kind>, the kind of evidence that this vendor mapping reads"))
        hint = "A source mapping reads a tool's raw documents, which have no kind."
        self.keys.refuse(("from",), "in a source mapping", "no 'from'", hint)
        return None

    def _tables(self, node: Node) -> Tables:
        block = block_of(node, "tables: {name: {value: what it becomes}}")
        return {text_of(key, "a table's name"): self._table(value) for key, value in block.entries}

    def _table(self, node: Node) -> Mapping[object, Any]:
        if isinstance(node, Block) and [key.text for key, _ in node.entries] == ["include"]:
            node = self._included(node.entries[0][1], "a table: values and what they become")
        return table_entries(node)

    def _with_included(self, node: Node) -> Node:
        """The rules of `fields:`, after those of a file that it includes."""
        entries = node.entries if isinstance(node, Block) else ()
        names = [value for key, value in entries if key.text == "include" and not _is_rule(value)]
        if not isinstance(node, Block) or not names:
            return node
        rules = block_of(self._included(names[0], EXPECTED_RULES), EXPECTED_RULES)
        own = [(key, value) for key, value in entries if value is not names[0]]
        there = {key.text for key, _ in rules.entries}
        for key, _ in own:
            if key.text in there:
                raise key.at.error(f"the field {key.text!r} again", f"it once: {rules.at.file} has a rule for it")
        return replace(node, entries=(*rules.entries, *own))

    def _included(self, node: Node, expected: str) -> Node:
        """The only document of another file."""
        name = text_of(node, "the path of a file beside this one")
        if pathlib.PurePath(name).is_absolute():
            raise node.at.error(repr(name), "a path relative to this file")
        file = self.path.parent / name
        try:
            if not file.resolve().is_relative_to(self.path.parent.resolve()):
                raise node.at.error(repr(name), "a file in the folder of this file, or below it")
            documents = list(read_documents(content_of(file), str(file)))
        except OSError as error:
            raise node.at.error(f"{name!r}: {error.strerror}", "a file, relative to this file") from None
        if len(documents) != 1:
            raise node.at.error(f"{name!r} with {len(documents)} documents", "a file with one document")
        if isinstance(documents[0], Scalar):
            raise documents[0].at.error(kind_of(documents[0]), expected)
        self.included.append(file)
        return documents[0]


def _is_rule(node: Node) -> bool:
    """True for what a field that happens to be called `include` may have: a path, or more than that."""
    return not isinstance(node, Scalar) or node.text.startswith("$")


def _field(node: Node, kind: str) -> str:
    """The name of a field of the evidence."""
    name = text_of(node, "a field")
    field_of(model_of(kind), name, node.at, kind)
    return name


def _parents(node: Node, records: Path, kind: str, reader: RuleReader) -> tuple[Parent, ...]:
    block = block_of(node, "parent: {field: path from the document}")
    if len(block.entries) > MAX_PARENTS:
        raise block.entries[MAX_PARENTS][0].at.error("one more field", f"at most {MAX_PARENTS} under parent")
    return tuple(parent_of(_field(key, kind), reader.rule(value), records) for key, value in block.entries)


def _context(node: Node, kind: str) -> tuple[str, ...]:
    return tuple(_field(item, kind) for item in items_of(node, "context: [field, …]"))


def _document_path(node: Node) -> Path:
    """A path over whole documents, on which nothing may break."""
    path = parse_path(node)
    if not path.compiled or path.transforms:
        raise node.at.error(repr(path.text), "a path of names, indices, slices, [*], .. and plain filters")
    return path


def _document_condition(node: Node) -> When:
    """A condition on whole documents, on which nothing may break."""
    found = condition(node)
    for each in conditions_of(found):
        if not (each.path.compiled and each.path.singular) or each.path.transforms:
            raise node.at.error(repr(each.path.text), "a path of names and indices")
    return found


def _records(node: Node, words: Nothing | None) -> tuple[Path, ...]:
    """Where the records are: one place, or several, which are tried in turn."""
    nodes = node.items if isinstance(node, Items) else (node,)
    if not 0 < len(nodes) <= MAX_PLACES:
        raise node.at.error(f"{len(nodes)} places", f"one place of records, or up to {MAX_PLACES}")
    found: list[Path] = []
    for each in nodes:
        if found and not found[-1].steps:
            raise each.at.error("a place after $", "$ as the last place: each document has it")
        place = _place(each, words)
        if place.text in (other.text for other in found):
            raise each.at.error(f"{place.text} again", "each place once")
        found.append(place)
    return tuple(found)


def _place(node: Node, words: Nothing | None) -> Path:
    """One place of records: a path, or one that goes on in what it opens."""
    if not isinstance(node, Block):
        return _document_path(node)
    keys = Keys(node, ("path", *OF_OPENING), "records")
    path = _document_path(keys.need("path", "path: where the records are"))
    return opened(path, keys, _document_path, words)[0]


def _kind(node: Node) -> str:
    name = text_of(node, "a kind of evidence")
    try:
        model_of(name)
    except UsageError as error:
        raise node.at.error(
            f"the kind {name!r}", error.message.split("; ")[-1], hint=did_you_mean(name, KINDS)
        ) from None
    return name


def _test(node: Node) -> Test:
    block = block_of(node, "a test: {name, input, expect}")
    keys = Keys(block, ("name", "input", "expect", "rejected", "skipped", "set"), "a test")
    given = keys.given(("expect", "rejected", "skipped"))
    if len(given) != 1:
        expected = "expect: what comes out, rejected: the field at fault, or skipped: the reason"
        raise node.at.error(" and ".join(given) or "none of three", expected)
    return Test(
        name=text_of(keys.need("name", "a name that says what is tested"), "the test's name"),
        at=node.at,
        input=data(keys.need("input", "the document or record that goes in")),
        expect=keys.read("expect", data, None),
        rejected=keys.read("rejected", lambda node: text_of(node, "the field at fault"), None),
        skipped=keys.read("skipped", lambda node: text_of(node, "the reason why it is left out"), None),
        values=keys.read("set", _set, {}),
    )


def _set(node: Node) -> dict[str, str]:
    entries: dict[str, str] = {}
    for key, value in block_of(node, "set: {name: value}").entries:
        if not isinstance(value, Scalar):
            raise value.at.error(what(value), "text, as --set gives it")
        entries[key.text] = value.text
    return entries
