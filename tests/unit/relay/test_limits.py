"""The limits of a request, over real sockets: bytes and seconds while it arrives, levels and records once parsed."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest
from tests.unit.relay.gate import Gate, gate

from proofport.config.relay import Limits
from proofport.relay.problems import PREFIX

LIMITS = Limits(body_bytes=4096, body_seconds=0.5, records=10, depth=5, headers=20, header_bytes=1024, idle_seconds=0.5)
POST = b"POST /documents HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nConnection: close\r\n"


@pytest.fixture
async def served() -> AsyncIterator[Gate]:
    async with gate(limits=LIMITS) as served:
        yield served


async def post(served: Gate, body: object, **headers: str) -> tuple[int, str]:
    given = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    status, _, answer = await served.ask("POST", "/documents", data=body, headers=given)
    return status, answer.get("type", "").removeprefix(PREFIX)


class TestBytes:
    async def test_as_many_as_allowed(self, served: Gate) -> None:
        assert await post(served, b'"%b"' % (b"x" * 4094)) == (200, "")

    async def test_one_too_many(self, served: Gate) -> None:
        assert await post(served, b" " * 4097) == (413, "payload-too-large")

    async def test_a_length_that_is_too_large_is_refused_before_anything_comes(self, served: Gate) -> None:
        answer = await served.head(POST + b"Content-Length: 4097\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 413")

    async def test_a_body_of_no_known_length_is_refused_while_it_comes(self, served: Gate) -> None:
        """It never ends, so only a relay that counts as it reads can answer."""
        answer = await served.head(
            POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"400\r\n" + b" " * 1024 + b"\r\n" + b"fff\r\n" + b" " * 4095
        )
        assert answer.startswith(b"HTTP/1.1 413")

    async def test_a_bomb_is_not_unpacked(self, served: Gate) -> None:
        bomb = gzip.compress(b" " * 1_000_000)
        assert await post(served, bomb, Content_Encoding="gzip") == (415, "unsupported-media-type")


class TestTime:
    async def test_a_body_that_stops_coming(self, served: Gate) -> None:
        answer = await served.head(POST + b"Content-Length: 100\r\n\r\n{")
        assert answer.startswith(b"HTTP/1.1 408")

    async def test_a_body_that_comes_drop_by_drop(self, served: Gate) -> None:
        """Each drop is no pause, yet the whole takes too long."""
        host, _, port = served.origin.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(POST + b"Content-Length: 4000\r\n\r\n")

        async def drip() -> None:
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        try:
            status = await asyncio.wait_for(reader.readline(), 20)
        finally:
            dripping.cancel()
            await asyncio.wait([dripping])
            writer.close()
        assert status.startswith(b"HTTP/1.1 408")

    @pytest.mark.parametrize("begun", [b"", b"POST /size HT", POST, POST + b"X: "])
    async def test_a_head_that_does_not_end_is_hung_up_on(self, served: Gate, begun: bytes) -> None:
        assert await served.head(begun) == b""

    async def test_a_sender_that_goes_away_is_no_trouble(self, served: Gate, caplog: pytest.LogCaptureFixture) -> None:
        answer = await served.raw(POST + b"Content-Length: 100\r\n\r\n{", eof=True)
        assert b" 500 " not in answer
        assert await post(served, b"{}") == (200, "")
        assert [record for record in caplog.records if record.levelname == "ERROR"] == []


class TestJson:
    @pytest.mark.parametrize("body", [b"[" * 5 + b"]" * 5, b'{"a":' * 5 + b"1" + b"}" * 5, b'"' + b"[" * 50 + b'"'])
    async def test_as_deep_as_allowed(self, served: Gate, body: bytes) -> None:
        assert await post(served, body) == (200, "")

    @pytest.mark.parametrize("body", [b"[" * 6 + b"]" * 6, b'{"a":' * 6 + b"1" + b"}" * 6, b"[" * 4000])
    async def test_too_deep(self, served: Gate, body: bytes) -> None:
        assert await post(served, body) == (400, "malformed-body")

    async def test_as_many_records_as_allowed(self, served: Gate) -> None:
        assert await post(served, b"[" + b",".join([b'{"a":1,"b":[1,2]}'] * 10) + b"]") == (200, "")
        assert await post(served, b'{"a":1}\n' * 10, Content_Type="application/x-ndjson") == (200, "")

    @pytest.mark.parametrize("record", [b"{}", b"1", b'","'])
    async def test_too_many_in_an_array(self, served: Gate, record: bytes) -> None:
        assert await post(served, b"[" + b",".join([record] * 11) + b"]") == (413, "payload-too-large")

    @pytest.mark.parametrize("line", [b"{}\n", b"1\n", b"\n", b'{"a":[1,2]}\n'])
    async def test_too_many_lines(self, served: Gate, line: bytes) -> None:
        body = line * 10 + b"{}\n"
        assert await post(served, body, Content_Type="application/x-ndjson") == (413, "payload-too-large")

    async def test_lines_of_one_record_are_no_records(self, served: Gate) -> None:
        assert await post(served, b'{\n"a": 1' + b"\n" * 20 + b"}", Content_Type="application/json") == (200, "")


class TestHeaders:
    async def test_one_too_long(self, served: Gate) -> None:
        status = await served.head(POST + b"X-Long: " + b"x" * 2000 + b"\r\n\r\n")
        assert status.split()[1] in (b"400", b"431")

    async def test_too_many(self, served: Gate) -> None:
        many = b"".join(b"X-%d: x\r\n" % number for number in range(30))
        assert (await served.head(POST + many + b"\r\n")).split()[1] in (b"400", b"431")

    async def test_a_request_line_too_long(self, served: Gate) -> None:
        line = b"GET /" + b"x" * 2000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"
        assert (await served.head(line)).split()[1] in (b"400", b"414", b"431")
