"""The control plane: paths that no vendor uses, to look into an emulator and to steer it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from aiohttp import web
from pydantic import ValidationError

from proofport.testing.emulator_faults import NO_FAULTS, Faults

if TYPE_CHECKING:
    from proofport.testing.emulator import Emulator

T = TypeVar("T")
PREFIX = "/_emulator"


def is_control(path: str) -> bool:
    return path in ("/", PREFIX) or path.startswith(PREFIX + "/")


def routes(emulator: Emulator) -> list[web.RouteDef]:
    """The control plane of one emulator."""
    control = _Control(emulator)
    return [
        web.get("/", control.page),
        web.get(PREFIX, control.page),
        web.get(PREFIX + "/", control.page),
        web.get(PREFIX + "/state", control.state),
        web.get(PREFIX + "/overview", control.overview),
        web.get(PREFIX + "/received", control.received),
        web.get(PREFIX + "/behaviours", control.behaviours),
        web.get(PREFIX + "/switches", control.switches),
        web.post(PREFIX + "/switches", control.set_switches),
        web.get(PREFIX + "/faults", control.faults),
        web.post(PREFIX + "/faults", control.set_faults),
        web.delete(PREFIX + "/faults", control.clear_faults),
        web.post(PREFIX + "/reset", control.reset),
        web.post(PREFIX + "/seed", control.seed),
        web.post(PREFIX + "/define-schema", control.define_schema),
        web.post(PREFIX + "/settle", control.settle),
    ]


class _Control:
    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def page(self, _: web.Request) -> web.Response:
        text = files("proofport.testing").joinpath("emulator.html").read_text(encoding="utf-8")
        return web.Response(text=text.replace("{{name}}", self._emulator.name), content_type="text/html")

    async def state(self, _: web.Request) -> web.Response:
        return _json(self._emulator.state())

    async def overview(self, _: web.Request) -> web.Response:
        """What the page shows: every object with its first records, and the last requests."""
        log = self._emulator.log
        return _json({"objects": self._emulator.overview(), "requests": len(log), "latest": log.latest(40)})

    async def received(self, request: web.Request) -> web.Response:
        """All of them, or the `?last=N`."""
        last = request.query.get("last", "")
        return _json(self._emulator.log.listing(int(last) if last.isdecimal() else None))

    async def behaviours(self, _: web.Request) -> web.Response:
        return _json(self._emulator.switches.listing())

    async def switches(self, _: web.Request) -> web.Response:
        return _json(self._emulator.switches.as_dict())

    async def set_switches(self, request: web.Request) -> web.Response:
        values = await _object(request)
        _or_400(lambda: self._emulator.switches.set(values))
        return _json(self._emulator.switches.as_dict())

    async def faults(self, _: web.Request) -> web.Response:
        return _json(self._emulator.faults.model_dump(exclude_none=True))

    async def set_faults(self, request: web.Request) -> web.Response:
        document = await _object(request)
        self._emulator.faults = _or_400(lambda: Faults.model_validate(document))
        return await self.faults(request)

    async def clear_faults(self, request: web.Request) -> web.Response:
        self._emulator.faults = NO_FAULTS
        return await self.faults(request)

    async def reset(self, _: web.Request) -> web.Response:
        self._emulator.reset()
        return _json({})

    async def seed(self, request: web.Request) -> web.Response:
        """With a body: that state. Without one: an object for every kind, as `proofport emulate` begins."""
        if await request.read():
            state = await _object(request)
            _or_400(lambda: self._emulator.load(state))
        else:
            self._emulator.seed()
        return _json(self._emulator.state())

    async def define_schema(self, request: web.Request) -> web.Response:
        step = await _object(request)
        _or_400(lambda: self._emulator.define_schema(**_schema_step(step)))
        return _json({})

    async def settle(self, _: web.Request) -> web.Response:
        await self._emulator.settle()
        return _json({})


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


def _json(data: object) -> web.Response:
    return web.Response(body=orjson.dumps(data), content_type="application/json")
