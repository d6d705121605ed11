"""Mapping files: one or more YAML documents, each checked whole before it is used."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

from proofport.errors import UsageError
from proofport.evidence import KINDS, model_of
from proofport.mapping.language import paths
from proofport.mapping.language.kinds import check_paths, check_source_fields
from proofport.mapping.language.nodes import MappingFile, Parent, Rule, Test, Vendor
from proofport.mapping.language.paths import Path
from proofport.mapping.language.rules import RuleReader, Tables, parse_path, table_entries
from proofport.text.wording import did_you_mean, listing
from proofport.text.yaml_nodes import (
    Block,
    Keys,
    Mark,
    Node,
    Scalar,
    block_of,
    data,
    items_of,
    read_documents,
    text_of,
    what,
)

COMMON = ("mapping", "to", "fields", "tables", "tests")
OF_SOURCES = ("records", "parent", "incomplete_when", "context")
FORM = 'mapping: <folder>/<name>, for example "mapping: sources/aws.ec2.instances"'


def load_file(path: pathlib.Path) -> list[MappingFile]:
    """The mappings of one file, in its order. Raises MappingError, or UsageError when it cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="Check the path of the mapping file.") from None
    mappings = [_Document(path, node).mapping() for node in read_documents(content, str(path))]
    if not mappings:
        raise Mark(str(path), 1, 1).error("an empty file", f"a mapping, which begins with {FORM}")
    _refuse_twins(mappings)
    return mappings


def _refuse_twins(mappings: list[MappingFile]) -> None:
    first: dict[str, MappingFile] = {}
    for mapping in mappings:
        twin = first.setdefault(mapping.name, mapping)
        if twin is not mapping:
            raise mapping.at.error(f"the mapping {mapping.name!r} again", f"it once: see line {twin.line}")


class _Document:
    """Reads one document of a file."""

    def __init__(self, path: pathlib.Path, node: Node) -> None:
        self.path = path
        self.keys = Keys(
            block_of(node, f"a mapping, which begins with {FORM}"), (*COMMON, "from", *OF_SOURCES), "a mapping file"
        )

    def mapping(self) -> MappingFile:
        name_node = self.keys.need("mapping", FORM)
        to, display_name = self._to()
        tables = self._tables()
        reader = RuleReader(tables)
        fields = reader.fields(self.keys.need("fields", "fields: a rule for each field"))
        records = self._path("records")
        mapping = MappingFile(
            name=text_of(name_node, FORM),
            path=self.path,
            line=name_node.at.line,
            at=name_node.at,
            to=to,
            from_kind=self._from_kind(to),
            fields=fields,
            tables=tables,
            tests=self._tests(),
            records=records,
            parents=self._parents(records),
            incomplete_when=self._path("incomplete_when"),
            context=self._context(),
            display_name=self._display_name(display_name, fields),
        )
        self._check(mapping)
        return mapping

    def _to(self) -> tuple[Vendor | str, Node | None]:
        node = self.keys.need("to", "to: {vendor: …, body: …}, or to: {evidence: <kind>}")
        to = Keys(block_of(node, "to: {vendor: …, body: …}"), ("vendor", "body", "evidence", "display_name"), "to")
        evidence = to.get("evidence")
        if evidence is None:
            vendor = text_of(to.need("vendor", "vendor: and body:, or evidence:"), "a vendor's name")
            body = text_of(to.need("body", "body: which of the vendor's bodies this makes"), "a body's name")
            return Vendor(vendor, body), to.get("display_name")
        for key in to.given(("vendor", "body", "display_name")):
            raise to.marks[key].error(f"{key!r} beside 'evidence'", "vendor: and body:, or evidence: alone")
        return _kind(evidence), None

    def _from_kind(self, to: Vendor | str) -> str | None:
        if isinstance(to, Vendor):
            for key in self.keys.given(OF_SOURCES):
                raise self.keys.marks[key].error(f"{key!r} in a vendor mapping", f"{key!r} in source mappings only")
            return _kind(self.keys.need("from", "from: <kind>, the kind of evidence that this vendor mapping reads"))
        if "from" in self.keys:
            hint = "A source mapping reads a tool's raw documents, which have no kind."
            raise self.keys.marks["from"].error("'from' in a source mapping", "no 'from'", hint=hint)
        return None

    def _path(self, key: str) -> Path | None:
        """A path over whole documents, on which nothing may break."""
        node = self.keys.get(key)
        if node is None:
            return None
        path = parse_path(node)
        if not path.compiled or path.transforms:
            expected = "a path of names, indices, slices, [*], .. and plain filters"
            raise node.at.error(repr(path.text), expected)
        return path

    def _parents(self, records: Path | None) -> tuple[Parent, ...]:
        node = self.keys.get("parent")
        if node is None:
            return ()
        if records is None:
            raise self.keys.marks["parent"].error("'parent' without 'records'", "records: where the records are")
        block = block_of(node, "parent: {field: path from the document}")
        return tuple(_parent(text_of(key, "a field"), value, records) for key, value in block.entries)

    def _context(self) -> tuple[str, ...]:
        node = self.keys.get("context")
        if node is None:
            return ()
        return tuple(text_of(item, "a field") for item in items_of(node, "context: [field, …]"))

    def _display_name(self, node: Node | None, fields: Mapping[str, Rule]) -> str | None:
        if node is None:
            return None
        name = text_of(node, "the field that a person knows the record by")
        if name not in fields:
            raise node.at.error(
                repr(name), f"one of the fields: {listing(list(fields))}", hint=did_you_mean(name, fields)
            )
        return name

    def _tables(self) -> Tables:
        node = self.keys.get("tables")
        if node is None:
            return {}
        block = block_of(node, "tables: {name: {value: what it becomes}}")
        return {text_of(key, "a table's name"): self._table(value) for key, value in block.entries}

    def _table(self, node: Node) -> Mapping[object, Any]:
        if isinstance(node, Block) and [key.text for key, _ in node.entries] == ["include"]:
            return self._included(node.entries[0][1])
        return table_entries(node)

    def _included(self, node: Node) -> Mapping[object, Any]:
        name = text_of(node, "the path of a file beside this one")
        if pathlib.PurePath(name).is_absolute():
            raise node.at.error(repr(name), "a path relative to this file")
        file = self.path.parent / name
        try:
            documents = list(read_documents(file.read_bytes(), str(file)))
        except OSError as error:
            raise node.at.error(f"{name!r}: {error.strerror}", "a file with a table, relative to this file") from None
        if len(documents) != 1:
            raise node.at.error(f"{name!r} with {len(documents)} documents", "a file with one table")
        return table_entries(documents[0])

    def _tests(self) -> tuple[Test, ...]:
        node = self.keys.get("tests")
        return tuple(map(_test, items_of(node, "a list of tests"))) if node is not None else ()

    def _check(self, mapping: MappingFile) -> None:
        if mapping.from_kind is not None:
            check_paths(mapping.fields.values(), mapping.from_kind)
        else:
            for key in self.keys.given(("parent", "context")):
                self._check_names(key, mapping)
            check_source_fields(mapping)

    def _check_names(self, key: str, mapping: MappingFile) -> None:
        """`parent:` and `context:` name fields of the evidence."""
        assert isinstance(mapping.to, str)
        model = model_of(mapping.to)
        node = self.keys.need(key, "")
        names = [name for name, _ in node.entries] if isinstance(node, Block) else getattr(node, "items", ())
        for name in names:
            if name.text not in model.model_fields and model.model_config.get("extra") != "allow":
                hint = did_you_mean(name.text, model.model_fields)
                raise name.at.error(f"the field {name.text!r}", f"a field of {mapping.to}", hint=hint)


def _kind(node: Node) -> str:
    name = text_of(node, "a kind of evidence")
    try:
        model_of(name)
    except UsageError as error:
        raise node.at.error(
            f"the kind {name!r}", error.message.split("; ")[-1], hint=did_you_mean(name, KINDS)
        ) from None
    return name


def _parent(field: str, node: Node, records: Path) -> Parent:
    path = parse_path(node)
    keys: list[paths.Key] = []
    depth = paths.common(records.steps, path.steps)
    for step in path.steps[depth:]:
        key = paths.key_of(step)
        if key is None:
            expected = f"a path that follows records ({records.text}) to the enclosing element, then names only"
            raise node.at.error(repr(path.text), expected)
        keys.append(key)
    return Parent(field, depth, tuple(keys))


def _test(node: Node) -> Test:
    keys = Keys(
        block_of(node, "a test: {name, input, expect}"), ("name", "input", "expect", "rejected", "set"), "a test"
    )
    name = text_of(keys.need("name", "a name that says what is tested"), "the test's name")
    given = keys.given(("expect", "rejected"))
    if len(given) != 1:
        raise node.at.error(" and ".join(given) or "neither", "expect: what comes out, or rejected: the field at fault")
    rejected = keys.get("rejected")
    values = keys.get("set")
    return Test(
        name=name,
        at=node.at,
        input=data(keys.need("input", "the document or record that goes in")),
        expect=data(keys.need("expect", "")) if rejected is None else None,
        rejected=text_of(rejected, "the field at fault") if rejected is not None else None,
        values=_set(values) if values is not None else {},
    )


def _set(node: Node) -> dict[str, str]:
    entries: dict[str, str] = {}
    for key, value in block_of(node, "set: {name: value}").entries:
        if not isinstance(value, Scalar):
            raise value.at.error(what(value), "text, as --set gives it")
        entries[key.text] = value.text
    return entries
