"""The sign of life after a run that is complete. Whatever becomes of it, the run has succeeded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.support.drata import Drata
from tests.support.emulators import hanging
from tests.support.evidence import cloud_resource

from proofport.gateway.gateway import HEARTBEAT_SECONDS
from proofport.http.configured import Caller

SECRET = "a-capability-in-the-path"


class Listener:
    """`answer` is what it says. `heard` is what it was told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []
        self.answer: Callable[[], web.Response] = lambda: web.Response(text="ok")
        self.url = ""

    async def hear(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        self.heard.append((f"{request.method} {request.path}", body))
        return self.answer()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    made, app = Listener(), web.Application()
    app.router.add_route("*", "/{tail:.*}", made.hear)
    async with TestServer(app) as server:
        made.url = str(server.make_url(f"/{SECRET}"))
        yield made


async def test_it_is_called_once_after_each_complete_run(drata: Drata, listener: Listener) -> None:
    drata.options["heartbeat"] = {"url": listener.url}
    report = await drata.push([cloud_resource(1)])
    assert report.notes == []
    about = {"instance": "test", "run_id": report.run_id, "kind": "cloud_resource", "mode": "snapshot"}
    assert listener.heard == [(f"POST /{SECRET}", {**about, "destinations": ["drata"]})]


async def test_it_may_be_a_get(drata: Drata, listener: Listener) -> None:
    drata.options["heartbeat"] = {"url": listener.url, "method": "GET"}
    await drata.push([cloud_resource(1)])
    assert listener.heard == [(f"GET /{SECRET}", None)]


async def test_a_run_that_failed_or_sent_nothing_is_no_sign_of_life(drata: Drata, listener: Listener) -> None:
    drata.options["heartbeat"] = {"url": listener.url}
    await drata.push([cloud_resource(1), {"id": 7}])
    await drata.push([cloud_resource(1)], dry_run=True)
    await drata.plan([cloud_resource(1)])
    assert listener.heard == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: web.Response(status=500), "it answered 500"),
        (lambda: web.Response(status=302, headers={"Location": "/elsewhere"}), "redirects are not followed"),
    ],
)
async def test_what_it_answers_never_fails_the_run(
    drata: Drata, listener: Listener, answer: Callable[[], web.Response], words: str
) -> None:
    drata.options["heartbeat"] = {"url": listener.url}
    listener.answer = answer
    report = await drata.push([cloud_resource(1)])
    assert report.exit_code == 0
    [note] = report.notes
    assert words in note
    assert SECRET not in str(report.as_dict())
    assert len(listener.heard) == 1


async def test_nobody_listens(drata: Drata) -> None:
    drata.options["heartbeat"] = {"url": f"http://127.0.0.1:1/{SECRET}"}
    report = await drata.push([cloud_resource(1)])
    assert report.exit_code == 0
    assert "cannot be reached" in report.notes[0]
    assert SECRET not in report.notes[0]


async def test_one_that_never_answers_is_waited_for_a_short_time() -> None:
    assert HEARTBEAT_SECONDS <= 5
    async with hanging() as (origin, _), Caller(0.05) as caller:
        assert await caller.call(origin, body=b"{}") == "it gave no answer within 0.05 s"


@pytest.mark.parametrize("host", ["127.0.0.1:99999", "127.0.0.1:port", "[::1", "user:word@exa\u2100mple", "\u200d"])
async def test_an_address_that_is_none_is_told_without_its_words(drata: Drata, host: str) -> None:
    drata.options["heartbeat"] = {"url": f"https://{host}/{SECRET}"}
    report = await drata.push([cloud_resource(1)])
    assert report.exit_code == 0
    assert report.notes == ["The heartbeat was not heard: it cannot be reached (ValueError)."]


async def test_a_reference_that_leads_nowhere_is_a_note(
    drata: Drata, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    drata.options["heartbeat"] = {"url": "env:HEARTBEAT_URL"}
    monkeypatch.delenv("HEARTBEAT_URL", raising=False)
    report = await drata.push([cloud_resource(1)])
    assert report.exit_code == 0
    assert "HEARTBEAT_URL, which is not set" in report.notes[0]
    monkeypatch.setenv("HEARTBEAT_URL", listener.url)
    assert (await drata.push([cloud_resource(1)])).notes == []
    assert len(listener.heard) == 1
