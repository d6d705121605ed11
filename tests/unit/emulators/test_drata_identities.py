"""HRIS identities and the v1 identity provider of the Drata emulator."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

PATH = "/public/v2/custom-connections/6/hris-user-identities"
PERSON = {
    "id": "p-1",
    "firstName": "Ana",
    "lastName": "Ito",
    "email": "ana@example.com",
    "contractor": False,
    "isMfaEnabled": True,
    "date": "01/31/2020",
}
ANA = {"identityId": "p-1", "email": "ana@example.com", "jobTitle": "Engineer"}


async def shown(drata: Any, identity_id: str = "p-1") -> dict[str, Any]:
    status, body = await drata("GET", f"{PATH}/identity-id:{identity_id}")
    assert status == 200
    assert isinstance(body, dict)
    return body


async def write(drata: Any, *items: Any) -> tuple[int, list[int]]:
    """The status, and those of the items."""
    status, results = await drata("POST", PATH, list(items))
    return status, [each["statusCode"] for each in results]


async def test_the_status_tells_what_became_of_the_batch(drata: Any) -> None:
    assert await write(drata, ANA, {"identityId": "p-2"}) == (201, [201, 201])
    assert await write(drata, {**ANA, "jobTitle": "Lead"}, {"identityId": "p-3"}) == (200, [200, 201])
    assert await write(drata, {"identityId": "p-4"}, {"identityId": "p-5", "email": "no"}) == (207, [201, 400])


async def test_what_is_omitted_stays_and_null_clears(drata: Any) -> None:
    await write(drata, {**ANA, "isContractor": False})
    await write(drata, {"identityId": "p-1", "jobTitle": None})

    identity = await shown(drata)
    assert (identity["email"], identity["jobTitle"], identity["isContractor"]) == ("ana@example.com", None, False)


async def test_nothing_changed_is_a_success_without_data(drata: Any) -> None:
    await write(drata, ANA)

    assert await drata("POST", PATH, [ANA]) == (200, [{"statusCode": 200, "data": None}])


class TestLeavers:
    LEFT, LATER = "2026-01-31T00:00:00Z", "2026-06-30T00:00:00Z"

    async def test_the_date_is_written_once(self, drata: Any) -> None:
        await write(drata, {**ANA, "separatedAt": self.LEFT})
        assert await write(drata, {**ANA, "separatedAt": self.LATER}) == (200, [200])

        assert (await shown(drata))["separatedAt"] == self.LEFT

    async def test_null_clears_it_and_a_later_request_may_set_another(self, drata: Any) -> None:
        await write(drata, {**ANA, "separatedAt": self.LEFT})
        await write(drata, {**ANA, "separatedAt": None})
        assert (await shown(drata))["separatedAt"] is None
        await write(drata, {**ANA, "separatedAt": self.LATER})

        assert (await shown(drata))["separatedAt"] == self.LATER

    @pytest.mark.parametrize("status", [200, 201])
    async def test_a_deleted_row_is_hidden_until_posted_again_and_still_guarded(self, drata: Any, status: int) -> None:
        await drata.served.switch(restored_identity=status)
        await write(drata, {**ANA, "separatedAt": self.LEFT})
        assert (await drata("DELETE", f"{PATH}/identity-id:p-1"))[0] == 204
        assert (await drata("GET", PATH))[1]["data"] == []
        assert (await drata("GET", f"{PATH}/identity-id:p-1"))[0] == 404

        assert await write(drata, {**ANA, "separatedAt": self.LATER}) == (status, [status])

        assert (await shown(drata))["separatedAt"] == self.LEFT


@pytest.mark.parametrize(("reading", "statuses"), [("all", [400, 400, 201]), ("later", [201, 400, 201])])
async def test_an_identity_that_occurs_twice(drata: Any, reading: str, statuses: list[int]) -> None:
    await drata.served.switch(repeated_identity=reading)

    assert await write(drata, ANA, ANA, {"identityId": "p-2"}) == (207, statuses)


@pytest.mark.parametrize("status", [207, 400])
async def test_a_batch_that_fails_as_a_whole(drata: Any, status: int) -> None:
    await drata.served.switch(all_identities_failed=status)

    assert (await drata("POST", PATH, [{"identityId": 5}]))[0] == status


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"identityId": ""},
        {**ANA, "email": "ana"},
        {**ANA, "startedAt": "yesterday"},
        {**ANA, "startedAt": "2026-02-30T00:00:00Z"},
        {**ANA, "isContractor": "no"},
        {**ANA, "firstName": "x" * 192},
        "p-1",
    ],
)
async def test_a_wrong_item_fails_alone_and_says_why(drata: Any, item: Any) -> None:
    status, (bad, good) = await drata("POST", PATH, [item, {"identityId": "p-9"}])

    assert (status, bad["statusCode"], bad["data"], good["statusCode"]) == (207, 400, None, 201)
    assert bad["error"]["message"]


@pytest.mark.parametrize("body", [[], {}, [ANA] * 1001, "x"])
async def test_a_body_of_1_to_1000(drata: Any, body: Any) -> None:
    assert (await drata("POST", PATH, body))[0] == 400


async def test_a_row_is_found_by_either_id(drata: Any) -> None:
    await write(drata, ANA)
    identity = await shown(drata)

    assert (await drata("GET", f"{PATH}/{identity['id']}"))[1] == identity
    assert (await drata("GET", f"{PATH}/p-1"))[0] == 400
    assert (await drata("GET", f"{PATH}/1"))[0] == 404
    assert (await drata("GET", PATH.replace("/6/", "/1/")))[0] == 400


async def test_a_share_of_the_items_fails_on_order(drata: Any) -> None:
    await drata.served.faults(partial_item_failures=0.5)

    assert await write(drata, ANA, {"identityId": "p-2"}) == (207, [201, 400])


class TestVersion1:
    UPLOAD = "/public/connections/upload"

    async def provider(self, drata: Any) -> dict[str, Any]:
        _, body = await drata("GET", "/public/connections?providerTypes=IDENTITY")
        (connection,) = body["data"]
        assert isinstance(connection, dict)
        return connection

    async def people(self, drata: Any) -> Any:
        state = await drata.served.state()
        return next(each["identities"] for each in state["connections"] if each["type"] == "IDENTITY")

    async def test_a_list_makes_an_identity_provider_that_only_the_list_names(self, drata: Any) -> None:
        assert await drata("POST", self.UPLOAD + "/json", {"personnelData": [PERSON]}) == (201, {})

        assert (await self.provider(drata))["clientType"] == "CSV_IDP"
        assert await self.people(drata) == [PERSON]

    @pytest.mark.parametrize(("reading", "ids"), [("kept", ["p-1", "p-2"]), ("removed", ["p-2"])])
    async def test_who_is_absent_from_an_update(self, drata: Any, reading: str, ids: list[str]) -> None:
        await drata.served.switch(absent_people=reading)
        await drata("POST", self.UPLOAD + "/json", {"personnelData": [PERSON]})
        path = f"/public/connections/{(await self.provider(drata))['id']}/upload/json"

        assert await drata("PUT", path, {"personnelData": [{**PERSON, "id": "p-2"}]}) == (200, {})

        assert [each["id"] for each in await self.people(drata)] == ids

    async def test_a_csv_file(self, drata: Any) -> None:
        header = "id,firstName,lastName,email,contractor,isMfaEnabled,date"
        text = f"{header}\np-1,Ana,Ito,ana@example.com,false,True,01/31/2020\n"
        form = aiohttp.FormData()
        form.add_field("file", text, filename="people.csv")

        assert await drata("POST", self.UPLOAD + "/csv", data=form) == (201, {})

        assert await self.people(drata) == [PERSON]
        assert (await drata("POST", self.UPLOAD + "/csv", data=b"id\n1"))[0] == 400

    @pytest.mark.parametrize("name", ["id", "email", "contractor", "isMfaEnabled", "date"])
    async def test_a_person_lacks_nothing(self, drata: Any, name: str) -> None:
        person = {field: value for field, value in PERSON.items() if field != name}

        status, body = await drata("POST", self.UPLOAD + "/json", {"personnelData": [PERSON, person]})

        assert (status, f"personnelData.1 must have required property '{name}'" in body["message"]) == (400, True)

    async def test_pages_are_numbered(self, drata: Any) -> None:
        _, body = await drata("GET", "/public/connections?page=2&limit=4&sortDir=DESC")

        assert ([each["id"] for each in body["data"]], body["page"], body["total"]) == ([2, 1], 2, 6)
        assert (await drata("GET", "/public/connections?limit=51"))[0] == 400
        assert (await drata("GET", "/public/connections?sort=NAME"))[0] == 400
        assert (await drata("GET", "/public/connections?state=MISCONFIGURED"))[1]["data"] == []
