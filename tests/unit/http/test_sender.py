"""The one HTTP client, over a mocked session: what is repeated, how often, and what is left to the caller."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aioresponses import CallbackResult, aioresponses
from tests.support.clock import Naps
from tests.unit.delivery.support import SECRET, TinySettings
from tests.unit.http.support import SharedJournal, TinyAdapter

from proofport.adapter import Adapter
from proofport.errors import Blocked, ConfigError, LaneLost, OutcomeUnknown, ProofportError, Retryable
from proofport.http.pacer import Pacer
from proofport.http.retry import ATTEMPTS
from proofport.http.sender import Sender
from proofport.wire import Call

URL = "https://api.example.com/x"
POST = Call("publish", "POST", "/x", body=b'{"a": 1}')
ASK = Call("complete", "POST", "/x", lost="ask")


def adapter(**settings: object) -> Adapter:
    return TinyAdapter(TinySettings.model_validate({"base_url": "https://api.example.com", "key": SECRET, **settings}))


def paced(chosen: Adapter, naps: Naps) -> Sender:
    return Sender(chosen, SharedJournal(), sleep=naps)


@pytest.fixture
async def naps() -> Naps:
    return Naps()


@pytest.fixture
async def sender(naps: Naps) -> Sender:
    return paced(adapter(), naps)


async def send(sender: Sender, call: Call = POST) -> object:
    async with sender:
        return await sender.send(call)


async def failure(sender: Sender, call: Call = POST) -> ProofportError:
    with pytest.raises(ProofportError) as caught:
        await send(sender, call)
    return caught.value


async def test_the_answer_is_handed_over_as_it_came(http_mock: aioresponses, sender: Sender, naps: Naps) -> None:
    http_mock.post(URL, status=422, body="no", headers={"X-Request-Id": "r1"})
    async with sender:
        reply = await sender.send(POST)
    assert (reply.status, reply.body, reply.headers["x-request-id"]) == (422, b"no", "r1")
    assert (sender.requests, naps.taken) == (1, [])


async def test_credentials_and_content_type_travel_in_headers(http_mock: aioresponses, sender: Sender) -> None:
    seen = []

    def note(url: object, **request: object) -> CallbackResult:
        seen.append((request["data"], request["headers"], request["allow_redirects"]))
        return CallbackResult(status=200)

    http_mock.post(URL, callback=note)
    http_mock.get(URL, callback=note)
    async with sender:
        await sender.send(POST)
        await sender.send(Call("look", "GET", "/x"))
    key = {"Authorization": f"Bearer {SECRET}"}
    assert seen == [(b'{"a": 1}', {**key, "Content-Type": "application/json"}, False), (None, key, False)]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_an_attempt_that_only_means_not_now_is_repeated(
    http_mock: aioresponses, sender: Sender, naps: Naps, status: int
) -> None:
    http_mock.post(URL, status=status)
    http_mock.post(URL, exception=aiohttp.ServerDisconnectedError())
    http_mock.post(URL, status=202)
    async with sender:
        assert (await sender.send(POST)).status == 202
    assert (sender.requests, len(naps.taken)) == (3, 2)
    assert all(0 <= nap <= 4 for nap in naps.taken)


async def test_three_attempts_are_all_there_are(http_mock: aioresponses, sender: Sender) -> None:
    http_mock.post(URL, status=503, repeat=True)
    assert isinstance(await failure(sender), Retryable)
    assert sender.requests == ATTEMPTS == 3


async def test_whoever_may_not_send_any_more_does_not_repeat(http_mock: aioresponses, sender: Sender) -> None:
    """The lane may be lost while a pause or the budget is waited for."""
    http_mock.post(URL, status=503, repeat=True)

    async def gate(call: Call) -> None:
        if sender.requests:
            raise LaneLost("the lane is another's")

    with pytest.raises(LaneLost):
        async with sender:
            await sender.send(POST, gate)
    assert sender.requests == 1


async def test_ten_seconds_are_all_there_are(http_mock: aioresponses, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    async def slow(_: float) -> None:
        now[0] += 10.5

    monkeypatch.setattr("tenacity.time.monotonic", lambda: now[0])
    sender = Sender(adapter(), SharedJournal(), sleep=slow)
    http_mock.post(URL, status=503, repeat=True)
    await failure(sender)
    assert sender.requests == 2


async def test_a_short_pause_is_taken_here_to_the_second(http_mock: aioresponses, sender: Sender, naps: Naps) -> None:
    http_mock.post(URL, status=429, headers={"Retry-After": "10"})
    http_mock.post(URL, status=200)
    await send(sender)
    assert naps.taken == [10.0]


async def test_a_long_pause_is_left_to_the_caller(http_mock: aioresponses, sender: Sender, naps: Naps) -> None:
    http_mock.post(URL, status=429, headers={"Retry-After": "11"}, repeat=True)
    error = await failure(sender)
    assert isinstance(error, Retryable)
    assert (error.after, error.lost) == (11.0, False)
    assert (sender.requests, naps.taken) == (1, [])


async def test_the_last_word_of_the_vendor_is_passed_on(http_mock: aioresponses, sender: Sender) -> None:
    http_mock.post(URL, status=503, headers={"Retry-After": "2"}, repeat=True)
    error = await failure(sender)
    assert isinstance(error, Retryable)
    assert error.after == 2.0


async def test_an_attempt_that_was_lost_stays_lost_whatever_follows(http_mock: aioresponses, sender: Sender) -> None:
    http_mock.post(URL, exception=aiohttp.ServerDisconnectedError())
    http_mock.post(URL, status=429, repeat=True)
    error = await failure(sender)
    assert isinstance(error, Retryable)
    assert error.lost


async def test_a_lost_attempt_is_remembered_when_the_next_one_is_blocked(
    http_mock: aioresponses, sender: Sender
) -> None:
    http_mock.post(URL, status=502)
    http_mock.post(URL, exception=aiohttp.ServerFingerprintMismatch(b"a", b"b", "h", 1))
    error = await failure(sender)
    assert isinstance(error, Blocked)
    assert error.lost


async def test_attempts_that_never_arrived_are_not_called_lost(http_mock: aioresponses, sender: Sender) -> None:
    http_mock.post(URL, exception=aiohttp.ConnectionTimeoutError())
    http_mock.post(URL, status=429, repeat=True)
    error = await failure(sender)
    assert isinstance(error, Retryable)
    assert not error.lost


@pytest.mark.parametrize(
    "loss",
    [
        {"status": 500},
        {"status": 503},
        {"status": 504},
        {"exception": aiohttp.SocketTimeoutError()},
        {"status": 200, "body": " <html>Sign in</html>"},
    ],
)
async def test_a_call_that_must_not_be_repeated_is_not(
    http_mock: aioresponses, sender: Sender, loss: dict[str, object]
) -> None:
    http_mock.post(URL, repeat=True, **loss)
    assert isinstance(await failure(sender, ASK), OutcomeUnknown)
    assert sender.requests == 1


async def test_a_call_that_must_not_be_repeated_is_when_it_was_surely_not_done(
    http_mock: aioresponses, sender: Sender
) -> None:
    http_mock.post(URL, status=408)
    http_mock.post(URL, status=429)
    http_mock.post(URL, status=200)
    await send(sender, ASK)
    assert sender.requests == 3


@pytest.mark.parametrize(
    ("exception", "expected"),
    [
        (aiohttp.InvalidURL("https://"), ConfigError),
        (aiohttp.ServerFingerprintMismatch(b"a", b"b", "h", 1), Blocked),
    ],
)
async def test_what_only_a_person_can_mend_is_not_repeated(
    http_mock: aioresponses, sender: Sender, exception: Exception, expected: type[ProofportError]
) -> None:
    http_mock.post(URL, exception=exception, repeat=True)
    error = await failure(sender)
    assert isinstance(error, expected)
    assert (error.__cause__, error.__context__) == (None, None), "the library's errors show our headers"
    assert sender.requests == 1


async def test_every_request_takes_a_permit_the_repeated_ones_too(http_mock: aioresponses, naps: Naps) -> None:
    sender = paced(adapter(requests_per_minute=66), naps)
    http_mock.post(URL, status=429, headers={"Retry-After": "1"})
    http_mock.post(URL, status=200, repeat=True)
    async with sender:
        for _ in range(6):
            await sender.send(POST)
    assert naps.taken == [1.0, 1.0], "the vendor's pause, and the seventh request's own"


@pytest.mark.parametrize(("configured", "waits"), [(None, True), (60, True), (0, False)])
async def test_the_budget_is_the_configured_one_else_the_adapters(
    http_mock: aioresponses, naps: Naps, monkeypatch: pytest.MonkeyPatch, configured: int | None, waits: bool
) -> None:
    monkeypatch.setattr(TinyAdapter, "default_requests_per_minute", 60)
    http_mock.post(URL, status=200, repeat=True)
    async with paced(adapter(requests_per_minute=configured), naps) as sender:
        for _ in range(12):
            await sender.send(POST)
    assert bool(naps.taken) is waits


async def test_every_attempt_is_described_without_a_body_and_handed_over_once(
    http_mock: aioresponses, sender: Sender
) -> None:
    http_mock.post(URL, exception=aiohttp.ServerDisconnectedError())
    http_mock.post(URL, status=422, body='{"message": "no such thing", "echo": "private"}')
    async with sender:
        await sender.send(POST)
    silent, refused = sender.take_attempts(run_id="r1")
    assert (silent.operation, silent.status, silent.run_id) == ("publish", 0, "r1")
    assert (refused.status, refused.message, refused.sent_bytes) == (422, "no such thing", 8)
    assert (silent.digest, "private" in repr(refused)) == (refused.digest, False)
    assert sender.take_attempts() == []


async def test_neither_key_nor_body_shows_in_logs_and_errors(
    http_mock: aioresponses, sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    http_mock.post(URL, status=503, headers={"Set-Cookie": "session=abc"}, body="private", repeat=True)
    caplog.set_level("DEBUG", "proofport")
    error = await failure(sender, Call("publish", "POST", "/x", body=b"private"))
    ours = [record.levelname for record in caplog.records if record.name.startswith("proofport")]
    assert ours == ["WARNING", "WARNING"], "each repetition is logged"
    shown = f"{sender.attempts} {caplog.text} {error!r} {error} {sender!r} {error.__cause__!r}"
    assert not any(word in shown for word in (SECRET, "private", "session=abc"))


async def test_of_many_requests_in_flight_one_at_a_time_waits_for_the_budget(http_mock: aioresponses) -> None:
    """Otherwise whoever sends in parallel would reserve the budget of all who share it."""
    http_mock.post(URL, status=200, repeat=True)
    chosen = adapter(requests_per_minute=66)
    journal = SharedJournal()
    asleep, sleeps, woken = list[float](), asyncio.Event(), asyncio.Event()

    async def sleep(seconds: float) -> None:
        asleep.append(seconds)
        sleeps.set()
        await woken.wait()

    async with Sender(chosen, journal, sleep=sleep) as sender, asyncio.TaskGroup() as group:
        for _ in range(6 + 4):
            group.create_task(sender.send(POST))
        await sleeps.wait()
        assert await Pacer.of_host(journal, chosen).permit() == pytest.approx(2.0), "the neighbour is next"
        woken.set()
    assert asleep == pytest.approx([1.0, 3.0, 4.0, 5.0])
