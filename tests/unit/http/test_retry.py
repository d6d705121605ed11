"""Whatever the HTTP library raises becomes an error that says what to do, and never a wrong claim about the vendor."""

from __future__ import annotations

import inspect
import ssl
from typing import Any
from unittest.mock import Mock

import aiohttp
import pytest
from aiohttp import client_exceptions
from tests.support.clock import Naps
from yarl import URL

from proofport.errors import Blocked, ConfigError, OutcomeUnknown, ProofportError, Retryable
from proofport.http.retry import LONGEST_PAUSE, NETWORK, explain, refused_for_now, waiting
from proofport.wire import Call, Reply

REPEAT = Call("publish", "POST", "/x")
ASK = Call("complete", "POST", "/x", lost="ask")
ORIGIN = "https://api.example.com"

RAISABLE = [
    kind
    for name, kind in inspect.getmembers(client_exceptions, inspect.isclass)
    if issubclass(kind, Exception)
    and kind.__module__ == client_exceptions.__name__
    and not name.startswith("WSMessage")
]
"""All but the errors about websocket messages, which only a websocket gives."""

NEVER_SENT = {
    "ClientConnectorError",
    "ClientConnectorDNSError",
    "ClientProxyConnectionError",
    "UnixClientConnectorError",
    "ConnectionTimeoutError",
    "ClientHttpProxyError",
}
UNTRUSTED = {
    "ClientSSLError",
    "ClientConnectorSSLError",
    "ClientConnectorCertificateError",
    "ServerFingerprintMismatch",
}
WRONG_ADDRESS = {
    "InvalidURL",
    "InvalidUrlClientError",
    "InvalidUrlRedirectClientError",
    "NonHttpUrlClientError",
    "NonHttpUrlRedirectClientError",
}


def build(kind: type[Exception]) -> Exception:
    """An instance as the library makes it."""
    key = Mock(host="api.example.com", port=443, ssl=True, is_ssl=True)
    refused = OSError(111, "Connection refused")
    if kind is client_exceptions.UnixClientConnectorError:
        return kind("/run/x.sock", key, refused)
    if kind is client_exceptions.ClientConnectorCertificateError:
        return kind(key, ssl.SSLCertVerificationError(1, "self-signed certificate"))
    if issubclass(kind, client_exceptions.ClientConnectorError):
        return kind(key, refused)
    if kind is client_exceptions.ServerFingerprintMismatch:
        return kind(b"a", b"b", "api.example.com", 443)
    if issubclass(kind, client_exceptions.ClientResponseError):
        return kind(Mock(real_url=URL(ORIGIN)), (), status=400, message="Bad Request")
    if issubclass(kind, client_exceptions.InvalidURL):
        return kind("https://")
    return kind()


def test_the_lists_here_name_what_the_library_has() -> None:
    assert {kind.__name__ for kind in RAISABLE} >= NEVER_SENT | UNTRUSTED | WRONG_ADDRESS
    assert len(RAISABLE) >= 25


@pytest.mark.parametrize("kind", RAISABLE, ids=lambda kind: kind.__name__)
def test_every_exception_of_the_library_says_what_to_do(kind: type[Exception]) -> None:
    error = build(kind)
    assert isinstance(error, NETWORK), "the sender would let it through"
    expected: tuple[type[ProofportError], type[ProofportError]]
    if kind.__name__ in WRONG_ADDRESS:
        expected = (ConfigError, ConfigError)
    elif kind.__name__ in UNTRUSTED:
        expected = (Blocked, Blocked)
    elif kind.__name__ in NEVER_SENT:
        expected = (Retryable, Retryable)
    else:
        expected = (Retryable, OutcomeUnknown)
    repeated, asked = explain(error, REPEAT, ORIGIN), explain(error, ASK, ORIGIN)
    assert (type(repeated), type(asked)) == expected
    for ours in (repeated, asked):
        assert "to https://api.example.com failed: " in ours.message
        assert not ours.message.endswith(": "), "it says nothing about what happened"
    if isinstance(repeated, Retryable):
        assert repeated.lost is (kind.__name__ not in NEVER_SENT), "whether the vendor may have acted"
    if expected[1] is not OutcomeUnknown:
        assert asked.hint, "a person has to act and is told how"


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        ConnectionResetError(104, "Connection reset by peer"),
        BrokenPipeError(32, "Broken pipe"),
        ssl.SSLError(1, "[SSL: DECRYPTION_FAILED_OR_BAD_RECORD_MAC]"),
        ssl.SSLEOFError(8, "EOF occurred in violation of protocol"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_connection_that_breaks_after_the_request_leaves_its_fate_open(error: OSError) -> None:
    assert isinstance(error, NETWORK)
    repeated = explain(error, REPEAT, ORIGIN)
    assert isinstance(repeated, Retryable)
    assert repeated.lost
    assert isinstance(explain(error, ASK, ORIGIN), OutcomeUnknown)


def test_a_certificate_that_is_not_trusted_blocks() -> None:
    error = explain(ssl.SSLCertVerificationError(1, "certificate has expired"), REPEAT, ORIGIN)
    assert isinstance(error, Blocked)
    assert "certificate has expired" in error.message


def test_silence_is_put_into_words() -> None:
    assert "no answer in time" in explain(TimeoutError(), REPEAT, ORIGIN).message
    assert "no answer in time" in explain(aiohttp.SocketTimeoutError(), REPEAT, ORIGIN).message
    assert "ClientPayloadError" in explain(aiohttp.ClientPayloadError(), REPEAT, ORIGIN).message


@pytest.mark.parametrize("status", [200, 202, 301, 400, 401, 403, 404, 409, 413, 422])
def test_an_answer_about_the_request_is_the_adapters_to_read(status: int) -> None:
    assert refused_for_now(Reply(status), REPEAT, ORIGIN) is None
    assert refused_for_now(Reply(status), ASK, ORIGIN) is None


@pytest.mark.parametrize(
    ("status", "lost"), [(408, False), (429, False), (500, True), (502, True), (503, False), (504, True), (599, True)]
)
def test_not_now_is_told_from_perhaps_done(status: int, lost: bool) -> None:
    repeated, asked = refused_for_now(Reply(status), REPEAT, ORIGIN), refused_for_now(Reply(status), ASK, ORIGIN)
    assert isinstance(repeated, Retryable)
    assert repeated.lost is lost
    assert isinstance(asked, OutcomeUnknown if status >= 500 else Retryable), "a creation is looked up, never repeated"
    assert f"answered {status}" in repeated.message


HTML = {"content-type": "text/html; charset=utf-8"}


@pytest.mark.parametrize(
    ("body", "headers"), [(b"<html>", {}), (b" \r\n<!DOCTYPE html>", {}), (b"\xef\xbb\xbf<!-- Sign in -->", HTML)]
)
def test_a_page_under_a_success_is_a_lost_answer(body: bytes, headers: dict[str, str]) -> None:
    repeated, asked = (refused_for_now(Reply(200, headers, body), call, ORIGIN) for call in (REPEAT, ASK))
    assert isinstance(repeated, Retryable)
    assert repeated.lost
    assert isinstance(asked, OutcomeUnknown)
    assert "look for a proxy" in repeated.message
    assert refused_for_now(Reply(404, headers, body), REPEAT, ORIGIN) is None


@pytest.mark.parametrize(
    "reply", [Reply(200, HTML, b'{"a":1}'), Reply(200, HTML), Reply(200, {"content-type": "text/xml"}, b"<?xml?>")]
)
def test_an_answer_for_programs_is_no_page(reply: Reply) -> None:
    assert refused_for_now(reply, REPEAT, ORIGIN) is None


@pytest.mark.parametrize(
    ("header", "after"),
    [
        ("0", 0.0),
        ("7", 7.0),
        ("3600", 3600.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("²", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
    ],
)
def test_the_pause_that_was_asked_for_is_read_in_seconds(header: str, after: float | None) -> None:
    failure: Any = refused_for_now(Reply(429, {"retry-after": header}), REPEAT, ORIGIN)
    assert failure.after == after
    assert refused_for_now(Reply(429), REPEAT, ORIGIN).after is None  # type: ignore[union-attr]


class Vendor:
    """Fails with these errors, one an attempt, and then answers."""

    def __init__(self, *errors: ProofportError) -> None:
        self.errors = list(errors)

    async def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"


async def test_a_vendor_that_is_out_of_order_is_waited_for() -> None:
    naps, told = Naps(), list[str | None]()
    vendor = Vendor(Retryable("busy", after=3.0), Retryable("down"), Retryable("down"))
    assert await waiting(vendor, 60, told.append, sleep=naps) == "done"
    assert sum(naps.taken) == 3 + 2 + 4, "what the vendor asks for, else longer each time"
    assert told[0] == "busy; goes on in 3 s"
    assert told[-1] is None


async def test_waiting_ends_with_the_retry_time_and_no_pause_is_longer_than_a_minute() -> None:
    naps = Naps()
    with pytest.raises(Retryable, match="down"):
        await waiting(Vendor(*[Retryable("down")] * 20), 300, lambda _: None, sleep=naps)
    assert sum(naps.taken) == 1 + 2 + 4 + 8 + 16 + 32 + 3 * LONGEST_PAUSE


async def test_a_pause_beyond_the_retry_time_is_not_begun() -> None:
    naps = Naps()
    with pytest.raises(Retryable):
        await waiting(Vendor(Retryable("later", after=61)), 60, lambda _: None, sleep=naps)
    assert naps.taken == []


async def test_an_error_that_no_waiting_mends_is_final_and_remembers_what_was_lost() -> None:
    with pytest.raises(Blocked) as caught:
        await waiting(Vendor(Retryable("cut off", lost=True), Blocked("no")), 60, lambda _: None, sleep=Naps())
    assert caught.value.lost
