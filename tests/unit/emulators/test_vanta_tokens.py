"""Tokens of the Vanta emulator: one living token for each application, and how often it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from tests.support.clock import Clock
from tests.support.vanta import authorization, token_request, user_account
from tests.unit.emulators.client import Vanta

from proofport.testing import Running, running
from proofport_vanta.emulator import VantaEmulator

TOKEN = "/oauth/token"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def timed(clock: Clock) -> AsyncIterator[Vanta]:
    """An emulator with the real limits, on a clock that a test moves."""
    async with running(VantaEmulator(rate_limit=20, clock=clock)) as served:
        yield Vanta(served, await authorization(served))


async def test_a_token_lives_for_an_hour(timed: Vanta, clock: Clock) -> None:
    clock.now += 3599
    assert (await timed.list())[0] == 200
    clock.now += 1
    assert await timed.list() == (401, {"error": "unauthorized"})


async def test_a_new_token_revokes_the_one_before_at_once(vanta: Vanta) -> None:
    first = vanta.authorization
    await vanta.mint()

    assert (await vanta.list())[0] == 200
    vanta.authorization = first
    assert await vanta.list() == (401, {"error": "unauthorized"})


async def test_that_can_be_switched_off(vanta: Vanta) -> None:
    await vanta.served.switch(one_token=False)
    first = vanta.authorization
    await vanta.mint()
    vanta.authorization = first

    assert (await vanta.list())[0] == 200


async def test_another_application_keeps_its_token(vanta: Vanta) -> None:
    await vanta.served.control("POST", "applications", id="other", client_secret="another")

    await vanta.mint(client_id="other", client_secret="another")
    other, vanta.authorization = vanta.authorization, await authorization(vanta.served)

    assert (await vanta.list())[0] == 200
    vanta.authorization = other
    assert (await vanta.list())[0] == 404


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": None}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "vanta-api.all:read"}, 400, "invalid_scope"),
        ({"scope": ""}, 400, "invalid_scope"),
    ],
)
async def test_a_wrong_request_gets_no_token(vanta: Vanta, changes: dict[str, Any], status: int, error: str) -> None:
    body = token_request(vanta.served.destination(), **changes)

    assert await vanta("POST", TOKEN, body) == (status, {"error": error})
    assert (await vanta.list())[0] == 200, "and the token before lives on"


async def test_form_encoding_is_refused(vanta: Vanta) -> None:
    form = aiohttp.FormData(token_request(vanta.served.destination()))

    assert await vanta("POST", TOKEN, data=form()) == (400, {"error": "invalid_request"})
    await vanta.served.switch(form_token_request=415)
    assert (await vanta("POST", TOKEN, data=form()))[0] == 415


@pytest.mark.parametrize("header", [None, "vat", "Basic TOKEN", "bearer TOKEN", "Bearer", "Bearer "])
async def test_only_a_bearer_token_is_taken(vanta: Vanta, header: str | None) -> None:
    token = str(vanta.authorization).removeprefix("Bearer ")
    vanta.authorization = header and header.replace("TOKEN", token)

    assert (await vanta.list())[0] == 401


async def test_a_scope_that_is_missing_is_a_403(vanta: Vanta) -> None:
    await vanta.mint(scope="connectors.self:read-resource")
    assert (await vanta.list())[0] == 200
    assert await vanta.sync(user_account("ana")) == (403, {"error": "unauthorized"})

    await vanta.mint(scope="connectors.self:write-resource")
    assert (await vanta.list())[0] == 403
    assert (await vanta.sync(user_account("ana")))[0] == 200


async def test_an_application_of_the_wrong_type_is_a_403(vanta: Vanta) -> None:
    await vanta.served.control("POST", "applications", id="manager", type="manage")
    await vanta.mint(client_id="manager", scope="vanta-api.all:read")

    assert await vanta.list() == (403, {"error": "unauthorized"})


async def test_nobody_can_read_the_secret_in_what_was_received(vanta: Vanta) -> None:
    secret = vanta.served.destination()["client_secret"]
    await vanta("POST", TOKEN, data=b'{"client_secret" : "' + secret.encode() + b'", oops')

    [asked, *_] = await vanta.served.received()
    shown = str([await vanta.served.control("GET", view) for view in ("received", "overview", "state")])
    assert asked["body"] == token_request(vanta.served.destination(), client_secret="hidden")
    assert secret not in shown
    assert str(vanta.authorization).removeprefix("Bearer ") not in shown


class TestHowOften:
    async def test_twenty_requests_a_minute(self, timed: Vanta, clock: Clock) -> None:
        assert {(await timed.list())[0] for _ in range(20)} == {200}

        assert await timed.list() == (429, {"error": "rate limit exceeded"})
        assert timed.headers["Retry-After"] == "60"
        assert (await timed.sync())[0] == 429, "all base types together"
        clock.now += 60
        assert (await timed.list())[0] == 200

    async def test_five_tokens_a_minute_beside_them(self, timed: Vanta, clock: Clock) -> None:
        body = token_request(timed.served.destination())
        assert {(await timed("POST", TOKEN, body))[0] for _ in range(4)} == {200}

        assert await timed("POST", TOKEN, body) == (429, {"error": "rate limit exceeded"})
        assert await timed("POST", TOKEN, {**body, "client_id": "nobody"}) == (401, {"error": "invalid_client"})
        clock.now += 60
        assert (await timed("POST", TOKEN, body))[0] == 200

    async def test_each_application_has_its_own(self, timed: Vanta) -> None:
        await timed.served.switch(rate_limit=1)
        await timed.served.control("POST", "applications", id="other")
        assert [(await timed.list())[0] for _ in range(2)] == [200, 429]

        await timed.mint(client_id="other")

        assert (await timed.list())[0] == 404

    async def test_a_token_that_is_revoked_uses_nothing_up(self, timed: Vanta) -> None:
        await timed.served.switch(rate_limit=1)
        old = timed.authorization
        await timed.mint()
        new, timed.authorization = timed.authorization, old
        assert [(await timed.list())[0] for _ in range(2)] == [401, 401]

        timed.authorization = new
        assert (await timed.list())[0] == 200

    async def test_it_is_off_by_default(self, vanta: Vanta) -> None:
        assert {(await vanta.list())[0] for _ in range(25)} == {200}
        body = token_request(vanta.served.destination())
        assert {(await vanta("POST", TOKEN, body))[0] for _ in range(7)} == {200}


async def test_a_seed_forgets_every_token(vanta_emulator: Running) -> None:
    client = Vanta(vanta_emulator, await authorization(vanta_emulator))
    await vanta_emulator.control("POST", "seed")

    assert (await client.list())[0] == 401
