"""A transaction as a generator: it yields statements and is sent their results, so that it is written once.

SQLite carries it out in the thread that writes, PostgreSQL in the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol, TypeAlias, TypeVar

from proofport.errors import LaneLost
from proofport.journal.contract import IdempotencyRecord, NewDelivery, Places, Submitted

T = TypeVar("T")
P = ParamSpec("P")
Row: TypeAlias = Sequence[Any]
Values: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """A named query. Its result: the rows."""

    name: str
    values: Values
    #: The names of the conditions that it is asked with.
    where: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A named statement. Its result: how many rows it changed."""

    name: str
    values: Values
    where: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Direct:
    """A function over the connection of SQLite and the time. Its result: what it returns."""

    work: Callable[[Any, float], Any]


@dataclass(frozen=True, slots=True)
class Many:
    """A named statement, carried out with each of these values. Without a result."""

    name: str
    values: Iterable[Values]


@dataclass(frozen=True, slots=True)
class Wake:
    """See to it that somebody works on a lane in `delay` seconds. Without a result."""

    lane: str
    delay: float


Step: TypeAlias = Query | Change | Direct | Many | Wake
Steps: TypeAlias = Generator[Step, Any, T]


@dataclass(frozen=True, slots=True)
class Hold:
    """A lane as its owner knows it."""

    number: int
    lane: str
    epoch: int
    tenant: str
    #: Who held it until its lease ran out. None: it was free.
    before: str | None = None

    @property
    def values(self) -> Values:
        """The values that tell a query whose lane it is."""
        return {"number": self.number, "epoch": self.epoch}

    def lost(self) -> LaneLost:
        return LaneLost(f"the lane {self.lane} was given back or taken over: its epoch {self.epoch} is over")


class Store(Protocol):
    """A database that is open. Every query is given `now` as well."""

    @property
    def news(self) -> asyncio.Event:
        """Set when there may be work for a lane."""
        ...

    async def is_due(self, full: Sequence[str]) -> bool:
        """Look whether a lane of a tenant that is not full may be claimed, which takes no lock."""
        ...

    async def rows(self, name: str, values: Values, where: Sequence[str] = ()) -> list[Row]:
        """The result of one query."""
        ...

    async def change(self, name: str, values: Values, where: Sequence[str] = ()) -> int:
        """Carry out one statement, durably."""
        ...

    async def write(self, steps: Callable[P, Steps[T]], *given: P.args, **named: P.kwargs) -> T:
        """Carry out a transaction, durably. It may be begun again from the start."""
        ...

    async def heads(self, values: Values) -> list[Row]:
        """The first deliveries of a lane. Others who read do not delay it."""
        ...

    async def accept(self, deliveries: Sequence[NewDelivery], record: IdempotencyRecord | None) -> Submitted: ...
    async def close(self) -> None: ...
    def id_of(self, text: str) -> str | bytes:
        """An id, or a name, as the tables hold it. `text_of` is the way back."""
        ...

    # what the two do in their own ways, within a transaction
    def accepting(self, deliveries: Sequence[NewDelivery]) -> Steps[list[int]]:
        """Add deliveries to their lanes. Their ids, in their order."""
        ...

    def claiming(self, lane: str | None, owner: str, lease: float, places: Places) -> Steps[Hold | None]: ...
    def scheduling(self, number: int, lane: str) -> Steps[None]:
        """Work out anew when a lane may be claimed."""
        ...


class Part:
    """A part of a journal. It works with the store of the whole."""

    @property
    def _store(self) -> Store:
        raise NotImplementedError


def number_of(lane: str) -> Steps[int]:
    """The number of a lane, which is made when it is new."""
    values = {"lane": lane, "names": [lane]}
    while not (rows := (yield Query("find_lane", values))):
        yield Change("make_lanes", values)
    return int(rows[0][0])


def text_of(value: str | bytes) -> str:
    """An id, or a name, that `Store.id_of` has made."""
    return value if isinstance(value, str) else bytes(value).decode()


def shown(text: str | None) -> str | None:
    """Text that people read, without the one character that PostgreSQL cannot hold."""
    return text and text.replace("\x00", "\ufffd")
