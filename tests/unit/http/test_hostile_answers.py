"""Answers that want to harm the client: they unpack to gigabytes, never come, or ask for a wait without an end."""

from __future__ import annotations

import asyncio
import gzip

import aiohttp
import pytest
from tests.support.clock import Clock, Naps
from tests.unit.http.test_sender_on_the_wire import send, vendor

from proofport.errors import OutcomeUnknown, ProofportError, Retryable
from proofport.http import sender
from proofport.http.redaction import MARK, Redaction
from proofport.http.retry import LONGEST_ASKED, refused_for_now, waiting
from proofport.wire import Call, Reply

GET = Call("list", "GET", "/records")
ASK = Call("create", "POST", "/records", body=b"{}", lost="ask")


class TestSize:
    @pytest.mark.parametrize("packed", [True, False])
    async def test_an_answer_that_is_too_large_is_refused(self, monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
        monkeypatch.setattr(sender, "LARGEST_ANSWER", 1_000_000)
        body = b" " * 20_000_000
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        if packed:
            body, head = gzip.compress(body), head + b"Content-Encoding: gzip\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n".encode()
        async with vendor(head + body) as (origin, _):
            with pytest.raises(Retryable, match="more than 1,000,000 bytes") as caught:
                await send(origin, GET)
            assert caught.value.lost
            with pytest.raises(OutcomeUnknown):
                await send(origin, ASK)

    async def test_a_packed_answer_is_read(self) -> None:
        body = gzip.compress(b'{"a": 1}')
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        async with vendor(head + body) as (origin, _):
            assert (await send(origin, GET)).json() == {"a": 1}


class TestTime:
    async def test_answers_that_only_begin_end_with_the_time_of_one_attempt(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each 1xx is a sign of life, and none is an answer."""
        monkeypatch.setattr(sender, "TIMEOUT", aiohttp.ClientTimeout(total=0.2))

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while True:
                    writer.write(b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n")
                    await writer.drain()
                    await asyncio.sleep(0)
            except ConnectionError:
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with asyncio.timeout(20):
                with pytest.raises(Retryable, match="no answer in time"):
                    await send(origin, GET)

    async def test_silence_counts_against_the_retry_time(self) -> None:
        clock, attempts = Clock(), 0

        async def silent() -> None:
            nonlocal attempts
            attempts += 1
            clock.advance(60)
            raise Retryable("no answer in time")

        with pytest.raises(Retryable):
            await waiting(silent, 5, lambda _: None, sleep=Naps(), clock=clock)
        assert attempts == 1
        with pytest.raises(Retryable):
            await waiting(silent, 150, lambda _: None, sleep=Naps(), clock=clock)
        assert attempts == 1 + 3

    @pytest.mark.parametrize(
        ("asked", "after"),
        [
            ("5", 5),
            ("99999999999", LONGEST_ASKED),
            ("9" * 6_000, LONGEST_ASKED),
            ("-1", None),
            ("1e9", None),
            ("∞", None),
            ("Fri, 31 Dec 9999 23:59:59 GMT", None),
            ("", None),
        ],
    )
    def test_no_wait_is_without_an_end(self, asked: str, after: float | None) -> None:
        error = refused_for_now(Reply(429, {"retry-after": asked}), GET, "https://vendor.example")
        assert isinstance(error, Retryable)
        assert error.after == after


class TestProxy:
    def test_its_credentials_are_redacted_in_every_form(self) -> None:
        redaction = Redaction({})
        redaction.add_proxy("http://somebody:p%40ssword-1@proxy.example:3128")
        for leak in ("p%40ssword-1", "p@ssword-1", "Basic c29tZWJvZHk6cEBzc3dvcmQtMQ=="):
            assert "p@ss" not in redaction.text(leak)
            assert MARK in redaction.text(leak)

    async def test_they_are_not_in_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sender, "_proxy", lambda _: "http://somebody:pa55word-1@127.0.0.1:1")
        with pytest.raises(ProofportError) as caught:
            await send("https://vendor.example", GET)
        assert "pa55word" not in f"{caught.value} {caught.value.__cause__!r} {caught.value.__context__!r}"

    async def test_nor_repeated_after_the_vendor(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sender, "_proxy", lambda _: None)
        redaction = Redaction({})
        redaction.add_proxy("http://u:pa55word-1@proxy.example")
        assert b"pa55word" not in redaction.reply(Reply(407, {"x": "pa55word-1"}, b'{"m": "u:pa55word-1"}')).body
