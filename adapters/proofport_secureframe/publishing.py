"""Publishing: one request queues the state of up to 500 resources of one schema.

The answer says that they are queued, and never what became of them: there is no job id and no error report (R2, R3).
Nothing that was published can be deleted. A record that is gone is published once more, marked as gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

from proofport.accounting import ACCEPTED, NOT_KNOWN, UNCHANGED, Outcome, rejected, unknown
from proofport.adapter import Batch, Blueprint, Body, Ends, Flow, Job, Limits, Memory, Mode, Provisioned, Provisions
from proofport.errors import Problem, UnsupportedFeature
from proofport.wire import Call
from proofport_secureframe.answers import PUBLISH_HINTS, queued, refuse, vendor_words
from proofport_secureframe.bodies import body_of
from proofport_secureframe.reading import READ_BACK
from proofport_secureframe.schemas import SchemaResource, guide

NOT_WHOLE = rejected(
    Problem(
        "a patch of a record that is not known to have been delivered whole",
        "a record whose whole state was delivered from here before",
        field="id",
        hint="Upsert the whole record first.",
    )
)
NEVER_SENT = rejected(
    Problem(
        "an id that was never delivered from here; the vendor does not say what it holds",
        "a record whose last state is known: the vendor cannot delete, so that state is sent once more, marked as gone",
        field="id",
        hint="Look for a spelling mistake. If the vendor holds the record, upsert the whole of it, marked as gone.",
    ),
    reason=NOT_KNOWN.reason,
)
WITHDRAWN = b'"elastictranscoder_pipeline"'
WITHDRAWN_NOTE = (
    "elastictranscoder_pipeline is sent, although Secureframe took it off its list of types in 2026: it may "
    "fail to map there without a word."
)


class PublishedResource(SchemaResource, Provisions):
    """A kind that is published. A run's memory holds `noted`: the note about a withdrawn type was given."""

    @property
    def lane(self) -> str:
        """The vendor keeps the order of requests within one connection, across schemas (R1)."""
        return f"{urlsplit(self.settings.origin).netloc}/{self.settings.connection_id}"

    @property
    def keeps_bodies(self) -> bool:
        """A removal and `verify` need the last body."""
        return bool(self.ended_fields) or self.kind in READ_BACK

    def limits(self, mode: Mode) -> Limits:
        lifecycle_field = self.object.lifecycle_field
        if mode == "remove" and not self.ended_fields:
            raise self._cannot_remove()
        records, added = self.settings.batch_records, len(f',"{lifecycle_field}":"active"') if lifecycle_field else 0
        return Limits(records, self._bytes_left(mode) - records * (added + 1))

    def body(self, mode: Mode) -> Body:
        return body_of(
            self.kind,
            mode,
            newest_types=self.settings.allow_newest_types,
            own_mapping=self.configured is not None and self.configured.mapping is not None,
            courses=self.configured.courses if self.configured else {},
            only=self.configured.sent if self.configured else (),
        )

    def provision(self, blueprint: Blueprint) -> Flow[Provisioned]:
        yield from ()  # a flow, although it never calls
        return guide(blueprint, self.configured)

    # ------------------------------------------------------------------ sending
    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        if job.mode == "remove":
            raise self._cannot_remove()
        refused: dict[int, Outcome] = {}
        bodies = batch.bodies
        if job.mode == "patch":
            refused = self._refused_patches(batch)
            bodies = [body for index, body in enumerate(bodies) if index not in refused]
        elif self.object.lifecycle_field is not None:
            bodies = _with_field(bodies, self.object.lifecycle_field)
        if job.kind == "cloud_resource" and "noted" not in memory and any(WITHDRAWN in body for body in bodies):
            memory.update(noted=True, notes=[WITHDRAWN_NOTE])
        if not bodies:
            return list(refused.values())
        outcome = yield from self._publish(job, bodies, job.mode)
        return [refused.get(index, outcome) for index in range(len(batch))] if refused else [outcome] * len(batch)

    def _refused_patches(self, batch: Batch) -> dict[int, Outcome]:
        nested_allowed = not self.kind.startswith("custom:") or self.object.allow_nested_patch
        refused: dict[int, Outcome] = {}
        for index, (patch, last) in enumerate(zip(batch.bodies, batch.last, strict=True)):
            if last is None or last.removed or not last.certain:
                refused[index] = NOT_WHOLE
            elif not nested_allowed and (nested := _nested_field(patch)) is not None:
                refused[index] = self._nested(nested)
        return refused

    def _publish(self, job: Job, bodies: Sequence[bytes], mode: Mode, *, destructive: bool = False) -> Flow[Outcome]:
        """Queue records. All of them have one outcome. Repeating the request converges, in full as in partial."""
        path = f"/custom_connections/{self.settings.connection_id}/data"
        parts = list(bodies)  # of which one join makes the request, without a second copy
        parts[0] = self._head(mode) + parts[0]
        parts[-1] += b"]}"
        reply = yield Call("publish", "POST", path, body=b",".join(parts), destructive=destructive)
        if reply.status == 400:
            hint = "Compare vendor_slug with the vendor configured on the connection: it must be equal."
            found, expected = f"an answer with status {reply.status}", "a publish that Secureframe accepts"
            return rejected(Problem(found, expected, hint=hint, vendor_message=vendor_words(reply)))
        if not reply.ok:
            refuse(reply, "take the records", PUBLISH_HINTS)
        if not queued(reply):
            problem = Problem("an answer that promises nothing", "202", vendor_message=vendor_words(reply))
            return unknown("unexpected_answer", problem)
        return ACCEPTED if self.current(job.lane_memory).defined else self._not_defined()

    def _head(self, mode: Mode) -> bytes:
        """The bytes of a request before its records."""
        fields: dict[str, Any] = {"schema_slug": self.object.schema_slug, "vendor_slug": self.settings.vendor_slug}
        if mode == "patch":
            fields["partial"] = True
        return json.dumps(fields, separators=(",", ":")).encode()[:-1] + b',"resource_data":['

    def _bytes_left(self, mode: Mode) -> int:
        """The bytes of a request that are left for records."""
        return self.settings.batch_bytes - len(self._head(mode)) - len(b"]}")

    def _not_defined(self) -> Outcome:
        return unknown(
            "schema_not_defined",
            Problem(
                found=f"records queued for the schema {self.object.schema_slug!r}, which is not known to be defined",
                expected="a schema that a person has completed under Define Schema: nothing is processed before that",
                hint="In Secureframe open the custom connection, choose Define Schema, set `id` as primary ID and map "
                f"the fields to the model. Then say so with `proofport schema confirm DEST --kind {self.kind}` (or "
                "`defined: true` for this kind in the configuration) and push everything again: what was sent before "
                "may be lost.",
            ),
        )

    def _nested(self, field: str) -> Outcome:
        hint = (
            "Secureframe does not say whether a nested object in a partial publish is merged or replaced. Upsert the "
            f"whole record, or set `objects.{self.kind}.allow_nested_patch: true` if you know."
        )
        return rejected(Problem("a nested object in a patch", "a plain value", field=field, hint=hint))

    def _cannot_remove(self) -> UnsupportedFeature:
        return UnsupportedFeature(
            f"Secureframe cannot delete {self.kind}, and has no field that says that it is gone",
            hint=f"Set `objects.{self.kind}.lifecycle_field: lifecycle_state` before the first push under a new "
            "schema_slug: every record then carries that field, `active` or `removed`, and your tests in Secureframe "
            "can leave out what is removed.",
        )


class EndedResource(PublishedResource, Ends):
    """A kind with a field that says that a record is gone."""

    ends: Literal["always"] = "always"

    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        if job.mode == "remove":
            return (yield from self.end(job, memory, batch))
        return (yield from super().send(job, memory, batch))

    def end(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        """Publish the last body of each record, marked as gone, in as many requests as their size asks for.

        Of a record whose last body is not known here, the mark alone goes, as a partial publish. If the vendor does not
        hold it, that changes nothing.
        """
        self._require_ended_fields(self.current(job.lane_memory))
        outcomes: dict[int, Outcome] = {}
        whole: dict[int, bytes] = {}
        marks: dict[int, bytes] = {}
        for index, last in enumerate(batch.last):
            if last is not None and last.body:
                whole[index] = _compact(json.loads(last.body) | self.ended_fields)
            elif last is not None and not last.removed:
                marks[index] = _compact({"id": batch.ids[index], **self.ended_fields})
            else:
                outcomes[index] = NEVER_SENT if last is None else UNCHANGED
        modes: tuple[tuple[Mode, Mapping[int, bytes]], ...] = (("remove", whole), ("patch", marks))
        for mode, bodies in modes:
            for indexes in _portions(bodies, self._bytes_left(mode)):
                outcome = yield from self._publish(job, [bodies[index] for index in indexes], mode, destructive=True)
                outcomes |= dict.fromkeys(indexes, outcome)
        return [outcomes[index] for index in range(len(batch))]


def _compact(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _with_field(bodies: Sequence[bytes], field: str) -> Sequence[bytes]:
    """The records with the lifecycle field `active`, unless they carry their own."""
    key = f'"{field}":'.encode()
    added = b"," + key + b'"active"}'
    return [body if key in body and field in json.loads(body) else body[:-1] + added for body in bodies]


def _nested_field(patch: bytes) -> str | None:
    return next((name for name, value in json.loads(patch).items() if isinstance(value, dict)), None)


def _portions(bodies: Mapping[int, bytes], limit: int) -> Iterator[list[int]]:
    """The indexes of records that fit into one request together."""
    portion: list[int] = []
    size = 0
    for index, body in bodies.items():
        if portion and size + len(body) + 1 > limit:
            yield portion
            portion, size = [], 0
        portion.append(index)
        size += len(body) + 1
    if portion:
        yield portion
