"""A relay under fire: hostile bodies cost little and are answered briefly, and strangers take nothing from callers."""

from __future__ import annotations

import asyncio
import logging
import resource
import shutil
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from tests.support.clock import Clock
from tests.support.emulators import block
from tests.support.relay import Answer, Relay, relay_config, relaying
from tests.unit.relay.gate import Gate, gate
from yarl import URL

from proofport.config.relay import Limits
from proofport.journal.contract import Failure, Journal
from proofport.logs import LINES, SECONDS, Seldom
from proofport.relay.access import connections, keys
from proofport.relay.problems import PREFIX

LARGEST_ANSWER = 100_000


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    place = block("drata")
    place["objects"] = {"device": {"connection_id": 4, "resource_id": 104}}
    async with relaying(relay_config(tmp_path, destinations={"drata": place}), deliver=False) as opened:
        yield opened


async def _posted(relay: Relay, body: bytes, content_type: str) -> Answer:
    headers = {"Content-Type": content_type}
    return await relay.ask("POST", "/v1/evidence/device?to=drata", data=BytesIO(body), headers=headers)


class TestHostileRecords:
    """Suggestions compare every pair of words, so each of these once took seconds or minutes."""

    @pytest.mark.parametrize(
        "record",
        [
            {"id": "a", **{f"enabled_toup_a{n:06}": 1 for n in range(50_000)}},
            {"id": "a", **{f"hostname{'x' * 5_000}{n}": 1 for n in range(50)}},
            {"id": "a", "platform": "linux" * 1_000_000},
            {"id": "a", "x" * 12_000_000: 1},
            {"id": "x" * 12_000_000},
            {"id": "a", "disks": [{"name": n} for n in range(100_000)]},
            {"id": "a", "disks": [{"name": n} for n in range(40_000)]},
            {"id": "a", "hostname": {"n" * 3_000_000: 1}},
        ],
        ids=[
            "names",
            "long names",
            "a long choice",
            "a huge name",
            "a huge id",
            "many values",
            "a long list",
            "a name inside",
        ],
    )
    async def test_one_is_refused_in_a_short_answer(self, relay: Relay, record: dict[str, Any]) -> None:
        async with asyncio.timeout(30):
            answer = await _posted(relay, orjson.dumps([record]), "application/json")
        assert (answer.status, answer.problem) == (422, "invalid-records")
        assert len(orjson.dumps(answer.body)) < LARGEST_ANSWER
        assert answer.body["errors"][0]["expected"]

    async def test_the_number_of_mistakes_stands_for_a_list_of_them(self, relay: Relay) -> None:
        answer = await relay.post([{"id": "a", **{f"x{n}": 1 for n in range(200)}}], kind="device")
        [error] = answer.body["errors"]
        assert error["found"] == "201 fields"
        assert "device" in error["expected"]

    async def test_many_wrong_records_are_counted_and_some_are_listed(self, relay: Relay) -> None:
        answer = await relay.post([{"id": str(n), "y" * 300: 1} for n in range(1_500)], kind="device")
        assert (answer.body["error_count"], len(answer.body["errors"])) == (1_500, 1_000)
        assert max(len(each["pointer"]) for each in answer.body["errors"]) < 250

    async def test_two_idempotency_keys_are_refused(self, relay: Relay) -> None:
        url = URL(f"{relay.origin}/v1/evidence/device?to=drata")
        headers = [("Content-Type", "application/json"), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
        async with relay.client.post(url, headers=headers, data=b'[{"id": "a"}]') as answer:
            told = orjson.loads(await answer.read())
        assert (answer.status, told["errors"][0]["found"]) == (400, "the header 2 times")
        assert (await relay.get("/v1/deliveries"))["items"] == []

    async def test_names_of_destinations_are_not_repeated_whole(self, relay: Relay) -> None:
        wanted = {"kind": "device", "to": ["x" * 1_000_000]}
        answer = await relay.ask("POST", "/v1/snapshots", json=wanted)
        assert answer.status == 422
        assert len(orjson.dumps(answer.body)) < 1_000

    async def test_other_requests_are_answered_while_a_large_body_is_checked(self, relay: Relay) -> None:
        """A probe that was sent after the large body is answered before it."""
        records = [{"id": str(n), "hostname": 1, "platform": "linx"} for n in range(2_000)]
        checking = asyncio.create_task(relay.post(records, kind="device"))
        while not checking.done():
            await relay.get("/healthz")
            if not checking.done():
                break
        assert not checking.done()
        assert (await checking).status == 422


class TestValues:
    async def test_a_body_of_too_many_values_is_refused_before_they_are_made(self) -> None:
        async with gate(limits=Limits(values=1_000)) as served:
            many = b"[[" + b"1," * 1_000 + b"1]]"
            status, _, body = await served.ask(
                "POST", "/documents", data=many, headers={"Content-Type": "application/json"}
            )
            assert (status, body["type"]) == (413, PREFIX + "payload-too-large")
            lines = b"1\n" + many + b"\n"
            status, _, body = await served.ask(
                "POST", "/documents", data=lines, headers={"Content-Type": "application/x-ndjson"}
            )
            assert (status, body["type"]) == (413, PREFIX + "payload-too-large")


class TestLargeBodies:
    """The items of a large array are parsed one by one, and of each the values are counted before."""

    @pytest.mark.parametrize("large", [0, 1, 2])
    async def test_each_record_is_judged_by_itself(self, relay: Relay, large: int) -> None:
        records: list[dict[str, Any]] = [{"id": str(n), "platform": 1} for n in range(3)]
        records[large] = {"id": "x", **{f"n{n}": 1 for n in range(100_001)}}
        answer = await _posted(relay, orjson.dumps(records), "application/json")
        found = {error["pointer"]: error["found"] for error in answer.body["errors"]}
        assert answer.status == 422
        assert found.pop(f"/{large}") == "up to 100,002 JSON values"
        assert found == {f"/{n}/platform": "1" for n in range(3) if n != large}

    @pytest.mark.parametrize("form", ["json", "x-ndjson"])
    async def test_a_record_alone_is_counted_too(self, relay: Relay, form: str) -> None:
        body = orjson.dumps({f"n{n}": 1 for n in range(100_001)})
        answer = await _posted(relay, body, f"application/{form}")
        assert (answer.status, answer.body["errors"][0]["expected"]) == (422, "at most 100,000")

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b'[{"a":%s},1,[]]', 200),
            (b"%s", 200),
            (b"[%s,[[[]]]]", 400),
            (b"[[[[%s]]]]", 400),
            (b"[[1],%s", 400),
            (b"[%s,{}x]", 400),
            (b'[%s,"\xff"]', 400),
            (b'[%s,"\\ud800"]', 400),
            (b"[%s" + b",1" * 4 + b"]", 200),
            (b"[%s" + b",1" * 5 + b"]", 413),
        ],
    )
    async def test_the_limits_are_those_of_small_ones(self, body: bytes, status: int) -> None:
        """Three levels, and five records."""
        async with gate(limits=Limits(depth=3, records=5)) as served:
            for text in (b'"x"', b'"' + b"x" * 70_000 + b'"'):
                answer = await served.ask(
                    "POST", "/documents", data=body % text, headers={"Content-Type": "application/json"}
                )
                assert answer[0] == status


class TestMemory:
    async def test_all_bodies_together_have_a_limit(self) -> None:
        async with gate(limits=Limits(body_bytes=4_000, memory_bytes=6_000)) as served:
            begun = [await _begin(served, 4_000, 3_000) for _ in range(2)]
            status, headers, body = await _post(served, 3_000)
            assert (status, body["type"]) == (503, PREFIX + "overloaded")
            assert headers["Retry-After"]
            for reader, writer in begun:
                writer.write(b" " * 999 + b"]")
                await reader.readline()
                writer.close()
            assert (await _post(served, 3_000))[0] == 200, "they were answered"

    async def test_what_was_answered_holds_nothing(self) -> None:
        async with gate(limits=Limits(body_bytes=4_000, memory_bytes=4_000)) as served:
            assert [(await _post(served, 3_500))[0] for _ in range(5)] == [200] * 5


async def _post(served: Gate, size: int) -> tuple[int, dict[str, Any], Any]:
    headers = {"Content-Type": "application/json"}
    return await served.ask("POST", "/documents", data=b'"%b"' % (b"x" * (size - 2)), headers=headers)


async def _begin(served: Gate, length: int, sent: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a part of a body, and nothing more. A probe on the same path shows that it has arrived."""
    host, _, port = served.origin.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = "POST /documents HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {length}\r\n\r\n"
    writer.write(head.encode() + b"[" + b" " * (sent - 1))
    await writer.drain()
    for _ in range(3):
        await served.get(path="/caller")
    return reader, writer


class TestStrangers:
    async def test_made_up_keys_do_not_keep_out_a_key_that_is_new_to_the_relay(self) -> None:
        """Behind a proxy all callers have one address, so nothing may be counted by it."""
        async with gate() as served:
            key = await served.key()
            for _ in range(200):
                assert (await served.get(str(keys.new_token())))[0] == 401
            assert (await served.get(key))[0] == 200

    async def test_their_connection_is_closed_with_the_answer(self) -> None:
        async with gate() as served:
            await served.key()
            answer = await served.raw(b"GET /caller HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert b" 401 " in answer
            assert b"Connection: close" in answer

    async def test_their_connections_make_room(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """Ten are allowed. A caller with a key keeps its own, and a new one gets in among a hundred silent ones."""
        async with relaying(relay_config(tmp_path, relay={"limits": {"connections": 10}}), deliver=False) as relay:
            token, _ = await keys.issue(
                await relay.gateway.journal(), name="a", tenant="default", may_read=True, may_write=True
            )
            host, _, port = relay.origin.removeprefix("http://").partition(":")
            kept = await asyncio.open_connection(host, int(port))
            ask = f"GET /v1/lanes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
            assert b" 200 " in await _told(kept, ask)
            silent = [await asyncio.open_connection(host, int(port)) for _ in range(100)]
            assert await asyncio.wait_for(silent[0][0].read(), 20) == b"", "the oldest is closed"
            another = await asyncio.open_connection(host, int(port))
            assert b" 200 " in await _told(another, ask)
            assert b" 200 " in await _told(kept, ask)
            for _, writer in (kept, another, *silent):
                writer.close()
        assert "connections_full" in caplog.text

    def test_files_are_kept_for_the_rest_of_the_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for files, most in ((1024, 768), (300, 150), (65_536, 65_280)):
            monkeypatch.setattr(resource, "getrlimit", lambda _, files=files: (files, files))
            assert connections.files_for_connections() == most
            assert connections.Connections(100_000).most == most


async def _told(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], ask: bytes) -> bytes:
    reader, writer = connection
    writer.write(ask)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head + await reader.readexactly(length)


class TestTheLog:
    def test_a_minute_has_few_lines_and_the_rest_is_counted(self) -> None:
        clock = Clock()
        seldom = Seldom(clock=clock)
        assert [seldom.turn() for _ in range(LINES + 5)] == [0] * LINES + [None] * 5
        clock.advance(SECONDS)
        assert [seldom.turn(), seldom.turn()] == [5, 0]

    async def test_strangers_cannot_fill_it(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "proofport")
        async with relaying(relay_config(tmp_path), deliver=False) as relay:
            token, _ = await keys.issue(
                await relay.gateway.journal(), name="a", tenant="default", may_read=True, may_write=True
            )
            headers = {"Authorization": f"Bearer {keys.new_token()}"}
            for _ in range(LINES + 40):
                await relay.ask("GET", "/v1/lanes", headers=headers)
            lines = [each.getMessage() for each in caplog.records]
            assert sum("event='request'" in line for line in lines) == LINES
            assert sum("key_refused" in line for line in lines) == LINES
            caplog.clear()
            await relay.ask("GET", "/v1/lanes", headers={"Authorization": f"Bearer {token}"})
            assert "event='request'" in caplog.text, "a caller with a key is always logged"


class TestSmall:
    async def test_two_idempotency_keys_are_refused(self, relay: Relay) -> None:
        headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
        answer = await relay.ask("POST", "/v1/evidence/device?to=drata", json=[{"id": "a"}], headers=headers)
        assert (answer.status, answer.problem) == (400, "invalid-parameters")
        assert answer.body["errors"][0]["found"] == "the header 2 times"

    async def test_readiness_knows_a_full_disk(self, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 0))
        answer = await relay.ask("GET", "/readyz")
        assert answer.status == 503
        assert not answer.body["checks"]["room"]["ok"]

    async def test_a_write_only_key_sees_no_details_of_what_it_resumes_or_replays(self, relay: Relay) -> None:
        for record in ("a", "b"):
            await relay.post([{"id": record}], kind="device", headers={})
        journal = await relay.gateway.journal()
        [lane] = await journal.lanes()
        letter, waiting = await _first_dead(journal, lane.lane)
        token, _ = await keys.issue(journal, name="w", tenant="default", may_read=False, may_write=True)
        headers = {"Authorization": f"Bearer {token}"}

        async def ask(path: str) -> tuple[int, dict[str, Any]]:
            async with relay.client.post(URL(relay.origin + path, encoded=True), headers=headers) as answer:
                return answer.status, orjson.loads(await answer.read())

        status, told = await ask(f"/v1/lanes/{quote(lane.lane, safe='')}/resume")
        assert (status, {name: value for name, value in told.items() if value is not None}) == (
            200,
            {"lane": lane.lane},
        )
        status, told = await ask(f"/v1/dead-letters/{waiting}/replay")
        assert (status, told["state"], "queued" in told["detail"]) == (409, None, False)
        status, told = await ask(f"/v1/dead-letters/{letter}/replay")
        hidden = {name for name, value in told.items() if value is None}
        assert (status, hidden) == (202, {"submission", "finished", "outcomes", "reason", "replayed_as", "receipt"})


async def _first_dead(journal: Journal, lane: str) -> tuple[int, int]:
    """Set the first delivery aside. Returns its number, and that of the second."""
    run = await journal.claim(lane, owner="test", lease=60)
    assert run is not None
    first, second = await run.take(2)
    await run.dead(first, Failure("rejected", ""))
    await run.release()
    return first.id, second.id
