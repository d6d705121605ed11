"""Who gets in, as whom, and what they are told who do not."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.journals import MemoryJournal
from tests.unit.relay.gate import Gate, gate

from proofport.config.relay import Rate, RelaySettings
from proofport.errors import ConfigError
from proofport.journal.contract import AccessKey
from proofport.relay.access import keys
from proofport.relay.access.auth import refuse_open_door
from proofport.relay.problems import PREFIX


@pytest.fixture
async def served() -> AsyncIterator[Gate]:
    async with gate() as served:
        yield served


class TestWithKeys:
    async def test_a_key_makes_a_caller(self, served: Gate) -> None:
        key = await served.key(tenant="acme", destinations=["eu"], kinds=["device"], may_read=False)
        status, _, caller = await served.get(key)
        assert status == 200
        assert caller == {
            "tenant": "acme",
            "destinations": ["eu"],
            "kinds": ["device"],
            "may_read": False,
            "may_write": True,
            "key_id": key.split("_")[1],
        }

    async def test_a_key_without_bounds_is_for_all_of_its_tenant(self, served: Gate) -> None:
        _, _, caller = await served.get(await served.key(tenant="acme"))
        assert (caller["tenant"], caller["destinations"], caller["kinds"]) == ("acme", None, None)

    @pytest.mark.parametrize(
        "given",
        [
            "",
            "Bearer",
            "Bearer ",
            "Bearer x",
            "Basic {key}",
            "{key}",
            "Bearer {key}x",
            "Bearer {key} x",
            "Bearer\t{key}",
            "Bearer é",
        ],
    )
    async def test_what_is_no_key_is_refused(self, served: Gate, given: str) -> None:
        key = await served.key()
        status, headers, problem = await served.get(headers={"Authorization": given.format(key=key)})
        assert (status, headers["WWW-Authenticate"], problem["type"]) == (401, "Bearer", f"{PREFIX}unauthorized")
        assert headers["Content-Type"] == "application/problem+json"
        assert key not in str(problem)

    async def test_no_key_a_wrong_one_and_two_are_refused(self, served: Gate) -> None:
        key = await served.key()
        assert (await served.get())[0] == 401
        assert (await served.get(str(keys.new_token())))[0] == 401
        line = f"Authorization: Bearer {key}\r\n"
        two = f"GET /caller HTTP/1.1\r\nHost: x\r\n{line}{line}\r\n"
        assert (await served.head(two.encode())).split()[1] in (b"400", b"401")

    async def test_the_signature_of_a_webhook_is_no_key(self, served: Gate) -> None:
        await served.key()
        assert (await served.get(headers={"X-Hub-Signature-256": f"sha256={'0' * 64}"}))[0] == 401

    async def test_a_key_in_the_address_is_none(self, served: Gate) -> None:
        assert (await served.get(path=f"/caller?access_token={await served.key()}"))[0] == 401

    @pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
    async def test_the_scheme_is_written_as_one_likes(self, served: Gate, scheme: str) -> None:
        assert (await served.get(headers={"Authorization": f"{scheme} {await served.key()}"}))[0] == 200

    async def test_an_expired_key_is_refused(self, served: Gate) -> None:
        assert (await served.get(await served.key(expires=time.time() + 600)))[0] == 200
        assert (await served.get(await served.key(expires=time.time() - 1)))[0] == 401

    async def test_a_revoked_key_is_refused_by_a_relay_that_runs(
        self, served: Gate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(keys, "RECHECK", 0.0)
        key, other = await served.key(), await served.key()
        assert [(await served.get(each))[0] for each in (key, other)] == [200, 200]
        await served.journal.revoke_access_key(key.split("_")[1])
        assert [(await served.get(each))[0] for each in (key, other)] == [401, 200]

    async def test_why_a_key_is_refused_is_told_nobody(self, served: Gate) -> None:
        expired, revoked = await served.key(expires=1), await served.key()
        await served.journal.revoke_access_key(revoked.split("_")[1])
        wrong = revoked[:-1] + ("a" if revoked[-1] != "a" else "b")
        told = [(await served.get(key))[2] for key in (expired, revoked, wrong, str(keys.new_token()))]
        assert told == [told[0]] * 4

    async def test_a_path_that_is_not_there_tells_nothing_to_strangers(self, served: Gate) -> None:
        key = await served.key()
        assert [(await served.get(each, "/nothing"))[0] for each in (None, key)] == [401, 404]

    async def test_an_open_route_needs_none(self) -> None:
        async with gate(open_paths={"/broken"}) as served:
            await served.key()
            assert (await served.get(path="/broken"))[0] == 500
            assert (await served.get(path="/caller"))[0] == 401

    async def test_a_key_of_an_earlier_version_is_refused_and_the_log_says_so_at_the_start(
        self, served: Gate, caplog: pytest.LogCaptureFixture
    ) -> None:
        token = keys.new_token()
        old = AccessKey(token.prefix, "old", "default", f"scrypt$14$8$1${'00' * 16}${'00' * 32}", True, True, 1.0)
        await served.journal.add_access_key(old)
        status, _, problem = await served.get(str(token))
        assert (status, "of an earlier version" in problem["detail"]) == (401, True)
        assert (await served.get())[0] == 401, "it still closes the door"
        with pytest.raises(ConfigError):
            await refuse_open_door(served.journal, RelaySettings(host="0.0.0.0"))
        assert "keys_outdated" in caplog.text
        assert f"pp_{token.prefix}" in caplog.text

    async def test_the_last_use_is_in_the_journal_when_the_relay_has_stopped(self) -> None:
        async with gate() as served:
            key = await served.key()
            await served.get(key)
            journal = served.journal
            assert [each.used for each in await journal.access_keys()] == [None]
        assert [each.used for each in await journal.access_keys()] == [pytest.approx(time.time(), abs=60)]


class TestRates:
    async def test_a_key_that_comes_too_often_waits_and_no_other(self) -> None:
        async with gate(rate=Rate(per_minute=1, burst=3)) as served:
            key, other = await served.key(), await served.key()
            answers = [await served.get(key) for _ in range(4)]
            assert [status for status, _, _ in answers] == [200, 200, 200, 429]
            _, headers, problem = answers[-1]
            assert 0 < int(headers["Retry-After"]) <= 60
            assert problem["type"] == f"{PREFIX}too-many-requests"
            assert (await served.get(other))[0] == 200

    async def test_zero_is_no_limit(self) -> None:
        async with gate(rate=Rate(per_minute=0, burst=1)) as served:
            key = await served.key()
            assert {(await served.get(key))[0] for _ in range(10)} == {200}


class TestWithoutKeys:
    async def test_this_machine_may_do_everything_until_there_is_a_key(
        self, served: Gate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(keys, "RECHECK", 0.0)
        status, _, caller = await served.get()
        assert (status, caller["tenant"], caller["key_id"], caller["may_write"]) == (200, "default", None, True)
        await served.key()
        assert (await served.get())[0] == 401

    async def test_a_wrong_key_is_worse_than_none(self, served: Gate) -> None:
        assert (await served.get(str(keys.new_token())))[0] == 401

    @pytest.mark.parametrize("name", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[", "10.0.0.1"])
    async def test_no_foreign_name_leads_here(self, served: Gate, name: str) -> None:
        """A page that rebinds its own name to 127.0.0.1 would be of the same origin."""
        assert (await served.get(headers={"Host": name}))[0] in (400, 403)

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1@evil.example", "http://["])
    async def test_no_foreign_page_posts_here(self, served: Gate, origin: str) -> None:
        assert (await served.ask("POST", "/documents", headers={"Origin": origin}, data=b"{}"))[0] == 403

    async def test_its_own_pages_do(self, served: Gate) -> None:
        assert (await served.ask("POST", "/documents", headers={"Origin": served.origin}, json={}))[0] == 200


class TestOpenDoor:
    @pytest.fixture
    async def journal(self) -> MemoryJournal:
        journal = MemoryJournal()
        await journal.open()
        return journal

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
    async def test_this_machine_needs_no_key(self, journal: MemoryJournal, host: str) -> None:
        await refuse_open_door(journal, RelaySettings(host=host))

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "relay.example.com", "localhost.example.com"])
    async def test_others_do(self, journal: MemoryJournal, host: str) -> None:
        settings = RelaySettings(host=host)
        with pytest.raises(ConfigError, match="for everybody: there is no key yet") as caught:
            await refuse_open_door(journal, settings)
        assert "proofport key create" in (caught.value.hint or "")
        await keys.issue(journal, name="x", tenant="default", may_read=True, may_write=True)
        await refuse_open_door(journal, settings)

    async def test_a_key_that_is_over_opens_nothing(self, journal: MemoryJournal) -> None:
        about: dict[str, Any] = {"name": "x", "tenant": "default", "may_read": True, "may_write": True}
        await keys.issue(journal, **about, expires=1.0)
        _, key = await keys.issue(journal, **about)
        await journal.revoke_access_key(key.prefix)
        with pytest.raises(ConfigError):
            await refuse_open_door(journal, RelaySettings(host="0.0.0.0"))


async def test_secrets_are_in_no_log_and_no_answer(served: Gate, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever happens to a request that carries one, with everything logged that aiohttp and proofport can."""
    caplog.set_level(logging.DEBUG)
    good, revoked, unknown = await served.key(), await served.key(expires=1), str(keys.new_token())
    told = ""
    for key in (good, revoked, unknown, f"{good}x"):
        for method, path in (
            ("GET", "/caller"),
            ("GET", "/broken"),
            ("POST", "/documents"),
            ("GET", "/none"),
            ("PUT", "/documents"),
        ):
            told += str(await served.ask(method, path, key, json=[[]] if method == "POST" else None))
    head = f"POST /documents HTTP/1.1\r\nHost: {served.origin[7:]}\r\nAuthorization: Bearer {good}\r\n"
    for rest in (
        "Content-Length: 9\r\n\r\nxx",
        "Content-Length: x\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nxx\r\n",
        "\x00\r\n",
    ):
        told += str(await served.raw((head + rest).encode(), eof=True))
    proofs = [key.proof for key in await served.journal.access_keys()]
    secrets = [key.split("_")[2] for key in (good, revoked, unknown)] + [proof.split("$")[-1] for proof in proofs]
    assert "an error that nobody foresaw" in caplog.text, "the log was listened to"
    assert "key_refused" in caplog.text
    for secret in secrets:
        assert secret not in caplog.text
        assert secret not in told
