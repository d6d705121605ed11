"""Toy, the vendor, on a socket of its own."""

from __future__ import annotations

from typing import Any

from aiohttp import web


class Toy:
    """`live` is what an auditor would see. A widget without a colour is refused; `key` opens the door."""

    def __init__(self, key: str) -> None:
        self.live: dict[str, Any] = {"run": None, "widgets": []}
        self.staged: dict[str, list[dict[str, Any]]] = {}
        self.application = web.Application(middlewares=[self._door(key)])
        self.application.add_routes(
            [
                web.post("/staged/{run}", self._stage),
                web.delete("/staged/{run}", self._drop),
                web.post("/staged/{run}/publish", self._publish),
                web.get("/live", self._read),
            ]
        )

    def _door(self, key: str) -> Any:
        @web.middleware
        async def door(request: web.Request, handler: Any) -> web.StreamResponse:
            if request.headers.get("Authorization") != key:
                return web.Response(status=401)
            response: web.StreamResponse = await handler(request)
            return response

        return door

    async def _stage(self, request: web.Request) -> web.Response:
        widgets = await request.json()
        self.staged.setdefault(request.match_info["run"], []).extend(w for w in widgets if w.get("colour"))
        return web.json_response([{"id": w["id"], "why": None if w.get("colour") else "colourless"} for w in widgets])

    async def _drop(self, request: web.Request) -> web.Response:
        self.staged.pop(request.match_info["run"], None)
        return web.Response(status=204)

    async def _publish(self, request: web.Request) -> web.Response:
        run = request.match_info["run"]
        self.live = {"run": run, "widgets": self.staged.pop(run, [])}
        return web.Response(status=204)

    async def _read(self, request: web.Request) -> web.Response:
        return web.json_response(self.live)
