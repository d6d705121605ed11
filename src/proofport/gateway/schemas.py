"""The schemas that a vendor makes from what it is sent, and a person's word that one is complete."""

from __future__ import annotations

import time
from collections.abc import Sequence

from proofport.adapter import Adapter, Finding, MakesSchema, Resource, Schema
from proofport.delivery.target import lane_of
from proofport.errors import JournalError, UnsupportedFeature
from proofport.journal.contract import Journal


async def schemas_of(destination: str, adapter: Adapter, journal: Journal) -> list[Schema]:
    """Those that are configured, then those that were published before under other slugs."""
    found: dict[str, Schema] = {}
    for kind in adapter.settings.objects:
        resource = adapter.resource(kind)
        if isinstance(resource, MakesSchema):
            for schema in resource.schemas(await journal.adapter_memory(lane_of(destination, resource))):
                if schema.current or schema.slug not in found:
                    found[schema.slug] = schema
    return sorted(found.values(), key=lambda schema: not schema.current)


def findings(adapter: Adapter, schemas: Sequence[Schema]) -> list[Finding]:
    """The lines of `doctor` that need no answer of the vendor: is a kind configured, and is its schema complete?"""
    if not adapter.settings.objects:
        hint = "Name the kinds that you deliver under `objects:`, or run `proofport provision DEST`."
        return [Finding(False, "objects", "no kind is configured, so nothing can be delivered", hint)]
    return [_finding(schema) for schema in schemas if schema.current]


def _finding(schema: Schema) -> Finding:
    subject = f"objects.{schema.kind}"
    if schema.defined:
        return Finding(True, subject, f"the schema {schema.slug!r} is defined")
    return Finding(
        False,
        subject,
        f"the schema {schema.slug!r} is not known to be defined",
        f"`proofport provision DEST --kind {schema.kind}` says how a person does that at the vendor. Then: "
        f"`proofport schema confirm DEST --kind {schema.kind}`.",
    )


async def confirmed(destination: str, resource: Resource, journal: Journal) -> Schema:
    """Note that a person has completed the schema of a kind at the vendor. Raises UsageError when there is none."""
    if not isinstance(resource, MakesSchema):
        raise UnsupportedFeature(
            f"{resource.kind} has no schema at this destination that a person would define",
            hint="`proofport schema list DEST` shows those that have.",
        )
    lane = lane_of(destination, resource)
    memory = await journal.adapter_memory(lane)
    key, value = resource.confirm(memory, time.time())
    if not await journal.keep_adapter_memory(lane, key, value, before=memory.get(key)):
        raise JournalError("the schema was changed by another process meanwhile", hint="Confirm it again.")
    return resource.schemas({**memory, key: value})[0]
