"""Somebody who gets notices, and a journal in which things go wrong."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from tests.support.journals import MemoryJournal

from proofport.config import Config
from proofport.config.notices import Webhook
from proofport.journal.contract import Failure, LaneRun, NewCause, NewDelivery, NewRun
from proofport.notices.causes import stale
from proofport.notices.teller import Teller

SECRET = "a-secret-of-the-receiver"
LANE = "here/device"


@dataclass
class Receiver:
    """Takes notices, and answers with the next of these statuses; 200 when there is none."""

    origin: str = ""
    statuses: list[int] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.requests.append((dict(request.headers), await request.read()))
        self.paths.append(request.path)
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(status=status, headers={"Location": "/elsewhere"} if 300 <= status < 400 else {})

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.requests]

    @property
    def told(self) -> list[tuple[str, str]]:
        """Event and state of each notice, repeated ones too."""
        return [(body["event"], body["state"]) for body in self.bodies]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        await runner.cleanup()


class Watched:
    """A journal, the one who looks at it, and a clock that both share."""

    def __init__(self, *webhooks: Webhook, **settings: Any) -> None:
        self.now = 1_000_000.0
        #: The kinds that are stale.
        self.stale: list[str] = []
        self.journal = MemoryJournal(clock=lambda: self.now)
        own = {"destinations": {"here": {"adapter": "drata"}}, **settings}
        self.config = Config(instance="prod", journal=self.journal.path, notices=list(webhooks), **own)
        self.teller = self.another("first")

    def another(self, owner: str) -> Teller:
        """One more process."""
        return Teller(self.config, self.journal, owner, clock=lambda: self.now, stale=self._find_stale)

    async def _find_stale(self) -> list[NewCause]:
        return [stale("here", kind, LANE, "what is there is 2 days old") for kind in self.stale]

    async def look(self, seconds: float = 0.0) -> None:
        self.now += seconds
        await self.teller.look()

    async def held(self, lane: str = LANE) -> LaneRun:
        run = await self.journal.claim(lane, owner="worker", lease=30)
        assert run is not None
        return run

    async def park(self, reason: str = "401: the key is revoked", lane: str = LANE) -> None:
        run = await self.held(lane)
        await run.park(reason)
        await run.release()

    async def letter(self) -> int:
        return await self.letter_in(LANE)

    async def letter_in(self, lane: str) -> int:
        accepted = await self.journal.accept([NewDelivery(lane, "here", "device", "upsert", b'[{"id":"ana"}]', 1)])
        run = await self.held(lane)
        [delivery] = await run.take(1)
        await run.dead(delivery, Failure("rejected", "ana is refused"))
        await run.release()
        return accepted.ids[0]

    async def snapshot(self, name: str, exit_code: int, note: str = "", kind: str = "device") -> None:
        run = await self.held(f"here/{kind}")
        await run.begin(NewRun(name, "here", kind, "snapshot"))
        report = json.dumps({"exit_code": exit_code, "notes": [note] if note else []})
        await run.end(name, complete=exit_code == 0, report=report)
        await run.release()


def webhook(receiver: Receiver, **settings: Any) -> Webhook:
    given = {"url": f"{receiver.origin}/hook", "secret": SECRET, **settings}
    return Webhook.model_validate({name: value for name, value in given.items() if value is not None})


def is_signed(headers: dict[str, str], body: bytes) -> bool:
    signed = headers["Proofport-Timestamp"].encode() + b"." + body
    return headers["Proofport-Signature"] == "sha256=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
