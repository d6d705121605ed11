"""Publishing to the Secureframe emulator: queued, then processed where only the operator can see it."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from proofport_secureframe.emulator import SecureframeEmulator
from proofport_secureframe.emulator.emulator import READER
from proofport_secureframe.emulator.model import Publication

CONNECTION = "5f0c0c0e-0000-4000-8000-000000000001"
PATH = f"/custom_connections/{CONNECTION}/data"
EC2 = {"id": "i-1", "cloud_resource_type": "ec2_instance", "region": "eu-west-1"}
ACCOUNT = {"id": "u-1", "email": "ana@example.com"}
TRAINING = {"id": "t-1", "user_email": "ana@example.com", "training_slug": "gdpr_training"}
DONE = {**TRAINING, "completed_at": "2026-03-02T09:30:00Z"}
SHIPS = {"connection_id": CONNECTION, "slug": "ships", "primary_id": "hull"}
PUBLICATION = {"schema_slug": "cloud_resource", "vendor_slug": "acme", "resource_data": [EC2]}


async def test_a_publication_is_accepted_without_a_body_and_then_stored(secureframe: Any) -> None:
    assert await secureframe.publish("cloud_resource", EC2) == (202, None)

    assert await secureframe.resources("cloud_resource") == {"i-1": EC2}


class TestRefused:
    @pytest.mark.parametrize(
        "authorization", [None, "Bearer {0} {1}", "{0}", "{0}  {1}", "{0}:{1}", "{1} {0}", "Basic {0}", "{0} wrong"]
    )
    async def test_the_header_is_the_key_a_blank_and_the_secret(
        self, secureframe: Any, authorization: str | None
    ) -> None:
        block = secureframe.served.destination()
        secureframe.authorization = authorization and authorization.format(block["api_key"], block["api_secret"])

        assert await secureframe.publish("cloud_resource", EC2) == (401, {"message": "Authorization failed"})
        assert await secureframe.resources("cloud_resource") == {}

    async def test_a_key_that_may_only_read(self, secureframe: Any) -> None:
        secureframe.authorization = " ".join(READER)

        assert (await secureframe.publish("cloud_resource", EC2))[0] == 403
        assert (await secureframe("GET", "/cloud_resources"))[0] == 200

    async def test_an_unknown_connection_is_asked_before_the_permission(self, secureframe: Any) -> None:
        secureframe.authorization = " ".join(READER)
        unknown = PATH.replace("0001/", "0002/")

        assert (await secureframe("POST", unknown, PUBLICATION))[0] == 404

    @pytest.mark.parametrize("status", [400, 403, 404])
    async def test_a_wrong_vendor_slug(self, secureframe: Any, status: int) -> None:
        await secureframe.served.switch(wrong_vendor_slug=status)

        assert (await secureframe.publish("cloud_resource", EC2, vendor_slug="Acme"))[0] == status

    @pytest.mark.parametrize("status", [202, 400])
    async def test_an_empty_publication(self, secureframe: Any, status: int) -> None:
        await secureframe.served.switch(empty_resource_data=status)

        assert (await secureframe.publish("cloud_resource"))[0] == status

    @pytest.mark.parametrize(
        "changes",
        [
            {"schema_slug": None},
            {"schema_slug": ""},
            {"schema_slug": 5},
            {"vendor_slug": None},
            {"resource_data": None},
            {"resource_data": EC2},
            {"resource_data": [EC2, "i-2"]},
            {"partial": "true"},
            {"partial": None},
        ],
    )
    async def test_a_malformed_body(self, secureframe: Any, changes: dict[str, Any]) -> None:
        assert (await secureframe("POST", PATH, {**PUBLICATION, **changes}))[0] == 400
        assert await secureframe.resources("cloud_resource") == {}

    @pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b'{"schema_slug":"a","vendor_slug":"acme"}'])
    async def test_what_is_no_publication_at_all(self, secureframe: Any, body: bytes) -> None:
        assert (await secureframe("POST", PATH, data=body))[0] == 400

    async def test_a_bottomless_object(self, secureframe: Any) -> None:
        body = b'{"schema_slug":"a","vendor_slug":"acme","resource_data":[' + b'{"a":' * 990 + b"1" + b"}" * 990 + b"]}"

        assert (await secureframe("POST", PATH, data=body))[0] == 400


class TestQueue:
    async def test_what_waits_is_visible_and_not_yet_stored(self, secureframe: Any) -> None:
        await secureframe.served.faults(processing_ms=3_600_000)
        await secureframe.publish("cloud_resource", EC2)
        await secureframe.publish("cloud_resource", {**EC2, "region": "us-east-1"})

        connection = (await secureframe.served.control("GET", "state"))["connections"][0]

        assert connection["queued"] == 2
        assert connection["schemas"][0]["resources"] == []

    async def test_it_is_worked_through_in_order_across_schemas(self, secureframe: Any) -> None:
        await secureframe.served.faults(processing_ms=3_600_000)
        for region in ("a", "b", "c"):
            await secureframe.publish("cloud_resource", {**EC2, "region": region})
            await secureframe.publish("software_package", {"id": "p", "seen": region})

        assert (await secureframe.resources("cloud_resource"))["i-1"]["region"] == "c"
        assert (await secureframe.resources("software_package"))["p"]["seen"] == "c"

    async def test_it_stops_with_the_application(self) -> None:
        emulator = SecureframeEmulator()
        emulator.seed()
        connection = next(iter(emulator.company.connections.values()))
        emulator.faults = emulator.faults.model_copy(update={"processing_ms": 3_600_000})
        emulator.workers.enqueue(connection, Publication("cloud_resource", [EC2], partial=False))
        await emulator.stop()

        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
        assert len(connection.queue) == 1

    async def test_a_reset_leaves_nothing_to_arrive_later(self, secureframe: Any) -> None:
        await secureframe.served.faults(processing_ms=3_600_000)
        await secureframe.publish("cloud_resource", EC2)

        await secureframe.served.control("POST", "seed")

        assert await secureframe.resources("cloud_resource") == {}

    async def test_a_duplicate_delivery_converges(self, secureframe: Any) -> None:
        await secureframe.served.switch(duplicate_delivery=True)
        await secureframe.publish("cloud_resource", EC2, {"no": "id"})

        assert await secureframe.resources("cloud_resource") == {"i-1": EC2}
        assert len(await secureframe.reasons("cloud_resource")) == 2


class TestShape:
    async def test_arrays_are_lost_wherever_they_stand(self, secureframe: Any) -> None:
        await secureframe.publish("software_package", {"id": "p", "tags": ["a"], "part": {"list": [], "n": 1}})

        assert await secureframe.resources("software_package") == {"p": {"id": "p", "part": {"n": 1}}}

    async def test_a_full_object_replaces_and_leaves_the_others(self, secureframe: Any) -> None:
        await secureframe.publish("cloud_resource", EC2, {**EC2, "id": "i-2"})
        await secureframe.publish("cloud_resource", {"id": "i-1", "cloud_resource_type": "ec2_volume"})

        stored = await secureframe.resources("cloud_resource")
        assert stored["i-1"] == {"id": "i-1", "cloud_resource_type": "ec2_volume"}
        assert stored["i-2"]["region"] == "eu-west-1"

    @pytest.mark.parametrize(("reading", "stored"), [("stored", {"id": "p", "n": None}), ("absent", {"id": "p"})])
    async def test_null_in_a_full_object(self, secureframe: Any, reading: str, stored: dict[str, Any]) -> None:
        await secureframe.served.switch(null_in_full=reading)
        await secureframe.publish("software_package", {"id": "p", "n": None})

        assert await secureframe.resources("software_package") == {"p": stored}


class TestPartial:
    async def test_it_sets_deletes_and_leaves(self, secureframe: Any) -> None:
        await secureframe.publish("personnel_account", {**ACCOUNT, "active": True, "username": "ana"})

        await secureframe.publish("personnel_account", {"id": "u-1", "active": False, "username": None}, partial=True)

        assert await secureframe.resources("personnel_account") == {"u-1": {**ACCOUNT, "active": False}}

    async def test_it_needs_the_primary_id(self, secureframe: Any) -> None:
        await secureframe.publish("personnel_account", {"active": False}, partial=True)

        assert await secureframe.reasons("personnel_account") == ["missing primary ID id"]

    @pytest.mark.parametrize("reading", ["fails", "creates"])
    async def test_an_unknown_resource(self, secureframe: Any, reading: str) -> None:
        await secureframe.served.switch(partial_of_unknown=reading)
        await secureframe.publish("personnel_account", ACCOUNT, partial=True)

        assert len(await secureframe.resources("personnel_account")) == (reading == "creates")
        assert len(await secureframe.reasons("personnel_account")) == (reading == "fails")

    @pytest.mark.parametrize(("reading", "part"), [("replace", {"b": 2}), ("merge", {"a": 1, "b": 2})])
    async def test_a_nested_object(self, secureframe: Any, reading: str, part: dict[str, Any]) -> None:
        await secureframe.served.switch(partial_nested=reading)
        await secureframe.publish("software_package", {"id": "p", "part": {"a": 1}})
        await secureframe.publish("software_package", {"id": "p", "part": {"b": 2}}, partial=True)

        assert (await secureframe.resources("software_package"))["p"]["part"] == part

    async def test_deleting_what_the_mapping_needs_fails(self, secureframe: Any) -> None:
        await secureframe.publish("personnel_account", ACCOUNT)
        await secureframe.publish("personnel_account", {"id": "u-1", "email": None}, partial=True)

        assert await secureframe.resources("personnel_account") == {"u-1": ACCOUNT}
        assert await secureframe.reasons("personnel_account") == ["missing required field email"]


class TestMapping:
    @pytest.mark.parametrize(
        ("slug", "item", "reason"),
        [
            ("cloud_resource", {"cloud_resource_type": "ec2_instance"}, "missing primary ID id"),
            ("cloud_resource", {**EC2, "id": None}, "missing primary ID id"),
            ("cloud_resource", {**EC2, "id": ""}, "missing primary ID id"),
            ("cloud_resource", {"id": "i-1"}, "missing required field cloud_resource_type"),
            ("cloud_resource", {**EC2, "cloud_resource_type": "aws_ec2_instance"}, "'aws_ec2_instance' is not one of"),
            ("cloud_resource", {**EC2, "region": 5}, "region is not a string"),
            ("training_record", {"id": "t-1", "training_slug": "gdpr_training"}, "missing required field user_email"),
            ("training_record", {**DONE, "training_slug": "GDPR"}, "training_slug 'GDPR' is not one of"),
            ("personnel_account", {"id": "u-1"}, "missing required field email"),
            ("personnel_account", {**ACCOUNT, "admin": "yes"}, "admin is not a boolean"),
            ("device", {"id": "d-1", "active": 1}, "active is not a boolean"),
        ],
    )
    async def test_what_cannot_be_mapped_is_accepted_and_fails_later(
        self, secureframe: Any, slug: str, item: dict[str, Any], reason: str
    ) -> None:
        assert (await secureframe.publish(slug, item))[0] == 202

        assert await secureframe.resources(slug) == {}
        assert reason in (await secureframe.reasons(slug))[0]

    async def test_the_good_items_of_a_publication_are_stored(self, secureframe: Any) -> None:
        await secureframe.publish("cloud_resource", {"id": "bad"}, EC2)

        assert await secureframe.resources("cloud_resource") == {"i-1": EC2}

    async def test_refusing_at_once_is_the_other_reading(self, secureframe: Any) -> None:
        await secureframe.served.switch(unmappable="refused")

        assert (await secureframe.publish("cloud_resource", EC2, {"id": "bad"}))[0] == 400
        assert await secureframe.resources("cloud_resource") == {}
        assert (await secureframe.publish("cloud_resource", EC2))[0] == 202
        assert (await secureframe.publish("new_schema", {"no": "id"}))[0] == 202

    @pytest.mark.parametrize(
        ("switch", "item"),
        [
            ("missing_required", {"id": "i-1", "cloud_resource_type": "ec2_instance"}),
            ("unlisted_enum", {"id": "i-1", "cloud_resource_type": "spaceship"}),
            ("wrong_type", {**EC2, "account": 5}),
        ],
    )
    async def test_what_fails_may_be_kept(self, secureframe: Any, switch: str, item: dict[str, Any]) -> None:
        await secureframe.served.switch(**{switch: "kept"})
        await secureframe.publish("cloud_resource", item)

        assert await secureframe.resources("cloud_resource") == {"i-1": item}

    async def test_a_missing_required_field_may_be_kept(self, secureframe: Any) -> None:
        await secureframe.served.switch(missing_required="kept")
        await secureframe.publish("personnel_account", {"id": "u-1"})

        assert "u-1" in await secureframe.resources("personnel_account")

    async def test_a_training_without_a_completion_is_not_processed_unless_the_newer_documents_are_chosen(
        self, secureframe: Any
    ) -> None:
        await secureframe.publish("training_record", TRAINING)
        assert await secureframe.resources("training_record") == {}
        assert await secureframe.reasons("training_record") == ["missing required field completed_at"]

        await secureframe.served.switch(completed_at_required=False)
        await secureframe.publish("training_record", TRAINING)
        assert await secureframe.resources("training_record") == {"t-1": TRAINING}

    @pytest.mark.parametrize(("revision", "stored"), [("R3", 1), ("R2", 0)])
    async def test_the_newest_types_depend_on_the_revision(self, secureframe: Any, revision: str, stored: int) -> None:
        await secureframe.served.switch(cloud_resource_types=revision)
        await secureframe.publish("cloud_resource", {**EC2, "cloud_resource_type": "datadog_monitor"})

        assert len(await secureframe.resources("cloud_resource")) == stored


class TestDefineSchema:
    async def test_a_new_slug_makes_an_undefined_schema_that_processes_nothing(self, secureframe: Any) -> None:
        assert (await secureframe.publish("ships", {"hull": "h-1"}))[0] == 202

        schema = await secureframe.schema("ships")
        assert (schema["defined"], schema["primary_id"], schema["resources"], schema["dropped"]) == (False, None, [], 1)

    async def test_once_defined_it_processes(self, secureframe: Any) -> None:
        await secureframe.publish("ships", {"hull": "h-1"})
        await secureframe.served.state()
        await secureframe.served.control("POST", "define-schema", **SHIPS)
        await secureframe.publish("ships", {"hull": "h-2"})

        assert (await secureframe.schema("ships"))["resources"] == [{"hull": "h-2"}]

    async def test_what_came_before_may_have_been_held(self, secureframe: Any) -> None:
        await secureframe.served.switch(before_definition="held")
        await secureframe.publish("ships", {"hull": "h-1"})
        assert (await secureframe.schema("ships"))["held"] == 1

        await secureframe.served.control("POST", "define-schema", **SHIPS)

        schema = await secureframe.schema("ships")
        assert (schema["resources"], schema["held"], schema["dropped"]) == ([{"hull": "h-1"}], 0, 0)

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"connection_id": "5f0c0c0e-0000-4000-8000-000000000009"}, "no connection"),
            ({"slug": "boats"}, "no schema 'boats' yet"),
            ({"primary_id": "name"}, "has no field 'name'; its fields are hull"),
            ({"model": "ship"}, "no model 'ship'"),
        ],
    )
    async def test_what_cannot_be_defined(self, secureframe: Any, changes: dict[str, str], says: str) -> None:
        await secureframe.publish("ships", {"hull": "h-1", "crew": [], "flag": None})
        await secureframe.served.state()

        with pytest.raises(ValueError, match=says):
            await secureframe.served.control("POST", "define-schema", **{**SHIPS, **changes})

        assert not (await secureframe.schema("ships"))["defined"]

    async def test_the_primary_id_never_changes(self, secureframe: Any) -> None:
        with pytest.raises(ValueError, match="can never be changed"):
            await secureframe.served.control(
                "POST", "define-schema", connection_id=CONNECTION, slug="cloud_resource", primary_id="region"
            )

    @pytest.mark.parametrize(("reading", "stored"), [("kept", {"hull": "h", "crew": 3}), ("ignored", {"hull": "h"})])
    async def test_a_field_that_the_first_object_lacked(
        self, secureframe: Any, reading: str, stored: dict[str, Any]
    ) -> None:
        await secureframe.served.switch(late_fields=reading)
        await secureframe.publish("ships", {"hull": "h", "crew": None})
        await secureframe.served.state()
        await secureframe.served.control("POST", "define-schema", **SHIPS)
        await secureframe.publish("ships", {"hull": "h", "crew": 3})

        assert (await secureframe.schema("ships"))["resources"] == [stored]


class TestTroubleByDefault:
    async def test_of_so_many_publications_one_is_queued_and_its_answer_lost(self, secureframe: Any) -> None:
        await secureframe.served.switch(lost_response=2)

        assert (await secureframe.publish("device", {"id": "a"}))[0] == 202
        with pytest.raises(aiohttp.ClientConnectionError):
            await secureframe.publish("device", {"id": "b"})
        assert (await secureframe.publish("device", {"id": "c"}))[0] == 202
        assert set(await secureframe.resources("device")) == {"a", "b", "c"}

    async def test_processing_takes_its_time(self, secureframe: Any) -> None:
        await secureframe.served.switch(slow_processing=60_000)
        await secureframe.publish("device", {"id": "a"})
        (connection,) = (await secureframe.served.control("GET", "state"))["connections"]

        assert connection["queued"] == 1
        assert set(await secureframe.resources("device")) == {"a"}, "settling does not wait"


# ---------------------------------------------------------------------- what a model takes
MACHINES = {"connection_id": CONNECTION, "slug": "machines", "primary_id": "sku", "model": "cloud_resource"}


async def test_fields_of_any_name_are_mapped_onto_the_models(secureframe: Any) -> None:
    machine = {"sku": "i-1", "what": {"kind": "ec2_instance"}, "place": "eu-west-1"}
    await secureframe.publish("machines", machine)
    await secureframe.served.state()
    fields = {"cloud_resource_type": "what.kind", "region": "place"}
    await secureframe.served.control("POST", "define-schema", **MACHINES, fields=fields)
    await secureframe.publish("machines", machine)
    assert (await secureframe.schema("machines"))["resources"] == [machine]
    [row] = (await secureframe("GET", "/cloud_resources"))[1]["data"]
    shown = row["attributes"]
    names = ("third_party_id", "cloud_resource_type", "region")
    assert [shown[name] for name in names] == ["i-1", "ec2_instance", "eu-west-1"]


async def test_a_time_of_completion_that_is_none_is_not_processed(secureframe: Any) -> None:
    untimely = {**TRAINING, "completed_at": "yesterday"}
    await secureframe.publish("training_record", untimely)
    assert await secureframe.resources("training_record") == {}
    assert await secureframe.reasons("training_record") == ["completed_at is not an ISO 8601 datetime"]

    await secureframe.served.switch(datetimes="kept")
    await secureframe.publish("training_record", untimely)
    assert await secureframe.resources("training_record") == {"t-1": untimely}


async def test_every_printed_type_works(secureframe: Any) -> None:
    await secureframe.publish("cloud_resource", {**EC2, "cloud_resource_type": "elastictranscoder_pipeline"})
    assert list(await secureframe.resources("cloud_resource")) == ["i-1"]
