"""Clients of relays, which post all the time and give up nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Any

import aiohttp

PAUSE = 0.05


@dataclass
class Clients:
    """Post one record after the other; what is not answered is posted again, under the same idempotency key.

    At another one of `origins`, where there are several. `refused`: statuses after which it is posted again, too.
    `acknowledged`: the delivery of each record, by who posted it and its number.
    """

    http: aiohttp.ClientSession
    refused: frozenset[int] = frozenset()
    acknowledged: dict[tuple[str, int], int] = field(default_factory=dict)
    repeated: int = 0
    origins: Sequence[str] = ()
    up: asyncio.Event = field(default_factory=asyncio.Event)
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False
    _wanted: int = 0

    async def reach(self, more: int) -> None:
        """Until so many more are acknowledged."""
        self._wanted = len(self.acknowledged) + more
        self.enough.clear()
        await self.enough.wait()

    async def work(self, lane: int, number: int) -> None:
        who = f"{lane}-{number}"
        for n in count():
            if self.ended:
                return
            self.acknowledged[who, n] = await self._post(lane, number, n)
            if len(self.acknowledged) >= self._wanted:
                self.enough.set()

    async def _post(self, lane: int, number: int, n: int) -> int:
        for attempt in count():
            await self.up.wait()
            origin = self.origins[(number + attempt) % len(self.origins)]
            try:
                status, body = await self.post(origin, lane, f"{lane}-{number}", n)
            except aiohttp.ClientConnectionError:
                self.repeated += 1
                continue
            if status in self.refused:
                self.repeated += 1
                await asyncio.sleep(PAUSE)
                continue
            assert status == 202, body
            [delivery] = body["deliveries"]
            return int(delivery["id"])
        raise AssertionError("unreachable")

    async def post(self, origin: str, lane: int, who: str, n: int) -> tuple[int, Any]:
        url = f"{origin}/v1/evidence/custom:k{lane}?to=drata"
        key = {"Idempotency-Key": f"{who}-{n}"}
        async with self.http.post(url, json={"id": who, "n": n}, headers=key) as answer:
            return answer.status, await answer.json(content_type=None)


def assert_in_order(
    arrived: Mapping[str, Sequence[tuple[str, int]]], acknowledged: Mapping[tuple[str, int], int]
) -> int:
    """In the order of the deliveries. Returns how often a lane went back.

    What was on its way when something came to harm may come twice: the deliveries of one batch, in their order. No
    record goes back to an older state.
    """
    repeated = 0
    for lane in arrived.values():
        ids = [acknowledged[each] for each in lane]
        assert list(dict.fromkeys(ids)) == sorted(set(ids)), "each comes for the first time after all before it"
        states: dict[str, int] = {}
        for who, n in lane:
            assert n in (states.get(who, 0), states.get(who, -1) + 1), "no older state, and none left out"
            states[who] = n
        repeated += sum(after <= before for before, after in pairwise(ids))
    return repeated
