"""The first publish of a slug makes its schema from the first object (R1): which one that is to be, and what is refused
afterwards."""

from __future__ import annotations

import json
from typing import Any

from proofport.accounting import Outcome, rejected
from proofport.adapter import ANY, Batch, Job, Schema, json_type
from proofport.errors import ConfigError, Problem
from proofport_secureframe.publishing import bodies_for, complete_record, is_defined
from proofport_secureframe.settings import SecureframeObject


def freeze(job: Job, schema: SecureframeObject, batch: Batch) -> tuple[int, Schema] | None:
    """The complete record that goes first, and the schema it makes.

    One that is configured as defined is there: its fields are those that are declared, or else all that the mapping
    can make and the first batch shows.
    """
    if schema.defined:
        return 0, Schema(schema.schema_slug, job.kind, dict(schema.fields) or _shown(job, schema, batch))
    first = complete_record(job, batch)
    [item] = bodies_for(job, schema, [batch.items[first]])
    return first, Schema.of(schema.schema_slug, job.kind, json.loads(item))


def _shown(job: Job, schema: SecureframeObject, batch: Batch) -> dict[str, str]:
    fields = dict.fromkeys(job.fields, ANY)
    for item in bodies_for(job, schema, batch.items):
        for name, value in json.loads(item).items():
            if value is not None and fields.get(name, ANY) == ANY:
                fields[name] = json_type(value)
    return fields


def require_fit(job: Job, schema: SecureframeObject) -> None:
    """Raises ConfigError for what the schema cannot take, whatever the records are."""
    slug, field = schema.schema_slug, schema.lifecycle_field
    if field is not None and job.schema is not None and field not in job.schema.fields:
        raise ConfigError(
            f"the schema {slug!r} was first published without {field!r}, and its fields are frozen",
            hint="Configure a new schema_slug for this kind, and push everything.",
        )
    if job.mode == "patch" and not is_defined(job, schema):
        raise ConfigError(
            f"the Secureframe schema {slug!r} is not known to be defined, and a patch needs one",
            hint="Push whole records, complete Define Schema, then `proofport schema confirm` (or `defined: true`).",
        )


def nested(job: Job, schema: SecureframeObject, batch: Batch) -> dict[int, Outcome]:
    """The patches with nested objects: whether they are merged or replaced is not published."""
    if job.mode != "patch" or schema.allow_nested_patch or not job.kind.startswith("custom:"):
        return {}
    found = ((index, _nested_field(json.loads(item))) for index, item in enumerate(batch.items))
    return {index: _refusal(job.kind, name) for index, name in found if name is not None}


def _nested_field(body: dict[str, Any]) -> str | None:
    return next((name for name, value in body.items() if isinstance(value, dict)), None)


def _refusal(kind: str, name: str) -> Outcome:
    hint = (
        "Secureframe does not say whether a nested object in a partial publish is merged or replaced. Upsert the whole "
        f"record, or set `objects.{kind}.allow_nested_patch: true` if you know."
    )
    return rejected(Problem("a nested object in a patch", "a plain value", field=name, hint=hint))
