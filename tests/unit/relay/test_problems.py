"""Every error is a problem of the catalogue, whatever breaks, and the page about them is true."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.relay import Relay, relay_config, relaying

from proofport.errors import JournalError
from proofport.journal.sqlite import SqliteJournal
from proofport.relay.problems import CATALOGUE, MEDIA_TYPE, in_the_api

PAGE = Path(__file__).parents[3] / "docs" / "relay.md"


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    async with relaying(relay_config(tmp_path), deliver=False) as opened:
        yield opened


def test_the_page_lists_every_type_with_its_status() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \| (.+?)\. ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name: (int(status), title) for name, status, title in rows} == {
        name: (kind.status, kind.title) for name, kind in CATALOGUE.items()
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "problem"),
    [
        ("GET", "/", 404, "not-found"),
        ("GET", "/v1", 404, "not-found"),
        ("GET", "/v1/deliveries/", 404, "not-found"),
        ("PUT", "/v1/deliveries", 405, "method-not-allowed"),
        ("TRACE", "/v1/deliveries", 405, "method-not-allowed"),
        ("GET", "/v1/deliveries?limit=0", 400, "invalid-parameters"),
        ("GET", "/v1/deliveries?limit=9999999999999999999999", 400, "invalid-parameters"),
        ("GET", "/v1/deliveries?limit=%ff", 400, "invalid-parameters"),
        ("GET", "/v1/snapshots/%00", 404, "not-found"),
    ],
)
async def test_what_is_not_there(relay: Relay, method: str, path: str, status: int, problem: str) -> None:
    answer = await relay.ask(method, path)
    assert (answer.status, answer.problem) == (status, problem)
    if status == 405:
        assert answer.headers["Allow"] == "GET,HEAD" or "GET" in answer.headers["Allow"]


async def test_a_journal_that_cannot_be_written_is_said_with_when_to_come_again(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object, **__: object) -> None:
        raise JournalError("the journal's disk is full")

    monkeypatch.setattr(SqliteJournal, "find", full)
    answer = await relay.ask("GET", "/v1/deliveries")
    assert (answer.status, answer.problem) == (503, "journal-unavailable")
    assert int(answer.headers["Retry-After"]) > 0


async def test_what_nobody_foresaw_says_nothing_of_the_inside(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("/secret/path.py")

    monkeypatch.setattr(SqliteJournal, "find", broken)
    answer = await relay.ask("GET", "/v1/deliveries")
    assert (answer.status, answer.problem) == (500, "internal-error")
    assert "secret" not in str(answer.body)


async def raw(relay: Relay, data: bytes) -> bytes:
    host, _, port = relay.origin.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(data)
        return await asyncio.wait_for(reader.read(), 20)
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("data", "status", "problem"),
    [
        (b"GARBAGE\r\n\r\n", 400, "bad-request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "bad-request"),
        (b"GET /v1/lanes HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400, "bad-request"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 9_000 + b"\r\n\r\n", 431, "headers-too-large"),
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431, "headers-too-large"),
        (
            b"POST /v1/snapshots HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: tea\r\nConnection: close\r\n"
            b"Content-Length: 0\r\n\r\n",
            417,
            "expectation-failed",
        ),
    ],
)
async def test_what_is_no_http_is_a_problem_too(relay: Relay, data: bytes, status: int, problem: str) -> None:
    answer = await raw(relay, data)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 %d " % status, b"HTTP/1.0 %d " % status)), head
    assert MEDIA_TYPE.encode() in head
    assert f'"urn:proofport:problem:{problem}"'.encode() in body
    assert b"aiohttp" not in head


async def test_the_documentation_needs_no_key_and_runs_nothing(relay: Relay) -> None:
    async with relay.client.get(relay.origin + "/docs") as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert answer.status == 200
        assert "<h1>" in await answer.text()
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy


HERE = "http://127.0.0.1:9"
WHOLE_SETS = {
    "vanta": {
        "adapter": "vanta",
        "base_url": HERE,
        "client_id": "a",
        "client_secret": "s",
        "objects": {"personnel_account": {"resource_id": "r"}},
    },
    "people": {"adapter": "drata", "base_url": HERE, "api_key": "k", "objects": {"person": {"idp_connection_id": 1}}},
}


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        *(("personnel_account", f"to=vanta&mode={mode}") for mode in ("upsert", "patch", "remove")),
        ("person", "to=people"),
        ("cloud_resource", "to=vanta&source=aws.ec2.instances"),
    ],
)
async def test_a_hint_speaks_to_callers_of_the_api(tmp_path: Path, kind: str, query: str) -> None:
    async with relaying(relay_config(tmp_path, destinations=WHOLE_SETS), deliver=False) as relay:
        answer = await relay.post([{"id": "a"}], query, kind=kind)
    assert answer.status == 422
    hints = [answer.body["hint"], *(each["hint"] for each in answer.body.get("errors", []))]
    for hint in hints:
        assert "POST /v1/snapshots" in hint or "set=region" in hint
        assert "--" not in hint


def test_options_of_the_command_line_have_words_of_the_api() -> None:
    said = in_the_api("Add --without 'hr', or push again with --override-guard \"why\".")
    assert said == "Add `without` in the commit, which names hr, or push again with `override_guard` in the commit."
    assert in_the_api(None) is None
