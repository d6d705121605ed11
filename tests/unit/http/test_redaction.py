"""No credential comes back by way of the vendor: not in an attempt, an error, an outcome or a log."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web
from pydantic import SecretStr
from tests.support.clock import Naps
from tests.unit.delivery.support import SECRET, TinySettings
from tests.unit.http.support import SharedJournal, TinyAdapter
from tests.unit.http.vendor import LIST, Process, Vendor, processes

from proofport.accounting import Outcome, rejected
from proofport.adapter import Flow, Settings
from proofport.errors import Blocked, OutcomeUnknown, Problem, ProofportError
from proofport.http.flow import lead
from proofport.http.redaction import Redaction
from proofport.http.sender import Sender
from proofport.wire import Call, Reply

TOKEN = "token/0-abcdefgh"


def echo(status: int) -> web.Response:
    message = f"{TOKEN} and {SECRET} are wrong"
    return web.json_response({"message": message}, status=status, headers={"X-Token": TOKEN})


def believing() -> Flow[Outcome]:
    """Repeat all that the vendor says."""
    reply = yield LIST
    said = f"{reply.json()} {reply.headers} {reply.body!r}"
    if reply.status == 403:
        raise Blocked(said, hint=said)
    if reply.status == 418:
        raise ValueError(said)
    return rejected(Problem("a bad field", "a good one", vendor_message=said))


async def exchange(process: Process, vendor: Vendor, status: int) -> str:
    """All that can be seen of one flow."""
    vendor.answers = [echo(status) for _ in range(3)]
    async with process.sender() as sender:
        try:
            seen: object = await lead(believing(), sender)
        except ProofportError as error:
            seen = f"{error} {error!r} {error.hint} {error.__cause__!r} {error.__context__!r}"
        return f"{seen} {sender!r} {process.tokens!r} {sender.take_attempts()}"


@pytest.mark.parametrize("status", [200, 400, 403, 418, 429, 500])
async def test_a_vendor_that_repeats_token_and_secret_is_not_repeated(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    vendor = Vendor()
    async with processes(vendor, "a") as [process]:
        seen = await exchange(process, vendor, status)
    logged = "".join(record.getMessage() for record in caplog.records if record.name.startswith("proofport"))
    assert TOKEN not in seen + logged
    assert SECRET not in seen + logged
    if status in (400, 403):
        assert "[secret] and [secret] are wrong" in seen


async def test_a_broken_answer_that_repeats_a_key_is_not_repeated() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nBearer {SECRET}\r\n\r\n".encode())
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    adapter = TinyAdapter(TinySettings.model_validate({"base_url": origin, "key": SECRET}))
    async with server, Sender(adapter, SharedJournal(), sleep=Naps()) as sender:
        with pytest.raises(OutcomeUnknown) as caught:
            await sender.send(Call("complete", "POST", "/x", lost="ask"))
        error = caught.value
        seen = f"{error} {error!r} {error.__cause__!r} {error.__context__!r} {sender.attempts}"
    assert "[secret]" in seen, "the library quotes what it cannot read"
    assert SECRET not in seen


class NestedSettings(Settings):
    parts: dict[str, SecretStr] = {}  # noqa: RUF012 - pydantic copies it


def redaction(*secrets: str) -> Redaction:
    return Redaction(NestedSettings(parts={str(number): SecretStr(secret) for number, secret in enumerate(secrets)}))


@pytest.mark.parametrize("secret", ["plain-secret", "slash/secret+=", 'quote"and\\backslash'])
def test_a_secret_is_found_in_text_and_in_json(secret: str) -> None:
    data = json.dumps({"message": f"bad {secret}"})
    redact = redaction(secret)
    assert redact.text(f"bad {secret}.") == "bad [secret]."
    for body in (data, data.replace("/", "\\/")):
        assert redact.reply(Reply(400, body=body.encode())).json() == {"message": "bad [secret]"}


def test_the_longest_secret_goes_first_and_what_is_too_short_stays() -> None:
    redact = redaction("secret-12", "secret-12-and-more", "key")
    assert redact.text("secret-12-and-more, secret-12, key") == "[secret], [secret], key"


def test_the_words_of_a_header_are_secrets_but_for_its_scheme() -> None:
    redact = redaction()
    redact.add({"Authorization": "Bearer abcdefgh-123"})
    assert redact.text("Bearer abcdefgh-123") == "Bearer [secret]"
