"""Sets of the Vanta emulator: each PUT is the whole set, what it lacks is gone, and a list shows both."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.vanta import SAMPLES, custom, training, user_account
from tests.unit.emulators.client import Vanta

DEFINITION = {"properties": {"when": {"type": "timestamp"}, "name": {"type": "string"}}}
TIMES = ("createdAt", "updatedAt", "deletedAt")


def live(rows: dict[str, Any]) -> list[str]:
    return [key for key, row in rows.items() if row["deletedAt"] is None]


@pytest.mark.parametrize("base_type", SAMPLES)
async def test_every_base_type_takes_a_set_and_lists_it(vanta: Vanta, base_type: str) -> None:
    sent = {key: SAMPLES[base_type](key) for key in ("a", "b")}

    assert await vanta.sync(*sent.values(), base_type=base_type) == (200, {"success": True})

    rows = await vanta.rows(base_type)
    assert {key: {name: row[name] for name in row if name not in TIMES} for key, row in rows.items()} == sent
    assert live(rows) == ["a", "b"]


async def test_what_a_set_lacks_is_gone_and_stays_listed(vanta: Vanta) -> None:
    await vanta.sync(user_account("ana"), user_account("bo"))
    await vanta.sync(user_account("bo", fullName="Bo B"))

    rows = await vanta.rows()
    assert list(rows) == ["ana", "bo"]
    assert live(rows) == ["bo"]
    assert rows["bo"]["fullName"] == "Bo B"


async def test_an_empty_set_empties_the_resource(vanta: Vanta) -> None:
    await vanta.sync(user_account("ana"))
    assert await vanta.sync() == (200, {"success": True})

    assert live(await vanta.rows()) == []


async def test_another_resource_is_left_alone(vanta: Vanta) -> None:
    await vanta.sync(user_account("ana"))
    await vanta.sync(training("t"), base_type="user_security_training_status")
    await vanta.sync(base_type="user_security_training_status")

    assert live(await vanta.rows()) == ["ana"]


async def test_a_user_account_that_is_gone_shows_as_deactivated(vanta: Vanta) -> None:
    await vanta.sync(user_account("ana"))
    await vanta.sync()
    assert (await vanta.rows())["ana"]["status"] == "DEACTIVATED"

    await vanta.served.switch(gone_account="as_sent")
    assert (await vanta.rows())["ana"]["status"] == "ACTIVE"


async def test_what_is_sent_again_is_the_same_row_and_no_longer_gone(vanta: Vanta) -> None:
    state = await vanta.served.state()
    [connection] = state["connections"]
    gone = {**user_account("ana"), "deletedAt": "2026-01-31T08:00:00.000Z"}
    connection["resources"][0]["deleted"] = [gone]
    await vanta.served.control("POST", "seed", **state)
    await vanta.mint()

    await vanta.sync(user_account("ana", fullName="Ana B"))

    row = (await vanta.rows())["ana"]
    assert (row["fullName"], row["status"], row["deletedAt"]) == ("Ana B", "ACTIVE", None)
    assert row["createdAt"] == "2026-01-31T08:00:00.000Z" < row["updatedAt"]


async def test_it_can_stay_gone(vanta: Vanta) -> None:
    await vanta.served.switch(resent=False)
    await vanta.sync(user_account("ana"))
    await vanta.sync()
    await vanta.sync(user_account("ana"))

    assert live(await vanta.rows()) == []


async def test_a_second_absence_does_not_move_the_first(vanta: Vanta) -> None:
    state = await vanta.served.state()
    state["connections"][0]["resources"][0]["deleted"] = [
        {**user_account("ana"), "deletedAt": "2026-01-31T08:00:00.000Z"}
    ]
    await vanta.served.control("POST", "seed", **state)
    await vanta.mint()
    await vanta.sync()

    assert (await vanta.rows())["ana"]["deletedAt"] == "2026-01-31T08:00:00.000Z"


async def test_the_older_answer_counts(vanta: Vanta) -> None:
    await vanta.served.switch(answer="results")
    assert await vanta.sync(user_account("ana")) == (200, {"results": {"accepted": 1, "rejected": 0}})

    await vanta.served.faults(partial_item_failures=0.5)
    sent = [user_account(key) for key in ("ana", "bo")]
    assert await vanta.sync(*sent) == (200, {"results": {"accepted": 1, "rejected": 1}})


async def test_a_record_that_is_ordered_to_fail_refuses_the_set(vanta: Vanta) -> None:
    await vanta.served.faults(partial_item_failures=0.5)

    assert (await vanta.refused(user_account("ana"), user_account("bo"))).startswith("/1: ")
    assert await vanta.rows() == {}


class TestTimes:
    SENT = "2026-01-31T09:30:15.987+01:30"

    @pytest.mark.parametrize(
        ("switches", "shown"),
        [
            ({"seconds": True}, "2026-01-31T08:00:15.000Z"),
            ({"time_form": "Z"}, "2026-01-31T08:00:15Z"),
            ({"seconds": False}, SENT),
        ],
    )
    async def test_fractions_of_a_second_are_not_kept(self, vanta: Vanta, switches: dict[str, Any], shown: str) -> None:
        await vanta.served.switch(**switches)
        await vanta.sync(user_account("ana", createdTimestamp=self.SENT, lastLoginTimestamp=self.SENT))

        row = (await vanta.rows())["ana"]
        assert row["createdTimestamp"] == row["lastLoginTimestamp"] == shown

    async def test_deep_down_and_in_own_properties(self, vanta: Vanta) -> None:
        resources = [{"base_type": "custom_resource", "slug": "pkg", "definition": DEFINITION}]
        await vanta.served.control(
            "POST", "applications", id=vanta.served.destination()["client_id"], resources=resources
        )
        body = {"resourceId": "pkg", "resources": [custom("p", when=self.SENT, name=self.SENT)]}
        assert (await vanta("PUT", "/v1/resources/custom_resource", body))[0] == 200
        _, listed = await vanta("GET", "/v1/resources/custom_resource?resourceId=pkg")
        assert listed["resources"][0]["customProperties"] == {"when": "2026-01-31T08:00:15.000Z", "name": self.SENT}

        application = {"name": "Slack", "bundleId": "b", "lastOpenedTimestamp": self.SENT}
        await vanta.sync(
            SAMPLES["macos_user_computer"]("m", applications=[application]), base_type="macos_user_computer"
        )
        row = (await vanta.rows("macos_user_computer"))["m"]
        assert row["applications"][0]["lastOpenedTimestamp"] == "2026-01-31T08:00:15.000Z"


class TestLists:
    async def test_they_have_no_pages(self, vanta: Vanta) -> None:
        await vanta.sync(*(user_account(f"u{n}") for n in range(300)))

        _, body = await vanta.list(pageSize="10")

        assert list(body) == ["resources"]
        assert len(body["resources"]) == 300

    async def test_unless_they_are_switched_on(self, vanta: Vanta) -> None:
        await vanta.served.switch(page_size=2)
        await vanta.sync(*(user_account(f"u{n}") for n in range(5)))

        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            status, body = await vanta.list(**({"pageCursor": cursor} if cursor else {}))
            assert status == 200
            await vanta.sync(user_account("later"))
            seen += [row["uniqueId"] for row in body["resources"]]
            cursor = body["pageInfo"]["endCursor"]
            assert body["pageInfo"]["hasNextPage"] == (cursor is not None)

        assert seen == [f"u{n}" for n in range(5)], "the pages of one list are of one moment"

    @pytest.mark.parametrize("query", [{"pageCursor": "x"}, {"pageSize": "0"}, {"pageSize": "101"}, {"pageSize": "x"}])
    async def test_a_page_that_is_not_there_is_refused(self, vanta: Vanta, query: dict[str, str]) -> None:
        await vanta.served.switch(page_size=2)

        assert (await vanta.list(**query))[0] == 400

    async def test_they_may_lag_behind(self, vanta: Vanta) -> None:
        await vanta.sync(user_account("ana"))
        await vanta.served.switch(stale_lists=2)
        await vanta.sync(user_account("bo"))

        assert [live(await vanta.rows()) for _ in range(3)] == [["ana"], ["ana"], ["bo"]]

    async def test_and_each_put_makes_them_lag_again(self, vanta: Vanta) -> None:
        await vanta.served.switch(stale_lists=2)
        await vanta.sync(user_account("ana"))
        assert await vanta.rows() == {}
        await vanta.sync(user_account("bo"))

        assert [live(await vanta.rows()) for _ in range(3)] == [[], [], ["bo"]]


class TestPaths:
    async def test_the_title_and_the_slug_work_too(self, vanta: Vanta) -> None:
        application = vanta.served.destination()["client_id"]
        resources = [{"id": vanta.resource("user_account"), "base_type": "user_account", "slug": "staff"}]
        await vanta.served.control("POST", "applications", id=application, resources=resources)

        body = {"resourceId": "staff", "resources": [user_account("ana")]}
        assert (await vanta("PUT", "/v1/resources/UserAccount", body))[0] == 200

        assert live(await vanta.rows()) == ["ana"]

    async def test_an_id_belongs_to_its_base_type(self, vanta: Vanta) -> None:
        path = f"/v1/resources/custom_resource?resourceId={vanta.resource('user_account')}"

        assert await vanta("GET", path) == (404, {"error": "Resource not found"})


async def test_a_list_may_be_cut_short(vanta: Vanta) -> None:
    await vanta.sync(user_account("ana"), user_account("bo"))
    await vanta.served.faults(list_ends_after=1)
    assert list(await vanta.rows()) == ["ana"]
