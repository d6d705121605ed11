"""Whole, the vendor, on a socket of its own. It counts what happens to it."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

PAGE = 2


class Whole:
    """`sets` holds the rows of each kind by id: the body, and whether it is gone. One token is good at a time.

    `told_gone` holds what the last set of each kind says is gone, with the date.
    """

    def __init__(self, client_secret: str) -> None:
        self.sets: dict[str, dict[str, dict[str, Any]]] = {}
        self.told_gone: dict[str, dict[str, str]] = {}
        #: The bodies of the sets that arrived, in their order.
        self.bodies: list[bytes] = []
        self.minted = 0
        #: The answers with status 401.
        self.refused = 0
        #: The kinds of the sets that arrived, in their order.
        self.puts: list[str] = []
        #: The seconds that the next tokens are good for, then 3600. One of 0 seconds is good for a single request.
        self.lifetimes: list[float] = []
        #: Every token is refused.
        self.locked = False
        #: An arriving set is taken only once this is set.
        self.open = asyncio.Event()
        self.open.set()
        #: An arriving set is not taken at all.
        self.loses = False
        #: The kinds of the sets that were dealt with, whether or not somebody still waits for the answer.
        self.ended = asyncio.Queue[str]()
        #: A set has arrived.
        self.arrived = asyncio.Event()
        self.application = web.Application()
        self.application.add_routes(
            [web.post("/token", self._mint), web.put("/sets/{kind}", self._put), web.get("/sets/{kind}", self._list)]
        )
        self._secret = client_secret
        self._token: str | None = None
        self._single = False

    def revoke(self) -> None:
        """The token in use is good no more."""
        self._token = None

    def live(self, kind: str) -> list[str]:
        return [record_id for record_id, row in self.sets.get(kind, {}).items() if not row["gone"]]

    async def _mint(self, request: web.Request) -> web.Response:
        if (await request.json())["secret"] != self._secret:
            return self._refuse()
        self.minted += 1
        self._token = f"issued-token-{self.minted}"
        seconds = self.lifetimes.pop(0) if self.lifetimes else 3600.0
        self._single = seconds == 0
        return web.json_response({"token": self._token, "seconds": seconds})

    async def _put(self, request: web.Request) -> web.Response:
        kind, records = request.match_info["kind"], await request.json()
        self.puts.append(kind)
        self.bodies.append(await request.read())
        self._taking = asyncio.create_task(self._take(request, kind, records))
        self.arrived.set()
        return await asyncio.shield(self._taking)  # it goes on without the one who asked

    async def _take(self, request: web.Request, kind: str, records: list[dict[str, Any]]) -> web.Response:
        await self.open.wait()
        answer = self._replace(kind, records) if self._knows(request) else self._refuse()
        self.ended.put_nowait(kind)
        return answer

    def _replace(self, kind: str, records: list[dict[str, Any]]) -> web.Response:
        if self.loses:
            return web.json_response("lost", status=503)
        if not all(record.get("name", "x") and record.get("email", "x") for record in records):
            return web.json_response("an empty field", status=400)
        gone = {record_id: {**row, "gone": True} for record_id, row in self.sets.get(kind, {}).items()}
        live = [record for record in records if record.get("state") != "gone"]
        self.sets[kind] = gone | {record["id"]: {"body": record, "gone": False} for record in live}
        self.told_gone[kind] = {record["id"]: record["since"] for record in records if "since" in record}
        return web.json_response({"held": len(records)})

    async def _list(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return self._refuse()
        rows = list(self.sets.get(request.match_info["kind"], {}).values())
        start = int(request.query.get("after", "0"))
        end = start + PAGE
        following = str(end) if end < len(rows) else None
        return web.json_response({"rows": rows[start:end], "next": following, "total": len(rows)})

    def _knows(self, request: web.Request) -> bool:
        known = not self.locked and self._token is not None
        known = known and request.headers.get("Authorization") == f"Bearer {self._token}"
        if self._single:
            self._token = None
        return known

    def _refuse(self) -> web.Response:
        self.refused += 1
        return web.Response(status=401)
