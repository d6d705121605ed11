"""Models of bodies and answers, for OpenAPI. Times are RFC 3339 in UTC."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, JsonValue

from proofport.adapter import Mode
from proofport.journal.contract import SnapshotState, State

RECORD = {"type": "object", "description": "One record of evidence, or one raw document for `source`."}
RECORDS = {
    "application/json": {
        "oneOf": [RECORD, {"type": "array", "items": RECORD, "minItems": 1}],
        "description": "One record, or an array of records.",
    },
    "application/x-ndjson": {"type": "string", "description": "One record a line. It is read while it arrives."},
}


SKIPPED = "How many records the source mapping leaves out, by the reason."


class Answer(BaseModel, extra="forbid"):
    """Has these members and no others."""


class Problem(BaseModel, extra="allow"):
    """An error, as in RFC 9457. Some types have further members."""

    type: str = Field(description="Programs may rely on it: urn:proofport:problem:…")
    title: str
    status: int
    detail: str
    hint: str | None = None


class Mistake(Answer):
    """One thing that is wrong with one record."""

    record: int = Field(description="The number of the record, from 1. With `source`, of those that the mapping found.")
    pointer: str = Field(description="A JSON pointer into the body; NDJSON counts as an array of its records.")
    line: int | None = Field(None, description="The line, in NDJSON.")
    id: str | None
    field: str | None
    found: str
    expected: str
    hint: str | None


class AcceptedDelivery(Answer):
    id: int
    destination: str
    records: int


class Accepted(Answer):
    """The accepted records and, with `accept=valid`, the others."""

    submission: int | None = Field(
        description="`GET /v1/deliveries?submission=…` finds all deliveries of it. Null where every record is left out."
    )
    kind: str
    mode: Mode
    records: int
    rejected: int
    skipped: dict[str, int] = Field({}, description=SKIPPED)
    deliveries: list[AcceptedDelivery]
    errors: list[Mistake] = Field(description="At most 1,000; `error_count` counts all.")
    error_count: int


class Outcomes(Answer):
    """The five outcomes of records. Once a delivery has ended they sum to its records."""

    delivered: int
    unchanged: int
    rejected: int
    withheld: int
    unknown: int


class Delivery(Answer):
    """Some records for one destination. To a write-only key, why and how it ended is null."""

    id: int
    submission: int | None = Field(description="Of the request that brought it; null where none did.")
    destination: str
    kind: str
    mode: Mode
    state: State
    records: int
    attempts: int
    created: str
    finished: str | None
    outcomes: Outcomes | None = Field(description="Null while it is queued.")
    assurance: dict[str, int] = Field(description="How sure the deliveries are: accepted, confirmed or verified.")
    reason: str | None = Field(description="Why it is dead or cancelled, or why the last attempt failed.")
    replayed_as: int | None = Field(description="The delivery that replaced it.")
    receipt: str | None = Field(description="The signed receipt that it stands in; null as long as there is none.")


class DeliveryPage(Answer):
    items: list[Delivery]
    next: int | None = Field(description="The `cursor` of the next page; null on the last one.")


class RecordProblem(Answer):
    field: str | None
    found: str
    expected: str
    hint: str | None
    vendor_message: str | None


class Record(Answer):
    """The outcome of one record; null until it is sent."""

    record: int
    id: str | None
    outcome: Literal["delivered", "unchanged", "rejected", "withheld", "unknown"] | None
    assurance: Literal["accepted", "confirmed", "verified"] | None
    reason: str | None
    problem: RecordProblem | None


class RecordPage(Answer):
    items: list[Record]
    next: int | None


class LetterRecord(Answer):
    evidence: dict[str, JsonValue]
    problem: RecordProblem | None
    sent: dict[str, JsonValue] | None = Field(description="The body that was sent; null where there was none.")
    body: dict[str, JsonValue] | None = Field(description="What the vendor would get now; null where there is no body.")


class Letter(Delivery):
    """A delivery that failed for good, with its evidence."""

    content: list[LetterRecord] = Field(description="Empty where it was damaged in the journal.")


class SetAside(BaseModel, extra="forbid"):
    reason: str = Field(min_length=1, max_length=500, pattern=r"\S", description="It stays with the dead letter.")


class Lane(Answer):
    """The key by which a vendor orders work. Deliveries of one lane are sent one after the other."""

    lane: str
    queued: int
    dead: int
    oldest: str | None = Field(description="When the first that is queued was accepted.")
    held: bool = Field(description="A process delivers there now.")
    rests_until: str | None
    parked: str | None = Field(description="Why a person must act; resume the lane after that.")
    broken: int = Field(
        description="How often in a row the relay broke down at the first that is queued. At the third it is set aside."
    )


class ResumedLane(Answer):
    """A lane after it was resumed. To a write-only key, all but its name is null."""

    lane: str
    queued: int | None
    dead: int | None
    oldest: str | None
    held: bool | None
    rests_until: str | None
    parked: str | None
    broken: int | None


class Lanes(Answer):
    items: list[Lane]


class MappingView(Answer):
    name: str
    reads: str | None = Field(description="The kind of evidence that a vendor mapping reads; null for a source.")
    gives: str = Field(description="The kind of evidence that a source gives, or the vendor's body.")
    context: list[str] = Field(description="Names that `set` may give.")


class Mappings(Answer):
    items: list[MappingView]


class PreviewedBody(Answer):
    body: dict[str, JsonValue] | None
    problem: RecordProblem | None
    skipped: str | None = Field(None, description="The reason why the record is left out there.")


class Previewed(Answer):
    record: int
    id: str | None
    evidence: dict[str, JsonValue] | None
    destinations: dict[str, PreviewedBody]


class Preview(Answer):
    items: list[Previewed]


class NewSnapshot(BaseModel, extra="forbid"):
    kind: str
    to: list[str] = Field(min_length=1, description="Names of destinations.")


class Commit(BaseModel, extra="forbid"):
    override_guard: str | None = Field(None, min_length=1, description="Why the loss is intended; kept in the report.")
    without: list[str] = Field(
        [],
        max_length=100,
        description="Sources of the last set that are left out on purpose, as the refusal names them.",
    )
    records: int | None = Field(
        None,
        ge=0,
        description="The number of records in all parts, those that are left out included. With another it is refused.",
    )


class Snapshot(Answer):
    """A whole set that arrives in parts."""

    id: str
    kind: str
    to: list[str]
    state: SnapshotState
    parts: int
    records: int
    created: str
    expires: str | None = Field(description="When an open one ends, unless something is added.")
    report: dict[str, Any] | None = Field(description="The report of its last commit, as `push --json` prints it.")


class Snapshots(Answer):
    items: list[Snapshot]


class Health(Answer):
    status: Literal["alive"]


class Check(Answer):
    ok: bool
    detail: str


class Readiness(Answer):
    status: Literal["ready"]
    checks: dict[str, Check]


class PartTaken(Answer):
    part: str
    records: int
    skipped: dict[str, int] = Field({}, description=SKIPPED)
    snapshot: Snapshot
