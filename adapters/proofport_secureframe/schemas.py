"""The schema of a kind. Secureframe makes it from the first object that it gets under a new slug (R1).

So the record that shows most goes first (`first_record`). Its fields and their types are kept in the lane's memory, and
a record that does not fit them is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import msgspec
from pydantic import JsonValue

from proofport.adapter import Admission, Batch, Blueprint, Job, MakesSchema, Provisioned, Resource, Schema
from proofport.errors import ConfigError, Problem, UnsupportedFeature, UsageError
from proofport_secureframe.bodies import MODELS
from proofport_secureframe.first_record import First, first_record
from proofport_secureframe.settings import SecureframeObject, SecureframeSettings, ended_fields

ANY = "any"
"""The type of a field of which no value has been seen yet."""

_TYPES: Mapping[str, Any] = {
    "string": str,
    "boolean": bool,
    "number": int | float,
    "object": dict,
    "array": list,
}
_ENTRY = ("slug", "kind", "fields", "primary_id", "published", "defined")
"""The lane's memory has one entry with these names for each slug, in the order of `Schema`. `defined` is the time at
which a person confirmed the schema, or 0."""

_NEW_SLUG = (
    "The vendor froze fields and types with the first record. Leave the field out (list the others under `fields` in "
    "the configuration), or publish the new form under a slug of its own: change it in the configuration, and push "
    "everything. If the schema was made elsewhere, and has this field, declare its `fields` in the configuration."
)


class SchemaResource(Resource, MakesSchema):
    """A kind and its schema."""

    def __init__(self, kind: str, settings: SecureframeSettings) -> None:
        super().__init__(kind)
        self.settings = settings
        #: None: the configuration has no object for the kind.
        self.configured = settings.objects.get(kind)

    @property
    def object(self) -> SecureframeObject:
        """The object of the configuration. Raises ConfigError when there is none."""
        if self.configured is None:
            slug = self.kind.removeprefix("custom:")
            raise ConfigError(
                f"no Secureframe schema is configured for {self.kind}",
                hint=f"Set `objects.{self.kind}: {{schema_slug: {slug}}}`.",
            )
        return self.configured

    @property
    def ended_fields(self) -> Mapping[str, JsonValue]:
        """The field, with its value, that says of a record that it is gone. Empty: the kind has none."""
        return ended_fields(self.kind, self.configured)

    def current(self, lane_memory: Mapping[str, JsonValue]) -> Schema:
        """The schema that the kind is published under now. It has no fields before it is published from here."""
        slug, configured = self.object.schema_slug, self.object.defined
        if slug not in lane_memory:
            return Schema(slug, self.kind, configured=configured)
        known = _schema(lane_memory[slug])
        fields = self.object.typed or known.fields
        return replace(known, kind=self.kind, fields=fields, configured=configured)

    # ------------------------------------------------------------------ what may go
    def admit(self, job: Job, batch: Batch) -> Admission:
        everything, known = range(len(batch)), self.current(job.lane_memory)
        self._require_fit(job, known)
        makes = not known.fields and job.mode in ("upsert", "snapshot")
        if not batch.ids or job.mode == "remove" or not (known.fields or makes):
            return Admission(everything)
        if not makes:
            refused = _misfits(job, batch, known.slug, known.fields)
            rest = [index for index in everything if index not in refused] if refused else everything
            return Admission(rest, refused)
        first, fields = self._freeze(job, list(map(json.loads, batch.bodies)))
        refused = _misfits(job, batch, known.slug, fields)
        values = (known.slug, self.kind, dict(fields), known.primary_id, job.started, 0.0)
        entry: dict[str, Any] = dict(zip(_ENTRY, values, strict=True))
        order = sorted((index for index in everything if index not in refused), key=lambda index: index != first.index)
        return Admission(order, refused, (known.slug, entry), first.note)

    def _freeze(self, job: Job, bodies: Sequence[Mapping[str, Any]]) -> tuple[First, Mapping[str, str]]:
        """The record that goes first, and the fields that the schema has from then on.

        A schema that is configured as defined exists already. It has the fields that are declared, or else all fields
        of the mapping and of this batch.
        """
        if self.object.typed:
            return First(0), self.object.typed
        first, fields, shown = First(0), dict.fromkeys(self.object.named or job.fields, ANY), bodies
        if not self.object.defined:
            first = first_record(job, bodies, self.object)
            fields, shown = {}, bodies[first.index : first.index + 1]
        for name, value in (field for body in shown for field in body.items()):
            if value is not None and fields.get(name, ANY) == ANY:
                fields[name] = json_type(value)
        if self.object.lifecycle_field is not None:
            fields.setdefault(self.object.lifecycle_field, "string")
        proven = job.types or {}
        return first, {name: proven.get(name, ANY) if kind == ANY else kind for name, kind in fields.items()}

    def _require_fit(self, job: Job, schema: Schema) -> None:
        """Raises ConfigError for what the schema cannot take, whatever the records are."""
        if job.mode == "remove" or self.object.lifecycle_field is not None:
            self._require_ended_fields(schema)
        if job.mode == "patch" and not schema.defined:
            raise ConfigError(
                f"the Secureframe schema {schema.slug!r} is not known to be defined, and a patch needs one",
                hint="Push whole records, complete Define Schema, then `proofport schema confirm` "
                "(or `defined: true`).",
            )

    def _require_ended_fields(self, schema: Schema) -> None:
        """Raises ConfigError for a field, of those that say that a record is gone, that the schema lacks."""
        for name in self.ended_fields if schema.fields else ():
            if name not in schema.fields:
                raise ConfigError(
                    f"the schema {schema.slug!r} was first published without {name!r}, and its fields are frozen",
                    hint="Configure a new schema_slug for this kind, and push everything.",
                )

    # ------------------------------------------------------------------ what is known
    def schemas(self, lane_memory: Mapping[str, JsonValue]) -> Sequence[Schema]:
        """Former schemas of kinds that are not configured any more come with the first kind that is."""
        objects = self.settings.objects
        slugs = {each.schema_slug for each in objects.values()}
        former = [replace(_schema(entry), current=False) for slug, entry in lane_memory.items() if slug not in slugs]
        first = self.kind == next(iter(objects), self.kind)
        mine = [each for each in former if each.kind == self.kind or (first and each.kind not in objects)]
        current = [self.current(lane_memory)] if self.configured is not None else []
        return current + sorted(mine, key=lambda each: each.published)

    def confirm(self, lane_memory: Mapping[str, JsonValue], now: float) -> tuple[str, JsonValue]:
        if self.configured is None:
            raise UnsupportedFeature(
                f"{self.kind} has no schema at this destination that a person would define",
                hint="`proofport schema list DEST` shows those that have.",
            )
        slug = self.configured.schema_slug
        entry = lane_memory.get(slug)
        if not isinstance(entry, dict):
            raise UsageError(
                f"nothing was published under {slug!r} from here yet, so there is nothing to confirm",
                hint="Push the whole state first: the vendor makes the schema from the first record.",
            )
        return slug, {**entry, "defined": entry["defined"] or now}


def json_type(value: JsonValue) -> str:
    """The name that JSON Schema has for the type of a value that is not null. Integers are numbers."""
    return next(name for name, form in _TYPES.items() if isinstance(value, form))


def _schema(entry: Any) -> Schema:
    """An entry of the lane's memory."""
    return Schema(*(entry[name] for name in _ENTRY))


def _misfits(job: Job, batch: Batch, slug: str, fields: Mapping[str, str]) -> dict[int, Problem]:
    """The records that the schema cannot take. No record is decoded where the mapping proves that all of them fit."""
    proven = job.types is not None and not batch.extras
    if proven and all(fields.get(name) in (kind, ANY) for name, kind in (job.types or {}).items()):
        return {}
    decode = _decoder(tuple(fields.items()))
    refused: dict[int, Problem] = {}
    for index, body in enumerate(batch.bodies):
        try:
            decode(body)
        except msgspec.DecodeError:
            if problem := _misfit(json.loads(body), slug, fields):
                refused[index] = problem
    return refused


@lru_cache(maxsize=64)
def _decoder(fields: tuple[tuple[str, str], ...]) -> Callable[[bytes], object]:
    """A decoder that takes every record that the schema can take."""
    members = [
        (f"field_{number}", _TYPES.get(kind, Any) | None, msgspec.field(default=None, name=name))
        for number, (name, kind) in enumerate(fields)
    ]
    form = msgspec.defstruct("Record", members, forbid_unknown_fields=True, gc=False)
    return msgspec.json.Decoder(form).decode


def _misfit(body: Mapping[str, Any], slug: str, fields: Mapping[str, str]) -> Problem | None:
    for name, value in body.items():
        wanted = fields.get(name)
        if wanted is None:
            expected = f"one of the fields that the schema {slug!r} began with: {', '.join(fields)}"
            return Problem(f"the field {name!r}", expected, field=name, hint=_NEW_SLUG)
        if value is not None and wanted not in (json_type(value), ANY):
            expected = f"a {wanted}, as in the record that the schema {slug!r} began with"
            return Problem(f"a {json_type(value)}", expected, field=name, hint=_NEW_SLUG)
    return None


def guide(blueprint: Blueprint, configured: SecureframeObject | None) -> Provisioned:
    """The steps of Define Schema for one kind. No program can take them: there is no API for it (R2, R3)."""
    slug = configured.schema_slug if configured else blueprint.kind.removeprefix("custom:")
    fields = ", ".join(blueprint.fields) or "those of your records"
    if configured and configured.lifecycle_field is not None:
        fields += f"; {configured.lifecycle_field} is added"
    model = MODELS.get(blueprint.kind)
    mapping = (
        f"map the fields to the model “{model.vendor_model}”: the names are the vendor's own"
        if model
        else "leave it without a model: custom tests read the fields as they are"
    )
    declared = (
        f'Add to the configuration, under `objects:` of this destination: "{blueprint.kind}": {{schema_slug: {slug}}}'
    )
    steps = (
        *(() if configured else (f"{declared}.",)),
        f"Push {blueprint.kind} once; the schema gets those fields that the first record has ({fields}).",
        f"In Secureframe open the custom connection and choose Define Schema for {slug!r}.",
        "Set `id` as the primary ID. It can never be changed.",
        f"Then {mapping}.",
        f"Say so: `proofport schema confirm DEST --kind {blueprint.kind}`.",
        "Push everything again: whether records sent before are kept is not documented.",
    )
    return Provisioned.by_hand(steps)
