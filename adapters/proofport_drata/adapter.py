"""The Drata adapter: which flow serves which kind and mode. The vendor's rules stand in the modules it calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlsplit

from proofport.accounting import Outcome, Status, Tally
from proofport.adapter import (
    Adapter,
    Batch,
    Blueprint,
    Body,
    Capability,
    Finding,
    Flow,
    Job,
    Memory,
    Mode,
    Page,
    Provisioned,
)
from proofport.errors import UnsupportedFeature
from proofport_drata import checking, provisioning, records, sessions
from proofport_drata.bodies import custom_record, is_custom_record
from proofport_drata.settings import PUT_MERGE, DrataSettings

MAX_RECORDS = 500
MAX_BYTES = 4_000_000 - 12 - MAX_RECORDS
"""No limit is published. Clients send up to 500 records and 4 to 4.5 MB (observed: gram, drata-rv/OCI-custom-connection
and others); envelope and commas are taken off."""

UPLOAD = Capability(MAX_RECORDS, MAX_BYTES)
SESSION = Capability(MAX_RECORDS, MAX_BYTES, staged=True, replaces=True)
ONE_BY_ONE = Capability(1, MAX_BYTES, parallel=4)


class DrataAdapter(Adapter):
    """Memory: `session`, the id that a snapshot stages its records under."""

    name = "drata"
    Settings = DrataSettings
    # The vendor allows 500 a minute for one source address, whatever the key (help article 6695964).
    default_requests_per_minute: ClassVar[int] = 420
    settings: DrataSettings

    @property
    def origin(self) -> str:
        return self.settings.origin

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.settings.api_key.get_secret_value()}"}

    def lane(self, kind: str) -> str:
        connection, resource = self.settings.resource(kind)
        return f"{urlsplit(self.origin).netloc}/{connection}/{resource}"

    def capability(self, kind: str, mode: Mode) -> Capability:
        self._require_custom_record(kind)
        if mode == "patch" and PUT_MERGE not in self.settings.allow_assumed:
            raise UnsupportedFeature(
                "Drata does not publish whether an update keeps the fields it does not name",
                hint="Push whole records, or accept the assumption that it does: `allow_assumed: [put_merge]`.",
            )
        self.settings.resource(kind)
        return {"upsert": UPLOAD, "snapshot": SESSION, "patch": ONE_BY_ONE, "remove": ONE_BY_ONE}[mode]

    def body(self, kind: str, mode: Mode) -> Body:
        self._require_custom_record(kind)
        return custom_record(kind, mode)

    def open(self, job: Job, memory: Memory) -> Flow[Memory]:
        resource = self._resource(job.kind)
        if job.mode != "snapshot":
            yield from sessions.clear_the_way(resource, job.instance)
            return memory
        session = sessions.session_id(job.instance, job.run_id)
        resumed = session if memory.get("session") == session else None
        yield from sessions.clear_the_way(resource, job.instance, keep=resumed)
        return {**memory, "session": session}

    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        resource = self._resource(job.kind)
        match job.mode:
            case "snapshot":
                return (yield from sessions.stage(resource, str(memory["session"]), batch))
            case "upsert":
                return (yield from records.upsert(f"{resource}/records", batch))
            case "patch":
                return (yield from records.update(f"{resource}/records", batch))
            case "remove":
                return (yield from records.remove(f"{resource}/records", batch))

    def close(self, job: Job, memory: Memory, tally: Tally) -> Flow[None]:
        if job.mode != "snapshot":
            return
        if not tally.status[Status.DELIVERED]:
            # Completing a session without records: 422 (observed: speakeasy-api/gram, commit d5e1ea6).
            raise UnsupportedFeature(
                "Drata cannot replace its records by an empty set",
                hint="The earlier records stay live. To delete them, push their ids with `--mode remove`.",
            )
        yield from sessions.complete(self._resource(job.kind), str(memory["session"]))

    def abort(self, job: Job, memory: Memory) -> Flow[None]:
        if job.mode == "snapshot" and "session" in memory:
            yield from sessions.cancel_if_open(self._resource(job.kind), str(memory["session"]))

    def observe(self, kind: str, cursor: str | None) -> Flow[Page | None]:
        self._require_custom_record(kind)
        return (yield from records.live(f"{self._resource(kind)}/records", cursor))

    def provision(self, blueprint: Blueprint) -> Flow[Provisioned]:
        self._require_custom_record(blueprint.kind)
        return (yield from provisioning.find_or_create(blueprint, self.settings))

    def check(self) -> Flow[list[Finding]]:
        return (yield from checking.check(self.settings))

    def _resource(self, kind: str) -> str:
        return provisioning.resource_path(*self.settings.resource(kind))

    @staticmethod
    def _require_custom_record(kind: str) -> None:
        if not is_custom_record(kind):
            raise UnsupportedFeature(
                f"the Drata adapter does not deliver {kind} yet",
                hint="It delivers cloud_resource, training_record, personnel_account and custom:<type>.",
            )
