"""The control plane of an emulator: paths that no vendor uses, to look into it and to steer it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import orjson
from aiohttp import web
from pydantic import Field, ValidationError

from proofport.testing.emulator import PREFIX, Emulator, Handler, json_response
from proofport.testing.emulator_faults import NO_FAULTS, Faults, Strict


class SchemaStep(Strict):
    """The parameters of `Emulator.define_schema`."""

    connection_id: str
    slug: str
    primary_id: str
    model: str | None = None
    fields: dict[str, str] = Field(default_factory=dict)


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
    orders = {
        "switches": control.set_switches,
        "faults": control.set_faults,
        "seed": control.seed,
        "define-schema": control.define_schema,
    }
    return [
        *(web.get(path, control.page) for path in ("/", PREFIX, PREFIX + "/")),
        *(web.get(f"{PREFIX}/{name}", _showing(view)) for name, view in views.items()),
        web.get(PREFIX + "/received", control.received),
        *(web.post(f"{PREFIX}/{name}", obeying(order)) for name, order in orders.items()),
        web.post(PREFIX + "/reset", _showing(control.reset)),
        web.post(PREFIX + "/settle", control.settle),
        web.delete(PREFIX + "/faults", _showing(control.clear_faults)),
    ]


def _showing(view: Callable[[], object]) -> Handler:
    async def show(_: web.Request) -> web.Response:
        return json_response(view())

    return show


def obeying(order: Callable[[bytes], object]) -> Handler:
    """Answers with the result of an order, which gets the body of the request. A ValueError becomes a 400."""

    async def obey(request: web.Request) -> web.Response:
        try:
            return json_response(order(await request.read()))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            return json_response({"error": f"{'.'.join(map(str, first['loc']))}: {first['msg']}"}, 400)
        except ValueError as error:
            return json_response({"error": str(error)}, 400)

    return obey


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
        """All requests, with `?last=N` the last ones, with `?number=N` that one."""
        last, number = request.query.get("last", ""), request.query.get("number", "")
        if number.isdecimal():
            return json_response(self._emulator.log.one(int(number)))
        return json_response(self._emulator.log.listing(int(last) if last.isdecimal() else None))

    async def settle(self, _: web.Request) -> web.Response:
        await self._emulator.settle()
        return json_response({})

    # ------------------------------------------------------------------ orders
    def set_switches(self, body: bytes) -> object:
        self._emulator.switches.set(_object(body))
        return self._emulator.switches.as_dict()

    def set_faults(self, body: bytes) -> object:
        self._emulator.faults = Faults.model_validate(_object(body))
        return self.faults()

    def clear_faults(self) -> object:
        self._emulator.faults = NO_FAULTS
        return self.faults()

    def reset(self) -> object:
        self._emulator.reset()
        return {}

    def seed(self, body: bytes) -> object:
        """Load the state of the body. Without a body: an object for every kind, as `proofport emulate` begins."""
        if body:
            self._emulator.load(_object(body))
        else:
            self._emulator.seed()
        return self._emulator.state()

    def define_schema(self, body: bytes) -> object:
        self._emulator.define_schema(**SchemaStep.model_validate(_object(body)).model_dump())
        return {}


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except ValueError as error:
        raise ValueError(f"the body is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ValueError("the body is not a JSON object")  # noqa: TRY004 - it becomes the answer
    return document
