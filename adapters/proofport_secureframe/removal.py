"""What is gone. Nothing published can be deleted (R2, R3), so the last state is published once more, marked as gone."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import JsonValue

from proofport.accounting import Outcome, rejected
from proofport.adapter import Batch, Flow, Job
from proofport.errors import Problem, UnsupportedFeature
from proofport_secureframe.bodies import HAVE_ACTIVE
from proofport_secureframe.publishing import envelope, publish
from proofport_secureframe.settings import SecureframeObject, SecureframeSettings

NO_LAST_STATE = rejected(
    Problem(
        found="a record whose last state is not in the journal",
        expected="one that was published from here",
        field="id",
        hint="Upsert the whole record, marked as gone.",
    )
)


def can_end(kind: str, schema: SecureframeObject) -> bool:
    return kind in HAVE_ACTIVE or schema.lifecycle_field is not None


def refuse_removal(kind: str) -> UnsupportedFeature:
    return UnsupportedFeature(
        f"Secureframe cannot delete {kind}, and has no field that says that it is gone",
        hint=f"Set `objects.{kind}.lifecycle_field: lifecycle_state` before the first push under a new schema_slug: "
        "every record then carries that field, `active` or `removed`, and your tests in Secureframe can leave out what "
        "is removed.",
    )


def end(settings: SecureframeSettings, job: Job, batch: Batch) -> Flow[list[Outcome]]:
    """Publish the last body of each record, marked as gone; in as many requests as their size asks for."""
    schema = settings.object(job.kind)
    bodies = {i: marked(job.kind, schema, item) for i, item in enumerate(batch.items) if item}
    outcomes = {i: NO_LAST_STATE for i in range(len(batch)) if i not in bodies}
    head, tail = envelope(settings, schema, partial=False)
    for some in _portions(bodies, settings.batch_bytes - len(head) - len(tail)):
        ids, items = [batch.ids[i] for i in some], [bodies[i] for i in some]
        outcomes.update(zip(some, (yield from publish(settings, job, ids, items, destructive=True)), strict=True))
    return [outcomes[i] for i in range(len(batch))]


def marks(kind: str, schema: SecureframeObject) -> dict[str, JsonValue]:
    """The field that says that a record is gone."""
    if kind in HAVE_ACTIVE:
        return {"active": False}
    return {} if schema.lifecycle_field is None else {schema.lifecycle_field: "removed"}


def marked(kind: str, schema: SecureframeObject, item: bytes) -> bytes:
    body = json.loads(item) | marks(kind, schema)
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _portions(bodies: dict[int, bytes], room: int) -> Iterator[list[int]]:
    some: list[int] = []
    size = 0
    for index, body in bodies.items():
        if some and size + len(body) + 1 > room:
            yield some
            some, size = [], 0
        some.append(index)
        size += len(body) + 1
    if some:
        yield some
