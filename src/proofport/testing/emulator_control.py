"""The control plane of an emulator: paths that no vendor uses, to look into it and to steer it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any, TypeVar

import orjson
from aiohttp import web
from pydantic import ValidationError

from proofport.testing.emulator import PREFIX, Emulator, Handler, json_response
from proofport.testing.emulator_faults import NO_FAULTS, Faults

T = TypeVar("T")


def routes(emulator: Emulator) -> list[web.RouteDef]:
    """The control plane of one emulator."""
    control = _Control(emulator)
    views = {
        "state": emulator.state,
        "overview": control.overview,
        "behaviours": emulator.switches.listing,
        "switches": emulator.switches.as_dict,
        "faults": control.faults,
    }
    actions = {
        "switches": control.set_switches,
        "faults": control.set_faults,
        "reset": control.reset,
        "seed": control.seed,
        "define-schema": control.define_schema,
        "settle": control.settle,
    }
    return [
        *(web.get(path, control.page) for path in ("/", PREFIX, PREFIX + "/")),
        *(web.get(f"{PREFIX}/{name}", _showing(view)) for name, view in views.items()),
        web.get(PREFIX + "/received", control.received),
        *(web.post(f"{PREFIX}/{name}", action) for name, action in actions.items()),
        web.delete(PREFIX + "/faults", control.clear_faults),
    ]


def _showing(view: Callable[[], object]) -> Handler:
    async def show(_: web.Request) -> web.Response:
        return json_response(view())

    return show


class _Control:
    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def overview(self) -> dict[str, Any]:
        """The content of the page: every object with its first records, and the latest requests."""
        log = self._emulator.log
        return {"objects": self._emulator.overview(), "requests": len(log), "latest": log.latest(40)}

    def faults(self) -> dict[str, Any]:
        return self._emulator.faults.model_dump(exclude_none=True)

    async def page(self, _: web.Request) -> web.Response:
        text = files("proofport.testing").joinpath("emulator.html").read_text(encoding="utf-8")
        return web.Response(text=text.replace("{{name}}", self._emulator.name), content_type="text/html")

    async def received(self, request: web.Request) -> web.Response:
        """All requests, or with `?last=N` the last ones."""
        last = request.query.get("last", "")
        return json_response(self._emulator.log.listing(int(last) if last.isdecimal() else None))

    async def set_switches(self, request: web.Request) -> web.Response:
        values = await _object(request)
        _or_400(lambda: self._emulator.switches.set(values))
        return json_response(self._emulator.switches.as_dict())

    async def set_faults(self, request: web.Request) -> web.Response:
        document = await _object(request)
        self._emulator.faults = _or_400(lambda: Faults.model_validate(document))
        return json_response(self.faults())

    async def clear_faults(self, _: web.Request) -> web.Response:
        self._emulator.faults = NO_FAULTS
        return json_response(self.faults())

    async def reset(self, _: web.Request) -> web.Response:
        self._emulator.reset()
        return json_response({})

    async def seed(self, request: web.Request) -> web.Response:
        """Load the state of the body. Without a body: an object for every kind, as `proofport emulate` begins."""
        if await request.read():
            state = await _object(request)
            _or_400(lambda: self._emulator.load(state))
        else:
            self._emulator.seed()
        return json_response(self._emulator.state())

    async def define_schema(self, request: web.Request) -> web.Response:
        step = await _object(request)
        _or_400(lambda: self._emulator.define_schema(**_schema_step(step)))
        return json_response({})

    async def settle(self, _: web.Request) -> web.Response:
        await self._emulator.settle()
        return json_response({})


def _schema_step(step: dict[str, Any]) -> dict[str, Any]:
    known = {name: step.get(name) for name in ("connection_id", "slug", "primary_id", "model")}
    unknown = sorted(step.keys() - known.keys())
    if unknown:
        raise ValueError(f"unknown field {unknown[0]!r}; expected {', '.join(known)}")
    for name, value in known.items():
        if not isinstance(value, str) and not (name == "model" and value is None):
            raise ValueError(f"{name} is {value!r}, expected a text")
    return known


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        document = orjson.loads(await request.read())
    except ValueError as error:
        raise _bad_request(f"the body is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise _bad_request("the body is not a JSON object")
    return document


def _or_400(step: Callable[[], T]) -> T:
    try:
        return step()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _bad_request(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except ValueError as error:
        raise _bad_request(str(error)) from None


def _bad_request(message: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=orjson.dumps({"error": message}).decode(), content_type="application/json")
