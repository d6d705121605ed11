"""The list of all connections of version 1, in which alone identity providers are seen."""

from __future__ import annotations

from typing import Any

from proofport.adapter import Flow
from proofport.wire import Call
from proofport_drata.answers import CHECK_PARAMETERS, LIST_MANAGED, expect_ok, malformed
from proofport_drata.paging import Query, Rows

CONNECTIONS = "/public/connections"
LIMIT = 50
"""The largest page (OpenAPI v1, `limit`)."""


def one_page(query: Query) -> Flow[dict[str, Any]]:
    call = Call("v1_list_connections", "GET", CONNECTIONS, query)
    answer = expect_ok((yield call), "list connections", LIST_MANAGED, missing=CHECK_PARAMETERS)
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or not isinstance(answer.get("total"), int):
        raise malformed("v1_list_connections gave no rows and total")
    return dict(answer)


def every_connection(query: Query = ()) -> Flow[Rows]:
    rows: Rows = []
    page = 1
    while True:
        answer = yield from one_page((*query, ("page", str(page)), ("limit", str(LIMIT))))
        rows += answer["data"]
        if len(rows) >= answer["total"]:
            return rows
        if not answer["data"]:
            raise malformed(f"v1_list_connections ended at {len(rows)} of {answer['total']} rows")
        page += 1
