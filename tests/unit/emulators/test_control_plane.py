"""Looking into an emulator and steering it."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from proofport.errors import UsageError
from proofport.testing import serve
from proofport_drata.emulator import DrataEmulator


async def test_received_tells_the_whole_request_but_no_secret(drata: Any) -> None:
    await drata("POST", drata.resource + "/records?x=1", {"data": [{"id": "a"}]}, headers={"Cookie": "s=1"})

    (request,) = await drata.served.received()

    assert (request["method"], request["path"]) == ("POST", drata.resource + "/records")
    assert request["query"] == {"x": ["1"]}
    assert request["body"] == {"data": [{"id": "a"}]}
    assert request["status"] == 200
    assert request["headers"]["Content-Type"] == "application/json"
    assert "emulator-key" not in str(request)
    assert "Cookie" not in request["headers"]


async def test_received_keeps_what_is_not_json_and_can_be_cut_to_the_last(drata: Any) -> None:
    await drata("GET", "/public/v2/custom-connections")
    await drata("POST", drata.resource + "/records", data=b"{oops")

    assert [each["body"] for each in await drata.served.control("GET", "received?last=1")] == ["{oops"]
    assert [each["body"] for each in await drata.served.received()] == [None, "{oops"]


async def test_looking_is_not_received(drata: Any) -> None:
    await drata.served.control("GET", "state")
    await drata.served.control("GET", "behaviours")

    assert await drata.served.received() == []


async def test_reset_forgets_everything(drata: Any) -> None:
    await drata.upload([{"id": "a"}])
    await drata.served.faults(latency_ms=1)
    await drata.served.switch(put_record="replace")

    await drata.served.control("POST", "reset")

    assert await drata.served.control("GET", "state") == {"connections": [], "personnel": []}
    assert await drata.served.received() == []
    assert (await drata.served.control("GET", "faults"))["latency_ms"] == 0
    assert (await drata.served.control("GET", "switches"))["put_record"] == "merge"


async def test_seed_without_a_body_is_the_state_at_the_start(drata: Any) -> None:
    before = await drata.served.state()
    await drata.upload([{"id": "a"}])

    await drata.served.control("POST", "seed")

    assert await drata.served.state() == before


async def test_what_state_shows_can_be_seeded_again(drata: Any, secureframe: Any) -> None:
    await drata.upload([{"id": "a", "n": None}])
    await drata.upload([{"id": "b"}], "s-1")
    await drata.act("s-1", "complete")
    await secureframe.publish("cloud_resource", {"id": "i-1", "cloud_resource_type": "ec2_instance"}, {"no": "id"})

    for vendor in (drata, secureframe):
        state = await vendor.served.state()
        assert await vendor.served.control("POST", "reset") == {}
        await vendor.served.control("POST", "seed", **state)
        seeded = await vendor.served.state()
        for connection in state["connections"]:
            for schema in connection.get("schemas", ()):
                schema["failures"] = []
        assert seeded == state


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("seed", {"connections": [{"id": "one"}]}, "connections.0.id"),
        ("seed", {"connections": [{"resources": [{"records": [{"id": 1}]}]}]}, "expected a text"),
        ("seed", {"connexions": []}, "connexions"),
        ("faults", {"partial_item_failures": 2}, "partial_item_failures"),
        ("faults", {"drop": "during"}, "drop"),
        ("faults", {"status": {"code": 200}}, "status.code"),
        ("faults", {"match": {"path": "("}}, "not a regular expression"),
        ("faults", {"flood": 1}, "flood"),
        ("switches", {"put_recrod": "merge"}, "there is no switch 'put_recrod'"),
        ("switches", {"put_record": "mangle"}, "expected one of 'merge', 'replace'"),
        ("switches", {"second_session": True}, "expected one of 409"),
        ("switches", {"rate_limit": -1}, "0 or more"),
        ("switches", {"rate_limit": True}, "expected a whole number"),
        ("switches", {"bearer_key": False}, "cannot be switched"),
        ("define-schema", {"connection_id": "1", "slug": "a", "primary_id": "id"}, "no such step"),
        ("define-schema", {"slug": "a"}, "connection_id"),
    ],
)
async def test_a_wrong_order_is_refused_in_words(drata: Any, path: str, body: dict[str, Any], says: str) -> None:
    before = await drata.served.state()

    status, answer = await drata("POST", f"/_emulator/{path}", body)

    assert status == 400
    assert says in answer["error"]
    assert await drata.served.state() == before


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b""])
async def test_an_order_that_is_no_json_object_is_refused(drata: Any, body: bytes) -> None:
    status, answer = await drata("POST", "/_emulator/faults", data=body)

    assert (status, "JSON" in answer["error"]) == (400, True)


async def test_some_switches_of_a_wrong_order_are_not_set_either(drata: Any) -> None:
    await drata("POST", "/_emulator/switches", {"put_record": "replace", "nonsense": 1})

    assert (await drata.served.control("GET", "switches"))["put_record"] == "merge"


async def test_the_page_shows_itself_without_any_other_host(drata: Any, secureframe: Any) -> None:
    for vendor, path in ((drata, "/"), (secureframe, "/_emulator/"), (drata, "/_emulator")):
        async with vendor.served.client.get(vendor.served.origin + path) as answer:
            page = await answer.text()
        assert answer.content_type == "text/html"
        assert vendor.served.emulator.name in page
        assert "//" not in page.replace("<!doctype html>", "").replace("data:,", "")


async def test_the_overview_shows_what_arrived(drata: Any) -> None:
    await drata.upload([{"id": f"r-{n}"} for n in range(30)])

    overview = await drata.served.control("GET", "overview")

    shelf = overview["objects"][0]
    assert (shelf["count"], shelf["records"][0], len(shelf["records"])) == (30, {"id": "r-0"}, 20)
    assert overview["requests"] == 1
    assert (overview["latest"][0]["method"], overview["latest"][0]["status"]) == ("POST", 200)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", ""])
async def test_no_other_machine_is_listened_to(host: str) -> None:
    with pytest.raises(UsageError, match="does not listen"):
        async with serve(DrataEmulator(), host=host):
            pass


async def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"127.0.0.1:{port}.*\n.*another port"):
            async with serve(DrataEmulator(), port=port):
                pass


async def test_it_listens_on_the_port_asked_for_and_stops() -> None:
    async with serve(DrataEmulator()) as origin:
        port = int(origin.rpartition(":")[2])
    async with serve(DrataEmulator(), port=port) as again:
        assert again == origin
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_ipv6_loopback_has_an_origin_in_brackets() -> None:
    try:
        async with serve(DrataEmulator(), host="::1") as origin:
            assert origin.startswith("http://[::1]:")
    except UsageError:
        pytest.skip("this machine has no ::1")


async def test_the_page_is_told_what_was_answered(drata: Any) -> None:
    await drata("POST", drata.resource + "/records", {"data": [{"id": "a"}, {"id": 5}]})
    await drata("GET", "/public/v2/custom-connections?size=1")
    latest = (await drata.served.control("GET", "overview"))["latest"]
    assert [(each["status"], each["refused"], each["query"]) for each in latest] == [
        (200, False, "size=1"),
        (200, True, ""),
    ]
    assert latest[0]["at"] >= latest[1]["at"] > 0
    assert '"must be string"' in latest[1]["answer"].replace("\\", "")


async def test_a_long_body_is_whole_when_it_is_asked_for(drata: Any) -> None:
    await drata("POST", drata.resource + "/records", {"data": [{"id": "a", "text": "x" * 5_000}]})
    [shown] = (await drata.served.control("GET", "overview"))["latest"]
    assert (shown["cut"], len(shown["beginning"])) == (True, 2_000)
    [whole] = await drata.served.control("GET", f"received?number={shown['number']}")
    assert whole["body"]["data"][0]["text"] == "x" * 5_000
    assert whole["answer"][0]["id"] == "a"


async def test_staged_records_are_shown_as_such(drata: Any) -> None:
    await drata.upload([{"id": "a"}], "snap-1")
    objects = (await drata.served.control("GET", "overview"))["objects"]
    [staged] = [each for each in objects if each["title"] == "staged in snap-1"]
    assert (staged["count"], staged["records"]) == (1, [{"id": "a"}])
