"""The values that the engine and an adapter speak in."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, SecretStr

from proofport.errors import Problem, Retryable
from proofport.text.durations import Duration
from proofport.wire import Call, Reply

T = TypeVar("T")
Flow: TypeAlias = Generator[Call, Reply, T]
"""A conversation with a vendor: yields each request, is sent its response, and returns a result."""

Memory: TypeAlias = dict[str, JsonValue]
"""An adapter's notes of one run, plain JSON data that the journal keeps. Sentences under `notes` go into the report.

Under `taken`, `Replaces.replace` may note which records of the batch the vendor has surely taken, by their indexes: if
an error ends the flow after that, these are accepted.
"""

Mode: TypeAlias = Literal["upsert", "snapshot", "patch", "remove"]


# ------------------------------------------------------------------ settings
def _one_word(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not value or not all("!" <= character <= "~" for character in value):
        raise ValueError("expected a secret without blanks, line breaks or letters beyond ASCII")
    return secret


Credential = Annotated[SecretStr, AfterValidator(_one_word)]
"""A secret that travels in a header, where a blank or a line break would change what the header says."""


class ObjectSettings(BaseModel):
    """The vendor object that one kind is delivered to. Adapters add its ids."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mapping: str | None = None  #: A vendor mapping in place of the built-in one.
    skip: JsonValue = None  #: Rules that leave evidence out at this destination, as in a mapping file.
    max_age: Duration | None = None  #: Evidence that is older is stale. None: that of the destination.


class Settings(BaseModel):
    """One destination of the configuration file. Secrets are `SecretStr`: given as `env:NAME` or `file:PATH`.

    A validator of another file finds the folder of the configuration as `folder` in its context.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    requests_per_minute: int | None = Field(None, ge=0, description="budget for the vendor's host; 0 switches it off")
    max_age: Duration | None = Field(None, description="evidence that is older is stale, such as 26h")
    objects: Mapping[str, ObjectSettings] = Field(default_factory=dict)  #: The vendor object of each kind.


# ------------------------------------------------------------------ delivering
@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one request."""

    max_records: int = 500
    max_bytes: int = 1_000_000
    parallel: int = 1  #: Requests of one delivery that may be under way at once.
    too_large: str = "Nothing was sent."  #: What to do about a set that goes whole, and does not fit into one request.
    empty: str = "Remove records by id instead."  #: How all records can be ended, as an empty set is refused.
    gone_as: str = (
        "gone"  #: What `Replaces.keeps_gone` is about is sent as, in the vendor's word, for reports and plans.
    )


@dataclass(frozen=True, slots=True)
class Body:
    """The form that a vendor accepts for the record bodies of one kind in one mode."""

    name: str  #: The `to.body` of the vendor mappings that fit.
    mapping: str | None  #: The built-in mapping.
    #: Bodies are checked against it. Without one, their JSON Schema comes from the mapping's `type:` and `nullable:`.
    model: type[BaseModel] | None = None
    id_field: str = "id"
    #: "nullable": a null is sent only where the field may be null.
    nulls: Literal["omit", "send", "nullable"] = "nullable"
    arrays: Literal["send", "refuse"] = "send"
    partial: bool = False
    only: Sequence[str] = ()  #: The fields to send, of those that the mapping makes. Empty: all.
    #: For a field with a table: the tenant's own words and what they stand for. They go before the table's.
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: Advice about values that the model refuses, by field and value. The value of a missing field is empty.
    hints: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: The end of a record that lacks, or has as null, what the model requires, and is right otherwise. "exclude": it is
    #: withheld as well, and meant to be, so that the run has succeeded all the same.
    unknown: Literal["reject", "withhold", "exclude"] = "reject"


@dataclass(frozen=True, slots=True)
class Job:
    """One destination's part in a run."""

    run_id: str
    instance: str  #: The configured name of this installation.
    kind: str
    mode: Mode
    fields: tuple[str, ...] = ()  #: Every field that the mapping can produce, in its order.
    #: The JSON type of each field, where the mapping proves it. None: each record has to be looked at.
    types: Mapping[str, str] | None = None
    started: float = 0.0  #: When the run began, in seconds since 1970.
    #: What the adapter keeps of the lane from run to run (`MakesSchema`). The engine does not understand it.
    lane_memory: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LastDelivered:
    """The last delivery of one record."""

    body: bytes = b""  #: Empty where the resource keeps no bodies, or the record was removed.
    certain: bool = True  #: False: no answer has said so far that one arrived.
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Record bodies that travel in one request. Ids are unique within a batch."""

    ids: Sequence[str]
    #: The JSON of each record. In mode `remove` the removal as the source gave it; empty when a set's gone are ended.
    bodies: Sequence[bytes]
    positions: Sequence[int]  #: Where each record stands in the input.
    #: When the source looked at each, in seconds since 1970, 0 for unknown. Empty: unknown for all.
    observed: Sequence[float] = ()
    extras: bool = False  #: Some record may have fields that its mapping does not name.
    #: In the modes `patch` and `remove`, and in `Ends.end`: what was delivered last of each. None: nothing from here.
    last: Sequence[LastDelivered | None] = ()
    #: What the engine compares the ids by. Empty: the ids themselves.
    keys: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.ids)


# ------------------------------------------------------------------ reading
@dataclass(frozen=True, slots=True)
class Observed:
    """One record as the vendor holds it."""

    id: str
    #: What can be read back, under the names of the body.
    fields: Mapping[str, JsonValue] = field(default_factory=dict)
    whole: bool = False  #: `fields` are all that was sent. False: some fields cannot be read.
    outside: bool = False  #: No snapshot brought it, yet the next one takes it away.
    ended: bool = False  #: It counts as gone already.
    #: Of one that has ended and that the set still has (`Replaces.keeps_gone`): since when it is gone, in seconds since
    #: 1970, 0 for unknown. None: the set does not have it.
    gone_at: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the vendor's state."""

    records: Sequence[Observed]
    cursor: str | None = None  #: Where the next page begins. None: this is the last one.
    total: int | None = None  #: The rows of the whole list, where the vendor says it on this page.
    #: All rows of this page, where some are not among the records.
    rows: Sequence[object] | None = field(default=None, repr=False, compare=False)


EMPTY_PAGES = 100
"""Empty pages in a row that a list may have before its end."""


class Walk:
    """Follows a list page by page. Raises Retryable when it goes round, or ends before the total that it names.

    Two pages are the same when they have as many rows, and the same first and last one.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._rows = self._empty = self._total = 0
        self._seen = set[tuple[str, object]]()

    def step(self, rows: Sequence[object], cursor: object, *, total: int | None = None) -> None:
        """Take note of a page, and of the cursor of the next one. None: this is the last."""
        self._total = max(self._total, total or 0)
        self._rows += len(rows)
        self._empty = 0 if rows else self._empty + 1
        marks = {("cursor", cursor)} if cursor is not None else set[tuple[str, object]]()
        if rows:
            marks.add(("page", (len(rows), repr(rows[0]), repr(rows[-1]))))
        if again := marks & self._seen:
            (what, _), *_ = again
            raise Retryable(f"{self._what} cannot be relied on: it goes round, and repeats a {what}")
        self._seen |= marks
        if cursor is not None and self._empty > EMPTY_PAGES:
            raise Retryable(f"{self._what} cannot be relied on: its last {self._empty} pages are empty")
        if cursor is None and self._rows < self._total:
            raise Retryable(f"{self._what} cannot be relied on: it shows {self._rows} of {self._total} rows")


@dataclass(frozen=True, slots=True)
class ReadBack:
    """How records are found again, and what can be compared."""

    match: Sequence[str]  #: The fields by which a row is found, the surest first.
    fields: Sequence[str]  #: The fields that a row shows.


# ------------------------------------------------------------------ beside delivering
@dataclass(frozen=True, slots=True)
class Blueprint:
    """The plan from which `provision` makes a vendor object."""

    kind: str
    schema: Mapping[str, JsonValue]  #: The record body, as the mapping makes it, as a JSON Schema.
    display_name: str  #: The field that names a record to people.
    fields: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Provisioned:
    """A vendor object that was found or made."""

    #: What `objects.<kind>` gets in the configuration. Empty: only a person can make it.
    settings: Mapping[str, JsonValue]
    created: bool
    notes: Sequence[str] = ()  #: What a person still has to do.

    @classmethod
    def by_hand(cls, steps: Iterable[str]) -> Self:
        """Nothing is made: these are the steps that a person takes."""
        return cls({}, created=False, notes=[f"{number}. {step}" for number, step in enumerate(steps, start=1)])


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `doctor`."""

    ok: bool
    subject: str
    detail: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of one of the vendor's own calls."""

    value: Any
    problems: Sequence[Problem] = ()  #: What went wrong inside an answer that reads as success.


@dataclass(frozen=True, slots=True)
class Operation:
    """One of the vendor's own calls."""

    name: str
    summary: str
    parameters: type[BaseModel]
    flow: Callable[[Any], Flow[Answer]]  #: Gets validated `parameters`.
    destructive: bool = False  #: A person confirms it first.
