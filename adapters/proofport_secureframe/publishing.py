"""Publishing: one request queues the state of up to 500 resources of one schema.

The answer says that they are queued, never what became of them: there is no job id and no error report (R2, R3).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from proofport.accounting import ACCEPTED, Outcome, rejected, unknown
from proofport.adapter import Batch, Flow, Job
from proofport.errors import Problem, UsageError
from proofport.wire import Call
from proofport_secureframe.answers import refuse, refused, vendor_words
from proofport_secureframe.settings import SecureframeObject, SecureframeSettings

REPEATED = rejected(
    Problem(
        found="an id that occurs earlier in the same request",
        expected="every id once",
        field="id",
        hint="Secureframe says nothing about the order of elements within one request.",
    )
)
HINT_403 = (
    "The role of the user who owns the key must allow pushing to this connection, and Secureframe must have enabled "
    "custom connections (Early Access) for the company."
)


def bodies_for(job: Job, schema: SecureframeObject, items: Sequence[bytes]) -> Sequence[bytes]:
    """The records as they go out: with the lifecycle field where one is configured."""
    if schema.lifecycle_field is None or job.mode == "patch":
        return items
    field = schema.lifecycle_field
    mark = f'"{field}":'.encode()
    return [
        item if mark in item and field in json.loads(item) else item[:-1] + b"," + mark + b'"active"}' for item in items
    ]


def lifecycle_bytes(schema: SecureframeObject) -> int:
    """What `bodies_for` adds to a record."""
    return len(f',"{schema.lifecycle_field}":"active"') if schema.lifecycle_field is not None else 0


def envelope(settings: SecureframeSettings, schema: SecureframeObject, *, partial: bool) -> tuple[bytes, bytes]:
    """What stands before and after the records of a request."""
    fields: dict[str, Any] = {"schema_slug": schema.schema_slug, "vendor_slug": settings.vendor_slug}
    if partial:
        fields["partial"] = True
    return json.dumps(fields, separators=(",", ":")).encode()[:-1] + b',"resource_data":[', b"]}"


def is_defined(job: Job, schema: SecureframeObject) -> bool:
    """Whether Define Schema is known to be done, from the configuration or the journal."""
    return schema.defined or (job.schema is not None and job.schema.defined > 0)


def publish(
    settings: SecureframeSettings, job: Job, ids: Sequence[str], bodies: Sequence[bytes], *, destructive: bool = False
) -> Flow[list[Outcome]]:
    """Queue a batch. Repeating it converges, in full as in partial."""
    schema, order = settings.object(job.kind), _unique(ids)
    items = bodies if len(order) == len(ids) else [bodies[index] for index in order]
    head, tail = envelope(settings, schema, partial=job.mode == "patch")
    path = f"/custom_connections/{settings.connection_id}/data"
    reply = yield Call(
        "publish", "POST", path, body=b"%b%b%b" % (head, b",".join(items), tail), destructive=destructive
    )
    if reply.status == 400:
        verdict = rejected(refused(reply))
    elif reply.status == 202:
        verdict = ACCEPTED if is_defined(job, schema) else _not_defined(job.kind, schema.schema_slug)
    elif reply.ok:
        words = Problem("an answer that promises nothing", "202", vendor_message=vendor_words(reply))
        verdict = unknown("unexpected_answer", words)
    else:
        refuse(reply, "take the records", HINT_403)
    if len(order) == len(ids):
        return [verdict] * len(ids)
    sent = set(order)
    return [verdict if index in sent else REPEATED for index in range(len(ids))]


def complete_record(job: Job, batch: Batch) -> int:
    """The index of a record that holds every field with a value: a schema is made from the first object it sees.

    A field that is null, missing or an empty array there may never be mappable (assumed). The fields are those that
    the mapping can produce, or what the batch holds where fields pass through unchanged. Raises UsageError when no
    record of the batch holds them all: later batches do not exist yet, since inputs may be endless.
    """
    bodies: list[dict[str, Any]] = [json.loads(item) for item in batch.items]
    held = [{name for name, value in body.items() if value not in (None, [], {})} for body in bodies]
    wanted = set(job.fields) if job.fields else {name for body in bodies for name in body}
    for index in _unique(batch.ids):
        if held[index] >= wanted:
            return index
    raise UsageError(_no_complete_record(job, wanted, held), hint=_COMPLETE_HINT)


_COMPLETE_HINT = (
    "Put a complete record at the beginning of the input, give the fields a `default:` in the mapping, or leave them "
    "out of the mapping if they never have a value. If Define Schema is done already, set `defined: true` for it."
)


def _no_complete_record(job: Job, wanted: set[str], held: Sequence[set[str]]) -> str:
    never = sorted(wanted - set().union(*held))
    best = max(held, key=lambda fields: len(fields & wanted))
    why = (
        f"no record has a value for {', '.join(never)}"
        if never
        else f"the fullest one lacks {', '.join(sorted(wanted - best))}"
    )
    return (
        f"Secureframe makes the schema of {job.kind} from the first record that it gets, so that one must fill every "
        f"field, and of the first {len(held):,} none does: {why}"
    )


def _unique(ids: Sequence[str]) -> Sequence[int]:
    """The indexes of the first record of each id."""
    if len(set(ids)) == len(ids):
        return range(len(ids))
    first: dict[str, int] = {}
    for index, record in enumerate(ids):
        first.setdefault(record, index)
    return list(first.values())


def _not_defined(kind: str, slug: str) -> Outcome:
    return unknown(
        "schema_not_defined",
        Problem(
            found=f"records queued for the schema {slug!r}, which is not known to be defined",
            expected="a schema that a person has completed under Define Schema: nothing is processed before that",
            hint="In Secureframe open the custom connection, choose Define Schema, set `id` as primary ID and map the "
            f"fields to the model. Then say so with `proofport schema confirm DEST --kind {kind}` (or `defined: true` "
            "for this kind in the configuration) and push everything again: what was sent before may be lost.",
        ),
    )
