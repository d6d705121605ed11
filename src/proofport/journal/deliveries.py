"""What a journal keeps of queued deliveries, as values. A part of `proofport.journal.contract`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from proofport.adapter import Mode

State: TypeAlias = Literal["queued", "done", "dead", "cancelled"]


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """Work to accept: evidence for one destination. `key`: an idempotency key, unique in the whole journal, if any.

    `payload`: neutral records as `proofport.delivery.payload` packs them, which no journal looks into. They are mapped
    when they are delivered, not when they are accepted, unless `bodies` are given: see `Delivery`.
    """

    lane: str
    destination: str
    kind: str
    mode: Mode
    payload: bytes
    records: int
    key: str | None = None
    bodies: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """`duplicate`: the key was known; `id` is the delivery accepted then."""

    id: int
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Once:
    """What makes a submission happen once: the same `key` of the same tenant again is given the first `answer`.

    `digest`: of all that was asked, so that a key that comes back with something else is recognised.
    """

    tenant: str
    key: str
    digest: bytes
    answer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Submitted:
    """`ids` in the order of the deliveries; the first is the number of the submission.

    `first`: what had been submitted under this key before. Nothing was accepted then, and `ids` are those of then.
    """

    ids: Sequence[int]
    first: Once | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a delivery is not done. `reason` is a stable word, `detail` text (outcomes) for programs."""

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One queued delivery. `attempts` counts every try, the last one included.

    `outcome`: what `done` was given; of a cancelled one JSON: `{"reason": …}` or `{"replayed_as": id}`. `failure`: the
    last one; of a dead delivery why it is dead. `submission`: the id of the first delivery submitted with it.
    `bodies`: the body of each record as `proofport.delivery.payload` packs them: of a dead delivery those that were
    sent, of any other those to be sent as they are, instead of what its evidence is mapped to.
    """

    id: int
    lane: str
    destination: str
    kind: str
    mode: Mode
    payload: bytes
    records: int
    state: State
    attempts: int
    created: float
    finished: float | None = None
    outcome: str | None = None
    failure: Failure | None = None
    key: str | None = None
    submission: int | None = None
    bodies: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which deliveries; every given field must match. `tenant`: whose lanes (`proofport.tenancy`).

    `destinations`, `kinds`: any of these. `submission`: its number.
    """

    ids: Sequence[int] | None = None
    lane: str | None = None
    state: State | None = None
    tenant: str | None = None
    destinations: Sequence[str] | None = None
    kinds: Sequence[str] | None = None
    submission: int | None = None
