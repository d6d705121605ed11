"""What a person does in Vanta's developer console, as a step of the control plane."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.vanta import custom, user_account
from tests.unit.emulators.client import Vanta

DEFINITION = {"properties": {"version": {"type": "string"}}}
PACKAGES = {"base_type": "custom_resource", "slug": "packages", "definition": DEFINITION}


async def declare(vanta: Vanta, application: str = "", **more: Any) -> dict[str, Any]:
    name = application or vanta.served.destination()["client_id"]
    declared: dict[str, Any] = await vanta.served.control("POST", "applications", id=name, **more)
    return declared


async def test_the_seed_has_a_resource_for_everything_that_can_be_sent(vanta: Vanta) -> None:
    [application] = (await vanta.served.state())["connections"]
    objects = vanta.served.destination()["objects"]

    named = sorted(each for settings in objects.values() for each in settings.values() if isinstance(each, str))
    assert named == sorted(each["id"] for each in application["resources"])
    assert {each["kind"] for each in application["resources"]} == set(objects)
    assert [setting for kind in objects for setting in objects[kind] if kind == "device"] == [
        "macos_resource_id",
        "windows_resource_id",
    ]


async def test_a_new_application_has_what_was_declared(vanta: Vanta) -> None:
    declared = await declare(vanta, "other", client_secret="another", name="Other", resources=[PACKAGES])

    [made] = declared["resources"]
    assert (declared["id"], declared["name"], declared["type"]) == ("other", "Other", "build")
    assert len(made["id"]) == 24
    assert "another" not in str(declared)
    await vanta.mint(client_id="other", client_secret="another")
    body = {"resourceId": made["id"], "resources": [custom("p", version="1")]}
    assert (await vanta("PUT", "/v1/resources/custom_resource", body))[0] == 200
    assert [each["id"] for each in (await vanta.served.state())["connections"]][1:] == ["other"]


async def test_what_is_not_named_stays(vanta: Vanta) -> None:
    await declare(vanta, client_secret="rotated")
    await vanta.sync(user_account("ana"))
    before = await vanta.served.state()

    assert await declare(vanta) == before["connections"][0]
    await vanta.mint(client_secret="rotated")
    again = {"id": vanta.resource("user_account"), "base_type": "user_account", "slug": "staff"}
    await declare(vanta, resources=[again])

    assert list(await vanta.rows()) == ["ana"]
    after = await vanta.served.state()
    assert after["connections"][0]["resources"][0].pop("slug") == "staff"
    del before["connections"][0]["resources"][0]["slug"]
    assert after == before


async def test_another_definition_is_for_the_next_set(vanta: Vanta) -> None:
    [*_, packages] = (await declare(vanta, resources=[PACKAGES]))["resources"]
    path, record = "/v1/resources/custom_resource", custom("p", version="1")
    await vanta("PUT", path, {"resourceId": "packages", "resources": [record]})

    await declare(vanta, resources=[{**packages, "definition": {"properties": {}}, "records": None}])

    _, body = await vanta("GET", path + "?resourceId=packages")
    assert [row["uniqueId"] for row in body["resources"]] == ["p"]
    assert (await vanta("PUT", path, {"resourceId": "packages", "resources": [record]}))[0] == 400


async def test_a_custom_resource_without_a_definition_has_no_own_properties(vanta: Vanta) -> None:
    await declare(vanta, resources=[{"base_type": "custom_resource", "slug": "plain"}])

    for record, status in ((custom("p"), 200), (custom("p", version="1"), 400)):
        body = {"resourceId": "plain", "resources": [record]}
        assert (await vanta("PUT", "/v1/resources/custom_resource", body))[0] == status


async def test_what_state_shows_can_be_seeded_again(vanta: Vanta) -> None:
    await declare(vanta, "other", type="manage", resources=[PACKAGES])
    await vanta.sync(user_account("ana"), user_account("bo"))
    await vanta.sync(user_account("bo"))
    state = await vanta.served.state()

    await vanta.served.control("POST", "reset")
    assert await vanta.served.state() == {"connections": []}
    await vanta.served.control("POST", "seed", **state)

    assert await vanta.served.state() == state
    assert [each["uniqueId"] for each in state["connections"][0]["resources"][0]["deleted"]] == ["ana"]


async def test_the_overview_shows_every_resource(vanta: Vanta) -> None:
    await vanta.sync(user_account("ana"), user_account("bo"))
    await vanta.sync(user_account("bo"))

    [accounts, *others] = await vanta.served.holdings()

    assert (accounts["title"], accounts["count"]) == ("personnel_account", 1)
    assert accounts["records"] == [{"id": "bo", **user_account("bo")}]
    assert "1 gone" in accounts["note"]
    assert len(others) == 5


ACCOUNTS = {"base_type": "user_account", "id": "665000000000000000000001"}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"resources": []}, "id: Field required"),
        ({"id": ""}, "id: "),
        ({"id": "a", "colour": "red"}, "colour: Extra inputs"),
        ({"id": "a", "type": "auditor"}, "type: "),
        ({"id": "a", "resources": [{"base_type": "person"}]}, "there is no base type 'person'"),
        ({"id": "a", "resources": [{**ACCOUNTS, "id": "short"}]}, "resources.0.id"),
        ({"id": "vci_vanta_emulator", "resources": [{**PACKAGES, "id": ACCOUNTS["id"]}]}, "can never be changed"),
        ({"id": "a", "resources": [{**ACCOUNTS, "definition": DEFINITION}]}, "only a custom_resource has a definition"),
        ({"id": "a", "resources": [{**PACKAGES, "definition": {"optionalProperties": {}}}]}, "no optional ones"),
        ({"id": "a", "resources": [{**PACKAGES, "definition": {"properties": []}}]}, "is not an object"),
        ({"id": "a", "resources": [{**PACKAGES, "definition": {"properties": {"n": {"type": "float64"}}}}]}, "int32"),
        ({"id": "a", "resources": [{**ACCOUNTS, "records": [{}]}]}, "/0: must have property 'displayName'"),
        ({"id": "a", "resources": [{**ACCOUNTS, "records": [], "deleted": [user_account("a")]}]}, "expected a time"),
        ([], "Input should be an object"),
    ],
)
async def test_a_wrong_declaration_is_refused_in_words(vanta: Vanta, body: Any, says: str) -> None:
    before = await vanta.served.state()

    status, answer = await vanta("POST", "/_emulator/applications", body)

    assert status == 400
    assert says in answer["error"]
    assert await vanta.served.state() == before


async def test_a_declaration_that_is_no_json_is_refused(vanta: Vanta) -> None:
    assert (await vanta("POST", "/_emulator/applications", data=b"{oops"))[0] == 400
    assert len(await vanta.served.received()) == 1, "the control plane is not received"
