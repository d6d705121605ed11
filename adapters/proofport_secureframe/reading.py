"""Reading back: what the vendor lists. It lags behind publishing, by minutes or more; absence proves nothing yet."""

from __future__ import annotations

from proofport.adapter import Flow, Observed, Page
from proofport.errors import Retryable
from proofport.wire import Call
from proofport_secureframe.answers import refuse

PAGE_SIZE = 100
"""Larger pages are cut to 100 without an error (observed)."""

LISTS = {"cloud_resource": "/cloud_resources", "personnel_account": "/user_accounts"}
"""Training records and schemas without a model have no endpoint to read them at (R2, R3)."""

HINT_403 = "Reading needs a permission of its own; publishing may work all the same."


def page_of(kind: str, vendor_name: str, cursor: str | None) -> Flow[Page]:
    """One page, by number. The end is an empty page: a short one is no proof of it, and `meta` may be missing.

    The id is `third_party_id` (assumed to carry the published id); filter values are case-sensitive.
    """
    number = int(cursor or 1)
    query = (("q", f"vendor_name:{_quoted(vendor_name)}"), ("page", str(number)), ("per_page", str(PAGE_SIZE)))
    reply = yield Call(f"list_{kind}s", "GET", LISTS[kind], query)
    if not reply.ok:
        refuse(reply, f"list {kind}s", HINT_403)
    answer = reply.json()
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise Retryable(f"Secureframe's answer cannot be relied on: the list of {kind}s has no data")
    attributes = [
        row["attributes"] for row in rows if isinstance(row, dict) and isinstance(row.get("attributes"), dict)
    ]
    records = [Observed(str(a["third_party_id"]), a) for a in attributes if a.get("third_party_id") is not None]
    return Page(records, str(number + 1) if rows else None)


def _quoted(value: str) -> str:
    """A Lucene phrase."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
