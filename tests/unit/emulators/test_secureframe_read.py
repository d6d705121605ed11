"""Reading back from the Secureframe emulator."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofport.testing import VendorError
from proofport_secureframe.emulator.query import parsed_query

EC2 = {"id": "arn:aws:ec2::1:i/1", "cloud_resource_type": "ec2_instance", "region": "eu-west-1", "account": "1"}
BUCKET = {"id": "b-1", "cloud_resource_type": "s3_bucket"}


async def found(secureframe: Any, path: str, **query: Any) -> list[dict[str, Any]]:
    status, body = await secureframe("GET", path, params=query)
    assert status == 200, body
    assert all(each["relationships"] == {} for each in body["data"])
    return [each["attributes"] for each in body["data"]]


async def test_a_cloud_resource_is_found_by_its_published_id(secureframe: Any) -> None:
    await secureframe.publish("cloud_resource", EC2, BUCKET)

    (shown,) = await found(secureframe, "/cloud_resources", q=f'third_party_id:"{EC2["id"]}" AND vendor_name:Acme')

    assert (shown["third_party_id"], shown["region"], shown["vendor_name"]) == (EC2["id"], "eu-west-1", "Acme")
    assert not {"account", "description"} & shown.keys()


async def test_the_published_id_may_not_be_read_back(secureframe: Any) -> None:
    await secureframe.served.switch(published_id=False)
    await secureframe.publish("cloud_resource", EC2)

    assert (await found(secureframe, "/cloud_resources"))[0]["third_party_id"] is None
    assert await found(secureframe, "/cloud_resources", q="third_party_id:b-1") == []


async def test_an_account_reads_active_unless_told_otherwise(secureframe: Any) -> None:
    people = [{"id": f"u-{n}", "email": f"{n}@example.com"} for n in range(3)]
    await secureframe.publish(
        "personnel_account", people[0], {**people[1], "active": True}, {**people[2], "active": False}
    )

    shown = await found(secureframe, "/user_accounts")

    assert [each["active"] for each in shown] == [True, True, False]
    assert [each["third_party_id"] for each in await found(secureframe, "/user_accounts", q="active:false")] == ["u-2"]


async def test_accounts_link_to_people_by_email(secureframe: Any) -> None:
    state = await secureframe.served.state()
    await secureframe.served.control(
        "POST", "seed", **{**state, "users": [{"email": "ana@example.com", "active": True}]}
    )
    await secureframe.publish(
        "personnel_account", {"id": "u-1", "email": "ana@example.com"}, {"id": "u-2", "email": "bo@example.com"}
    )

    assert [each["has_user"] for each in await found(secureframe, "/user_accounts")] == [True, False]
    (person,) = await found(secureframe, "/users", q="email:ana@example.com")
    assert (await secureframe("GET", f"/users/{person['id']}"))[1]["data"]["attributes"] == person


async def test_a_device_shows_no_person(secureframe: Any) -> None:
    await secureframe.publish(
        "device", {"id": "d-1", "serial_number": "S1", "email": "a@b.c", "os": "macOS", "active": True}
    )

    (shown,) = await found(secureframe, "/devices", q="serial_number:S1")

    assert shown["os"] == "macOS"
    assert shown["local_firewall_enabled"] is None
    assert not {"email", "active", "third_party_id"} & shown.keys()


async def test_training_records_and_custom_types_cannot_be_read_back(secureframe: Any) -> None:
    await secureframe.publish("software_package", {"id": "p"})

    for path in ("/cloud_resources", "/user_accounts", "/devices", "/users"):
        assert await found(secureframe, path) == []
    assert (await secureframe("GET", "/training_records"))[0] == 404


async def test_the_connection_is_listed(secureframe: Any) -> None:
    (shown,) = await found(secureframe, "/integration_connections", q="status:connected")

    assert (shown["name"], "vendor_slug" in shown) == ("Acme", False)
    await secureframe.served.switch(listed_connection=False)
    assert await found(secureframe, "/integration_connections") == []


async def test_one_row_is_got_by_the_vendors_own_id(secureframe: Any) -> None:
    await secureframe.publish("cloud_resource", EC2)
    (shown,) = await found(secureframe, "/cloud_resources")

    _, body = await secureframe("GET", f"/cloud_resources/{shown['id']}?include=owner")
    assert body == {
        "data": {
            "id": shown["id"],
            "type": "cloud_resource",
            "attributes": shown,
            "relationships": {},
            "links": {"self": f"/cloud_resources/{shown['id']}"},
        }
    }
    assert (await secureframe("GET", "/cloud_resources/nothing"))[0] == 404


class TestPages:
    async def test_a_page_holds_a_hundred_at_most_and_the_last_is_empty(self, secureframe: Any) -> None:
        await secureframe.publish("cloud_resource", *[{**BUCKET, "id": f"b-{n}"} for n in range(150)])

        pages = [await found(secureframe, "/cloud_resources", per_page=500, page=page) for page in (1, 2, 3)]

        assert [len(page) for page in pages] == [100, 50, 0]
        assert len({each["third_party_id"] for page in pages for each in page}) == 150

    async def test_a_total_is_given_only_when_switched_on(self, secureframe: Any) -> None:
        await secureframe.publish("cloud_resource", EC2, BUCKET)

        assert "meta" not in (await secureframe("GET", "/cloud_resources"))[1]
        await secureframe.served.switch(meta=True)
        assert (await secureframe("GET", "/cloud_resources?per_page=1"))[1]["meta"] == {"total": 2}

    async def test_a_list_that_was_read_before_shows_what_came_since(self, secureframe: Any) -> None:
        await secureframe.publish("cloud_resource", EC2)
        assert len(await found(secureframe, "/cloud_resources")) == 1

        await secureframe.publish("cloud_resource", BUCKET)
        assert len(await found(secureframe, "/cloud_resources")) == 2

    @pytest.mark.parametrize("query", ["page=0", "page=x", "per_page=-1", "per_page=0"])
    async def test_a_wrong_number_is_refused(self, secureframe: Any, query: str) -> None:
        assert (await secureframe("GET", f"/cloud_resources?{query}"))[0] == 400

    async def test_rows_are_sorted_by_several_fields(self, secureframe: Any) -> None:
        await secureframe.publish("cloud_resource", BUCKET, EC2, {**EC2, "id": "x", "region": "a"})

        shown = await found(secureframe, "/cloud_resources", sort="-cloud_resource_type,region")

        assert [each["third_party_id"] for each in shown] == ["b-1", "x", EC2["id"]]
        by_region = await found(secureframe, "/cloud_resources", sort="-region")
        assert [each["region"] for each in by_region] == ["eu-west-1", "a", None]
        assert (await secureframe("GET", "/cloud_resources?sort=account"))[0] == 400


class TestFilters:
    @pytest.mark.parametrize(
        ("path", "field", "entity"),
        [
            ("/cloud_resources", "description", "CloudResource"),
            ("/user_accounts", "username", "UserAccount"),
            ("/devices", "email", "Device"),
            ("/devices", "owner_id", "Device"),
            ("/users", "role", "User"),
        ],
    )
    async def test_a_field_that_is_not_filterable(self, secureframe: Any, path: str, field: str, entity: str) -> None:
        status, body = await secureframe("GET", path, params={"q": f"{field}:x"})

        assert (status, body["message"]) == (400, f"{entity} is not filterable by {field}")

    async def test_the_case_counts_and_a_wrong_value_is_no_error(self, secureframe: Any) -> None:
        await secureframe.publish("cloud_resource", EC2)

        assert len(await found(secureframe, "/cloud_resources", q="vendor_name:Acme")) == 1
        assert await found(secureframe, "/cloud_resources", q="vendor_name:acme") == []
        assert await found(secureframe, "/cloud_resources", q="region:null") == []

    @pytest.mark.parametrize(
        ("query", "ids"),
        [
            ("", "123"),
            ("os:mac", "1"),
            ('name:"x y" AND os:mac', "1"),
            (r"name:arn\:aws\:s3 AND n:2", "2"),
            (r'name:"say \"hi\""', "3"),
            ("os:ANDREW AND name:arn*", "2"),
            ("os:mac OR os:win", "13"),
            ("os:mac OR os:win AND n:9", "1"),
            ("(os:mac OR os:win) AND n:3", "3"),
            ("NOT os:mac", "23"),
            ("os:mac AND NOT (n:2 OR n:3)", "1"),
            ("os:ma* OR os:w?n", "13"),
            (r"os:ma\*", ""),
            ("n:[2 TO 3]", "23"),
            ("n:{2 TO *]", "3"),
            ("n:[* TO 3}", "12"),
        ],
    )
    def test_the_language(self, query: str, ids: str) -> None:
        rows = [
            {"n": "1", "os": "mac", "name": "x y"},
            {"n": "2", "os": "ANDREW", "name": "arn:aws:s3"},
            {"n": "3", "os": "win", "name": 'say "hi"'},
        ]
        found = parsed_query(query)
        assert "".join(row["n"] for row in rows if found.matches(row)) == ids

    @pytest.mark.parametrize(
        "query",
        [
            *("a", ":x", "a:", "a:1 b:2", 'a:"open', "a:1 AND", "a:1 AND ", "OR a:1", "(a:1", "a:1)", "a:[1 TO", "NOT"),
            *("a:[1 2]", "a:mac~1", "a:x^2", "a:" + "*x" * 9, "(" * 60 + "a:1" + ")" * 60),
        ],
    )
    def test_what_is_not_of_the_language(self, query: str) -> None:
        with pytest.raises(VendorError):
            parsed_query(query)

    @given(st.text(min_size=1))
    def test_a_quoted_value_is_found_whatever_is_in_it(self, value: str) -> None:
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')

        assert parsed_query(f'b:true AND a:"{escaped}"').matches({"a": value, "b": True})
