"""A vendor on a real socket that wants a token, and processes that share one journal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.support.clock import Naps
from tests.unit.delivery.support import SECRET, TinySettings
from tests.unit.http.support import SharedJournal, TinyAdapter

from proofport.adapter import Flow, Token, TokenFlow
from proofport.errors import Blocked
from proofport.http.auth import Tokens
from proofport.http.retry import Sleep
from proofport.http.sender import Sender
from proofport.wire import Call, Reply

LIFETIME = 3600.0
SCOPE = "tiny/app"


class Vendor:
    """Issues tokens and takes records. With `exclusive` a new token revokes the ones before."""

    def __init__(self, *, exclusive: bool = False) -> None:
        self.exclusive = exclusive
        self.issued: list[str] = []
        self.live: set[str] = set()
        #: The tokens of the requests that were refused.
        self.refused: list[str] = []
        #: What the next requests for a token, or for anything else, are answered in place of the usual.
        self.token_answers: list[web.Response] = []
        self.answers: list[web.Response] = []

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_post("/token", self.issue)
        application.router.add_route("*", "/records", self.take)
        return application

    async def issue(self, request: web.Request) -> web.Response:
        assert "Authorization" not in request.headers
        assert (await request.json())["client_secret"] == SECRET
        if self.token_answers:
            return self.token_answers.pop(0)
        if self.exclusive:
            self.live.clear()
        token = f"token/{len(self.issued)}-abcdefgh"
        self.issued.append(token)
        self.live.add(token)
        return web.json_response({"access_token": token, "expires_in": LIFETIME})

    async def take(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.answers:
            return self.answers.pop(0)
        if token not in self.live:
            self.refused.append(token)
            return web.json_response({"message": f"{token} is not valid"}, status=401)
        return web.json_response({})


class TokenAdapter(TinyAdapter):
    exclusive = False
    mints_per_minute = 0

    @property
    def auth(self) -> TokenFlow:
        return TokenFlow(SCOPE, self.mint, self.exclusive, self.mints_per_minute)

    def mint(self) -> Flow[Token]:
        body = json.dumps({"client_secret": self.settings.key.get_secret_value()}).encode()
        reply = yield Call("ask_for_token", "POST", "/token", body=body, lost="ask")
        if not reply.ok:
            raise Blocked(f"no token: {reply.json()}")
        issued = reply.json()
        return Token({"Authorization": f"Bearer {issued['access_token']}"}, float(issued["expires_in"]))


class ExclusiveAdapter(TokenAdapter):
    exclusive = True


class Ticks:
    """A sleep that ends when the test says so."""

    def __init__(self) -> None:
        self._asleep: list[asyncio.Future[None]] = []

    async def __call__(self, seconds: float) -> None:
        asleep: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asleep.append(asleep)
        await asleep

    async def tick(self) -> None:
        """Wake everyone, and let them do what they then do."""
        asleep, self._asleep = self._asleep, []
        for each in asleep:
            each.set_result(None)
        for _ in range(20):
            await asyncio.sleep(0)


class Process:
    """One process: its tokens, and senders that use them."""

    def __init__(self, origin: str, journal: SharedJournal, owner: str, adapter: type[TokenAdapter]) -> None:
        self.journal = journal
        self.ticks = Ticks()
        self.naps = Naps()
        sleep: Sleep = self.ticks if adapter.exclusive else self.naps
        self.tokens = Tokens(journal, owner=owner, lease=90.0, sleep=sleep, clock=journal.clock)
        self.adapter = adapter(TinySettings.model_validate({"base_url": origin, "key": SECRET}))

    def sender(self) -> Sender:
        return Sender(self.adapter, self.journal, self.tokens, sleep=self.naps)


@asynccontextmanager
async def processes(
    vendor: Vendor, *owners: str, adapter: type[TokenAdapter] = TokenAdapter
) -> AsyncIterator[list[Process]]:
    journal = SharedJournal()
    async with TestServer(vendor.application()) as server:
        origin = str(server.make_url("/")).rstrip("/")
        made = [Process(origin, journal, owner, adapter) for owner in owners]
        yield made
        for process in made:
            await process.tokens.close()


LIST = Call("list", "GET", "/records")
PUT = Call("put", "PUT", "/records", body=b"{}")


def flow(*calls: Call, between: Callable[[], None] = lambda: None) -> Flow[list[int]]:
    """Make these calls. Returns their statuses."""
    statuses = []
    for number, call in enumerate(calls):
        if number:
            between()
        reply: Reply = yield call
        statuses.append(reply.status)
    return statuses
