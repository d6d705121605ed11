"""Lists of version 2: a cursor until null."""

from __future__ import annotations

from typing import Any

from proofport.adapter import Flow
from proofport.wire import Call
from proofport_drata.answers import CHECK_OBJECTS, LIST_CONNECTIONS, expect_ok, malformed

PAGE_SIZE = 500
"""The largest page (the vendor's OpenAPI v2, parameter `size`)."""

Rows = list[dict[str, Any]]
Query = tuple[tuple[str, str], ...]


def one_page(
    operation: str,
    path: str,
    cursor: str | None,
    *,
    query: Query = (),
    permission: str = LIST_CONNECTIONS,
    missing: str = CHECK_OBJECTS,
) -> Flow[tuple[Rows, str | None]]:
    """The rows of a page and the cursor of the next one, None at the end. `query`: more than size and cursor."""
    size = () if any(name == "size" for name, _ in query) else (("size", str(PAGE_SIZE)),)
    asked = size + query + ((("cursor", cursor),) if cursor else ())
    words = operation.replace("_", " ")
    answer = expect_ok((yield Call(operation, "GET", path, asked)), words, permission, missing=missing)
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise malformed(f"{operation} gave no list of rows")
    return rows, _next_cursor(operation, answer, cursor)


def every_row(
    operation: str,
    path: str,
    *,
    query: Query = (),
    permission: str = LIST_CONNECTIONS,
    missing: str = CHECK_OBJECTS,
    start: str | None = None,
) -> Flow[Rows]:
    """All pages from the cursor `start` on."""
    rows: Rows = []
    seen: set[str] = set()
    cursor = start
    while True:
        page, cursor = yield from one_page(operation, path, cursor, query=query, permission=permission, missing=missing)
        rows += page
        if cursor is None:
            return rows
        if cursor in seen:
            raise malformed(f"{operation} repeats the cursor {cursor!r}")
        seen.add(cursor)


def _next_cursor(operation: str, answer: dict[str, Any], current: str | None) -> str | None:
    """Null is the end. A missing, empty or repeated cursor would end or repeat the list unseen (as gram does)."""
    pagination = answer.get("pagination")
    if not isinstance(pagination, dict) or "cursor" not in pagination:
        raise malformed(f"{operation} gave no cursor")
    cursor = pagination["cursor"]
    if cursor is None:
        return None
    if not isinstance(cursor, str) or not cursor or cursor == current:
        raise malformed(f"{operation} gave the cursor {cursor!r} after {current!r}")
    return cursor
