"""The record that goes first. Secureframe makes the schema of a kind from it, with the fields of that record (R1).

A field that it lacks, or that is null or an empty array there, may never be mappable (assumed). Only the first batch is
looked at, because an input may be endless.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proofport.adapter import Job
from proofport.errors import UsageError
from proofport_secureframe.bodies import HAVE_ACTIVE, MODELS
from proofport_secureframe.settings import SecureframeObject


@dataclass(frozen=True, slots=True)
class First:
    """The index of the record that goes first, and a sentence about fields that the schema begins without."""

    index: int
    note: str | None = None


def first_record(job: Job, bodies: Sequence[Mapping[str, Any]], configured: SecureframeObject) -> First:
    """The first record that has a value for every field of the schema.

    These fields are the configured ones. Without them: those of which any record shows something, and those that a
    schema should not begin without, as far as the mapping can make them. Raises UsageError when no record has them all.
    """
    filled = [{name for name, value in body.items() if value not in (None, [], {})} for body in bodies]
    wanted = set(configured.named)
    if not wanted:
        wanted = {name for body in bodies for name, value in body.items() if value is not None}
        model = MODELS.get(job.kind)
        wanted |= model.first_shows & set(job.fields) if model is not None else set()
    wanted.discard(configured.lifecycle_field or "")
    complete = next((index for index, fields in enumerate(filled) if fields >= wanted), None)
    if complete is None:
        raise _refusal(job, bodies, filled, wanted, configured)
    never = [name for name in job.fields if name not in wanted and not configured.named]
    note = _begins_without(job, bodies[complete], never, len(bodies), configured) if never else None
    return First(complete, note)


def _begins_without(
    job: Job, body: Mapping[str, Any], never: Sequence[str], looked_at: int, configured: SecureframeObject
) -> str:
    return (
        f"Secureframe makes the schema {configured.schema_slug!r} from the first record, {body['id']}, with these "
        f"fields: {', '.join(_shown(job, body))}. Of {_records(looked_at)}, none has a value for {', '.join(never)}. "
        "A later record that has one is refused, until the kind gets another schema_slug. To keep such a field, put a "
        "record that has it at the beginning of the first push."
    )


def _refusal(
    job: Job,
    bodies: Sequence[Mapping[str, Any]],
    filled: Sequence[Collection[str]],
    wanted: Collection[str],
    configured: SecureframeObject,
) -> UsageError:
    """The error for a batch of which no record can go first. It names the fullest record, and the ways on."""
    never = set(wanted).difference(*filled)
    fullest = max(range(len(filled)), key=lambda index: len(set(wanted).intersection(filled[index])))
    others = sorted(set(wanted).difference(filled[fullest], never))
    also = "also " if never else ""
    why = [f"no record has a value for {', '.join(sorted(never))}"] if never else []
    why += [f"the fullest one, {bodies[fullest]['id']}, {also}lacks {', '.join(others)}"] if others else []
    lost = set(wanted) - set(filled[fullest])
    kept = [name for name in _shown(job, bodies[fullest]) if name in filled[fullest]]
    ended = (
        " Without `active`, what is gone is only listed in the report, unless you give the records a field of your own "
        "that says so: `lifecycle_field: lifecycle_state`."
    )
    ways = (
        "Put a record that has them all at the beginning of the input.",
        f"Or leave out what is lacking, with one line of the configuration: `objects.{job.kind}.fields: "
        f"[{', '.join(kept)}]`. These are the fields of {bodies[fullest]['id']}; no others are sent."
        f"{ended if 'active' in lost and job.kind in HAVE_ACTIVE else ''}",
        f"Or make the schema without proofport: publish an object of your own that has them all (`proofport call DEST "
        f"publish schema_slug={configured.schema_slug} resource_data=@FILE`), complete Define Schema, and set "
        f"`objects.{job.kind}.defined: true`.",
    )
    return UsageError(
        f"Secureframe makes the schema of {job.kind} from the first record that it gets, with the fields of that one "
        f"and no others. Of {_records(len(bodies))}, none shows every field: {'; '.join(why)}",
        hint="\n".join(f"{number}. {way}" for number, way in enumerate(ways, start=1)),
    )


def _shown(job: Job, body: Mapping[str, Any]) -> list[str]:
    """The fields of a record, in the order of the mapping."""
    return [*(name for name in job.fields if name in body), *(name for name in body if name not in job.fields)]


def _records(looked_at: int) -> str:
    return "1 record that was looked at" if looked_at == 1 else f"{looked_at:,} records that were looked at"
