"""Reading back: what the vendor lists. It lags behind publishing, by minutes or more; absence proves nothing yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofport.adapter import Flow, Observed, Page, ReadBack
from proofport.errors import Retryable
from proofport.wire import Call
from proofport_secureframe.answers import refuse

PAGE_SIZE = 100
"""Larger pages are cut to 100 without an error (observed)."""

_ACCOUNT = ReadBack(("id", "email"), ("email", "username", "first_name", "last_name", "active"))
READ_BACK: Mapping[str, ReadBack] = {
    "cloud_resource": ReadBack(("id",), ("cloud_resource_type", "region")),
    "personnel_account": _ACCOUNT,
    "person": _ACCOUNT,
    "device": ReadBack(
        ("serial_number",),
        (
            "device_name",
            "model",
            "make",
            "os",
            "cpu",
            "memory",
            "mac_address",
            "remote_ip",
            "last_checkin_at",
            "hard_drive_encrypted",
            "native_anti_virus_enabled",
            "password_enforcement_enabled",
            "local_firewall_enabled",
            "session_timeout_enabled",
        ),
    ),
}
"""The attributes of each list that carry what was published, under the same names (R2, R3; observed).

`third_party_id` carries the published id (assumed); devices have none. Training records and schemas without a model
have no endpoint to read them at.
"""

_LISTS = {
    "cloud_resource": "/cloud_resources",
    "personnel_account": "/user_accounts",
    "person": "/user_accounts",
    "device": "/devices",
}

HINT_403 = "Reading needs a permission of its own; publishing may work all the same."


def page_of(kind: str, vendor_name: str | None, cursor: str | None) -> Flow[Page]:
    """One page, by number. The end is an empty page: a short one is no proof of it, and `meta` may be missing.

    Filter values are case-sensitive. Devices cannot be filtered by vendor (observed), so all of them are listed.
    """
    number, found = int(cursor or 1), READ_BACK[kind]
    query = [("page", str(number)), ("per_page", str(PAGE_SIZE))]
    if "id" in found.match and vendor_name is not None:
        query.insert(0, ("q", f"vendor_name:{_quoted(vendor_name)}"))
    reply = yield Call(f"list_{kind}s", "GET", _LISTS[kind], tuple(query))
    if not reply.ok:
        refuse(reply, f"list {kind}s", HINT_403)
    answer = reply.json()
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise Retryable(f"Secureframe's answer cannot be relied on: the list of {kind}s has no data")
    attributes = [
        row["attributes"] for row in rows if isinstance(row, dict) and isinstance(row.get("attributes"), dict)
    ]
    return Page([_observed(each, found) for each in attributes], str(number + 1) if rows else None)


def _observed(attributes: Mapping[str, Any], found: ReadBack) -> Observed:
    """A row under the names that were published. Without a third_party_id its id is empty."""
    published = attributes.get("third_party_id")
    fields = {name: attributes[name] for name in (*found.match, *found.fields) if name in attributes and name != "id"}
    return Observed("" if published is None else str(published), fields)


def _quoted(value: str) -> str:
    """A Lucene phrase."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
