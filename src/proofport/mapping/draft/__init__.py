"""Drafts of source mappings from samples: `draft` is all that others use."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from proofport.errors import UsageError
from proofport.mapping.draft.document import written
from proofport.mapping.draft.drafting import Rules, rules_of
from proofport.mapping.draft.finding import find
from proofport.sources import Reader

__all__ = ["Rules", "draft"]

MOST_DOCUMENTS = 2_000
WITH_RECORDS = "Give a file with some records: JSON objects, or rows of CSV."


def draft(reader: Reader, kind: str, name: str) -> tuple[str, Rules]:
    """The text of a source mapping drafted from a sample, and its rules. Raises UsageError where it holds no record."""
    read = [document for _, document in islice(reader, MOST_DOCUMENTS)]
    documents = [document for document in read if isinstance(document, dict | list)]
    if not any(documents):
        why = "it has no record that can be read" if read else "it is empty"
        raise UsageError(f"nothing can be drafted from {reader.name}: {why}", hint=WITH_RECORDS)
    found = find(kind, documents, name, many=not reader.whole)
    if not any(column.scalar and column.given for column in found.columns):
        raise UsageError(f"nothing can be drafted from {reader.name}: its records have no fields", hint=WITH_RECORDS)
    rules = replace(rules_of(kind, documents, name, found), header=list(reader.header or ()))
    if not rules.fields:
        raise UsageError(f"nothing can be drafted from {reader.name}: no column fits {kind}", hint="Is --kind right?")
    head = [
        f"Drafted from {_shown(reader.name)}, {len(rules.found.held):,} of its records. "
        "Read each rule; those after a `check:` may be wrong. The tests have other values than the sample."
    ]
    if len(documents) < len(read):
        head.append(f"{len(read) - len(documents):,} records of the sample could not be read.")
    return written(rules, head), rules


def _shown(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]
