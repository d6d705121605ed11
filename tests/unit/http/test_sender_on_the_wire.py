"""The one HTTP client against a real socket: broken answers, redirects, addresses, proxies and ~/.netrc."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.support.clock import Naps
from tests.unit.delivery.support import SECRET, TinySettings
from tests.unit.http.support import SharedJournal, TinyAdapter

from proofport.errors import OutcomeUnknown, Retryable
from proofport.http.sender import Sender
from proofport.wire import Call, Reply

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def vendor(answer: bytes | Callable[[bytes], bytes]) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that answers every request with these bytes and hangs up. Yields its origin and what it received."""
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        received.append(head)
        writer.write(answer(head) if callable(answer) else answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", received


async def send(origin: str, call: Call) -> Reply:
    settings = TinySettings.model_validate({"key": SECRET, "base_url": origin})
    async with Sender(TinyAdapter(settings), SharedJournal(), sleep=Naps()) as sender:
        return await sender.send(call)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ntoo short",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: 9\r\n\r\nnot zlib!",
        b"HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\n{}",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x00\x00",
    ],
    ids=lambda answer: repr(answer[:60]),
)
async def test_a_broken_answer_leaves_the_fate_of_the_request_open(answer: bytes) -> None:
    async with vendor(answer) as (origin, received):
        with pytest.raises(OutcomeUnknown):
            await send(origin, Call("complete", "POST", "/x", body=b"{}", lost="ask"))
        assert len(received) == 1
        with pytest.raises(Retryable) as caught:
            await send(origin, Call("publish", "POST", "/x", body=b"{}"))
        assert caught.value.lost
        assert len(received) == 4


async def test_nobody_listening_means_that_nothing_arrived() -> None:
    async with vendor(OK) as (origin, _):
        pass
    with pytest.raises(Retryable, match="Connect call failed") as caught:
        await send(origin, Call("complete", "POST", "/x", lost="ask"))
    assert not caught.value.lost


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_is_not_followed(status: int) -> None:
    async with vendor(OK) as (elsewhere, stolen):
        redirect = f"HTTP/1.1 {status} Moved\r\nLocation: {elsewhere}/\r\nContent-Length: 0\r\n\r\n".encode()
        async with vendor(redirect) as (origin, _):
            reply = await send(origin, Call("publish", "POST", "/x", body=b"{}"))
    assert (reply.status, reply.headers["location"]) == (status, f"{elsewhere}/")
    assert stolen == []


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/a%2Fb/c%20d", (), b"/a%2Fb/c%20d"),
        ("/%7Ea%2fb", (), b"/%7Ea%2fb"),
        ("/x", (("expand[]", "a"), ("expand[]", "b")), b"/x?expand%5B%5D=a&expand%5B%5D=b"),
        ("/x", (("q", "a b&c=d+e/ü"),), b"/x?q=a+b%26c%3Dd%2Be/%C3%BC"),
        ("/x%3Fy", (("after", ""),), b"/x%3Fy?after="),
    ],
)
async def test_paths_stay_as_encoded_and_queries_are_encoded(
    path: str, query: tuple[tuple[str, str], ...], expected: bytes
) -> None:
    async with vendor(OK) as (origin, received):
        await send(origin, Call("look", "GET", path, query=query))
    assert received[0].split(b" ")[1] == expected


@pytest.mark.parametrize("scheme", ["http://", ""])
async def test_the_environments_proxy_is_used_and_netrc_never_touches_the_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scheme: str
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with vendor(OK) as (proxy, received):
        monkeypatch.setenv("http_proxy", proxy.replace("http://", scheme))
        await send("http://api.example.com", Call("look", "GET", "/x"))
    assert received[0].startswith(b"GET http://api.example.com/x HTTP/1.1")
    assert f"Authorization: Bearer {SECRET}\r\n".encode() in received[0]


async def test_a_vendor_on_this_machine_is_reached_without_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with vendor(OK) as (proxy, diverted), vendor(OK) as (origin, received):
        monkeypatch.setenv("http_proxy", proxy)
        await send(origin, Call("look", "GET", "/x"))
    assert (len(received), diverted) == (1, [])
