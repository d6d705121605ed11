"""The Secureframe adapter: which flow serves which kind and mode. The vendor's rules stand in the modules it calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlsplit

from proofport.accounting import Outcome
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
from proofport.errors import ConfigError, UnsupportedFeature
from proofport_secureframe import checking, provisioning, reading
from proofport_secureframe.bodies import body_of, require_supported
from proofport_secureframe.publishing import complete_record, envelope, publish
from proofport_secureframe.settings import SecureframeSettings

MAX_RECORDS = 500
MAX_BYTES = 1_048_576
"""No limit is published: at most 500 elements and 1 MiB a request (assumed)."""


class SecureframeAdapter(Adapter):
    """Memory: `published`, set in place by the first batch of a run, which makes the schema if there was none."""

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
        require_supported(kind)
        if mode == "remove":
            raise UnsupportedFeature("Secureframe cannot delete what was published", hint=_removal_hint(kind))
        schema = self.settings.object(kind)
        if mode == "patch" and not schema.defined:
            raise ConfigError(
                f"the Secureframe schema {schema.schema_slug!r} is not known to be defined, and a patch needs one",
                hint="Push whole records first, complete Define Schema, then set `defined: true`.",
            )
        head, tail = envelope(self.settings, schema, partial=mode == "patch")
        return Capability(MAX_RECORDS, MAX_BYTES - len(head) - len(tail) - MAX_RECORDS)

    def body(self, kind: str, mode: Mode) -> Body:
        return body_of(kind, mode, newest_types=self.settings.allow_newest_types)

    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        schema = self.settings.object(job.kind)
        makes_schema = not schema.defined and not memory.get("published")
        first = complete_record(job, batch) if makes_schema else 0
        outcomes = yield from publish(self.settings, schema, batch, first=first, partial=job.mode == "patch")
        memory["published"] = True
        return outcomes

    def observe(self, kind: str, cursor: str | None) -> Flow[Page | None]:
        vendor_name = self.settings.vendor_name
        if vendor_name is None or kind not in reading.LISTS:
            return None
        return (yield from reading.page_of(kind, vendor_name, cursor))

    def provision(self, blueprint: Blueprint) -> Flow[Provisioned]:
        require_supported(blueprint.kind)
        configured = self.settings.objects.get(blueprint.kind)
        slug = configured.schema_slug if configured else blueprint.kind.removeprefix("custom:")
        yield from ()  # a flow, although it never calls
        raise provisioning.guide(blueprint, slug)

    def check(self) -> Flow[list[Finding]]:
        return (yield from checking.check(self.settings))


def _removal_hint(kind: str) -> str:
    if kind == "personnel_account":
        return (
            "Upsert the account with `active: false`. "
            "That proofport does this from the last state it sent is not built yet."
        )
    if kind == "cloud_resource":
        return "Upsert it with `lifecycle_state: removed` in a mapping that sends it, and test on that field."
    return "Upsert it with a field of your own that says so, and test on that field in Secureframe."
