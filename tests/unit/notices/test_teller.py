"""Notices: each cause told once, and its end once, whatever happens in between."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.unit.notices.support import LANE, Receiver, Watched, is_signed, receiving, webhook

from proofport.config import Config
from proofport.errors import ConfigError
from proofport.journal.contract import AccessKey, Filter, NewCause, NewDelivery
from proofport.notices.teller import EVERY, KEPT, LEASE

DAY = 86_400.0


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


@pytest.fixture
def at(receiver: Receiver) -> Watched:
    return Watched(webhook(receiver))


# ---------------------------------------------------------------------- what is told
async def test_a_parked_lane_is_told_once_and_its_end_once(at: Watched, receiver: Receiver) -> None:
    await at.letter()
    await at.journal.cancel(Filter(state="dead"), "not wanted")
    await at.journal.accept([NewDelivery(LANE, "here", "device", "upsert", b"[]", 1)])
    await at.look()
    assert receiver.told == []
    await at.park()
    for _ in range(3):
        await at.look(EVERY)
    [begun] = receiver.bodies
    assert (begun["event"], begun["state"], begun["instance"], begun["over"]) == ("lane_parked", "begun", "prod", None)
    assert begun["about"] == {
        "lane": LANE,
        "destination": "here",
        "kind": "device",
        "reason": "401: the key is revoked",
    }
    assert begun["text"] == (
        "[prod] A lane is parked: here device (here/device). 401: the key is revoked. "
        "Mend the cause, then `proofport resume here/device`."
    )
    await at.journal.resume(LANE)
    for _ in range(3):
        await at.look(EVERY)
    assert receiver.told == [("lane_parked", "begun"), ("lane_parked", "over")]
    over = receiver.bodies[1]
    assert over["since"] == begun["since"]
    assert over["text"] == "[prod] Over: A lane is parked: here device (here/device)."


async def test_dead_letters_are_told_without_what_is_in_them(at: Watched, receiver: Receiver) -> None:
    first, second = await at.letter(), await at.letter()
    await at.look()
    [begun] = receiver.bodies
    assert begun["about"] == {"lane": LANE, "destination": "here", "kind": "device", "count": 2}
    assert b"ana" not in receiver.requests[0][1]
    await at.journal.cancel(Filter(ids=[first]), "mended")
    await at.look(EVERY)
    await at.journal.replay(Filter(ids=[second]))
    await at.look(EVERY)
    assert receiver.told == [("dead_letter", "begun"), ("dead_letter", "over")]


async def test_what_the_guard_refuses_is_told_until_a_set_of_the_kind_goes_through(
    at: Watched, receiver: Receiver
) -> None:
    await at.snapshot("r1", 4, "9 of 10 records held now would be gone (90%, allowed 20%)")
    await at.snapshot("r2", 0, kind="custom:thing")
    await at.look()
    assert [body["about"]["run"] for body in receiver.bodies] == ["r1"]
    assert "9 of 10 records" in receiver.bodies[0]["text"]
    await at.snapshot("r3", 4, "9 of 10 records held now would be gone (90%, allowed 20%)")
    await at.look(EVERY)
    await at.snapshot("r4", 0)
    await at.look(EVERY)
    assert receiver.told == [("guard_refused", "begun"), ("guard_refused", "over")]


async def test_nobody_is_told_of_a_destination_that_is_no_longer_configured(at: Watched, receiver: Receiver) -> None:
    await at.snapshot("r1", 4, "9 of 10 records held now would be gone (90%, allowed 20%)")
    await at.look()
    at.config = at.config.model_copy(update={"destinations": {}})
    at.teller = at.another("first")
    await at.look(EVERY)
    assert receiver.told == [("guard_refused", "begun"), ("guard_refused", "over")]


async def test_a_journal_is_nearly_full_until_clearly_less_waits(receiver: Receiver) -> None:
    at = Watched(webhook(receiver), relay={"overload": {"deliveries": 10, "free_bytes": 0}})
    new = [NewDelivery(LANE, "here", "device", "upsert", b"[]", 1)]
    ids = [(await at.journal.accept(new)).ids[0] for _ in range(7)]
    await at.look()
    assert receiver.told == []
    ids.append((await at.journal.accept(new)).ids[0])
    await at.look(EVERY)
    assert receiver.bodies[0]["about"]["reason"].startswith("8 deliveries wait")
    await at.journal.cancel(Filter(ids=ids[:1]), "x")
    await at.look(EVERY)
    await at.journal.accept(new)
    await at.look(EVERY)
    await at.journal.cancel(Filter(ids=ids[:4]), "x")
    await at.look(EVERY)
    assert receiver.told == [("journal_nearly_full", "begun"), ("journal_nearly_full", "over")]


async def test_a_key_of_the_relay_that_expires_soon_is_told_until_it_is_revoked(
    at: Watched, receiver: Receiver
) -> None:
    expires = at.now + 20 * DAY
    await at.journal.add_access_key(AccessKey("abcd", "ci", "default", "x", True, True, at.now, expires=expires))
    await at.look()
    assert receiver.told == []
    await at.look(7 * DAY)
    assert receiver.bodies[0]["about"]["key"] == "pp_abcd"
    await at.journal.revoke_access_key("abcd")
    await at.look(EVERY)
    assert receiver.told == [("key_expiring", "begun"), ("key_expiring", "over")]


async def test_a_stale_set_is_told_for_each_kind(at: Watched, receiver: Receiver) -> None:
    at.stale = ["device", "person"]
    await at.look()
    at.stale = ["person"]
    await at.look(EVERY)
    told = [(body["about"]["kind"], body["state"]) for body in receiver.bodies]
    assert told == [("device", "begun"), ("person", "begun"), ("device", "over")]
    assert "what is there is 2 days old. Look why the job" in receiver.bodies[0]["text"]


# ---------------------------------------------------------------------- how it is told
async def test_json_is_signed_over_the_time_and_the_raw_body(at: Watched, receiver: Receiver) -> None:
    await at.park()
    await at.look()
    [(headers, body)] = receiver.requests
    assert is_signed(headers, body)
    assert headers["Proofport-Timestamp"] == "1000000"
    assert headers["Proofport-Notice"] == str(json.loads(body)["id"])
    assert not is_signed({**headers, "Proofport-Timestamp": "1000001"}, body)


async def test_slack_and_teams_get_a_message_of_theirs(receiver: Receiver) -> None:
    at = Watched(
        webhook(receiver, format="slack", secret=None),
        webhook(receiver, format="teams", secret=None, on=["lane_parked"]),
    )
    await at.park("<!channel> & more")
    await at.look()
    slack, teams = sorted(receiver.bodies, key=lambda body: "type" in body)
    assert "&lt;!channel&gt; &amp; more" in slack["text"]
    [card] = teams["attachments"]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert "<!channel> & more" in card["content"]["body"][0]["text"]
    assert not any("Proofport-Signature" in headers for headers, _ in receiver.requests)


async def test_each_webhook_is_told_of_what_it_wants(receiver: Receiver) -> None:
    at = Watched(webhook(receiver, on=["dead_letter"]))
    await at.park()
    await at.look()
    await at.letter_in("other/device")
    await at.look(EVERY)
    assert receiver.told == [("dead_letter", "begun")]


# ---------------------------------------------------------------------- what goes wrong
async def test_a_notice_that_does_not_arrive_is_repeated_after_longer_and_longer_pauses(
    at: Watched, receiver: Receiver
) -> None:
    receiver.statuses = [500, 404, 302, 200]
    await at.park()
    await at.look()
    for pause, count in ((9, 1), (2, 2), (19, 2), (2, 3), (39, 3), (2, 4), (3600, 4)):
        await at.look(pause)
        assert len(receiver.requests) == count
    assert len({body for _, body in receiver.requests}) == 1, "the same bytes"


async def test_a_redirect_is_not_followed(at: Watched, receiver: Receiver) -> None:
    receiver.statuses = [307]
    await at.park()
    await at.look()
    assert len(receiver.requests) == 1
    assert await at.journal.due_notices() == []
    at.now += 60
    assert len(await at.journal.due_notices()) == 1


async def test_a_restart_loses_none_and_tells_none_twice(at: Watched, receiver: Receiver) -> None:
    receiver.statuses = [503]
    await at.park()
    await at.look()
    await at.journal.resume(LANE)
    at.now += LEASE
    at.teller = at.another("second")
    await at.look()
    await at.look(EVERY)
    assert receiver.told == [("lane_parked", "begun")] * 2 + [("lane_parked", "over")]


async def test_one_process_tells_at_a_time_and_another_takes_over(at: Watched, receiver: Receiver) -> None:
    second = at.another("second")
    await at.look()
    await at.park()
    await second.look()
    assert receiver.told == []
    at.now += LEASE
    await second.look()
    await at.look()
    assert receiver.told == [("lane_parked", "begun")]
    await second.give_back()


async def test_what_does_not_arrive_for_a_week_is_given_up(at: Watched, receiver: Receiver) -> None:
    receiver.statuses = [500] * 2
    await at.park()
    await at.look()
    await at.look(KEPT + 1)
    await at.look(DAY)
    assert len(receiver.requests) == 2
    assert await at.journal.due_notices() == []


async def test_a_webhook_that_is_not_configured_any_more_gets_nothing(at: Watched, receiver: Receiver) -> None:
    receiver.statuses = [500]
    await at.park()
    await at.look()
    at.config = at.config.model_copy(update={"notices": [webhook(receiver, on=["dead_letter"])]})
    at.now += LEASE
    await at.another("second").look()
    assert len(receiver.requests) == 1
    assert await at.journal.due_notices() == []


async def test_another_order_of_webhooks_and_a_new_address_of_a_named_one_change_nothing(receiver: Receiver) -> None:
    """What was noted by their places, as earlier versions did, goes where these led."""
    plain, other = webhook(receiver), webhook(receiver, url=f"{receiver.origin}/other", on=["dead_letter"])
    named = webhook(receiver, name="ops", url=f"{receiver.origin}/gone", on=["lane_parked"])
    at = Watched(plain, other, named)
    receiver.statuses = [500, 500]
    await at.journal.note_cause(NewCause("of before", "lane_parked", '{"lane":"a"}'), webhooks=[0, 2])
    await at.park()
    await at.look()
    assert len(receiver.requests) == 2
    moved = named.model_copy(update={"url": SecretStr(f"{receiver.origin}/new")})
    at.config = at.config.model_copy(update={"notices": [moved, other, plain]})
    at.teller = at.another("first")
    await at.look(3_600)
    told = zip(receiver.paths[2:], receiver.bodies[2:], strict=True)
    assert Counter((path, body["about"]["lane"], body["state"]) for path, body in told) == {
        (path, lane, state): 1
        for path in ("/hook", "/new")
        for lane, state in (("a", "begun"), ("a", "over"), (LANE, "begun"))
    }


async def test_it_looks_until_it_is_told_to_stop(at: Watched, receiver: Receiver) -> None:
    await at.park()
    stop = asyncio.Event()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(at.teller.run(stop))
        while not receiver.requests:  # noqa: ASYNC110 - the receiver tells of nothing
            await asyncio.sleep(0.01)
        stop.set()
    assert (await at.journal.take_lease("notices", owner="other", lease=1)).owner == "other"


# ---------------------------------------------------------------------- the configuration
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("url: https://a.example/x", "secret: found nothing, expected env:NAME or file:PATH"),
        ("{url: https://a.example/x, secret: plain}", "secret: found a secret written into the file"),
        ("{url: https://hooks.slack.com/services/T1, format: slack}", "url: found a secret written into the file"),
        ("{url: ftp://a.example/x, secret: env:NOTICES_KEY}", "url: found something else"),
        ("{url: https://user:pw@a.example/x, secret: env:NOTICES_KEY}", "url: found something else"),
        ("{url: https://a.example/x, secret: env:NOT_THERE_AT_ALL}", "secret: found the environment variable"),
        ("{url: https://a.example/x, secret: env:NOTICES_KEY, on: [lane_praked]}", "on"),
        ("{url: https://a.example/x, name: ops}\n  - {url: https://b.example/x, name: ops}", "name: found 'ops'"),
    ],
)
def test_a_mistake_names_its_line_and_repeats_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: str
) -> None:
    monkeypatch.setenv("NOTICES_KEY", "s3cret")
    file = tmp_path / "proofport.yaml"
    file.write_text(f"instance: x\nnotices:\n  - {text}\n")
    with pytest.raises(ConfigError) as caught:
        Config.load(file).webhooks()
    assert expected in str(caught.value)
    assert f":{3 + text.count(chr(10))}:" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "services/T1" not in str(caught.value)


def test_references_are_followed_and_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTICES_KEY", "s3cret")
    (tmp_path / "slack").write_text("https://hooks.slack.com/services/T1\n")
    file = tmp_path / "proofport.yaml"
    file.write_text(
        "instance: x\nnotices:\n  - {url: 'https://a.example/x', secret: env:NOTICES_KEY}\n"
        "  - {url: 'file:slack', format: slack, on: [lane_parked]}\n"
    )
    config = Config.load(file)
    first, second = config.webhooks()
    assert first.secret is not None
    assert first.secret.get_secret_value() == "s3cret"
    assert second.url.get_secret_value() == "https://hooks.slack.com/services/T1"
    assert "s3cret" not in repr((config, first, second))
    assert "T1" not in repr((config, first, second))
