"""Records of a CUSTOM resource: which flow serves which mode."""

from __future__ import annotations

from dataclasses import replace

from proofport.accounting import Outcome, Status, Tally
from proofport.adapter import Batch, Blueprint, Body, Capability, Finding, Flow, Job, Memory, Mode, Page, Provisioned
from proofport.errors import UnsupportedFeature
from proofport_drata import bodies, checking, provisioning, records, sessions
from proofport_drata.room import MAX_BYTES, Room
from proofport_drata.settings import PUT_MERGE

MAX_RECORDS = 500
"""No limit is published. Clients send up to 500 records (observed: gram, drata-rv/OCI-custom-connection and others)."""

UPLOAD = Capability(MAX_RECORDS, MAX_BYTES, listed=True)
SESSION = Capability(MAX_RECORDS, MAX_BYTES, staged=True, replaces=True, listed=True)
ONE_BY_ONE = Capability(1, MAX_BYTES, parallel=4, listed=True)


class CustomRecords(Room):
    """Memory: `session`, the id that a snapshot stages its records under."""

    def lane(self) -> str:
        connection, resource = self.settings.resource(self.kind)
        return f"{connection}/{resource}"

    def capability(self, mode: Mode) -> Capability:
        if mode == "patch" and PUT_MERGE not in self.settings.allow_assumed:
            raise UnsupportedFeature(
                "Drata does not publish whether an update keeps the fields it does not name",
                hint="Push whole records, or accept the assumption that it does: `allow_assumed: [put_merge]`.",
            )
        self.settings.resource(self.kind)
        empty = self.settings.objects[self.kind].empty_set == "delete_all"
        session = replace(SESSION, may_be_empty=empty)
        return {"upsert": UPLOAD, "snapshot": session, "patch": ONE_BY_ONE, "remove": ONE_BY_ONE}[mode]

    def body(self, mode: Mode) -> Body:
        return bodies.custom_record(self.kind, mode)

    def open(self, job: Job, memory: Memory) -> Flow[Memory]:
        if job.mode != "snapshot":
            yield from sessions.clear_the_way(self._resource, job.instance)
            return memory
        session = sessions.session_id(job.instance, job.run_id)
        resumed = session if memory.get("session") == session else None
        yield from sessions.clear_the_way(self._resource, job.instance, keep=resumed)
        return {**memory, "session": session}

    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        match job.mode:
            case "snapshot":
                return (yield from sessions.stage(self._resource, str(memory["session"]), batch))
            case "upsert":
                return (yield from records.upsert(self._records, batch))
            case "patch":
                return (yield from records.update(self._records, batch))
            case "remove":
                return (yield from records.remove(self._records, batch))

    def close(self, job: Job, memory: Memory, tally: Tally) -> Flow[None]:
        if job.mode != "snapshot":
            return
        if not tally.status[Status.DELIVERED]:
            # Completing a session without records: 422 (observed: speakeasy-api/gram, commit d5e1ea6).
            raise UnsupportedFeature(
                "Drata cannot replace its records by an empty set",
                hint="The earlier records stay live. To delete them, push their ids with `--mode remove`, or allow it: "
                "`empty_set: delete_all` in `objects`.",
            )
        yield from sessions.complete(self._resource, str(memory["session"]))

    def bury(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        """Only for an empty set, which a session cannot express: record by record."""
        return (yield from records.remove(self._records, batch))

    def abort(self, job: Job, memory: Memory) -> Flow[None]:
        if job.mode == "snapshot" and "session" in memory:
            yield from sessions.cancel_if_open(self._resource, str(memory["session"]))

    def observe(self, cursor: str | None) -> Flow[Page]:
        return (yield from records.live(self._records, cursor))

    def provision(self, blueprint: Blueprint) -> Flow[Provisioned]:
        return (yield from provisioning.find_or_create(blueprint, self.settings))

    def check(self) -> Flow[list[Finding]]:
        return (yield from checking.check_resource(self.kind, self.settings.objects[self.kind]))

    @property
    def _resource(self) -> str:
        return provisioning.resource_path(*self.settings.resource(self.kind))

    @property
    def _records(self) -> str:
        return f"{self._resource}/records"
