"""Devices of an MDM connection: sent one by one, matched on the id, found again by it."""

from __future__ import annotations

from proofport.accounting import CONFIRMED, Outcome, rejected, unknown
from proofport.adapter import (
    Batch,
    Blueprint,
    Body,
    Capability,
    Finding,
    Flow,
    Job,
    Memory,
    Mode,
    Observed,
    Page,
    Provisioned,
)
from proofport.errors import Problem, UnsupportedFeature
from proofport.wire import Call
from proofport_drata import bodies, provisioning
from proofport_drata.answers import CREATE_DEVICE, DELETE_DEVICE, LIST_DEVICES, expect_ok, refused
from proofport_drata.paging import Rows, every_row, one_page
from proofport_drata.room import MAX_BYTES, Room

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


def listing(connection: int) -> str:
    """The path of the list, which alone has no `custom-` in it."""
    return f"/public/v2/connections/{connection}/devices"


def written(connection: int) -> str:
    return f"/public/v2/custom-connections/{connection}/devices"


class Devices(Room):
    def lane(self) -> str:
        return f"{self.settings.connection(self.kind)}/devices"

    def capability(self, mode: Mode) -> Capability:
        if mode == "patch":
            raise UnsupportedFeature(
                "Drata takes only whole devices: it has no call that updates some fields of one",
                hint="Push complete records; flags that are unknown are left out of them.",
            )
        self.settings.connection(self.kind)
        return Capability(1, MAX_BYTES, parallel=8, gone="deletable", listed=True)

    def body(self, mode: Mode) -> Body:
        return bodies.device()

    def open(self, job: Job, memory: Memory) -> Flow[Memory]:
        """Read from the connection first: a later 404 is then about a device's owner, not about the connection."""
        yield from one_page(
            "list_connection_devices", self._list, None, query=(("size", "1"),), permission=LIST_DEVICES
        )
        return memory

    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        if job.mode == "remove":
            return (yield from self.bury(job, memory, batch))
        (item,) = batch.items
        return [(yield from self._upsert(item))]

    def bury(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        (device,) = batch.ids
        return [(yield from self._remove(device))]

    def observe(self, cursor: str | None) -> Flow[Page]:
        """Devices without an externalId are not ours, and are left out."""
        rows, following = yield from one_page("list_connection_devices", self._list, cursor, permission=LIST_DEVICES)
        return Page([_observed(row) for row in rows if isinstance(row.get("externalId"), str)], following)

    def provision(self, blueprint: Blueprint) -> Flow[Provisioned]:
        return (yield from provisioning.find_or_create_plain(self.settings, self.kind, "MDM"))

    def check(self) -> Flow[list[Finding]]:
        connection = self.settings.connection(self.kind)
        yield from self.open(Job("", "", self.kind, "upsert"), {})
        return [Finding(True, f"objects.{self.kind}", f"the devices of connection {connection} can be listed")]

    @property
    def _list(self) -> str:
        return listing(self.settings.connection(self.kind))

    def _upsert(self, item: bytes) -> Flow[Outcome]:
        path = written(self.settings.connection(self.kind))
        reply = yield Call("upsert_device", "POST", path, body=item)
        if reply.status == 404:
            hint = "The owner must be a person in Drata: correct the address, or add the person there first."
            return rejected(refused(reply, "a device whose owner Drata knows", hint))
        if reply.status == 400:
            return rejected(refused(reply, "a device that Drata accepts", "Correct the field that Drata names."))
        answer = expect_ok(reply, "store a device", CREATE_DEVICE)
        if not isinstance(answer, dict) or "id" not in answer:
            return unknown("no_verdict", Problem("no device in Drata's answer", "the device as it is stored"))
        return CONFIRMED

    def _remove(self, device: str) -> Flow[Outcome]:
        """Find by externalId, delete by Drata's number; what is not there is gone already."""
        found = yield from self._found(device)
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
        for row in found:
            path = f"{written(self.settings.connection(self.kind))}/{row['id']}"
            reply = yield Call("delete_connection_device", "DELETE", path, destructive=True)
            if reply.status != 404:
                expect_ok(reply, "delete a device", DELETE_DEVICE)
        return CONFIRMED

    def _found(self, device: str) -> Flow[Rows]:
        """Filtered here as well: not every filter of this vendor has an effect (observed for sessions, gram)."""
        query = (("externalId", device),)
        rows = yield from every_row("list_connection_devices", self._list, query=query, permission=LIST_DEVICES)
        return [row for row in rows if row.get("externalId") == device and "id" in row]


def _observed(row: dict[str, object]) -> Observed:
    fields = {name: row[name] for name in READABLE if name in row}
    if "osVersion" in row:
        fields["platformVersion"] = row["osVersion"]
    return Observed(str(row["externalId"]), fields)  # type: ignore[arg-type]
