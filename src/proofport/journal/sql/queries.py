"""Reads the .sql files of a journal: named queries, each with a line that says what it does.

    -- name: end_run
    -- Ends a run.
    UPDATE runs SET state = :state WHERE number = :number;

`{name}` in a query stands for another one of that name. `{where}` stays: it is what a query is asked with.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files

TOPICS = (
    *("access", "clock", "copies", "erasing", "intents", "known", "lanes", "notices", "queue", "receipts", "registry"),
    *("retention", "runs", "snapshots"),
)
"""The files that both journals have."""

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_INCLUDED = re.compile(r"\{(?!where\})(\w+)\}")


def load(package: str, topics: Sequence[str]) -> Mapping[str, str]:
    """The queries of TOPIC.sql for each of `topics`, by name."""
    found: dict[str, str] = {}
    for topic in topics:
        _, *parts = _NAME.split((files(package) / f"{topic}.sql").read_text(encoding="utf-8"))
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            if name in found or not text.startswith("-- "):
                raise ValueError(f"{topic}.sql: the query {name} has no description, or exists already")
            found[name] = _without_comments(text)
    return {name: _completed(text, found) for name, text in found.items()}


def _without_comments(text: str) -> str:
    lines = (line for line in text.splitlines() if not line.startswith("--"))
    return "\n".join(lines).strip().removesuffix(";")


def _completed(text: str, queries: Mapping[str, str]) -> str:
    while _INCLUDED.search(text):
        text = _INCLUDED.sub(lambda found: queries[found[1]], text)
    return text
