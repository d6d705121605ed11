"""People of an identity provider that is fed by lists (API v1): the whole list at once, and no verdict on anyone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from proofport.accounting import ACCEPTED, Outcome, rejected
from proofport.adapter import Batch, Blueprint, Body, Capability, Finding, Flow, Job, Mode, Provisioned
from proofport.errors import UnsupportedFeature, UsageError
from proofport.wire import Call
from proofport_drata import bodies
from proofport_drata.answers import IMPORT_PERSONNEL, expect_ok, refused
from proofport_drata.managed import every_connection
from proofport_drata.room import MAX_BYTES, Room

MAX_PEOPLE = 100_000
"""No limit is published (OpenAPI v1)."""

UPLOADS = "/public/connections"


def upload_path(form: str, connection: int | None = None) -> str:
    """`form`: json or csv. Without a connection, one is created."""
    number = f"/{quote(str(connection))}" if connection is not None else ""
    return f"{UPLOADS}{number}/upload/{form}"


class IdentityProvider(Room):
    """`objects.person.idp_connection_id`."""

    def lane(self) -> str:
        return f"idp/{self._connection}"

    def capability(self, mode: Mode) -> Capability:
        if mode != "snapshot":
            raise UnsupportedFeature(
                f"Drata takes people of an identity provider only as a whole list, not as {mode}",
                hint="Push everyone with `--mode snapshot`, or deliver people to an HRIS connection.",
            )
        return Capability(MAX_PEOPLE, MAX_BYTES, whole=True)

    def body(self, mode: Mode) -> Body:
        return bodies.idp_person()

    def send(self, job: Job, memory: Mapping[str, Any], batch: Batch) -> Flow[list[Outcome]]:
        """The answer is an empty object: accepted, and nothing is said about anyone."""
        body = b'{"personnelData":[' + b",".join(batch.items) + b"]}"
        reply = yield Call("v1_update_idp_from_json", "PUT", upload_path("json", self._connection), body=body)
        if reply.status == 400:
            return [rejected(refused(reply, "a list of people that Drata accepts"))] * len(batch)
        expect_ok(reply, "take the list of people", IMPORT_PERSONNEL)
        return [ACCEPTED] * len(batch)

    def bury(self, job: Job, memory: Mapping[str, Any], batch: Batch) -> Flow[list[Outcome]]:
        yield from ()
        raise UnsupportedFeature("Drata has no call that takes single people out of an identity provider")

    def provision(self, blueprint: Blueprint) -> Flow[Provisioned]:
        yield from self._row()
        return Provisioned({"idp_connection_id": self._connection}, created=False)

    def check(self) -> Flow[list[Finding]]:
        subject = f"objects.{self.kind}"
        row = yield from self._row()
        return [Finding(True, subject, f"connection {self._connection} is a {row.get('clientType')} connection")]

    @property
    def _connection(self) -> int:
        number = self.settings.objects[self.kind].idp_connection_id
        assert number is not None, "this room is for an identity provider"
        return number

    def _row(self) -> Flow[dict[str, Any]]:
        rows = yield from every_connection()
        found = next((row for row in rows if row.get("id") == self._connection), None)
        if found is None:
            raise UsageError(
                f"Drata has no connection {self._connection}",
                hint="`proofport call DEST v1_create_idp_from_json` makes one and says its number.",
            )
        return found
