"""Custom connections, keys and error bodies of the Drata emulator."""

from __future__ import annotations

from typing import Any

import pytest

PATH = "/public/v2/custom-connections"
CUSTOM = {
    "name": "Inventory",
    "providerTypes": ["CUSTOM"],
    "workspaceIds": [1],
    "displayNameKey": "id",
    "schema": {
        "type": "object",
        "properties": {"id": {"type": "string"}, "size": {"type": "integer"}},
        "required": ["id"],
    },
}


async def created(drata: Any, **changes: Any) -> Any:
    """A new CUSTOM connection, with its resources."""
    body = {name: value for name, value in {**CUSTOM, **changes}.items() if value is not None}
    status, connection = await drata("POST", PATH, body)
    assert status == 201, connection
    return (await drata("GET", f"{PATH}/{connection['id']}?expand[]=customResources"))[1]


async def test_a_connection_comes_back_under_its_alias(drata: Any) -> None:
    connection = await created(drata)

    assert connection["clientAlias"] == "Inventory"
    assert connection["providerTypes"] == ["CUSTOM"]
    assert not {"name", "displayNameKey", "workspaceIds"} & connection.keys()
    assert connection["customResources"][0]["schema"] == CUSTOM["schema"]


async def test_creating_twice_makes_two(drata: Any) -> None:
    first, second = await created(drata), await created(drata)

    assert first["id"] != second["id"]
    assert first["customResources"][0]["id"] != second["customResources"][0]["id"]


async def test_resources_are_shown_only_when_asked_for(drata: Any) -> None:
    _, plain = await drata("GET", PATH + "/1")
    _, page = await drata("GET", PATH + "?expand[]=customResources&expand[]=createdByUser&size=1")

    assert "customResources" not in plain
    assert page["data"][0]["customResources"][0]["id"] == 101
    assert page["data"][0]["createdByUser"]["id"] == 1
    assert (await drata("GET", PATH + "?expand[]=everything"))[0] == 400


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": None}, "name"),
        ({"name": 5}, "name"),
        ({"providerTypes": None}, "providerTypes"),
        ({"providerTypes": ["SSO"]}, "providerTypes"),
        ({"providerTypes": []}, "providerTypes"),
        ({"providerTypes": ["CUSTOM", "MDM"]}, "exactly one"),
        ({"workspaceIds": None}, "workspaceIds"),
        ({"workspaceIds": []}, "workspaceIds"),
        ({"schema": None}, "exactly one of schema and sampleData"),
        ({"sampleData": {"id": "a"}}, "exactly one of schema and sampleData"),
        ({"displayNameKey": None}, "displayNameKey"),
        ({"displayNameKey": "nickname"}, "displayNameKey"),
        ({"schema": {"type": "thing"}}, "schema.type"),
        ({"schema": []}, "schema must be object"),
        ({"schema": {"properties": {"id": {"pattern": "("}}}}, "schema.id.pattern"),
        ({"description": 5}, "description"),
    ],
)
async def test_what_a_custom_connection_may_not_be(drata: Any, changes: dict[str, Any], says: str) -> None:
    body = {name: value for name, value in {**CUSTOM, **changes}.items() if value is not None}

    status, answer = await drata("POST", PATH, body)

    assert (status, answer["name"]) == (400, "BadRequestException")
    assert says in answer["message"]


@pytest.mark.parametrize("provider", ["MDM", "HRIS"])
@pytest.mark.parametrize("field", ["schema", "sampleData", "displayNameKey", "workspaceIds"])
async def test_other_connections_refuse_what_only_custom_ones_have(drata: Any, provider: str, field: str) -> None:
    body = {"name": "People", "providerTypes": [provider], "description": None}
    assert (await drata("POST", PATH, body))[0] == 201

    status, answer = await drata("POST", PATH, {**body, field: [1] if field == "workspaceIds" else {}})

    assert (status, field in answer["message"]) == (400, True)


class TestRequired:
    async def test_left_out_it_means_everything(self, drata: Any) -> None:
        connection = await created(drata, schema={"properties": {"id": {"type": "string"}, "size": {}}})

        assert connection["customResources"][0]["schema"]["required"] == ["id", "size"]

    async def test_given_it_is_kept(self, drata: Any) -> None:
        schema = {"properties": {"id": {}, "size": {}}, "required": ["id"]}

        assert (await created(drata, schema=schema))["customResources"][0]["schema"] == schema

    @pytest.mark.parametrize(("kept", "required"), [(True, []), (False, ["id"])])
    async def test_empty_has_two_readings(self, drata: Any, kept: bool, required: list[str]) -> None:
        await drata.served.switch(empty_required_kept=kept)

        connection = await created(drata, schema={"properties": {"id": {}}, "required": []})

        assert connection["customResources"][0]["schema"]["required"] == required

    @pytest.mark.parametrize(("everything", "stored"), [(True, 0), (False, 1)])
    async def test_a_sample_has_two_readings(self, drata: Any, everything: bool, stored: int) -> None:
        await drata.served.switch(sample_data_required=everything)
        sample = {"id": "a", "n": 1.5, "on": False, "none": None, "list": [1], "part": {}}
        connection = await created(drata, schema=None, sampleData=sample)
        drata.resource = f"{PATH}/{connection['id']}/resources/{connection['customResources'][0]['id']}"

        assert "error" in (await drata.upload([{**sample, "n": "many"}]))[1][0]
        await drata.upload([{"id": "b"}])
        assert len(await drata.live()) == stored


async def test_only_alias_and_description_change(drata: Any) -> None:
    status, changed = await drata("PUT", PATH + "/1", {"clientAlias": None, "description": "new", "schema": {}})
    _, resources = await drata("GET", PATH + "/1?expand[]=customResources")

    assert (status, changed["clientAlias"], changed["description"]) == (200, None, "new")
    assert resources["customResources"][0]["schema"]["required"] == ["id"]
    assert (await drata("PUT", PATH + "/1", {"clientAlias": 1}))[0] == 400
    assert (await drata("PUT", PATH + "/99", {}))[0] == 404


async def test_deleting_takes_the_records_along(drata: Any) -> None:
    await drata.upload([{"id": "a"}])

    assert (await drata("DELETE", PATH + "/1")) == (204, None)
    assert (await drata("GET", PATH + "/1"))[0] == 404
    assert (await drata("GET", drata.resource + "/records"))[0] == 404
    assert (await drata("DELETE", PATH + "/1"))[0] == 404
    assert (await drata("DELETE", PATH + "/one"))[0] == 404


async def test_deleting_an_unknown_one_has_another_reading(drata: Any) -> None:
    await drata.served.switch(delete_unknown_connection=204)

    assert (await drata("DELETE", PATH + "/99"))[0] == 204


async def test_mixed_types_have_another_reading(drata: Any) -> None:
    await drata.served.switch(mixed_provider_types=True)

    assert (await drata("POST", PATH, {"name": "x", "providerTypes": ["MDM", "HRIS"]}))[0] == 201


class TestKeys:
    @pytest.mark.parametrize(
        ("authorization", "path", "code"),
        [
            (None, PATH, 26430),
            (None, "/public/connections", 12300),
            ("drata-emulator-key", PATH, 10000),
            ("Bearer wrong", PATH, 12310),
            ("Bearer", PATH, 10000),
        ],
    )
    async def test_each_mistake_has_its_code(self, drata: Any, authorization: str | None, path: str, code: int) -> None:
        drata.authorization = authorization

        status, body = await drata("GET", path)

        assert (status, body["statusCode"], body["code"]) == (401, 401, code)
        assert ("debugInfo" in body) == (code == 26430)

    async def test_a_wrong_key_changes_nothing(self, drata: Any) -> None:
        drata.authorization = "Bearer wrong"

        assert (await drata.upload([{"id": "a"}]))[0] == 401
        assert (await drata.served.state())["connections"][0]["resources"][0]["records"] == []


class TestPages:
    async def test_the_cursor_leads_to_the_end(self, drata: Any) -> None:
        seen, cursor, totals = [], None, []
        while True:
            query = {"size": "4", "includeTotalCount": "true", **({"cursor": cursor} if cursor else {})}
            _, page = await drata("GET", PATH, params=query)
            seen += [each["id"] for each in page["data"]]
            totals.append(page["pagination"].get("totalCount"))
            cursor = page["pagination"]["cursor"]
            if cursor is None:
                break

        assert seen == [1, 2, 3, 4, 5, 6]
        assert totals == [6, None]

    async def test_a_page_holds_fifty_unless_asked(self, drata: Any) -> None:
        await drata.upload([{"id": f"r-{n}"} for n in range(60)])

        _, page = await drata("GET", drata.resource + "/records")

        assert len(page["data"]) == 50
        assert "totalCount" not in page["pagination"]

    async def test_rows_can_be_sorted(self, drata: Any) -> None:
        await drata("PUT", PATH + "/1", {"description": "touched"})

        _, newest = await drata("GET", PATH + "?sort=createdAt&sortDir=DESC&size=1")
        _, touched = await drata("GET", PATH + "?sort=updatedAt&sortDir=DESC&size=1")

        assert (newest["data"][0]["id"], touched["data"][0]["id"]) == (6, 1)

    async def test_the_order_without_asking_is_a_switch(self, drata: Any) -> None:
        await drata.served.switch(default_sort_dir="DESC")

        assert (await drata("GET", PATH + "?size=1"))[1]["data"][0]["id"] == 6
        assert (await drata("GET", PATH + "?size=1&sortDir=ASC"))[1]["data"][0]["id"] == 1

    @pytest.mark.parametrize(
        "query",
        [
            "size=0",
            "size=501",
            "size=ten",
            "cursor=nonsense",
            "cursor=%ff",
            "sort=name",
            "sortDir=UP",
            "includeTotalCount=1",
        ],
    )
    async def test_a_wrong_parameter_is_refused(self, drata: Any, query: str) -> None:
        assert (await drata("GET", f"{PATH}?{query}"))[0] == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [("/one", 400), ("/99", 404), ("/1/resources/one/records", 400), ("/1/resources/1/records", 404)],
)
async def test_numbers_of_the_path(drata: Any, path: str, status: int) -> None:
    assert (await drata("GET", PATH + path))[0] == status


async def test_an_unknown_path_and_method_are_answered_in_the_vendors_words(drata: Any) -> None:
    assert (await drata("GET", "/public/v2/nothing"))[1]["message"] == "Cannot GET /public/v2/nothing"
    assert (await drata("PATCH", PATH))[0] == 405


# ---------------------------------------------------------------------- the recipe's own example
RECIPE = {
    "type": "object",
    "properties": {"packageName": {"type": "string"}, "vendor": {"type": "string"}},
    "additionalProperties": True,
}
PACKAGE = {"data": {"id": "PKG-001", "packageName": "1Password"}}


async def test_without_required_every_property_is_and_the_answer_says_how_to_follow_the_recipe(drata: Any) -> None:
    connection = await created(drata, displayNameKey="packageName", schema=RECIPE)
    path = f"{PATH}/{connection['id']}/resources/{connection['customResources'][0]['id']}/records"
    _, refused = await drata("POST", path, PACKAGE)
    assert "'vendor' (the schema has no `required`" in refused["error"]["message"]
    assert "/_emulator/switches" in refused["error"]["message"]


async def test_the_recipe_works_as_printed_once_the_switch_is_set(drata: Any) -> None:
    await drata.served.switch(required_default=False)
    connection = await created(drata, displayNameKey="packageName", schema=RECIPE)
    path = f"{PATH}/{connection['id']}/resources/{connection['customResources'][0]['id']}/records"
    status, stored = await drata("POST", path, PACKAGE)
    assert (status, stored["id"]) == (201, "PKG-001")
    assert "required" not in connection["customResources"][0]["schema"]


async def test_a_required_that_was_asked_for_is_not_explained(drata: Any) -> None:
    connection = await created(drata)
    path = f"{PATH}/{connection['id']}/resources/{connection['customResources'][0]['id']}/records"
    _, refused = await drata("POST", path, {"data": {"size": "x", "id": "a"}})
    assert "switches" not in refused["error"]["message"]


# ---------------------------------------------------------------------- version 1
async def test_clients_of_v1_write_numbers_with_a_point(drata: Any) -> None:
    status, body = await drata("GET", "/public/connections?page=1.0&limit=2.0")
    assert (status, len(body["data"]), body["limit"]) == (200, 2, 2)
    assert (await drata("GET", "/public/connections?page=1.5"))[0] == 400


async def test_connections_are_sorted_and_found_by_their_type(drata: Any) -> None:
    found = (await drata("GET", "/public/connections?sort=CONNECTION_PROVIDER_TYPE"))[1]["data"]
    types = [each["providerTypes"][0]["value"] for each in found]
    assert types == sorted(types)
    assert len(set(types)) > 1
    found = (await drata("GET", "/public/connections?providerTypes[]=MDM"))[1]["data"]
    assert [each["providerTypes"][0]["value"] for each in found] == ["MDM"]
    assert (await drata("GET", "/public/connections?state=GONE"))[0] == 400


async def test_a_method_that_is_not_offered_names_those_that_are(drata: Any) -> None:
    assert (await drata("PATCH", PATH))[0] == 405
    assert drata.headers["Allow"] == "GET,HEAD,POST"
