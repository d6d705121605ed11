"""Evidence in over HTTP: what is accepted, what is refused and how, and that it happens once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.support.evidence import cloud_resource, cloud_resources
from tests.support.relay import Relay, relay_config, relaying

from proofport.accounting import Status
from proofport.delivery.lane.payload import unpack
from proofport.evidence import CloudResource
from proofport.journal.contract import Filter
from proofport.testing import Running

KEY = "Idempotency-Key"


@pytest.fixture
async def still(drata_emulator: Running, secureframe_emulator: Running, tmp_path: Path) -> AsyncIterator[Relay]:
    """It accepts, and delivers nothing."""
    async with relaying(relay_config(tmp_path, drata_emulator, secureframe_emulator), deliver=False) as opened:
        yield opened


async def count(relay: Relay) -> int:
    return len((await relay.get("/v1/deliveries"))["items"])


class TestAccepting:
    async def test_records_reach_every_destination_that_was_named(
        self, relay: Relay, drata_emulator: Running, secureframe_emulator: Running
    ) -> None:
        answer = await relay.post(cloud_resources(1, 2), "to=drata&to=secureframe")
        assert answer.status == 202
        assert (answer.body["records"], answer.body["rejected"], answer.body["errors"]) == (2, 0, [])
        assert [each["destination"] for each in answer.body["deliveries"]] == ["drata", "secureframe"]
        await relay.settled()
        found = (await relay.get(answer.headers["Location"]))["items"]
        assert {each["id"] for each in found} == {each["id"] for each in answer.body["deliveries"]}
        assert [each["outcomes"]["delivered"] for each in found] == [2, 2]
        held = (await drata_emulator.state())["connections"][0]["resources"][0]["records"]
        assert [each["id"] for each in held] == ["i-1", "i-2"]
        [connection] = (await secureframe_emulator.state())["connections"]
        [schema] = [each for each in connection["schemas"] if each["slug"] == "cloud_resource"]
        assert [each["id"] for each in schema["resources"]] == ["i-1", "i-2"]

    async def test_one_record_alone_has_a_delivery_of_its_own_to_look_at(self, relay: Relay) -> None:
        answer = await relay.post(cloud_resource(1))
        assert answer.headers["Location"] == f"/v1/deliveries/{answer.body['deliveries'][0]['id']}"
        await relay.settled()
        delivery = await relay.get(answer.headers["Location"])
        assert (delivery["state"], delivery["records"], delivery["assurance"]) == ("done", 1, {"confirmed": 1})

    async def test_ndjson_is_taken_line_by_line(self, still: Relay) -> None:
        lines = b"\n\n".join(orjson.dumps(cloud_resource(n)) for n in range(1_200))
        answer = await still.post(lines)
        assert answer.status == 202
        assert [each["records"] for each in answer.body["deliveries"]] == [500, 500, 200]
        assert answer.headers["Location"] == f"/v1/deliveries?submission={answer.body['submission']}"

    @pytest.mark.parametrize("between", [b"", b"\n"])
    async def test_json_values_one_after_the_other_are_records(self, still: Relay, between: bytes) -> None:
        one, two, three = (orjson.dumps(cloud_resource(n)) for n in range(3))
        body = between.join([one, b"[" + two + b"]", three])
        answer = await still.post(body, headers={"Content-Type": "application/json"})
        assert (answer.status, answer.body["records"]) == (202, 3)
        cut = await still.post(one + between + two[:-1], headers={"Content-Type": "application/json"})
        assert (cut.status, cut.body["type"]) == (400, "urn:proofport:problem:malformed-body")

    @pytest.mark.parametrize("media", ["application/json", "application/scim+json", "application/x-ndjson"])
    @pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "after a byte order mark"])
    @pytest.mark.parametrize("end", [b"\n", b""], ids=["ended", "not ended"])
    async def test_what_is_json_is_taken(self, still: Relay, media: str, mark: bytes, end: bytes) -> None:
        body = mark + orjson.dumps(cloud_resource(1)) + end
        answer = await still.post(body, headers={"Content-Type": media})
        assert (answer.status, answer.body["records"], answer.body["errors"]) == (202, 1, [])

    async def test_a_key_that_stands_twice_is_refused(self, still: Relay) -> None:
        twice = orjson.dumps(cloud_resource(1, public=True))[:-1] + b',"public":false}'
        answer = await still.post(twice, headers={"Content-Type": "application/json"})
        assert (answer.status, answer.body["type"]) == (400, "urn:proofport:problem:malformed-body")
        assert "the key 'public' stands twice in one object" in answer.body["detail"]
        answer = await still.post(twice + b"\n" + orjson.dumps(cloud_resource(2)))
        assert answer.status == 422
        assert "stands twice" in answer.body["errors"][0]["found"]

    async def test_a_source_mapping_is_applied(self, relay: Relay, drata_emulator: Running) -> None:
        instance = {"InstanceId": "i-9", "State": {"Name": "running"}, "Placement": {"AvailabilityZone": "eu-west-1a"}}
        raw = {"Reservations": [{"OwnerId": "123", "Instances": [instance]}]}
        answer = await relay.post(raw, "to=drata&source=aws.ec2.instances&set=region=eu-west-1")
        assert (answer.status, answer.body["records"]) == (202, 1)
        await relay.settled()
        [held] = (await drata_emulator.state())["connections"][0]["resources"][0]["records"]
        assert (held["id"], held["region"]) == ("i-9", "eu-west-1")

    async def test_the_order_of_fields_makes_no_difference(self, relay: Relay) -> None:
        given = cloud_resource(1, tags=[{"key": "team", "value": "blue"}], extras={"drata": {"b": 1, "a": 2}})
        posted = {**dict(reversed(given.items())), "tags": [{"value": "blue", "key": "team"}]}
        await relay.post([posted], "to=drata&to=secureframe")
        first, _ = await relay.settled()
        [delivery] = await (await relay.gateway.journal()).find(Filter(ids=[first["id"]]))
        [stored] = unpack(delivery.payload)
        assert list(stored) == [name for name in CloudResource.model_fields if name in given]
        to = ["drata", "secureframe"]
        report = await relay.gateway.push([given], to=to, kind="cloud_resource", mode="upsert", skip_unchanged=True)
        assert {books.tally.status[Status.UNCHANGED] for books in report.destinations.values()} == {1}

    async def test_null_and_omitted_stay_two_things(self, still: Relay) -> None:
        await still.post([{"id": "1", "a": None, "b": False}], kind="custom:thing")
        answer = await still.ask(
            "POST", "/v1/preview?kind=cloud_resource&to=drata", json=cloud_resource(1, region=None)
        )
        [shown] = answer.body["items"]
        assert shown["evidence"]["region"] is None
        assert "account_id" not in shown["evidence"]

    async def test_what_was_accepted_survives_the_relay(
        self, drata_emulator: Running, secureframe_emulator: Running, tmp_path: Path
    ) -> None:
        settings = relay_config(tmp_path, drata_emulator)
        async with relaying(settings, deliver=False) as first:
            await first.post(cloud_resources(1))
        async with relaying(settings) as second:
            [delivery] = await second.settled()
        assert delivery["outcomes"]["delivered"] == 1

    async def test_a_removal_of_an_unknown_id_is_unchanged_and_says_so(self, relay: Relay) -> None:
        await relay.post([cloud_resource(1)], "to=drata")
        await relay.settled()
        answer = await relay.post([{"id": "i-1"}, {"id": "typo"}], "to=drata&mode=remove")
        await relay.settled()
        number = answer.body["deliveries"][0]["id"]
        delivery = await relay.get(f"/v1/deliveries/{number}")
        outcomes = delivery["outcomes"]
        assert (delivery["state"], outcomes["delivered"], outcomes["unchanged"]) == ("done", 1, 1)
        gone, typo = (await relay.get(f"/v1/deliveries/{number}/records"))["items"]
        assert (gone["outcome"], gone["reason"], gone["problem"]) == ("delivered", None, None)
        assert (typo["outcome"], typo["reason"], typo["problem"]["field"]) == ("unchanged", "not_known", "id")

    async def test_two_devices_that_are_one_at_the_vendor_are_not_both_delivered(
        self, relay: Relay, drata_emulator: Running
    ) -> None:
        common = {"owner_email": "ana@example.com", "platform": "linux", "os_version": "6"}
        given = [{"id": f"d-{n}", "serial_number": serial, **common} for n, serial in enumerate(("", "", "S1", "s1"))]
        answer = await relay.post(given, "to=drata", kind="device")
        await relay.settled()
        found = (await relay.get(f"/v1/deliveries/{answer.body['deliveries'][0]['id']}/records"))["items"]
        assert [each["outcome"] for each in found] == ["delivered", "delivered", "delivered", "rejected"]
        assert "d-2 at record 3 of delivery" in found[3]["problem"]["found"]
        connections = (await drata_emulator.state())["connections"]
        held = [device["externalId"] for each in connections for device in each["devices"]]
        assert held == ["d-0", "d-1", "d-2"]

    async def test_removals_and_patches_are_queued_like_anything_else(self, relay: Relay) -> None:
        await relay.post(cloud_resources(1))
        await relay.post([{"id": "i-1"}], "to=drata&mode=remove")
        assert [(each["mode"], each["outcomes"]["delivered"]) for each in await relay.settled()] == [
            ("upsert", 1),
            ("remove", 1),
        ]


class TestRefusing:
    async def test_all_or_nothing_with_every_mistake(self, still: Relay) -> None:
        bad: list[Any] = [
            cloud_resource(1),
            {"id": "i-2", "type": 5, "regio": "eu"},
            7,
            {**cloud_resource(3), "tags": [{"key": 1}]},
        ]
        answer = await still.post(bad)
        assert (answer.status, answer.problem) == (422, "invalid-records")
        assert [(each["record"], each["pointer"], each["id"]) for each in answer.body["errors"]] == [
            (2, "/1/type", "i-2"),
            (2, "/1/regio", "i-2"),
            (3, "/2", None),
            (4, "/3/tags/0/key", "i-3"),
        ]
        assert answer.body["error_count"] == 4
        first, second, *_ = answer.body["errors"]
        assert (first["found"], first["expected"]) == ("5", "text")
        assert second["hint"] == "Did you mean 'region'?"
        assert await count(still) == 0

    async def test_the_good_ones_are_taken_when_that_is_asked_for(self, still: Relay) -> None:
        body = b'{"id": "a", "type": "x", "name": "n"}\n\n{"id":\n[]\n{"id": "b", "type": "x", "name": "n"}'
        answer = await still.post(body, "to=drata&accept=valid")
        assert (answer.status, answer.body["records"], answer.body["rejected"]) == (202, 2, 2)
        assert [(each["pointer"], each["line"]) for each in answer.body["errors"]] == [("/1", 3), ("/2", 4)]
        [delivery] = answer.body["deliveries"]
        records = (await still.get(f"/v1/deliveries/{delivery['id']}/records"))["items"]
        assert [each["id"] for each in records] == ["a", "b"]

    @pytest.mark.parametrize("accept", ["all", "valid"])
    @pytest.mark.parametrize("body", [[], [{}], [1, 2]])
    async def test_nothing_good_is_nothing_to_accept(self, still: Relay, body: Any, accept: str) -> None:
        answer = await still.post(body, f"to=drata&accept={accept}")
        assert (answer.status, answer.problem) == (422, "invalid-records")
        assert await count(still) == 0

    async def test_mistakes_beyond_a_thousand_are_counted(self, still: Relay) -> None:
        answer = await still.post([{"id": n} for n in range(1_100)])
        assert (len(answer.body["errors"]), answer.body["error_count"]) == (1_000, 2_200)

    @pytest.mark.parametrize(
        ("query", "kind", "status", "problem", "words"),
        [
            ("", "cloud_resource", 400, "invalid-parameters", "to: found nothing"),
            ("to=dratta", "cloud_resource", 422, "unknown-name", "expected one of drata, secureframe"),
            ("to=drata&mode=snapshot", "cloud_resource", 400, "invalid-parameters", "'upsert', 'patch' or 'remove'"),
            ("to=drata&accept=some", "cloud_resource", 400, "invalid-parameters", "'all' or 'valid'"),
            ("to=drata&mode=patch&mode=remove", "cloud_resource", 400, "invalid-parameters", "mode 2 times"),
            ("to=drata&fro=me", "cloud_resource", 400, "invalid-parameters", "the parameter fro"),
            ("to=drata&source=nothing", "cloud_resource", 422, "unknown-name", "no mapping 'nothing'"),
            ("to=drata&source=csv.training", "cloud_resource", 422, "unknown-name", "several kinds"),
            ("to=drata&set=a", "cloud_resource", 400, "invalid-parameters", "set: found"),
            ("to=drata&set=a=b", "cloud_resource", 422, "unknown-name", "takes 'a'"),
            ("to=drata", "cloud", 404, "not-found", "there is no kind 'cloud'"),
            ("to=drata", "custom:unknown", 422, "not-deliverable", "drata is not configured for custom:unknown"),
            ("to=drata&mode=patch", "cloud_resource", 422, "not-deliverable", "put_merge"),
        ],
    )
    async def test_what_cannot_be_asked_is_said(
        self, still: Relay, query: str, kind: str, status: int, problem: str, words: str
    ) -> None:
        answer = await still.post(cloud_resources(1), query, kind=kind)
        assert (answer.status, answer.problem) == (status, problem)
        assert words in f"{answer.body['detail']} {answer.body.get('hint')}"
        assert await count(still) == 0

    @pytest.mark.parametrize(
        ("media", "body", "status", "problem"),
        [
            (None, b"[]", 415, "unsupported-media-type"),
            ("text/csv", b"id", 415, "unsupported-media-type"),
            ("text/plain", b'{"id": "1", "type": "x"}', 415, "unsupported-media-type"),
            ("image/svg+json", b'{"id": "1", "type": "x"}', 415, "unsupported-media-type"),
            ("application/json", b"", 400, "malformed-body"),
            ("application/json", b"{", 400, "malformed-body"),
            ("application/json", b'"\xff"', 400, "malformed-body"),
            ("application/json", b'{"id": NaN}', 400, "malformed-body"),
            ("application/json", b'{"id": ' + b"9" * 5_000 + b"}", 400, "malformed-body"),
            ("application/json", b'[{"id": "1", "type": "x", "n": 123456789012345678901234}]', 422, "invalid-records"),
            ("application/x-ndjson", b"", 422, "invalid-records"),
            ("application/x-ndjson", b"{\n", 422, "invalid-records"),
        ],
    )
    async def test_a_body_that_cannot_be_read(
        self, still: Relay, media: str | None, body: bytes, status: int, problem: str
    ) -> None:
        headers = {"Content-Type": media} if media else {}
        skip = [] if media else ["Content-Type"]
        answer = await still.ask(
            "POST", "/v1/evidence/cloud_resource?to=drata", data=body, headers=headers, skip_auto_headers=skip
        )
        assert (answer.status, answer.problem) == (status, problem)
        assert await count(still) == 0


class TestOnce:
    async def test_the_first_answer_again(self, still: Relay) -> None:
        records, headers = cloud_resources(1, 2), {KEY: "mine"}
        first = await still.post(records, "to=drata&to=secureframe", headers=headers)
        again = await still.post(records, "to=drata&to=secureframe", headers=headers)
        assert (first.status, again.status) == (202, 202)
        assert again.body == first.body
        assert again.headers["Location"] == first.headers["Location"]
        assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
        assert await count(still) == 2

    @pytest.mark.parametrize(
        ("records", "query"),
        [
            (cloud_resources(2), "to=drata"),
            (cloud_resources(1), "to=secureframe"),
            (cloud_resources(1), "to=drata&mode=remove"),
            (cloud_resources(1), "to=drata&accept=valid"),
        ],
    )
    async def test_another_request_under_the_same_key_is_refused(self, still: Relay, records: Any, query: str) -> None:
        await still.post(cloud_resources(1), headers={KEY: "mine"})
        answer = await still.post(records, query, headers={KEY: "mine"})
        assert (answer.status, answer.problem) == (422, "idempotency-key-reused")
        assert await count(still) == 1

    async def test_many_at_once_are_accepted_once(self, still: Relay) -> None:
        answers = await asyncio.gather(*[still.post(cloud_resources(1), headers={KEY: "mine"}) for _ in range(20)])
        assert {answer.status for answer in answers} == {202}
        assert len({answer.body["submission"] for answer in answers}) == 1
        assert await count(still) == 1

    async def test_a_key_outlives_the_relay(self, drata_emulator: Running, tmp_path: Path) -> None:
        settings = relay_config(tmp_path, drata_emulator)
        bodies = []
        for _ in range(2):
            async with relaying(settings) as opened:
                bodies.append((await opened.post(cloud_resources(1), headers={KEY: "mine"})).body)
                assert len(await opened.settled()) == 1
        assert bodies[0] == bodies[1]

    async def test_what_was_refused_leaves_the_key_free(self, still: Relay) -> None:
        assert (await still.post([{}], headers={KEY: "mine"})).status == 422
        assert (await still.post(cloud_resources(1), headers={KEY: "mine"})).status == 202

    @pytest.mark.parametrize("key", ["", " ", "x" * 256])
    async def test_a_key_has_its_form(self, still: Relay, key: str) -> None:
        answer = await still.post(cloud_resources(1), headers={KEY: key})
        assert (answer.status, answer.problem) == (400, "invalid-parameters")
