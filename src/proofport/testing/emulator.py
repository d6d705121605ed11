"""The base of every emulator: a local server that keeps state and behaves as one vendor's API does.

A vendor's emulator has the routes, the state and the list of behaviours. The base adds the switches, the faults, the
log of received requests and the rate limit.
"""

from __future__ import annotations

import asyncio
import base64
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import reduce
from importlib.resources import files
from operator import getitem
from typing import Any, ClassVar, TypeAlias

import orjson
import yaml
from aiohttp import web

from proofport.testing.emulator_behaviours import Behaviour, Switches, Value
from proofport.testing.emulator_faults import BY_ORDER, FAULTS, NO_FAULTS, SHORT, Faults, cut, cut_in_the_middle
from proofport.testing.emulator_log import Log, RateLimiter
from proofport.testing.emulator_recording import Recording, Replay

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
PREFIX = "/_emulator"
"""The beginning of the paths of the control plane. `/` belongs to it, too."""
SHOWN = 20
"""Records of an object that the page has."""
AROUND = 16
"""Levels that an answer, the state or the log may have around a body."""


class VendorError(Exception):
    """An error answer of the vendor: its status, its message, and what else `Emulator.failure` takes."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.more = more


class Emulator(ABC):
    """One vendor. Subclasses register under the entry point group `proofport.emulators`.

    `rate_limit` is the first value of the switch of that name: requests a minute, 0 for any number.
    """

    name: ClassVar[str]
    #: Among them the switches `rate_limit`, `retry_after` (a 429 says how long to wait) and `max_body_bytes` (0: any).
    behaviours: ClassVar[Sequence[Behaviour]]

    def __init__(self, *, rate_limit: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self.switches = Switches(self.behaviours)
        self.faults = NO_FAULTS
        self.log = Log()
        self.recording: Recording | None = None  #: Gets every exchange.
        self.replay: Replay | None = None  #: Answers in the place of the vendor.
        self._limiter = RateLimiter(clock)
        self._first_switches: dict[str, Value] = {"rate_limit": rate_limit} if rate_limit else {}
        self.switches.set(self._first_switches)

    # ------------------------------------------------------------------ the vendor's part
    @abstractmethod
    def routes(self) -> Iterable[web.RouteDef]:
        """The vendor's own operations."""

    @abstractmethod
    def authorize(self, request: web.Request) -> None:
        """Raise VendorError unless the request carries a good key."""

    @abstractmethod
    def failure(self, status: int, message: str, **more: Any) -> web.Response:
        """The vendor's error body for a status."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """All that the vendor holds, as JSON."""

    @abstractmethod
    def load(self, state: Mapping[str, Any]) -> None:
        """Replace what the vendor holds by `state` (the shape that `state()` gives). Raises ValueError."""

    @abstractmethod
    def seed(self) -> None:
        """Replace what the vendor holds by an object for every kind, and no records."""

    @abstractmethod
    def overview(self) -> list[dict[str, Any]]:
        """Every object for the page, each as `object_shown` makes it."""

    @abstractmethod
    def destination(self, origin: str) -> dict[str, Any]:
        """The block of `destinations:` that fits the seeded state; `origin` is where the emulator is served."""

    def define_schema(
        self, connection_id: str, slug: str, primary_id: str, model: str | None, fields: Mapping[str, str]
    ) -> None:
        """Do what a person does in the vendor's web application. Raises ValueError.

        `fields`: the published field of each field of the model that has another name.
        """
        raise ValueError(f"{self.name} has no such step: a schema is given when a connection is created")

    def counted(self, request: web.Request) -> tuple[str, int]:
        """Whose requests are counted, and how many of them a minute are admitted. 0: any number."""
        return request.remote or "", self.switches["rate_limit"]

    async def settle(self) -> None:
        """Return when everything that was accepted has been processed."""
        return

    async def stop(self) -> None:
        """End what runs in the background."""
        return

    # ------------------------------------------------------------------ answering
    def application(self) -> web.Application:
        """The vendor's operations. `serve` adds the control plane."""

        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            steers = request.path in ("/", PREFIX) or request.path.startswith(PREFIX + "/")
            return await (handler(request) if steers else self._answer(request, handler))

        async def stop(_: web.Application) -> None:
            await self.stop()

        application = web.Application(middlewares=[answer], client_max_size=0)
        application.add_routes(self.routes())
        application.on_shutdown.append(stop)
        return application

    def reset(self) -> None:
        """Forget everything: state, received requests, faults, switches."""
        self.load({})
        self.log.clear()
        self.faults = NO_FAULTS
        self._limiter.clear()
        self.switches.restore()
        self.switches.set(self._first_switches)

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await request.read()
        entry = self.log.add(request, body)
        faults = self.faults if self.faults.concerns(request) else NO_FAULTS
        request[FAULTS] = faults
        if faults.latency_ms:
            await asyncio.sleep(faults.latency_ms / 1000)
        drop = faults.take_drop()
        if drop == "before":
            return cut(request)
        if self.replay is None:
            answer = await self._vendor_answer(request, handler, faults, len(body))
        else:
            found = self.replay.answer(entry)
            answer = self.failure(400, found) if isinstance(found, str) else found
        if drop == "after":
            return cut(request)
        self.log.answered(entry, answer.status, answer.body if isinstance(answer.body, bytes) else b"")
        if SHORT in request:
            answer.headers[BY_ORDER] = "list_ends_after"
        if drop == "middle":
            return cut_in_the_middle(request, answer)
        if self.recording is not None:
            self.recording.note(self.name, entry, answer)
        return answer

    async def _vendor_answer(self, request: web.Request, handler: Handler, faults: Faults, size: int) -> web.Response:
        try:
            self._admit(request, faults, size)
            answer = await handler(request)
        except VendorError as error:
            return self.failure(error.status, error.message, **error.more)
        except web.HTTPException as error:
            refused = self.failure(error.status, f"Cannot {request.method} {request.path}")
            if "Allow" in error.headers:  # of a 405 (RFC 9110, 15.5.6)
                refused.headers["Allow"] = error.headers["Allow"]
            return refused
        assert isinstance(answer, web.Response)
        return answer

    def count(self, who: str, limit: int) -> None:
        """Admit one more request of `who`. Raise VendorError (429) when it is above `limit` in a minute."""
        wait = self._limiter.wait(who, limit) if limit else 0
        if wait:
            headers = {"Retry-After": str(math.ceil(wait))} if self.switches["retry_after"] else {}
            raise VendorError(429, "Too many requests", headers=headers)

    def _admit(self, request: web.Request, faults: Faults, size: int) -> None:
        """Raise VendorError for an ordered status, too many requests, a bad key or a large body, in this order."""
        status = faults.take_status()
        if status is not None:
            after = {} if status.retry_after is None else {"Retry-After": str(status.retry_after)}
            headers = {BY_ORDER: "status", **after}
            raise VendorError(status.code, f"The emulator was told to answer {status.code}", headers=headers)
        self.count(*self.counted(request))
        self.authorize(request)
        if 0 < self.switches["max_body_bytes"] < size:
            raise VendorError(413, "request entity too large")


def document(package: str) -> dict[str, Any]:
    """The vendor's OpenAPI document: `openapi.yaml` in the package of its emulator."""
    text = files(package).joinpath("openapi.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return loaded


def resolved(part: Any, document: Mapping[str, Any], then: Callable[[dict[str, Any]], dict[str, Any]] = dict) -> Any:
    """A part of a document without references. `then` is applied to each object of it, the innermost first."""
    if isinstance(part, list):
        return [resolved(each, document, then) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return resolved(reduce(getitem, part["$ref"].removeprefix("#/").split("/"), document), document, then)
    return then({name: resolved(each, document, then) for name, each in part.items()})


def cursor_of(start: int) -> str:
    """The cursor of the page that begins at a row. No vendor publishes the form of its own."""
    return base64.urlsafe_b64encode(f"row:{start}".encode()).decode()


def start_of(cursor: str, parameter: str) -> int:
    """The row at which the page of a cursor begins. Raises VendorError (400), which names the parameter."""
    try:
        word, _, text = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
        if word == "row" and text.isdecimal():
            return int(text)
    except ValueError:
        pass
    raise VendorError(400, f"{parameter} is not valid")


def object_shown(title: str, note: str, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One object for the page. See `Emulator.overview`."""
    return {"title": title, "note": note, "count": len(records), "records": records[:SHOWN]}


def json_response(data: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer with a JSON body."""
    body = orjson.dumps(data)
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


async def json_body(request: web.Request) -> Any:
    """The decoded body of a vendor request. Raises VendorError (400) when it is not JSON, or too deep to be shown."""
    try:
        body = orjson.loads(await request.read())
    except ValueError:
        raise VendorError(400, "The request body is not valid JSON") from None
    shown: Any = body
    for _ in range(AROUND):
        shown = [shown]
    try:
        orjson.dumps(shown)
    except TypeError:
        raise VendorError(400, "The request body is nested too deeply") from None
    return body
