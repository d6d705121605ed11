"""Answers that want to harm the client: they unpack to gigabytes, never come, or ask for a wait without an end."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from typing import TypeAlias

import pytest
from tests.support.clock import Clock, Naps
from tests.unit.http.support import SharedJournal
from tests.unit.http.test_sender_on_the_wire import send, vendor
from tests.unit.http.vendor import Process, TokenAdapter

from proofport.errors import OutcomeUnknown, ProofportError, Retryable
from proofport.http import patience, sender
from proofport.http.patience import Patience
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


Answering: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def silent(writer: asyncio.StreamWriter) -> None:
    """Takes the request, and says nothing."""


async def early_hints(writer: asyncio.StreamWriter) -> None:
    """Each 1xx is a sign of life, and none is an answer."""
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0)


async def dripping(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1\r\n \r\n")
        await writer.drain()
        await asyncio.sleep(0)


@asynccontextmanager
async def never_done(answering: Answering) -> AsyncIterator[tuple[str, list[str]]]:
    """A vendor whose answers do not end. Yields its origin, and a line for each request."""
    requests: list[str] = []
    serving: list[asyncio.Task[object] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.current_task())
        with closing(writer), suppress(ConnectionError, asyncio.IncompleteReadError):
            requests.append((await reader.readuntil(b"\r\n")).decode())
            await answering(writer)
            await reader.read()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", requests
        await asyncio.gather(*filter(None, serving))


class TestTime:
    @pytest.mark.parametrize("answering", [silent, early_hints, dripping])
    async def test_a_request_takes_no_longer_than_what_is_left_of_the_retry_time(
        self, monkeypatch: pytest.MonkeyPatch, answering: Answering
    ) -> None:
        monkeypatch.setattr(patience, "LEAST_ATTEMPT", 0.01)
        async with never_done(answering) as (origin, requests), asyncio.timeout(20):
            with pytest.raises(Retryable, match="no answer in time") as caught:
                await waiting(lambda: send(origin, GET), 0.2, lambda _: None)
        assert caught.value.lost
        assert len(requests) == 1

    async def test_nor_does_a_request_for_a_token(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(patience, "LEAST_ATTEMPT", 0.01)
        async with never_done(silent) as (origin, requests), asyncio.timeout(5):
            process = Process(origin, SharedJournal(), "a", TokenAdapter)
            async with process.sender() as sender:
                with pytest.raises(Retryable, match=r"ask_for_token .* no answer in time"):
                    await waiting(lambda: sender.send(GET), 0.2, lambda _: None)
        assert requests == ["POST /token HTTP/1.1\r\n"]

    async def test_without_a_retry_time_no_request_is_cut_short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(patience, "LONGEST_ATTEMPT", 0.1)
        async with never_done(silent) as (origin, _), asyncio.timeout(20):
            with pytest.raises(OutcomeUnknown):
                await waiting(lambda: send(origin, ASK), 0, lambda _: None)

    def test_only_the_time_of_the_vendor_counts_and_from_its_last_answer_on(self) -> None:
        clock = Clock()
        tried = Patience(20, clock)
        clock.advance(15)
        assert (tried.left, tried.attempt) == (5, 5)
        tried.answered()
        clock.advance(4)
        with tried.ours():
            clock.advance(1000)
        assert (tried.left, tried.attempt) == (16, 16)
        tried.waited(10)
        assert (tried.left, tried.attempt) == (6, 6)
        clock.advance(30)
        assert tried.attempt == patience.LEAST_ATTEMPT
        assert Patience(0, clock).attempt == Patience(1e9, clock).attempt == patience.LONGEST_ATTEMPT

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
        monkeypatch.setattr(sender, "proxy_of", lambda _: "http://somebody:pa55word-1@127.0.0.1:1")
        with pytest.raises(ProofportError) as caught:
            await send("https://vendor.example", GET)
        assert "pa55word" not in f"{caught.value} {caught.value.__cause__!r} {caught.value.__context__!r}"

    async def test_nor_repeated_after_the_vendor(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sender, "proxy_of", lambda _: None)
        redaction = Redaction({})
        redaction.add_proxy("http://u:pa55word-1@proxy.example")
        assert b"pa55word" not in redaction.reply(Reply(407, {"x": "pa55word-1"}, b'{"m": "u:pa55word-1"}')).body
