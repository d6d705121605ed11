"""No request that a vendor's document allows makes its emulator fail, or changes what another object shows.

The emulators are found through the registry, and their operations in their documents. `make test` tries a few requests
of each operation, `make soak` many.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.contracts.made_up import SOAK
from tests.contracts.vendors import vendor
from tests.fuzz.extremes import NUMBERS, Corner, allowed, as_json, as_text
from tests.support.emulators import NAMES, document
from yarl import URL

from proofport.testing import Emulator, Running, resolved, serve

EXAMPLES = 40 if SOAK else 2
TURNS = 4 * len(NUMBERS)


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


def operations(name: str) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Every operation of a document, without references: its method, its path, the rest."""
    found, whole = {}, document(name)
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            if method not in ("parameters", "servers") and not method.startswith("x-"):
                joined = {**operation, "parameters": [*methods.get("parameters", ()), *operation.get("parameters", ())]}
                found[f"{method.upper()} {path}"] = (method.upper(), path, resolved(joined, whole))
    return found


OPERATIONS = {name: operations(name) for name in NAMES}


@st.composite
def requests(draw: st.DrawFn, name: str, label: str) -> Request:
    """One that Hypothesis makes up."""
    operation, known = OPERATIONS[name][label][2], vendor(name).KNOWN
    given = [each for each in operation["parameters"] if each.get("required") or draw(st.booleans())]
    parameters = [(each, draw(allowed(each["schema"], known, each["name"]))) for each in given]
    content = operation.get("requestBody", {}).get("content", {})
    media = draw(st.sampled_from(sorted(content))) if content else ""
    return built(name, label, parameters, media, draw(allowed(content[media]["schema"], known)) if content else None)


def corners(name: str, label: str, **how: bool) -> Iterator[Request]:
    """Requests in which every value takes its turn, at once with all others."""
    operation = OPERATIONS[name][label][2]
    given = [each for each in operation["parameters"] if each.get("required") or how.get("full")]
    content = operation.get("requestBody", {}).get("content", {})
    for turn in range(TURNS):
        corner = Corner(vendor(name).KNOWN, turn, **how)
        parameters = [(each, corner.of(each["schema"], each["name"])) for each in given]
        for media in content or [""]:
            yield built(name, label, parameters, media, corner.of(content[media]["schema"]) if media else None)


def built(name: str, label: str, parameters: list[tuple[dict[str, Any], Any]], media: str, value: Any) -> Request:
    method, path, _ = OPERATIONS[name][label]
    query, headers, body = [], {}, None
    for parameter, each in parameters:
        texts = [_quoted(part) for part in each] if isinstance(each, list) else [_quoted(each)]
        match parameter["in"]:
            case "path":
                path = path.replace("{" + parameter["name"] + "}", ",".join(texts))
            case "query":
                query += [f"{quote(parameter['name'])}={text}" for text in texts]
            case "header":
                headers[parameter["name"]] = ",".join(texts)
    if media == "multipart/form-data":
        body = b"".join(_part(member, str(each)) for member, each in value.items()) + b"--edge--\r\n"
        headers["Content-Type"] = media + "; boundary=edge"
    elif media:
        body, headers["Content-Type"] = as_json(value), media
    return Request(method, path + "?" * bool(query) + "&".join(query), headers, body)


def _quoted(value: Any) -> str:
    return quote(as_text(value).encode("utf-8", "surrogatepass"), safe="")


def _part(name: str, text: str) -> bytes:
    head = f'--edge\r\nContent-Disposition: form-data; name="{name}"; filename="f"\r\n\r\n'
    return head.encode("utf-8", "surrogatepass") + text.encode("utf-8", "surrogatepass") + b"\r\n"


@dataclass(slots=True)
class Tried:
    """One emulator on a socket, in a loop of its own. Each example begins with the same state."""

    name: str
    emulator: Emulator
    served: Running
    state: dict[str, Any]

    async def example(self, tried: list[Request]) -> None:
        self.emulator.reset()
        self.emulator.load(self.state)
        headers = {"Authorization": await vendor(self.name).authorization(self.served)}
        before = await self.seen(headers, self.witnesses())
        assert {status for status, _ in before.values()} <= {200}
        for request in tried:
            status, _ = await self.sent(request, headers)
            assert status < 500, request
        if tried[0].method == "GET":
            return
        await self.served.control("POST", "settle")
        broken = [path for path, (status, _) in (await self.seen(headers, self.lists())).items() if status > 499]
        assert broken == []
        assert (await self.served.client.get(self.served.origin + "/_emulator/overview")).status == 200
        headers = {"Authorization": await vendor(self.name).authorization(self.served)}
        assert await self.seen(headers, self.witnesses()) == before

    def witnesses(self) -> list[str]:
        """The paths of what no request of the fuzz names."""
        return list(getattr(vendor(self.name), "WITNESSES", ()))

    def lists(self) -> Iterator[str]:
        """The path of each operation that reads, for all that is known."""
        known = vendor(self.name).KNOWN
        for method, path, operation in OPERATIONS[self.name].values():
            if method == "GET":
                given = [each for each in operation["parameters"] if each.get("required") and each["name"] in known]
                for values in product(*(known[each["name"]] for each in given)):
                    filled, query = path, ""
                    for each, value in zip(given, values, strict=True):
                        filled = filled.replace("{" + each["name"] + "}", str(value))
                        query += f"&{each['name']}={value}" if each["in"] == "query" else ""
                    yield filled + query.replace("&", "?", 1)

    async def seen(self, headers: Mapping[str, str], paths: Any) -> dict[str, tuple[int, bytes]]:
        return {path: await self.sent(Request("GET", path), headers) for path in paths}

    async def sent(self, request: Request, headers: Mapping[str, str]) -> tuple[int, bytes]:
        url = URL(self.served.origin + request.path, encoded=True)
        async with self.served.client.request(
            request.method, url, data=request.body, headers={**headers, **request.headers}, allow_redirects=False
        ) as answer:
            return answer.status, await answer.read()


@contextmanager
def trying(name: str) -> Iterator[tuple[asyncio.Runner, Tried]]:
    emulator = vendor(name).filled()
    state = emulator.state()
    with asyncio.Runner() as runner:
        serving = serve(emulator)
        origin = runner.run(serving.__aenter__())
        client = runner.run(_client())
        try:
            yield runner, Tried(name, emulator, Running(emulator, origin, client), state)
        finally:
            runner.run(client.close())
            runner.run(serving.__aexit__(None, None, None))


async def _client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession()


EACH = pytest.mark.parametrize(("name", "label"), [(name, label) for name in NAMES for label in OPERATIONS[name]])


@EACH
@pytest.mark.parametrize("how", [{}, {"full": True}, {"deep": True}], ids=["required", "all", "deep"])
def test_no_extreme_makes_it_fail_or_changes_another_object(name: str, label: str, how: dict[str, bool]) -> None:
    if "deep" in how and "requestBody" not in OPERATIONS[name][label][2]:
        return
    with trying(name) as (runner, tried):
        runner.run(tried.example([*corners(name, label, **how)]))


@EACH
def test_nothing_allowed_makes_it_fail_or_changes_another_object(name: str, label: str) -> None:
    with trying(name) as (runner, tried):

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=not SOAK,
            database=None,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(requests(name, label), min_size=1, max_size=2))
        def one(requests: list[Request]) -> None:
            runner.run(tried.example(requests))

        one()
