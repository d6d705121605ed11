"""Records of a CUSTOM resource: a snapshot goes through a session, every other mode writes to the live records."""

from __future__ import annotations

from typing import Literal

from proofport.accounting import Outcome, Status, Tally
from proofport.adapter import (
    Batch,
    Blueprint,
    Body,
    Ends,
    Finding,
    Flow,
    Job,
    Limits,
    ListsWhole,
    Memory,
    Mode,
    Opens,
    Page,
    Provisioned,
    Provisions,
    Stages,
)
from proofport.errors import UnsupportedFeature
from proofport_drata import bodies, connections, records, sessions
from proofport_drata.provisioning import provision_custom
from proofport_drata.resource import MAX_BYTES, DrataResource
from proofport_drata.settings import PUT_MERGE

MAX_RECORDS = 500
"""No limit is published. Clients send up to 500 records (observed: gram, drata-rv/OCI-custom-connection and others)."""

UPLOAD = Limits(MAX_RECORDS, MAX_BYTES)
ONE_BY_ONE = Limits(1, MAX_BYTES, parallel=4)


class CustomRecords(DrataResource, Opens, Stages, Ends, ListsWhole, Provisions):
    """Memory: `session`, the id that a snapshot stages its records under."""

    lags = False
    lists_whole = True
    #: Only an empty set ends records. `empty_set: delete_all` asks for that, so `--delete-gone` is not needed.
    ends: Literal["always"] = "always"

    @property
    def place(self) -> str:
        connection, resource = self.settings.custom_resource(self.kind)
        return f"{connection}/{resource}"

    @property
    def empty_set(self) -> Literal["refuse", "end"]:
        return "end" if self.settings.of(self.kind).empty_set == "delete_all" else "refuse"

    def limits(self, mode: Mode) -> Limits:
        if mode == "patch" and PUT_MERGE not in self.settings.allow_assumed:
            raise UnsupportedFeature(
                "Drata does not publish whether an update keeps the fields it does not name",
                hint="Push whole records, or accept the assumption that it does: `allow_assumed: [put_merge]`.",
            )
        self.settings.custom_resource(self.kind)
        return UPLOAD if mode in ("upsert", "snapshot") else ONE_BY_ONE

    def body(self, mode: Mode) -> Body:
        return bodies.custom_record(self.kind, mode)

    def open(self, job: Job, memory: Memory) -> Flow[Memory]:
        if job.mode != "snapshot":
            yield from sessions.end_stale(self._path, job.instance)
            return memory
        session = yield from sessions.begin(self._path, job.instance, job.run_id, memory.get("session"))
        return {**memory, "session": session}

    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        match job.mode:
            case "snapshot":
                return (yield from sessions.stage(self._path, str(memory["session"]), batch))
            case "upsert":
                reply = yield from records.upload("upsert_records", self._records, batch)
                return records.outcomes_of(reply, batch.ids)
            case "patch":
                return (yield from records.one_by_one(self._records, batch, records.update))
            case "remove":
                return (yield from records.one_by_one(self._records, batch, records.delete))

    def complete(self, job: Job, memory: Memory, tally: Tally) -> Flow[None]:
        if not tally.status[Status.DELIVERED]:
            # Completing a session without records: 422 (observed: speakeasy-api/gram, commit d5e1ea6).
            raise UnsupportedFeature(
                "Drata cannot replace its records by an empty set",
                hint="The earlier records stay live. To delete them, push their ids with `--mode remove`, or allow it: "
                "`empty_set: delete_all` in `objects`.",
            )
        yield from sessions.complete(self._path, str(memory["session"]))

    def cancel(self, job: Job, memory: Memory) -> Flow[None]:
        if "session" in memory:
            yield from sessions.cancel_if_open(self._path, str(memory["session"]))

    def end(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        """Delete the records of an empty set one by one: a session cannot express it."""
        return (yield from records.one_by_one(self._records, batch, records.delete))

    def page(self, cursor: str | None) -> Flow[Page]:
        return (yield from records.live(self._records, cursor))

    def provision(self, blueprint: Blueprint) -> Flow[Provisioned]:
        return (yield from provision_custom(blueprint, self.settings))

    def check(self) -> Flow[list[Finding]]:
        """Look for the resource in its connection, and for open sessions on it."""
        configured = self.settings.of(self.kind)
        connection, wanted = configured.connection_id, configured.resource_id
        if connection is None or wanted is None:
            return [self.found(False, "no resource_id is configured", "Run `proofport provision`.")]
        held = [row.get("id") for row in (yield from connections.resources(connection))]
        if wanted not in held:
            detail = f"connection {connection} has no resource {wanted}; it has {', '.join(map(str, held)) or 'none'}"
            return [self.found(False, detail, f"Correct resource_id in `objects.{self.kind}`.")]
        findings = [self.found(True, f"connection {connection} holds resource {wanted}")]
        if is_open := (yield from sessions.open_sessions(self._path)):
            hint = "Sessions of this instance are cancelled by the next push; another program must end its own."
            findings.append(self.found(False, f"open sessions: {', '.join(is_open)}", hint))
        return findings

    @property
    def _path(self) -> str:
        return connections.resource_path(*self.settings.custom_resource(self.kind))

    @property
    def _records(self) -> str:
        return f"{self._path}/records"
