"""Sessions of the Drata emulator: one at a time, out of sight, then everything at once."""

from __future__ import annotations

from typing import Any

import pytest

from proofport.testing import running
from proofport_drata.emulator import DrataEmulator


async def test_what_is_staged_is_out_of_sight_until_completed(drata: Any) -> None:
    await drata.upload([{"id": "direct"}])
    await drata.upload([{"id": "a", "n": 1}], "s-1")
    await drata.upload([{"id": "b"}, {"id": "a", "n": 2}], "s-1")
    assert list(await drata.live()) == ["direct"]

    status, result = await drata.act("s-1", "complete")

    assert (status, result) == (
        200,
        {"sessionId": "s-1", "status": "ACTIVE", "action": "complete", "connectionId": 1, "resourceId": 101},
    )
    assert await drata.live() == {"a": {"id": "a", "n": 2}, "b": {"id": "b"}}


async def test_completing_archives_the_former_session_and_deletes_direct_records(drata: Any) -> None:
    await drata.upload([{"id": "old"}], "s-1")
    await drata.act("s-1", "complete")
    await drata.upload([{"id": "direct"}])
    await drata.upload([{"id": "new"}], "s-2")
    await drata.act("s-2", "complete")

    assert await drata.sessions() == {"s-1": "ARCHIVED", "s-2": "ACTIVE"}
    assert list(await drata.live()) == ["new"]


async def test_cancelling_leaves_the_live_records_alone(drata: Any) -> None:
    await drata.upload([{"id": "live"}])
    await drata.upload([{"id": "staged"}], "s-1")

    status, result = await drata.act("s-1", "cancel")

    assert (status, result["status"]) == (200, "CANCELED")
    assert list(await drata.live()) == ["live"]
    _, staged = await drata("GET", drata.resource + "/records?sessionId=s-1")
    assert staged["data"] == []


async def test_the_sessions_show_when_they_ended(drata: Any) -> None:
    await drata.upload([{"id": "a"}], "s-1")
    await drata.act("s-1", "cancel")
    await drata.upload([{"id": "a"}], "s-2")
    await drata.act("s-2", "complete")

    _, body = await drata("GET", drata.resource + "/sessions")

    first, second = body["data"]
    assert first["canceledAt"]
    assert first["activatedAt"] is None
    assert second["activatedAt"]
    assert second["canceledAt"] is None
    assert first["id"] != first["sessionId"]


class TestOnlyOne:
    async def test_a_second_session_is_refused_and_nothing_of_it_kept(self, drata: Any) -> None:
        await drata.upload([{"id": "a"}], "s-1")

        status, body = await drata.upload([{"id": "b"}], "s-2")

        assert (status, "s-1" in body["message"]) == (409, True)
        assert await drata.sessions() == {"s-1": "IN_PROGRESS"}

    async def test_another_resource_has_its_own(self, drata: Any) -> None:
        await drata.upload([{"id": "a"}], "s-1")
        drata.resource = "/public/v2/custom-connections/2/resources/102"

        assert (await drata.upload([{"id": "a"}], "s-1"))[0] == 200

    @pytest.mark.parametrize("status", [409, 422, 400])
    async def test_the_status_is_a_switch(self, drata: Any, status: int) -> None:
        await drata.served.switch(second_session=status)
        await drata.upload([{"id": "a"}], "s-1")

        assert (await drata.upload([{"id": "b"}], "s-2"))[0] == status

    async def test_after_an_end_the_next_may_open(self, drata: Any) -> None:
        await drata.upload([{"id": "a"}], "s-1")
        await drata.act("s-1", "cancel")

        assert (await drata.upload([{"id": "b"}], "s-2"))[0] == 200


class TestEnded:
    @pytest.mark.parametrize("end", ["complete", "cancel"])
    @pytest.mark.parametrize("status", [422, 400])
    async def test_an_ended_session_takes_nothing_more(self, drata: Any, end: str, status: int) -> None:
        await drata.served.switch(ended_session_upload=status, ended_session_action=status)
        await drata.upload([{"id": "a"}], "s-1")
        await drata.act("s-1", end)
        live = await drata.live()

        assert (await drata.upload([{"id": "b"}], "s-1"))[0] == status
        assert (await drata.act("s-1", "complete"))[0] == status
        assert (await drata.act("s-1", "cancel"))[0] == status
        assert await drata.live() == live

    @pytest.mark.parametrize("status", [404, 422])
    async def test_an_unknown_session(self, drata: Any, status: int) -> None:
        await drata.served.switch(unknown_session_action=status)

        assert (await drata.act("never", "cancel"))[0] == status


class TestEmpty:
    async def test_an_empty_session_cannot_be_completed(self, drata: Any) -> None:
        await drata.upload([{"id": "live"}])
        await drata.upload([], "s-1")

        status, body = await drata.act("s-1", "complete")

        assert (status, body["message"]) == (422, "Cannot complete a session with no data records")
        assert await drata.sessions() == {"s-1": "IN_PROGRESS"}
        assert list(await drata.live()) == ["live"]

    async def test_a_session_whose_items_were_all_refused_is_empty(self, drata: Any) -> None:
        await drata.served.faults(partial_item_failures=1.0)
        assert (await drata.upload([{"id": "a"}], "s-1"))[0] == 200

        assert (await drata.act("s-1", "complete"))[0] == 422
        assert (await drata.act("s-1", "cancel"))[0] == 200

    async def test_an_empty_upload_may_open_none(self, drata: Any) -> None:
        await drata.served.switch(empty_upload_opens_session=False)

        assert await drata.upload([], "s-1") == (200, [])
        assert await drata.sessions() == {}


class TestNames:
    @pytest.mark.parametrize("session_id", ["ab", "x" * 65, "a.b", "a%20b", "1"])
    async def test_a_wrong_session_id_is_refused(self, drata: Any, session_id: str) -> None:
        assert (await drata.upload([{"id": "a"}], session_id))[0] == 400
        assert (await drata.act(session_id, "cancel"))[0] == 400
        assert await drata.sessions() == {}

    @pytest.mark.parametrize("session_id", ["abc", "x" * 64, "pp-0a_Z9"])
    async def test_a_good_one_is_taken(self, drata: Any, session_id: str) -> None:
        assert (await drata.upload([{"id": "a"}], session_id))[0] == 200

    async def test_the_row_number_is_not_the_session_id(self, drata: Any) -> None:
        await drata.upload([{"id": "a"}], "s-1")
        _, body = await drata("GET", drata.resource + "/sessions")

        assert (await drata.act(str(body["data"][0]["id"]), "cancel"))[0] == 400

    @pytest.mark.parametrize("status", ["CANCELED", "CANCELLED"])
    async def test_both_spellings_can_be_asked_for(self, drata: Any, status: str) -> None:
        await drata.served.switch(status_filter_ignored=False)
        await drata.upload([{"id": "a"}], "s-1")
        await drata.act("s-1", "cancel")
        await drata.upload([{"id": "a"}], "s-2")
        found = (await drata("GET", f"{drata.resource}/sessions?status={status}"))[1]["data"]
        assert [each["sessionId"] for each in found] == ["s-1"]

    @pytest.mark.parametrize("body", [{}, {"action": "finish"}, [], {"action": None}])
    async def test_an_unknown_action_is_refused(self, drata: Any, body: Any) -> None:
        await drata.upload([{"id": "a"}], "s-1")

        assert (await drata("POST", drata.resource + "/sessions/s-1/actions", body))[0] == 400

    async def test_the_other_spelling(self) -> None:
        """On its own: the OpenAPI document has only one of the two."""
        async with running(DrataEmulator()) as served:
            served.emulator.switches.set({"canceled_spelling": "CANCELLED"})
            key = {"Authorization": f"Bearer {served.destination()['api_key']}"}
            url = f"{served.origin}/public/v2/custom-connections/1/resources/101/sessions/s-1"
            await served.client.post(url, json={"data": []}, headers=key)
            async with served.client.post(url + "/actions", json={"action": "cancel"}, headers=key) as answer:
                assert (await answer.json())["status"] == "CANCELLED"


class TestLists:
    async def test_the_status_filter_is_ignored(self, drata: Any) -> None:
        await drata.upload([{"id": "a"}], "s-1")
        await drata.act("s-1", "cancel")

        path = drata.resource + "/sessions?status=IN_PROGRESS"
        assert [each["sessionId"] for each in (await drata("GET", path))[1]["data"]] == ["s-1"]
        await drata.served.switch(status_filter_ignored=False)
        assert (await drata("GET", path))[1]["data"] == []
        assert (await drata("GET", drata.resource + "/sessions?status=DONE"))[0] == 400

    @pytest.mark.parametrize("readable", [True, False])
    async def test_the_records_of_a_session_in_progress(self, drata: Any, readable: bool) -> None:
        await drata.served.switch(staged_records_readable=readable)
        await drata.upload([{"id": "a"}], "s-1")

        _, body = await drata("GET", drata.resource + "/records?sessionId=s-1")

        assert len(body["data"]) == readable

    async def test_the_records_of_the_active_session(self, drata: Any) -> None:
        await drata.upload([{"id": "a"}], "s-1")
        await drata.act("s-1", "complete")
        await drata.upload([{"id": "direct"}])

        _, body = await drata("GET", drata.resource + "/records?sessionId=s-1")
        assert [(each["id"], each["sessionId"]) for each in body["data"]] == [("a", "s-1"), ("direct", "s-1")]
        _, body = await drata("GET", drata.resource + "/records?sessionId=s-2")
        assert body["data"] == []
        assert (await drata("GET", drata.resource + "/records?sessionId=s"))[0] == 400

    async def test_a_list_that_shows_staged_records_is_the_other_reading(self, drata: Any) -> None:
        await drata.served.switch(list_shows_staged=True)
        await drata.upload([{"id": "a"}], "s-1")

        assert list(await drata.live()) == ["a"]


class TestDirectUploadWhileOneIsOpen:
    async def test_it_is_live_at_once_and_gone_with_the_completion(self, drata: Any) -> None:
        await drata.upload([{"id": "a"}], "s-1")

        await drata.upload([{"id": "direct"}])

        _, body = await drata("GET", drata.resource + "/records")
        assert [(each["id"], each["sessionId"]) for each in body["data"]] == [("direct", None)]
        await drata.act("s-1", "complete")
        assert list(await drata.live()) == ["a"]

    async def test_joining_the_open_session_is_the_other_reading(self, drata: Any) -> None:
        await drata.served.switch(direct_upload_joins="open")
        await drata.upload([{"id": "a"}], "s-1")

        await drata.upload([{"id": "direct"}])

        assert await drata.live() == {}
        await drata.act("s-1", "complete")
        assert list(await drata.live()) == ["a", "direct"]
