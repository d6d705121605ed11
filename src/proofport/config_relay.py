"""`relay:` in the configuration: where it listens, and how much it takes."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Limits(BaseModel):
    """The limits of one request. `records` of a JSON array and `depth` are checked once the body is parsed.

    `body_bytes`, and the `body_seconds` in which all of it must have come; `records` in one body, and how deep its
    JSON may be (`depth`); the number of `headers`, and the `header_bytes` of one of them or of the request line;
    `idle_seconds` until a connection without a whole request is closed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes: int = Field(16 * 1024 * 1024, ge=1024)
    body_seconds: float = Field(30.0, gt=0, le=3600)
    records: int = Field(10_000, ge=1)
    depth: int = Field(32, ge=2, le=200)
    headers: int = Field(64, ge=16, le=1000)
    header_bytes: int = Field(8192, ge=1024, le=65_536)
    idle_seconds: float = Field(30.0, gt=0, le=3600)


class Rate(BaseModel):
    """Requests of one key: `per_minute` in the long run (0: no limit), and so many at once (`burst`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_minute: int = Field(1200, ge=0)
    burst: int = Field(100, ge=1)


class Overload(BaseModel):
    """When evidence is refused with 503; 0 is no limit. It is looked at about once a second.

    `deliveries` that wait, their size in the journal (`bytes`), and for how long the oldest has (`age_seconds`, parked
    lanes left out); the `free_bytes` that the disk of an embedded journal must have: delivering writes, too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    deliveries: int = Field(100_000, ge=0)
    bytes: int = Field(0, ge=0)
    age_seconds: float = Field(0, ge=0)
    free_bytes: int = Field(256 * 1024 * 1024, ge=0)


class Ready(BaseModel):
    """When `/readyz` fails: with more `parked_lanes`, or once a delivery has waited for `age_seconds` (0: no limit)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parked_lanes: int = Field(0, ge=0)
    age_seconds: float = Field(3600, ge=0)


class RelaySettings(BaseModel):
    """Where `proofport relay` listens, and what it takes.

    `snapshot_hours`: how long a snapshot that nobody adds to stays open. `commit_seconds`: how long whoever commits one
    waits for its report; after that it is to be asked for. `stop_seconds`: how long what is in flight may take to end
    when the relay is told to stop; a delivery that has not ended is released, and sent again by whoever is next.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", min_length=1)
    port: int = Field(8080, ge=0, le=65_535)
    snapshot_hours: float = Field(24.0, gt=0, le=24 * 366)
    commit_seconds: float = Field(30.0, ge=0, le=3600)
    stop_seconds: float = Field(20.0, ge=0, le=3600)
    limits: Limits = Limits()
    rate: Rate = Rate()
    overload: Overload = Overload()
    ready: Ready = Ready()
