"""Lists. Version 2 pages with a cursor that is null at the end, version 1 with page numbers and a total."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from proofport.adapter import Flow
from proofport.wire import Call
from proofport_drata.answers import (
    CHECK_OBJECTS,
    CHECK_PARAMETERS,
    LIST_CONNECTIONS,
    LIST_MANAGED,
    expect_ok,
    malformed,
)

PAGE_SIZE = 500
"""The largest page of version 2 (OpenAPI v2, parameter `size`)."""

V1_CONNECTIONS = "/public/connections"
V1_PAGE_SIZE = 50
"""The largest page of version 1 (OpenAPI v1, parameter `limit`)."""

Rows = list[dict[str, Any]]
Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class DrataList:
    """A list of version 2."""

    operation: str
    path: str
    permission: str = LIST_CONNECTIONS
    #: Query parameters beside `size` and `cursor`.
    query: Query = ()
    #: The hint of a 404.
    missing: str = CHECK_OBJECTS

    def page(self, cursor: str | None = None, size: int = PAGE_SIZE) -> Flow[tuple[Rows, str | None]]:
        """The rows of a page, and the cursor of the next one. None: this is the last page."""
        query = (("size", str(size)), *self.query, *((("cursor", cursor),) if cursor else ()))
        reply = yield Call(self.operation, "GET", self.path, query)
        answer = expect_ok(reply, self.operation.replace("_", " "), self.permission, missing=self.missing)
        rows = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise malformed(f"{self.operation} gave no list of rows")
        return rows, self._next_cursor(answer, cursor)

    def rows(self, start: str | None = None) -> Flow[Rows]:
        """The rows of all pages from the cursor `start` on."""
        rows, cursor = yield from self.page(start)
        seen: set[str] = set()
        while cursor is not None:
            if cursor in seen:
                raise malformed(f"{self.operation} repeats the cursor {cursor!r}")
            seen.add(cursor)
            more, cursor = yield from self.page(cursor)
            rows += more
        return rows

    def _next_cursor(self, answer: dict[str, Any], current: str | None) -> str | None:
        """Only null ends the list. A missing, empty or repeated cursor would cut it short, or repeat it, unnoticed."""
        pagination = answer.get("pagination")
        if not isinstance(pagination, dict) or "cursor" not in pagination:
            raise malformed(f"{self.operation} gave no cursor")
        cursor = pagination["cursor"]
        if cursor is None:
            return None
        if not isinstance(cursor, str) or not cursor or cursor == current:
            raise malformed(f"{self.operation} gave the cursor {cursor!r} after {current!r}")
        return cursor


# ------------------------------------------------------------------ version 1
def v1_page(query: Query) -> Flow[dict[str, Any]]:
    """A page of the list of all connections. It alone shows identity providers."""
    call = Call("v1_list_connections", "GET", V1_CONNECTIONS, query)
    answer = expect_ok((yield call), "list connections", LIST_MANAGED, missing=CHECK_PARAMETERS)
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or not isinstance(answer.get("total"), int):
        raise malformed("v1_list_connections gave no rows and total")
    return dict(answer)


def v1_rows(query: Query = ()) -> Flow[Rows]:
    """The rows of all pages."""
    rows: Rows = []
    page = 1
    while True:
        answer = yield from v1_page((*query, ("page", str(page)), ("limit", str(V1_PAGE_SIZE))))
        rows += answer["data"]
        if len(rows) >= answer["total"]:
            return rows
        if not answer["data"]:
            raise malformed(f"v1_list_connections ended at {len(rows)} of {answer['total']} rows")
        page += 1
