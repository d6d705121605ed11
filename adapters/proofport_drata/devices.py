"""Devices of an MDM connection: sent one by one, matched by any of three keys, found by their id."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from proofport.accounting import CONFIRMED, NOT_HELD, Outcome, rejected
from proofport.adapter import Batch, Body, Ends, Flow, Job, Limits, Lists, Matches, Memory, Mode, Observed, Page
from proofport.errors import Problem, UnsupportedFeature
from proofport.evidence.placeholders import compared, is_placeholder
from proofport.wire import Call
from proofport_drata import bodies
from proofport_drata.answers import (
    CREATE_DEVICE,
    DELETE_DEVICE,
    LIST_DEVICES,
    deleted,
    expect_ok,
    not_answered,
    refused,
)
from proofport_drata.connections import CONNECTIONS
from proofport_drata.paging import DrataList, Rows
from proofport_drata.resource import MAX_BYTES, DrataConnection

READABLE = (
    "externalId",
    "serialNumber",
    "model",
    "screenLockTime",
    *(f"{name}Enabled" for name in ("antivirus", "autoUpdate", "encryption", "firewall", "passwordManager")),
    *(f"{name}Explanation" for name in ("antivirus", "autoUpdate", "encryption", "firewall", "passwordManager")),
    "screenLockExplanation",
)
"""Fields that come back as they were sent. The others are not returned, or in another form (OpenAPI v2, `Device`)."""


class MdmDevices(DrataConnection, Ends, Lists, Matches):
    provider = "MDM"
    things = suffix = "devices"
    ends: Literal["on_request"] = "on_request"

    def limits(self, mode: Mode) -> Limits:
        if mode == "patch":
            raise UnsupportedFeature(
                "Drata takes only whole devices: it has no call that updates some fields of one",
                hint="Push complete records; flags that are unknown are left out of them.",
            )
        self.settings.connection(self.kind)
        return Limits(1, MAX_BYTES, parallel=8)

    def body(self, mode: Mode) -> Body:
        return bodies.device()

    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        if job.mode == "remove":
            return (yield from self.end(job, memory, batch))
        (device,), (body,) = batch.ids, batch.bodies
        return [(yield from self._upsert(memory, device, body))]

    def end(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        (device,) = batch.ids
        return [(yield from self._remove(device))]

    def matched_on(self, body: bytes) -> Sequence[tuple[str, str]]:
        """An existing device is found by serial number or MAC address, too (OpenAPI v2).

        Drata does not publish how it compares, so case, blanks and punctuation do not count (assumed). A MAC address
        may be several, with commas between them (OpenAPI v2, of answers).
        """
        device = json.loads(body)
        values = [("serialNumber", device.get("serialNumber"))]
        values += [("macAddress", each) for each in (device.get("macAddress") or "").split(",")]
        return [(name, compared(value)) for name, value in values if value and not is_placeholder(value)]

    def page(self, cursor: str | None) -> Flow[Page]:
        """A page of devices. Those without an externalId are not ours, and are left out."""
        page = yield from self.listing.page(cursor)
        ours = [_observed(row) for row in page.rows if isinstance(row.get("externalId"), str)]
        return Page(ours, page.cursor, page.total, page.rows)

    @property
    def listing(self) -> DrataList:
        """The list, whose path alone has no `custom-` in it."""
        path = f"/public/v2/connections/{self.connection}/devices"
        return DrataList("list_connection_devices", path, LIST_DEVICES)

    @property
    def _path(self) -> str:
        return f"{CONNECTIONS}/{self.connection}/devices"

    def _upsert(self, memory: Memory, device: str, body: bytes) -> Flow[Outcome]:
        reply = yield Call("upsert_device", "POST", self._path, body=body)
        if reply.status == 404:
            if "connection_seen" not in memory:
                yield from self.listing.page(size=1)  # raises when it is the connection that Drata does not know
                memory["connection_seen"] = True
            hint = "The owner must be a person in Drata: correct the address, or add the person there first."
            return rejected(refused(reply, "a device whose owner Drata knows", hint))
        if reply.status == 400:
            return rejected(refused(reply, "a device that Drata accepts", "Correct the field that Drata names."))
        answer = expect_ok(reply, "store a device", CREATE_DEVICE)
        if not isinstance(answer, dict) or answer.get("externalId") != device or "id" not in answer:
            return not_answered(reply, "the device as it is stored")
        return replace(CONFIRMED, vendor_id=str(answer["id"]))

    def _remove(self, device: str) -> Flow[Outcome]:
        """Find a device by externalId, and delete it by Drata's number. 204 and 404: it is not there any more."""
        found = yield from self._rows_of(device)
        if not found:
            return NOT_HELD
        if len(found) > 1:
            numbers = ", ".join(str(row.get("id")) for row in found)
            return rejected(
                Problem(
                    found=f"{len(found)} devices with this externalId: {numbers}",
                    expected="one",
                    field="id",
                    hint="Delete the right one by its number: `proofport call DEST delete_connection_device …`.",
                )
            )
        path = f"{self._path}/{found[0]['id']}"
        reply = yield Call("delete_connection_device", "DELETE", path, destructive=True)
        if reply.status == 404:
            return CONFIRMED
        return deleted(reply, "delete a device", DELETE_DEVICE)

    def _rows_of(self, device: str) -> Flow[Rows]:
        """Filter here as well: not every filter of this vendor has an effect (observed for sessions, gram)."""
        rows = yield from replace(self.listing, query=(("externalId", device),)).rows()
        return [row for row in rows if row.get("externalId") == device and "id" in row]


def _observed(row: dict[str, object]) -> Observed:
    fields = {name: row[name] for name in READABLE if name in row}
    if "osVersion" in row:
        fields["platformVersion"] = row["osVersion"]
    return Observed(str(row["externalId"]), fields)  # type: ignore[arg-type]
