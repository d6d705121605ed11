"""The things that all processes on one journal agree about: adapter memory, request budgets and leases of names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pydantic import JsonValue


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may use a name, and until when."""

    owner: str
    until: float
    #: Another has asked for it lately.
    wanted: bool


class Registry(Protocol):
    # adapter memory: JSON values of one lane that the engine keeps without understanding them
    async def adapter_memory(self, lane: str) -> dict[str, JsonValue]:
        """In the order in which the keys were first written."""
        ...

    async def keep_adapter_memory(self, lane: str, key: str, value: JsonValue, *, before: JsonValue | None) -> bool:
        """Replace the value of a key, if it is `before`; None: only if there is none. False: it is not, nothing done.

        For those who do not hold the lane; see `LaneRun.keep_adapter_memory`.
        """
        ...

    # request budgets
    async def permit(self, key: str, *, per_minute: int, burst: int) -> float:
        """Take the next permit of a budget that all processes share; the seconds to wait before using it."""
        ...

    # leases of names
    async def take_lease(self, name: str, *, owner: str, lease: float) -> Lease:
        """Take the lease of `name` for `lease` seconds, or renew it, if it is free, has run out, or is ours.

        The lease is ours when its `owner` is. Otherwise it is that of whoever goes first: the holder, who is told
        that another wants it; or, for a few seconds after it was given back, the one who had asked for it before.
        """
        ...

    async def give_back_lease(self, name: str, *, owner: str) -> None:
        """Let the next one have it. Does nothing when it is not ours."""
        ...
