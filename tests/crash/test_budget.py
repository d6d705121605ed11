"""Two processes that push to one vendor share its budget: never more than it, and neither starves."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from tests.crash.program import BATCH
from tests.crash.proxy import Point, Request
from tests.crash.scene import SOAK, Scene, scene

from proofport_drata import DrataAdapter

BUDGET = DrataAdapter.default_requests_per_minute
MINUTE = 60.0


@pytest.mark.skipif(not SOAK, reason="takes more than a minute by the clock")
async def test_a_minute_holds_no_more_than_the_budget_and_each_gets_its_share(tmp_path: Path) -> None:
    """One sends four requests at a time, the other one after the other."""
    async with scene(tmp_path, "drata") as at:
        at.change(requests_per_minute=None)
        at.emulator.switches.set({"rate_limit": BUDGET})
        at.write("gone.ndjson", *({"id": f"a{n}"} for n in range(BUDGET * 3)))
        at.write("new.ndjson", *({"id": f"t{n}", "email": "a@b.example", "course": "c"} for n in range(BUDGET * BATCH)))
        remove = ("push", "gone.ndjson", "--kind", "personnel_account", "--to", "drata", "--mode", "remove")
        upsert = ("push", "new.ndjson", "--kind", "training_record", "--to", "drata")
        watch = Watch(at)
        async with at.process(*remove, name="first"), at.process(*upsert, name="second"):
            async with asyncio.timeout(3 * MINUTE):
                await watch.over.wait()
    times = [request.at for request in at.proxy.requests]
    densest = max(sum(start <= at < start + MINUTE for at in times) for start in times)
    shares = Counter(request.process for request in at.proxy.requests if request.at >= watch.both)
    print(f"at most {densest} requests in a minute, {dict(shares)}")
    assert densest <= BUDGET
    assert 429 not in {each.status for each in at.emulator.log}
    assert min(shares.values()) >= 0.4 * shares.total()
    assert shares.total() >= 0.9 * BUDGET


class Watch:
    """`both`: when both processes had begun; `over`: a minute later."""

    def __init__(self, at: Scene) -> None:
        self._proxy = at.proxy
        self.both = 0.0
        self.over = asyncio.Event()
        at.proxy.meddle = self.meddle

    async def meddle(self, request: Request, point: Point) -> bool:
        if not self.both and len({each.process for each in self._proxy.requests}) == 2:
            self.both = request.at
        if self.both and request.at > self.both + MINUTE:
            self.over.set()
        return False
