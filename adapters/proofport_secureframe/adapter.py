"""The Secureframe adapter: which flow serves which kind and mode. The vendor's rules stand in the modules it calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import JsonValue

from proofport.accounting import Outcome
from proofport.adapter import (
    Adapter,
    Batch,
    Blueprint,
    Body,
    Capability,
    Declared,
    Finding,
    Flow,
    Job,
    Memory,
    Mode,
    Operation,
    Page,
    Provisioned,
    ReadBack,
    Schema,
)
from proofport.errors import UnsupportedFeature
from proofport_secureframe import checking, provisioning, reading, removal, schemas
from proofport_secureframe.bodies import MODELS, body_of
from proofport_secureframe.operations import operations_of
from proofport_secureframe.publishing import bodies_for, envelope, lifecycle_bytes, publish
from proofport_secureframe.settings import SecureframeSettings


class SecureframeAdapter(Adapter):
    """Memory: `notes`, what is to be said about the whole run; `noted`, that it was."""

    name = "secureframe"
    Settings = SecureframeSettings
    # The vendor allows 500 a minute for one source address (introduction of R2 and R3); reads count, too.
    default_requests_per_minute: ClassVar[int] = 400
    settings: SecureframeSettings

    @property
    def origin(self) -> str:
        return self.settings.origin

    def headers(self) -> Mapping[str, str]:
        """Key and secret, one blank between them, no scheme word (R2, R3)."""
        key, secret = self.settings.api_key.get_secret_value(), self.settings.api_secret.get_secret_value()
        return {"Authorization": f"{key} {secret}"}

    def lane(self, kind: str) -> str:
        """The vendor keeps the order of requests within one connection, across schemas (R1)."""
        return f"{urlsplit(self.origin).netloc}/{self.settings.connection_id}"

    def capability(self, kind: str, mode: Mode) -> Capability:
        _require_supported(kind, self.settings)
        schema = self.settings.object(kind)
        can_end = removal.can_end(kind, schema)
        if mode == "remove" and not can_end:
            raise removal.refuse_removal(kind)
        head, tail = envelope(self.settings, schema, partial=mode == "patch")
        records = self.settings.batch_records
        return Capability(
            records,
            self.settings.batch_bytes - len(head) - len(tail) - records * (lifecycle_bytes(schema) + 1),
            gone="ended" if mode == "snapshot" and can_end else "kept",
            keeps_bodies=can_end or kind in reading.READ_BACK,
            known_only=mode == "patch",
        )

    def body(self, kind: str, mode: Mode) -> Body:
        _require_supported(kind, self.settings)
        configured = self.settings.objects.get(kind)
        return body_of(
            kind,
            mode,
            newest_types=self.settings.allow_newest_types,
            own_mapping=configured is not None and configured.mapping is not None,
            courses=configured.courses if configured else {},
        )

    def bodies(self, kind: str) -> Sequence[Body]:
        return (body_of(kind, "upsert", newest_types=self.settings.allow_newest_types, own_mapping=True),)

    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        schema = self.settings.object(job.kind)
        schemas.require_fit(job, schema)
        if job.mode == "remove":
            return (yield from removal.end(self.settings, job, batch))
        refused = schemas.nested(job, schema, batch)
        items = bodies_for(job, schema, batch.items)
        _warn(job, memory, items)
        if not refused:
            return (yield from publish(self.settings, job, batch.ids, items))
        rest = [index for index in range(len(batch)) if index not in refused]
        ids, items = [batch.ids[index] for index in rest], [items[index] for index in rest]
        outcomes = (yield from publish(self.settings, job, ids, items)) if rest else []
        ends = {**refused, **dict(zip(rest, outcomes, strict=True))}
        return [ends[index] for index in range(len(batch))]

    def bury(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        return (yield from removal.end(self.settings, job, batch))

    def ended(self, kind: str) -> Mapping[str, JsonValue]:
        return removal.marks(kind, self.settings.object(kind))

    def schema(self, kind: str) -> Declared | None:
        configured = self.settings.objects.get(kind)
        return Declared(configured.schema_slug, configured.defined, configured.fields) if configured else None

    def freeze(self, job: Job, batch: Batch) -> tuple[int, Schema] | None:
        return schemas.freeze(job, self.settings.object(job.kind), batch)

    def observe(self, kind: str, cursor: str | None) -> Flow[Page | None]:
        """Devices are listed without the published id, so nobody can say which is which."""
        if self.reads_back(kind) is None or "id" not in reading.READ_BACK[kind].match:
            return None
        page = yield from reading.page_of(kind, self.settings.vendor_name, cursor)
        return Page([row for row in page.records if row.id], page.cursor)

    def reads_back(self, kind: str) -> ReadBack | None:
        """Without `vendor_name` the rows of other connections cannot be told apart; devices have serial numbers."""
        found = reading.READ_BACK.get(kind)
        return found if found and (self.settings.vendor_name or "id" not in found.match) else None

    def look(self, kind: str, cursor: str | None) -> Flow[Page | None]:
        return (yield from reading.page_of(kind, self.settings.vendor_name, cursor))

    def provision(self, blueprint: Blueprint) -> Flow[Provisioned]:
        _require_supported(blueprint.kind, self.settings)
        configured = self.settings.objects.get(blueprint.kind)
        slug = configured.schema_slug if configured else blueprint.kind.removeprefix("custom:")
        yield from ()  # a flow, although it never calls
        raise provisioning.guide(blueprint, slug, configured.lifecycle_field if configured else None)

    def operations(self) -> Sequence[Operation]:
        return operations_of(self.settings)

    def check(self) -> Flow[list[Finding]]:
        return (yield from checking.check(self.settings))


def _require_supported(kind: str, settings: SecureframeSettings) -> None:
    if kind == "person" and kind not in settings.objects:
        raise UnsupportedFeature(
            "Secureframe's publish endpoint makes no people: they come from its own identity integrations",
            hint="To publish people as personnel accounts, configure `objects.person: {schema_slug: person}`.",
        )
    if kind not in MODELS and not kind.startswith("custom:"):
        raise UnsupportedFeature(
            f"Secureframe has no model for {kind}", hint=f"It takes {', '.join(MODELS)} and custom:<type>."
        )


WITHDRAWN = b'"elastictranscoder_pipeline"'


def _warn(job: Job, memory: Memory, items: Sequence[bytes]) -> None:
    """Say once that a type is no longer listed."""
    if job.kind == "cloud_resource" and not memory.get("noted") and any(WITHDRAWN in item for item in items):
        memory["noted"] = True
        memory["notes"] = [
            "elastictranscoder_pipeline is sent, although Secureframe took it off its list of types in 2026: it may "
            "fail to map there without a word."
        ]
