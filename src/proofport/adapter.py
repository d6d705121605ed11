"""The whole adapter contract. An adapter knows one vendor: its bodies, its calls in their order, its answers.

Adapters are pure: a conversation with a vendor is a generator that yields a `Call` and is sent its `Reply`. Every flow
is short (one opening, one batch, one page, one closing); what lives between flows is `Memory`, small JSON data. The
engine does the I/O, the loops, the retries, the guard and the books, so that no adapter can forget them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, SecretStr

from proofport.accounting import Outcome, Tally
from proofport.errors import Problem, UnsupportedFeature
from proofport.wire import Call, Reply

T = TypeVar("T")
Flow: TypeAlias = Generator[Call, Reply, T]
Memory: TypeAlias = dict[str, JsonValue]
Mode: TypeAlias = Literal["upsert", "snapshot", "patch", "remove"]


def _one_word(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not value or not all("!" <= character <= "~" for character in value):
        raise ValueError("expected a secret without blanks, line breaks or letters beyond ASCII")
    return secret


Credential = Annotated[SecretStr, AfterValidator(_one_word)]
"""A secret that travels in a header, where a blank or a line break would change what the header says."""


ANY = "any"
"""The type of a field of a schema of which no value has been seen yet."""


def json_type(value: JsonValue) -> str:
    """The name that JSON Schema has for the type of a value; integers are numbers."""
    return _JSON_TYPES[type(value)]


_JSON_TYPES: Mapping[type, str] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    dict: "object",
    list: "array",
    type(None): "null",
}


class ObjectSettings(BaseModel):
    """The vendor object that one kind is delivered to; adapters add their ids. `mapping` replaces the built-in one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mapping: str | None = None


class Settings(BaseModel):
    """One destination of the configuration file. Secrets are `SecretStr`: given as `env:NAME` or `file:PATH`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    requests_per_minute: int | None = Field(None, ge=0, description="budget for the vendor's host; 0 switches it off")


@dataclass(frozen=True, slots=True)
class Capability:
    """How one kind is delivered in one mode: batch limits, and what a snapshot means to this vendor.

    `staged`: the set stays invisible until `close`, so a cancelled snapshot has delivered nothing.
    `replaces`: closing removes what is not in the set. Otherwise `gone` says what becomes of what is not in it:
    "kept" and only listed, "ended" by `bury`, or "deletable": by `bury`, when that is asked for. `listed`: the set to
    compare with, for that and for what is unchanged, is the vendor's own list, which shows at once what was written.
    `may_be_empty`: an empty set stands for itself; `bury` ends all.
    `whole`: the set must go in one batch, and only once every source was read to its end.
    `keeps_bodies`: the journal keeps the last body of every record; `remove`, `bury` and `verify` work with them.
    `dated`: the item of a removal is `{"separated_at": …}` where it says when that was, else `{}`.
    `known_only`: a patch reaches only records that are known to have been delivered whole.
    """

    max_records: int = 500
    max_bytes: int = 1_000_000
    parallel: int = 1
    staged: bool = False
    replaces: bool = False
    gone: Literal["kept", "ended", "deletable"] = "kept"
    listed: bool = False
    may_be_empty: bool = False
    whole: bool = False
    keeps_bodies: bool = False
    dated: bool = False
    known_only: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """What a vendor accepts for one kind in one mode.

    `name` is the `to.body` of the vendor mappings that fit, `mapping` the built-in one. With a `model`, bodies are
    checked against it; without one the JSON Schema comes from the mapping's `type:` and `nullable:`.
    `nulls`: "omit" them, "send" them, or send them only where the field is "nullable".
    `words`: for a field with a table, the tenant's own words and what they stand for; they go before the table's.
    `hints`: what to do about values that the model refuses, by field and value.
    """

    name: str
    mapping: str | None
    model: type[BaseModel] | None = None
    id_field: str = "id"
    nulls: Literal["omit", "send", "nullable"] = "nullable"
    arrays: Literal["send", "refuse"] = "send"
    partial: bool = False
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    hints: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Schema:
    """The form that the first delivery of a kind froze, at a vendor that makes its schemas from what it is sent.

    `slug`: the vendor's name of it. `fields`: the JSON type of each (string, number, boolean or object), or "any" while
    no record has shown it. `published`: when it was first sent; `defined`: when a person said that it is complete at
    the vendor, 0 for not known.
    """

    slug: str
    kind: str
    fields: Mapping[str, str]
    primary_id: str = "id"
    published: float = 0.0
    defined: float = 0.0

    @classmethod
    def of(cls, slug: str, kind: str, record: Mapping[str, JsonValue]) -> Self:
        """What `record`, seen first, makes of the fields that have a value."""
        fields = {name: json_type(value) for name, value in record.items() if value is not None}
        return cls(slug, kind, fields)


@dataclass(frozen=True, slots=True)
class Declared:
    """What the configuration says of the schema of a kind.

    `defined`: a person has completed it at the vendor. `fields`: the JSON type of each; empty where that is not said.
    """

    slug: str
    defined: bool = False
    fields: Mapping[str, str] = field(default_factory=dict)

    def known(self, noted: Sequence[Schema]) -> Schema | None:
        """The journal's entry under this slug, with the fields that are declared instead of those it noted."""
        found = next((schema for schema in noted if schema.slug == self.slug), None)
        return replace(found, fields=self.fields) if found and self.fields else found


@dataclass(frozen=True, slots=True)
class Job:
    """What one run asks of one destination. `fields`: every field the mapping can produce, in its order.

    `started`: when the run began, in seconds since 1970. `schema`: the journal's entry for `Adapter.schema(kind)`.
    """

    run_id: str
    instance: str
    kind: str
    mode: Mode
    fields: tuple[str, ...] = ()
    started: float = 0.0
    schema: Schema | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Rendered records on their way: `items[i]` is the JSON of the record `ids[i]`.

    When records are removed or gone, it is the body that was sent last where the capability keeps bodies, else empty.
    `observed`: when the source had looked at each, in seconds since 1970, 0 for unknown; empty when unknown for all.
    `extras`: some record may have fields that its mapping does not name.
    """

    ids: Sequence[str]
    items: Sequence[bytes]
    positions: Sequence[int]
    observed: Sequence[float] = ()
    extras: bool = False

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of vendor state. `cursor` None is the end."""

    records: Sequence[Observed]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """One record as the vendor holds it. `fields`: what can be read back, under the names of the body.

    `whole`: they are all that was sent, else some fields cannot be read. `outside`: no snapshot brought it, yet the
    next one takes it away. `ended`: it counts as gone already.
    """

    id: str
    fields: Mapping[str, JsonValue] = field(default_factory=dict)
    whole: bool = False
    outside: bool = False
    ended: bool = False


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What of a kind can be read back: `fields`, and `match`, those by which a row is found, the surest first."""

    match: Sequence[str]
    fields: Sequence[str]


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What `provision` makes a vendor object from: the body as a JSON Schema, and what the mapping gives of it."""

    kind: str
    schema: Mapping[str, JsonValue]
    display_name: str
    fields: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Provisioned:
    """The settings that `objects.<kind>` gets, whether the object was made now, and what a person still has to do."""

    settings: Mapping[str, JsonValue]
    created: bool
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `doctor`."""

    ok: bool
    subject: str
    detail: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What one of the vendor's own calls gave. `problems`: what went wrong inside an answer that reads as success."""

    value: Any
    problems: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One of the vendor's own calls. `flow` gets `parameters`, validated. A `destructive` one is confirmed first."""

    name: str
    summary: str
    parameters: type[BaseModel]
    flow: Callable[[Any], Flow[Answer]]
    destructive: bool = False


class Adapter(ABC):
    """One vendor. Subclasses register under the entry point group `proofport.adapters`."""

    name: ClassVar[str]
    Settings: ClassVar[type[Settings]]
    default_requests_per_minute: ClassVar[int] = 0

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    # ------------------------------------------------------------------ where
    @property
    @abstractmethod
    def origin(self) -> str:
        """Scheme and host of the vendor, e.g. `https://public-api.example.com`, without a path."""

    @abstractmethod
    def headers(self) -> Mapping[str, str]:
        """Headers of every request, credentials included. Never logged."""

    @abstractmethod
    def lane(self, kind: str) -> str:
        """What the vendor orders by: host and vendor object. Two destinations on one object share it."""

    # ------------------------------------------------------------------ what
    @abstractmethod
    def capability(self, kind: str, mode: Mode) -> Capability:
        """Raises UnsupportedFeature, saying what the vendor lacks, or ConfigError when the object is not configured."""

    @abstractmethod
    def body(self, kind: str, mode: Mode) -> Body: ...

    def bodies(self, kind: str) -> Sequence[Body]:
        """Every body that a mapping from `kind` may be written for, whatever is configured."""
        return (self.body(kind, "upsert"),)

    # ------------------------------------------------------------------ how
    def open(self, job: Job, memory: Memory) -> Flow[Memory]:
        """Before the first batch. Returns what the later flows need."""
        yield from ()
        return memory

    @abstractmethod
    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        """One batch. One outcome per record, in order; a record without an outcome counts as unknown."""

    def close(self, job: Job, memory: Memory, tally: Tally) -> Flow[None]:
        """After the last batch, when accounting and guard agree."""
        yield from ()

    def bury(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        """End records that are gone from a snapshot's source; the items are empty. The guard has agreed."""
        yield from ()
        raise UnsupportedFeature(f"{self.name} has no call that ends {job.kind}")

    def abort(self, job: Job, memory: Memory) -> Flow[None]:
        """Instead of `close`: leave the vendor as it was."""
        yield from ()

    def observe(self, kind: str, cursor: str | None) -> Flow[Page | None]:
        """A page of what the vendor holds now, or None where it cannot be read."""
        yield from ()
        return None

    # ------------------------------------------------------------------ schemas
    def schema(self, kind: str) -> Declared | None:
        """The schema that the vendor makes from the first delivery of `kind`; None: it makes none."""
        return None

    def freeze(self, job: Job, batch: Batch) -> tuple[int, Schema] | None:
        """The record that the vendor is to see first, and the schema that it makes of it. None: none is made.

        Asked for while the journal has no entry. Raises UsageError when no record is fit to be the first.
        """
        return None

    def ended(self, kind: str) -> Mapping[str, JsonValue]:
        """The fields that say of a record that it is gone, where `remove` and `bury` send them; else empty."""
        return {}

    # ------------------------------------------------------------------ reading back
    def reads_back(self, kind: str) -> ReadBack | None:
        """What `look` shows of a kind. None: nothing of it can be read back, or the configuration lacks something."""
        return None

    def look(self, kind: str, cursor: str | None) -> Flow[Page | None]:
        """A page of rows to compare with what was sent, whatever their ids."""
        return (yield from self.observe(kind, cursor))

    # ------------------------------------------------------------------ beside delivering
    def provision(self, blueprint: Blueprint) -> Flow[Provisioned]:
        """Find or make the vendor object of a kind. Raises UnsupportedFeature where only a person can."""
        yield from ()
        raise UnsupportedFeature(f"{self.name} has no API to create the object that {blueprint.kind} is delivered to")

    def check(self) -> Flow[list[Finding]]:
        """Credentials, objects and permissions, as far as reading calls can tell."""
        yield from ()
        return []

    def operations(self) -> Sequence[Operation]:
        """The vendor's own calls, for what no kind and mode stands for."""
        return ()
