"""Direct records of the Drata emulator."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from yarl import URL

STRICT = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "size": {"type": ["integer", "null"]}},
    "required": ["id", "size"],
    "additionalProperties": False,
}


@pytest.fixture
async def strict(drata: Any) -> Any:
    """The same client on a resource with a strict schema."""
    resource = {"id": 7, "schema": STRICT}
    await drata.served.control("POST", "seed", connections=[{"id": 3, "resources": [resource]}])
    drata.resource = "/public/v2/custom-connections/3/resources/7"
    return drata


async def test_an_array_is_answered_by_an_array(drata: Any) -> None:
    status, results = await drata.upload([{"id": "a"}, {"id": "b", "n": None, "off": False}])

    assert status == 200
    assert [(each["id"], each["statusCode"], each["data"]) for each in results] == [
        ("a", 201, {"id": "a"}),
        ("b", 201, {"id": "b", "n": None, "off": False}),
    ]
    assert "T" not in results[0]["createdAt"]
    assert await drata.live() == {"a": {"id": "a"}, "b": {"id": "b", "n": None, "off": False}}


async def test_an_object_is_answered_by_an_object(drata: Any) -> None:
    assert (await drata.upload({"id": "a"}))[0] == 201
    status, result = await drata.upload({"id": "a"})

    assert (status, result["id"], result["statusCode"]) == (200, "a", 200)


async def test_an_upsert_replaces_the_record_and_no_other(drata: Any) -> None:
    await drata.upload([{"id": "a", "x": 1}, {"id": "b"}])
    _, results = await drata.upload([{"id": "a", "y": 2}])

    assert results[0]["statusCode"] == 200
    assert await drata.live() == {"a": {"id": "a", "y": 2}, "b": {"id": "b"}}


async def test_an_upsert_that_merges_is_the_other_reading(drata: Any) -> None:
    await drata.served.switch(upsert_existing="merge")
    await drata.upload([{"id": "a", "x": 1}])
    await drata.upload([{"id": "a", "y": 2}])

    assert await drata.live() == {"a": {"id": "a", "x": 1, "y": 2}}


async def test_a_bad_item_is_reported_under_a_good_status_and_not_stored(strict: Any) -> None:
    status, results = await strict.upload([{"id": "a", "size": 1}, {"id": "b", "extra": True}])

    assert status == 200
    assert "error" not in results[0]
    assert results[1] == {
        "statusCode": 201,
        "data": {"id": "b", "extra": True},
        "error": {
            "message": "Schema validation failed for data: "
            '[{"":"must have required property \'size\'"},{"":"must NOT have additional properties"}]',
            "code": 28022,
        },
    }
    assert await strict.live() == {"a": {"id": "a", "size": 1}}


async def test_the_form_of_an_error_has_other_readings(strict: Any) -> None:
    await strict.served.switch(
        failed_item_status=400, item_error="nested", failed_item_has_id=True, array_upload_status=201
    )

    status, (result,) = await strict.upload([{"id": "b"}])

    assert (status, result["statusCode"], result["id"]) == (201, 400, "b")
    assert result["error"]["error"]["code"] == 28022


async def test_one_bad_item_may_keep_the_good_ones_out(strict: Any) -> None:
    await strict.served.switch(mixed_array="store_nothing")
    await strict.upload([{"id": "a", "size": 1}, {"id": "b"}])

    assert await strict.live() == {}


@pytest.mark.parametrize(("reading", "status"), [("item", 201), ("400", 400)])
async def test_one_bad_record_has_two_readings(strict: Any, reading: str, status: int) -> None:
    await strict.served.switch(single_failure=reading)

    answered, body = await strict.upload({"id": "a", "size": "big"})

    assert answered == status
    assert (body["error"] if status == 201 else body)["code"] == 28022
    assert await strict.live() == {}


@pytest.mark.parametrize("reading", ["generate", "refuse"])
async def test_a_record_without_an_id_has_two_readings(drata: Any, reading: str) -> None:
    await drata.served.switch(record_without_id=reading)

    _, (result,) = await drata.upload([{"n": 1}])

    assert ("error" in result) == (reading == "refuse")
    assert len(await drata.live()) == (reading == "generate")


async def test_an_id_is_a_text(drata: Any) -> None:
    _, (result,) = await drata.upload([{"id": 5}])

    assert '{"/id":"must be string"}' in result["error"]["message"]


@pytest.mark.parametrize("body", [{}, {"data": 5}, {"data": [5]}, {"data": None}, [], [{"id": "a"}], "x"])
async def test_what_is_no_upload_is_refused(drata: Any, body: Any) -> None:
    assert (await drata("POST", drata.resource + "/records", body))[0] == 400


async def test_what_is_no_json_is_refused(drata: Any) -> None:
    assert (await drata("POST", drata.resource + "/records", data=b'{"data": [{"id": NaN}]}'))[0] == 400


class TestPut:
    async def test_it_merges(self, drata: Any) -> None:
        await drata.upload([{"id": "a", "x": 1, "y": 1}])

        status, record = await drata("PUT", drata.resource + "/records/a", {"data": {"y": 2}})

        assert (status, record["attributes"]) == (200, {"id": "a", "x": 1, "y": 2})
        assert await drata.live() == {"a": {"id": "a", "x": 1, "y": 2}}

    async def test_replacing_is_the_other_reading(self, drata: Any) -> None:
        await drata.served.switch(put_record="replace")
        await drata.upload([{"id": "a", "x": 1}])

        await drata("PUT", drata.resource + "/records/a", {"data": {"y": 2}})

        assert await drata.live() == {"a": {"id": "a", "y": 2}}

    async def test_it_is_refused_as_a_whole(self, strict: Any) -> None:
        await strict.upload([{"id": "a", "size": 1}])

        status, body = await strict("PUT", strict.resource + "/records/a", {"data": {"size": "big"}})

        assert (status, body["code"]) == (400, 28022)
        assert (await strict("PUT", strict.resource + "/records/zz", {"data": {}}))[0] == 404
        assert (await strict("PUT", strict.resource + "/records/a", {"data": []}))[0] == 400
        assert await strict.live() == {"a": {"id": "a", "size": 1}}


@pytest.mark.parametrize("record_id", ["a/b", "a b", "a%b", "ü", "a%2Fb", "arn:aws:ec2::1:i/2", "?x=1#y"])
async def test_a_percent_encoded_id_is_found_and_deleted(drata: Any, record_id: str) -> None:
    await drata.upload([{"id": record_id}, {"id": "stays"}])

    path = f"{drata.resource}/records/{quote(record_id, safe='')}"
    url = URL(drata.served.origin + path, encoded=True)
    async with drata.served.client.delete(url, headers={"Authorization": drata.authorization}) as answer:
        assert answer.status == 204
    async with drata.served.client.delete(url, headers={"Authorization": drata.authorization}) as answer:
        assert answer.status == 404

    assert list(await drata.live()) == ["stays"]
