"""People of an identity provider that is fed by lists (API v1): one whole list, and no verdict on anyone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proofport.accounting import ACCEPTED, Outcome, rejected
from proofport.adapter import (
    Batch,
    Blueprint,
    Body,
    Finding,
    Flow,
    Job,
    Limits,
    Memory,
    Mode,
    Provisioned,
    Provisions,
    Replaces,
    Tombstone,
)
from proofport.errors import UnsupportedFeature, UsageError
from proofport.wire import Call
from proofport_drata import bodies
from proofport_drata.answers import IMPORT_PERSONNEL, expect_ok, not_answered, refused
from proofport_drata.paging import V1_CONNECTIONS, v1_rows
from proofport_drata.resource import MAX_BYTES, DrataResource
from proofport_drata.settings import DrataSettings

MAX_PEOPLE = 100_000
"""No limit is published (OpenAPI v1)."""


class IdentityProvider(DrataResource, Replaces, Provisions):
    """The connection `objects.person.idp_connection_id`."""

    keeps_gone = 0

    def __init__(self, settings: DrataSettings, connection: int) -> None:
        super().__init__(settings, "person")
        self._connection = connection

    @property
    def place(self) -> str:
        return f"idp/{self._connection}"

    def limits(self, mode: Mode) -> Limits:
        if mode != "snapshot":
            raise UnsupportedFeature(
                f"Drata takes people of an identity provider only as a whole list, not as {mode}",
                hint="Push everyone with `--mode snapshot`, or deliver people to an HRIS connection.",
            )
        return Limits(MAX_PEOPLE, MAX_BYTES, empty="If nobody is left, remove the connection in Drata.")

    def body(self, mode: Mode) -> Body:
        return bodies.idp_person()

    def replace(self, job: Job, memory: Memory, batch: Batch, tombstones: Sequence[Tombstone]) -> Flow[list[Outcome]]:
        """Send the list. The answer is an empty object: it is accepted, and nothing is said about anyone.

        It counts as destructive: Drata does not publish whether people whom the list lacks are removed.
        """
        path = f"{V1_CONNECTIONS}/{self._connection}/upload/json"
        body = b'{"personnelData":[' + b",".join(batch.bodies) + b"]}"
        reply = yield Call("v1_update_idp_from_json", "PUT", path, body=body, destructive=True)
        if reply.status == 400:
            return [rejected(refused(reply, "a list of people that Drata accepts"))] * len(batch)
        taken = expect_ok(reply, "take the list of people", IMPORT_PERSONNEL) == {}
        return [ACCEPTED if taken else not_answered(reply, "an empty object")] * len(batch)

    def provision(self, blueprint: Blueprint) -> Flow[Provisioned]:
        yield from self._row()
        return Provisioned({"idp_connection_id": self._connection}, created=False)

    def check(self) -> Flow[list[Finding]]:
        row = yield from self._row()
        return [self.found(True, f"connection {self._connection} is a {row.get('clientType')} connection")]

    def _row(self) -> Flow[dict[str, Any]]:
        found = next((row for row in (yield from v1_rows()) if row.get("id") == self._connection), None)
        if found is None:
            raise UsageError(
                f"Drata has no connection {self._connection}",
                hint="`proofport call DEST v1_create_idp_from_json` makes one and says its number.",
            )
        return found
