"""Reading back what the vendor lists. A list lags behind publishing, by minutes or more: absence proves nothing yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from proofport.adapter import Flow, Lists, Observed, Page, ReadBack, ReadsBack
from proofport.wire import Call
from proofport_secureframe.answers import READ_HINTS, refuse, rows_of
from proofport_secureframe.bodies import DeviceBody
from proofport_secureframe.schemas import SchemaResource

PAGE_SIZE = 100
"""Larger pages are cut to 100 without an error (observed)."""

_NOT_SHOWN = {"id", "email", "device_uuid", "anti_virus_software", "enroll_date", "active", "macos_filevault_enabled"}
"""Published fields that the list of devices lacks."""

_ACCOUNT = ReadBack(("id", "email"), ("email", "username", "first_name", "last_name", "active"))
_MATCH = ("serial_number",)
READ_BACK: Mapping[str, ReadBack] = {
    "cloud_resource": ReadBack(("id",), ("cloud_resource_type", "region")),
    "personnel_account": _ACCOUNT,
    "person": _ACCOUNT,
    "device": ReadBack(_MATCH, [name for name in DeviceBody.model_fields if name not in {*_MATCH, *_NOT_SHOWN}]),
}
"""The attributes of each list that carry what was published, under the same names (R2, R3; observed).

`third_party_id` carries the published id (assumed). Devices have none, and are found by their serial number. Training
records and schemas without a model have no endpoint to read them at.
"""

_LISTS = {
    "cloud_resource": "/cloud_resources",
    "personnel_account": "/user_accounts",
    "person": "/user_accounts",
    "device": "/devices",
}


class ReadableResource(SchemaResource, ReadsBack):
    """A kind of which rows can be read. Its rows cannot always be told from those of other connections."""

    @property
    def read_back(self) -> ReadBack:
        return READ_BACK[self.kind]

    def rows(self, cursor: str | None) -> Flow[Page]:
        """One page, by number. The end is an empty page: a short one is no proof of it, and `meta` may be missing.

        Filter values are case-sensitive. Devices cannot be filtered by vendor (observed), so all of them are listed.
        """
        number, found = int(cursor or 1), self.read_back
        query = [("page", str(number)), ("per_page", str(PAGE_SIZE))]
        if "id" in found.match and self.settings.vendor_name is not None:
            query.insert(0, ("q", f"vendor_name:{_quoted(self.settings.vendor_name)}"))
        many = f"{self.kind}s"
        reply = yield Call(f"list_{many}", "GET", _LISTS[self.kind], tuple(query))
        if not reply.ok:
            refuse(reply, f"list {many}", READ_HINTS)
        rows = rows_of(reply.expect(dict, "data", of=f"list_{many}"), many)
        records = [_observed(row["attributes"], found) for row in rows if _has_attributes(row)]
        return Page(records, str(number + 1) if rows else None, rows=rows)


class ListedResource(ReadableResource, Lists):
    """A kind whose rows carry the published id, at a destination that names its vendor."""

    lags = True

    def page(self, cursor: str | None) -> Flow[Page]:
        """Rows without an id were not published from here."""
        page = yield from self.rows(cursor)
        return replace(page, records=[row for row in page.records if row.id])


def _has_attributes(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get("attributes"), dict)


def _observed(attributes: Mapping[str, Any], found: ReadBack) -> Observed:
    """A row under the names that were published. Without a third_party_id its id is empty."""
    published = attributes.get("third_party_id")
    fields = {name: attributes[name] for name in (*found.match, *found.fields) if name in attributes and name != "id"}
    return Observed("" if published is None else str(published), fields)


def _quoted(value: str) -> str:
    """A Lucene phrase."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
