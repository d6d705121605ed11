"""Toy, the vendor: in memory for the adapter contract, and on a socket of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from proofport.wire import Call, Reply


class Toy:
    """`live` is what an auditor would see. A widget without a colour is refused; `key` opens the door."""

    def __init__(self, key: str) -> None:
        self.live: dict[str, Any] = {"run": None, "widgets": []}
        self.staged: dict[str, list[dict[str, Any]]] = {}
        self.application = web.Application()
        self.application.router.add_route("*", "/{path:.*}", self._on_socket)
        self._key = key

    async def _on_socket(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != self._key:
            return web.Response(status=401)
        return web.json_response(self.answer(request.method, request.path, await request.read()))

    def answer(self, method: str, path: str, body: bytes) -> Any:
        match method, path.split("/")[1:]:
            case "POST", ["staged", run]:
                widgets = json.loads(body)
                self.staged.setdefault(run, []).extend(w for w in widgets if w.get("colour"))
                return [{"id": w["id"], "why": None if w.get("colour") else "colourless"} for w in widgets]
            case "DELETE", ["staged", run]:
                self.staged.pop(run, None)
                return {"dropped": run}
            case "POST", ["staged", run, "publish"] if run != self.live["run"]:
                self.live = {"run": run, "widgets": self.staged.pop(run, [])}
            case "PUT", ["live"]:
                self.live = {"run": None, "widgets": json.loads(body)}
        return self.live


class ToyInMemory:
    """The same vendor for an adapter's calls."""

    def __init__(self, widgets: list[dict[str, Any]]) -> None:
        self._toy = Toy("")
        self._toy.live["widgets"] = widgets

    def __call__(self, call: Call) -> Reply:
        return Reply(200, body=json.dumps(self._toy.answer(call.method, call.path, call.body or b"")).encode())

    def live(self, kind: str) -> Mapping[str, object]:
        return {widget["id"]: widget for widget in self._toy.live["widgets"]}
