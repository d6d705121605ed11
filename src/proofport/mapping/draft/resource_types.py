"""The type of each cloud resource, where a file has several: with the words that built-in sources have for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from proofport.mapping.draft import values as shapes
from proofport.mapping.draft.names import words_of
from proofport.mapping.draft.rules import Proposal
from proofport.mapping.draft.shape import Column
from proofport.mapping.draft.words import distinct
from proofport.mapping.library import builtin_folder
from proofport.text.yaml_nodes import content_of, data, read_documents

_TYPE = re.compile(r"[A-Za-z0-9.]+(/[A-Za-z0-9.]+)+|[A-Za-z0-9]+(::[A-Za-z0-9]+)+")


@cache
def _words() -> Mapping[str, str]:
    """The neutral types of those that clouds and tools name, from the tables of built-in sources."""
    files = sorted((builtin_folder() / "sources" / "tables").glob("*_types.yaml"))
    tables = [data(node) for file in files for node in read_documents(content_of(file), file.name)]
    return {str(name).casefold(): word for table in tables for name, word in table.items()}


def several_types(columns: Sequence[Column]) -> Iterator[tuple[str, Proposal]]:
    for column in columns:
        last = words_of(column.names[-1])[-1:] if column.names else []
        if last not in (["type"], ["kind"]) or not column.given or not column.scalar:
            continue
        table = {each: _words()[name] for each in distinct(column.given) if (name := str(each).casefold()) in _words()}
        doubts = ["vendors' tables know types such as azure.compute.virtual_machine: add those that are missing"]
        rule: dict[str, Any] = {"path": column.path, "table": table, "fold": True, "unknown": "keep"}
        if not column.whole:
            if len(set(table.values())) != 1 or len(table) < len(distinct(column.given)):
                continue
            rule["default"] = next(iter(table.values()))
            doubts.append(f"a record that names no type counts as {rule['default']}")
        if table or (column.names == ("type",) and shapes.all_match(_TYPE, column.given)):
            yield "type", Proposal(rule if table else column.path, tuple(doubts), (column.path,))
