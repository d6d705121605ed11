"""What the log says of each request, what it never says, and the id by which it calls it."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.relay import Relay, relay_config, relaying

from proofport.errors import JournalError
from proofport.journal.sqlite import SqliteJournal
from proofport.relay.access import keys

SECRET = "s3cr3t_of_somebody"
ID = "X-Request-ID"  # as the client spells it


@pytest.fixture
async def relay(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Relay]:
    caplog.set_level(logging.INFO, "proofport")
    async with relaying(relay_config(tmp_path), deliver=False) as opened:
        yield opened


def requests(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == "proofport.relay.access"]


async def test_a_request_is_one_event_with_its_route_and_nothing_of_its_content(
    relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    token, key = await keys.issue(
        await relay.gateway.journal(), name="ci", tenant="default", may_read=True, may_write=True
    )
    path = f"/v1/evidence/custom:{SECRET}?to={SECRET}&set=password={SECRET}"
    headers = {"Authorization": f"Bearer {token}", "User-Agent": SECRET, "Referer": SECRET}
    answer = await relay.ask("POST", path, json={"id": SECRET}, headers=headers)
    [event] = requests(caplog)
    assert answer.status == 422
    assert re.fullmatch(
        r"event='request' method='POST' route='/v1/evidence/{kind}' status=422 "
        rf"seconds=0\.\d+ key='{key.prefix}' request_id='[0-9a-f]{{16}}'",
        event,
    )
    assert SECRET not in caplog.text
    assert token.secret not in caplog.text


async def test_what_no_route_answers_is_logged_without_its_path(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    await relay.ask("GET", f"/{SECRET}")
    [event] = requests(caplog)
    assert "route=None status=404" in event
    assert SECRET not in caplog.text


async def test_a_key_that_was_refused_is_not_in_the_event(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    token = keys.new_token()
    answer = await relay.ask("GET", "/v1/lanes", headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 401
    assert "key=None" in requests(caplog)[0]
    assert token.secret not in caplog.text


async def test_the_callers_own_id_is_taken(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    for given in ("a", "0f8fad5b-d9cb-469f-a165-70867728950e", "Root.1-67891233", "x" * 64):
        answer = await relay.ask("GET", "/v1/deliveries/1", headers={ID: given})
        assert answer.headers[ID] == given
        assert answer.body["instance"] == f"urn:proofport:request:{given}"
        assert f"request_id='{given}'" in requests(caplog)[-1]


async def test_an_id_that_is_not_sane_is_replaced(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    for given in ("", "x" * 65, "a b", "a\tb", "<script>", "ü", "pp_0123456789_secret", "a;b", "a/b"):
        answer = await relay.ask("GET", "/v1/lanes", headers={ID: given})
        assert re.fullmatch("[0-9a-f]{16}", answer.headers[ID])
        assert not given or f"request_id='{given}'" not in caplog.text


async def test_every_request_has_an_id_of_its_own(relay: Relay) -> None:
    assert len({(await relay.ask("GET", "/v1/lanes")).headers[ID] for _ in range(5)}) == 5


async def test_other_events_of_a_request_carry_its_id(
    relay: Relay, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(journal: SqliteJournal) -> None:
        raise JournalError("database or disk is full")

    monkeypatch.setattr(SqliteJournal, "lanes", broken)
    answer = await relay.ask("GET", "/v1/lanes", headers={ID: "asked-1"})
    assert answer.status == 503
    [event] = [each.getMessage() for each in caplog.records if "journal_unavailable" in each.getMessage()]
    assert "request_id='asked-1'" in event


async def test_probes_are_told_of_when_they_fail(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    for path in ("/healthz", "/readyz"):
        assert (await relay.ask("GET", path)).status == 200
    assert requests(caplog) == []
    assert (await relay.ask("GET", "/readyz?exclude=nothing")).status == 400
    assert len(requests(caplog)) == 1
    caplog.set_level(logging.DEBUG, "proofport")
    await relay.ask("GET", "/healthz")
    assert len(requests(caplog)) == 2
