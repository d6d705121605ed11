"""The places at which a path finds something in a record, as JSON pointers (RFC 6901)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonpath_ng import Child, DatumInContext, Fields, Index, Root

from proofport.mapping.language.paths import Path


def found_at(path: Path, record: object) -> Iterator[tuple[str, Any]]:
    """Each match of a path: its JSON pointer within the record, and its value."""
    try:
        found = path.tree.find(record)
    except Exception:  # some nodes of the library break on unfit data; the mapping has said so where that matters
        return
    for match in found:
        yield _pointer(match), match.value


def _pointer(match: DatumInContext) -> str:
    return "".join(f"/{escaped(step)}" for step in _steps(match.full_path))


def _steps(path: Any) -> Iterator[str]:
    match path:
        case Child():
            yield from _steps(path.left)
            yield from _steps(path.right)
        case Fields():
            yield from path.fields
        case Index():
            yield from map(str, path.indices)
        case Root():
            return


def escaped(step: str) -> str:
    """One step of a pointer."""
    return step.replace("~", "~0").replace("/", "~1")
