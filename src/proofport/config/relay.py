"""`relay:` in the configuration: where the relay listens, and how much it accepts."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Settings(BaseModel, frozen=True, extra="forbid"):
    """A block of the configuration."""


class Limits(Settings):
    """The largest request that the relay accepts, and how much it holds of all of them.

    `records` and `depth` are checked once the body is parsed, `values` before.
    """

    body_bytes: int = Field(16 * 1024 * 1024, ge=1024)  #: Size of the request body.
    body_seconds: float = Field(30.0, gt=0, le=3600)  #: Time in which the whole body must arrive.
    records: int = Field(10_000, ge=1)  #: Records in one request.
    values: int = Field(1_000_000, ge=1_000)  #: JSON values in one body, or in one line of NDJSON.
    depth: int = Field(32, ge=2, le=200)  #: Nesting of the JSON.
    memory_bytes: int = Field(128 * 1024 * 1024, ge=1024)  #: Bodies of all requests that are being read, together.
    connections: int = Field(1000, ge=10)  #: Connections at once; fewer where the process may open fewer files.
    headers: int = Field(64, ge=16, le=1000)  #: Number of headers.
    header_bytes: int = Field(8192, ge=1024, le=65_536)  #: Size of one header, and of the request line.
    idle_seconds: float = Field(30.0, gt=0, le=3600)  #: Time until a connection without a whole request is closed.


class Rate(Settings):
    """How many requests one key may make."""

    per_minute: int = Field(1200, ge=0)  #: The long-term rate; 0 means no limit.
    burst: int = Field(100, ge=1)  #: Requests that may arrive at once.


class Overload(Settings):
    """When evidence is refused. The relay checks about once a second; 0 means no limit.

    A limit of the whole relay is for tenants of which more waits than their share: see `relay.operating.backlog`.
    """

    deliveries: int = Field(100_000, ge=0)  #: Deliveries that wait.
    tenant_deliveries: int = Field(75_000, ge=0)  #: Of one tenant.
    lane_deliveries: int = Field(50_000, ge=0)  #: In one lane.
    bytes: int = Field(0, ge=0)  #: Size of all evidence that waits in the journal.
    age_seconds: float = Field(0, ge=0)  #: Age of a tenant's oldest delivery that waits, parked lanes not counted.
    free_bytes: int = Field(256 * 1024 * 1024, ge=0)  #: Free space that a journal on disk needs: delivering writes too.


class Ready(Settings):
    """When `/readyz` fails."""

    parked_lanes: int = Field(0, ge=0)  #: It fails when more lanes are parked.
    age_seconds: float = Field(3600, ge=0)  #: It fails when a delivery has waited this long; 0 means no limit.


class RelaySettings(Settings):
    """Where `proofport relay` listens, and what it accepts."""

    host: str = Field("127.0.0.1", min_length=1)
    port: int = Field(8080, ge=0, le=65_535)
    snapshot_hours: float = Field(24.0, gt=0, le=24 * 366)  #: A snapshot that gets no part for this long is closed.
    commit_seconds: float = Field(30.0, ge=0, le=3600)  #: A commit waits this long for its report; then poll for it.
    stop_seconds: float = Field(20.0, ge=0, le=3600)  #: Time for work in flight on stop; then another process resends.
    limits: Limits = Limits()
    rate: Rate = Rate()
    overload: Overload = Overload()
    ready: Ready = Ready()
