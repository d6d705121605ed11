"""The last delivered state of one lane and kind, as a delivery uses it: what may go, and what is kept of it.

Where a vendor makes its schemas from what it is sent, cannot delete, or cannot be asked, the journal knows the form
that its first record froze, and the body that each record had last.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import Any

import msgspec
import orjson

from proofport.accounting import UNCHANGED, Outcome, Status, rejected
from proofport.adapter import ANY, Adapter, Batch, Capability, Job, Schema, json_type
from proofport.delivery.batching import part
from proofport.delivery.live_state import LiveState
from proofport.delivery.screening import screen
from proofport.errors import Problem
from proofport.journal.contract import IN_DOUBT, Journal, Known, LaneRun
from proofport.sources.structs import may_be_read, struct_of

_SENT = (Status.DELIVERED, Status.UNKNOWN)


@dataclass(slots=True)
class LastState:
    """`types`: the JSON type of each field, where the mapping proves it; None: each record has to be looked at.

    `frozen`: what the batch on its way makes of the vendor's schema, not noted yet. `live`: what the vendor holds,
    where that was read to leave out what is equal.
    """

    journal: Journal
    adapter: Adapter
    capability: Capability
    job: Job
    types: Mapping[str, str] | None = None
    frozen: Schema | None = field(default=None, init=False)
    live: LiveState | None = field(default=None, init=False)

    async def load(self) -> Job:
        """The job, with what the journal knows of its schema."""
        declared = self.adapter.schema(self.job.kind)
        if declared is not None:
            frozen = frozen_schemas(await self.journal.adapter_memory(self.lane))
            self.job = replace(self.job, schema=declared.known(frozen))
        return self.job

    @property
    def lane(self) -> str:
        return self.adapter.lane(self.job.kind)

    # ------------------------------------------------------------------ before
    async def sift(
        self, batch: Batch, bodies: Sequence[int], *, skip_unchanged: bool
    ) -> tuple[Sequence[int], dict[int, Outcome]]:
        """The records to send, in their order, and the outcomes of those that need no vendor, by their index.

        These are unchanged, older than what the vendor has, or of another form than its schema. The record that makes
        a schema goes first. Raises UsageError when none is fit for that.
        """
        makes = self._makes_schema
        decided = await self._decided(batch, bodies, skip_unchanged=skip_unchanged and not makes)
        first = self._freeze(batch, [i for i in range(len(batch)) if i not in decided]) if makes else None
        decided |= self._misfits(batch)
        if not first and not decided:
            return range(len(batch)), decided
        rest = [i for i in range(len(batch)) if i not in decided]
        return ([first, *(i for i in rest if i != first)] if first in rest else rest), decided

    async def _decided(self, batch: Batch, bodies: Sequence[int], *, skip_unchanged: bool) -> dict[int, Outcome]:
        """A staged set has to be sent whole, unless it is what the vendor holds."""
        if self.job.mode == "remove":
            return await self._unremovable(batch) if self.capability.keeps_bodies else {}
        if self.capability.staged:
            return dict.fromkeys(range(len(batch)), UNCHANGED) if self.live and self.live.is_the_set else {}
        patches = self.job.mode == "patch" and self.capability.known_only
        if not (skip_unchanged or batch.observed or patches):
            return {}
        known = await self.journal.known(self.lane, self.job.kind, batch.ids)
        decided = screen(batch, bodies, known, skip_unchanged=skip_unchanged and self.live is None)
        if self.live is not None:
            decided = self.live.compare(batch, bodies, known) | decided
        if patches:
            decided |= {i: _NOT_WHOLE for i, last in enumerate(known) if not _is_whole(last)}
        return decided

    @property
    def _makes_schema(self) -> bool:
        """Whether the vendor makes the schema of what is sent now."""
        full = self.job.mode in ("upsert", "snapshot")
        return full and self.job.schema is None and self.adapter.schema(self.job.kind) is not None

    def _freeze(self, batch: Batch, rest: Sequence[int]) -> int | None:
        """The index of the record that makes the vendor's schema. What is not sent (`rest` is) cannot make one."""
        found = self.adapter.freeze(self.job, part(batch, rest)) if rest else None
        if found is None:
            return None
        first, frozen = found
        proven = self.types or {}
        fields = {name: proven.get(name, ANY) if kind == ANY else kind for name, kind in frozen.fields.items()}
        self.frozen = replace(frozen, fields=fields)
        return rest[first]

    def _misfits(self, batch: Batch) -> dict[int, Outcome]:
        schema = self.job.schema or self.frozen
        if schema is None or self.job.mode == "remove" or self.capability.staged:
            return {}
        if not batch.extras and self.types is not None and _fits(self.types, schema):
            return {}
        if _all_fit(batch.items, schema):
            return {}
        found = ((i, _misfit(item, schema)) for i, item in enumerate(batch.items))
        return {i: rejected(problem) for i, problem in found if problem is not None}

    async def _unremovable(self, batch: Batch) -> dict[int, Outcome]:
        """Nothing is known of it, so there is no last state to send; or it was removed before: its body is empty."""
        known = await self.journal.known(self.lane, self.job.kind, batch.ids)
        bodies = await self.journal.bodies(self.lane, self.job.kind, batch.ids)
        pairs = enumerate(zip(known, bodies, strict=True))
        decided = {i: body for i, (last, body) in pairs if last is None or body is None}
        return {i: _NEVER_SENT if body is None else UNCHANGED for i, body in decided.items()}

    async def with_bodies(self, batch: Batch) -> Batch:
        """The batch, with the body that each record had last; without a body where none is kept."""
        if not self.capability.keeps_bodies:
            return batch
        bodies = await self.journal.bodies(self.lane, self.job.kind, batch.ids)
        return replace(batch, items=[body or b"" for body in bodies])

    # ------------------------------------------------------------------ after
    async def note(self, run: LaneRun, outcomes: Sequence[Outcome]) -> Job:
        """Note what was frozen, once the vendor has taken something of it. Returns the job as it goes on."""
        if self.frozen is not None and any(outcome.status in _SENT for outcome in outcomes):
            noted = asdict(replace(self.frozen, fields=dict(self.frozen.fields), published=time.time()))
            await run.keep_adapter_memory(self.frozen.slug, noted, doubts=self.frozen.kind)
            self.job = replace(self.job, schema=self.frozen)
        self.frozen = None
        return self.job

    async def kept(self, batch: Batch, outcomes: Sequence[Outcome]) -> Sequence[bytes]:
        """The bodies to keep, of what was sent. Of a patch, the last body with the patch applied."""
        if not self.capability.keeps_bodies or self.job.mode == "remove":
            return ()
        items: Sequence[bytes] = batch.items
        if self.job.mode == "patch":
            last = await self.journal.bodies(self.lane, self.job.kind, batch.ids)
            items = [_patched(body, item) if body else b"" for body, item in zip(last, items, strict=True)]
        return [item if end.status in _SENT else b"" for item, end in zip(items, outcomes, strict=True)]


def frozen_schemas(memory: Mapping[str, Any]) -> list[Schema]:
    """The schemas in an adapter's memory of a lane."""
    return [Schema(**value) for value in memory.values()]


def _is_whole(last: Known | None) -> bool:
    return last is not None and last.body != IN_DOUBT


def _fits(types: Mapping[str, str], schema: Schema) -> bool:
    return all(schema.fields.get(name) in (kind, ANY) for name, kind in types.items())


def _all_fit(items: Sequence[bytes], schema: Schema) -> bool:
    """The quick answer, which a decoder gives: it reads nothing but the fields of the schema, with their types."""
    if not all(map(may_be_read, schema.fields)):
        return False
    decode = _decoder(tuple(schema.fields.items()))
    try:
        for item in items:
            decode(item)
    except msgspec.ValidationError:
        return False
    return True


@lru_cache(maxsize=64)
def _decoder(fields: tuple[tuple[str, str], ...]) -> Callable[[bytes], object]:
    return msgspec.json.Decoder(struct_of({name: _TYPES[kind] for name, kind in fields}, None, closed=True)).decode


_TYPES: Mapping[str, Any] = {
    ANY: Any,
    "string": str | None,
    "number": int | float | None,
    "boolean": bool | None,
    "object": dict[str, Any] | None,
    "array": list[Any] | None,
    "null": None,
}


def _misfit(item: bytes, schema: Schema) -> Problem | None:
    for name, value in orjson.loads(item).items():
        wanted = schema.fields.get(name)
        if wanted is None:
            expected = f"one of the fields that the schema {schema.slug!r} began with: {', '.join(schema.fields)}"
            return Problem(f"the field {name!r}", expected, field=name, hint=_NEW_SLUG)
        if value is not None and wanted not in (json_type(value), ANY):
            expected = f"a {wanted}, as in the record that the schema {schema.slug!r} began with"
            return Problem(f"a {json_type(value)}", expected, field=name, hint=_NEW_SLUG)
    return None


_NEW_SLUG = (
    "The vendor froze fields and types with the first record. Leave the field out, or publish the new form under a "
    "slug of its own: change it in the configuration, and push everything. If the schema was made elsewhere, and has "
    "this field, declare its `fields` in the configuration."
)
_NOT_WHOLE = rejected(
    Problem(
        "a patch of a record that is not known to have been delivered whole",
        "a record whose whole state was delivered from here before",
        field="id",
        hint="Upsert the whole record first.",
    )
)
_NEVER_SENT = rejected(
    Problem(
        "a removal of a record that was never delivered from here",
        "a record whose last state is known: the vendor cannot delete, so that state is sent once more, marked as gone",
        field="id",
        hint="Upsert the whole record, marked as gone, instead.",
    )
)


def _patched(body: bytes, patch: bytes) -> bytes:
    """Named fields are set, null deletes, the others stay."""
    merged = {**orjson.loads(body), **orjson.loads(patch)}
    return orjson.dumps({name: value for name, value in merged.items() if value is not None})
