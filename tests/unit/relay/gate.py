"""A small application behind the relay's gate, served on a free loopback port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Container
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from tests.support.journals import MemoryJournal

from proofport.config.relay import Limits, Rate, RelaySettings
from proofport.relay.access import keys
from proofport.relay.access.caller import CALLER
from proofport.relay.access.security import secure
from proofport.relay.body.documents import documents
from proofport.relay.body.limits import server_options
from proofport.relay.problems import answer_problems


class Gate:
    """What is served, and who may come in. `origin` is where."""

    def __init__(self, journal: MemoryJournal, client: aiohttp.ClientSession, origin: str) -> None:
        self.journal = journal
        self.client = client
        self.origin = origin

    async def key(self, **scope: Any) -> str:
        """A new key, as its holder has it."""
        about = {"name": "test", "tenant": "default", "may_read": True, "may_write": True}
        token, _ = await keys.issue(self.journal, **{**about, **scope})
        return str(token)

    async def get(self, key: str | None = None, path: str = "/caller", **more: Any) -> tuple[int, dict[str, Any], Any]:
        """Status, headers and decoded body."""
        return await self.ask("GET", path, key, **more)

    async def ask(self, method: str, path: str, key: str | None = None, **more: Any) -> tuple[int, dict[str, Any], Any]:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        headers |= more.pop("headers", {})
        async with self.client.request(method, self.origin + path, headers=headers, **more) as answer:
            return answer.status, dict(answer.headers), orjson.loads(await answer.read())

    async def head(self, data: bytes) -> bytes:
        """The head of the answer to these bytes; empty when the relay hangs up instead."""
        return (await self.raw(data, until=b"\r\n\r\n")).partition(b"\r\n\r\n")[0]

    async def raw(self, data: bytes, *, eof: bool = False, until: bytes | None = None) -> bytes:
        """What comes back for these bytes, until the relay closes the connection."""
        host, _, port = self.origin.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(data)
            if eof:
                writer.write_eof()
            coming = reader.readuntil(until) if until else reader.read()
            return await asyncio.wait_for(coming, 20)
        except asyncio.IncompleteReadError as error:
            return error.partial
        finally:
            writer.close()


async def _caller(request: web.Request) -> web.Response:
    about = asdict(request[CALLER])
    names = {each: sorted(about[each]) for each in ("destinations", "kinds") if about[each] is not None}
    return web.Response(body=orjson.dumps(about | names), content_type="application/json")


async def _documents(request: web.Request) -> web.Response:
    async with aclosing(documents(request)) as found:
        return web.json_response({"documents": len([each async for each in found])})


async def _broken(request: web.Request) -> web.Response:
    raise RuntimeError("an error that nobody foresaw")


@asynccontextmanager
async def gate(
    *, rate: Rate | None = None, limits: Limits | None = None, open_paths: Container[str] = ()
) -> AsyncIterator[Gate]:
    journal = MemoryJournal()
    await journal.open()
    settings = RelaySettings(rate=rate or Rate(), limits=limits or Limits())
    app = web.Application(middlewares=[answer_problems])
    routes = [
        app.router.add_get("/caller", _caller),
        app.router.add_post("/documents", _documents),
        app.router.add_get("/broken", _broken),
    ]
    open_routes = [each for each in routes if each.resource is not None and each.resource.canonical in open_paths]
    secure(app, journal, settings, open_routes=open_routes)
    runner = web.AppRunner(app, **server_options(settings.limits))
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        async with aiohttp.ClientSession() as client:
            yield Gate(journal, client, f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()
        await journal.close()
