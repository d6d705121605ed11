"""Lists. Version 2 pages with a cursor that is null at the end, version 1 with page numbers and a total."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from proofport.adapter import Flow, Observed, Page, Walk
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
class DrataPage:
    """A page of a list of version 2."""

    rows: Rows
    cursor: str | None  #: That of the next page. None: this is the last one.
    total: int | None  #: The rows of the whole list, where the answer says it.


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

    def page(self, cursor: str | None = None, size: int = PAGE_SIZE) -> Flow[DrataPage]:
        """One page. The first one says how many rows the list has."""
        place = ("cursor", cursor) if cursor else ("includeTotalCount", "true")
        reply = yield Call(self.operation, "GET", self.path, (("size", str(size)), *self.query, place))
        expect_ok(reply, self.operation.replace("_", " "), self.permission, missing=self.missing)
        answer = reply.expect(dict, "data", "pagination", of=self.operation)
        rows, pagination = answer["data"], answer["pagination"]
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise malformed(f"{self.operation} gave no list of rows")
        if not isinstance(pagination, dict) or "cursor" not in pagination:
            raise malformed(f"{self.operation} gave no cursor")
        total = pagination.get("totalCount")
        return DrataPage(rows, self._next_cursor(pagination["cursor"], cursor), total if type(total) is int else None)

    def observed(self, cursor: str | None, key: str, made: Callable[[dict[str, Any]], Observed]) -> Flow[Page]:
        """One page, each row `made` into a record. Raises Retryable where a row lacks the text that it is known by."""
        page = yield from self.page(cursor)
        if not all(isinstance(row.get(key), str) for row in page.rows):
            raise malformed(f"{self.operation} gave a row without {key}")
        return Page(list(map(made, page.rows)), page.cursor, page.total)

    def rows(self, start: str | None = None) -> Flow[Rows]:
        """The rows of all pages from the cursor `start` on."""
        walk, rows, cursor = Walk(f"Drata's answer to {self.operation}"), Rows(), start
        while True:
            page = yield from self.page(cursor)
            rows += page.rows
            cursor = page.cursor
            walk.step(page.rows, cursor, total=page.total)
            if cursor is None:
                return rows

    def _next_cursor(self, cursor: object, current: str | None) -> str | None:
        """Only null ends the list. A missing, empty or repeated cursor would cut it short, or repeat it, unnoticed."""
        if cursor is None:
            return None
        if not isinstance(cursor, str) or not cursor or cursor == current:
            raise malformed(f"{self.operation} gave the cursor {cursor!r} after {current!r}")
        return cursor


# ------------------------------------------------------------------ version 1
def v1_page(query: Query) -> Flow[dict[str, Any]]:
    """A page of the list of all connections. It alone shows identity providers."""
    call = Call("v1_list_connections", "GET", V1_CONNECTIONS, query)
    reply = yield call
    expect_ok(reply, "list connections", LIST_MANAGED, missing=CHECK_PARAMETERS)
    answer = reply.expect(dict, "data", "total", of="v1_list_connections")
    if not isinstance(answer["data"], list) or not isinstance(answer["total"], int):
        raise malformed("v1_list_connections gave no rows and total")
    return answer


def v1_rows(query: Query = ()) -> Flow[Rows]:
    """The rows of all pages. The total, or an empty page, ends the list."""
    walk, rows, page = Walk("Drata's answer to v1_list_connections"), Rows(), 1
    while True:
        answer = yield from v1_page((*query, ("page", str(page)), ("limit", str(V1_PAGE_SIZE))))
        rows += answer["data"]
        ends = len(rows) >= answer["total"] or not answer["data"]
        page += 1
        walk.step(answer["data"], None if ends else page, total=answer["total"])
        if ends:
            return rows
