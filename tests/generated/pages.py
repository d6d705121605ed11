"""The places of the tables in `docs/`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.generated import drafts, fields, matrix, sources, vanta

DOCS = Path(__file__).parents[2] / "docs"
PLACE = re.compile(r"(?<=<!-- generated: )([\w :]+)( -->\n)(.*?)(?=<!-- end -->)", re.DOTALL)

_MODULES = (drafts, fields, matrix, sources, vanta)
TABLES: Mapping[str, Callable[[], str]] = {name: make for each in _MODULES for name, make in each.TABLES.items()}


def places() -> Iterator[tuple[Path, str, str]]:
    """Every page with a table, the table's name, and its text there."""
    for page in sorted(DOCS.glob("*.md")):
        for found in PLACE.finditer(page.read_text(encoding="utf-8")):
            yield page, found[1], found[3].strip()


def write() -> None:
    for page in {page for page, _, _ in places()}:
        text = page.read_text(encoding="utf-8")
        page.write_text(PLACE.sub(lambda found: f"{found[1]}{found[2]}{TABLES[found[1]]()}\n", text), encoding="utf-8")
