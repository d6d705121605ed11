"""The Drata adapter: which room serves which kind. The vendor's rules stand in the rooms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar
from urllib.parse import urlsplit

from proofport.accounting import Outcome, Tally
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
    Operation,
    Page,
    Provisioned,
)
from proofport_drata import bodies, checking
from proofport_drata.custom import CustomRecords
from proofport_drata.devices import Devices
from proofport_drata.identities import Identities
from proofport_drata.identity_provider import IdentityProvider
from proofport_drata.operations import OPERATIONS
from proofport_drata.room import Room
from proofport_drata.settings import DrataSettings


class DrataAdapter(Adapter):
    """CUSTOM records for most kinds, an MDM connection for devices, HRIS or an identity provider for people."""

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

    def room(self, kind: str) -> Room:
        if kind == "device":
            return Devices(self.settings, kind)
        if kind != "person":
            return CustomRecords(self.settings, kind)
        configured = self.settings.objects.get(kind)
        is_provider = configured is not None and configured.idp_connection_id is not None
        return IdentityProvider(self.settings, kind) if is_provider else Identities(self.settings, kind)

    def lane(self, kind: str) -> str:
        return f"{urlsplit(self.origin).netloc}/{self.room(kind).lane()}"

    def capability(self, kind: str, mode: Mode) -> Capability:
        return self.room(kind).capability(mode)

    def body(self, kind: str, mode: Mode) -> Body:
        return self.room(kind).body(mode)

    def bodies(self, kind: str) -> Sequence[Body]:
        upsert = self.room(kind).body("upsert")
        return (upsert, bodies.idp_person()) if kind == "person" else (upsert,)

    def open(self, job: Job, memory: Memory) -> Flow[Memory]:
        return self.room(job.kind).open(job, memory)

    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        return self.room(job.kind).send(job, memory, batch)

    def close(self, job: Job, memory: Memory, tally: Tally) -> Flow[None]:
        return self.room(job.kind).close(job, memory, tally)

    def bury(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        return self.room(job.kind).bury(job, memory, batch)

    def abort(self, job: Job, memory: Memory) -> Flow[None]:
        return self.room(job.kind).abort(job, memory)

    def observe(self, kind: str, cursor: str | None) -> Flow[Page | None]:
        return self.room(kind).observe(cursor)

    def provision(self, blueprint: Blueprint) -> Flow[Provisioned]:
        return self.room(blueprint.kind).provision(blueprint)

    def check(self) -> Flow[list[Finding]]:
        return checking.check([self.room(kind) for kind in self.settings.objects])

    def operations(self) -> Sequence[Operation]:
        return OPERATIONS
