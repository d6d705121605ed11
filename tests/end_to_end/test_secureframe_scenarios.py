"""What may happen to a delivery to Secureframe, over a real socket: what its 202 hides is said, and mended."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from tests.support.destination import deliver
from tests.support.evidence import COMPLETE, cloud_resources, personnel_accounts
from tests.support.reports import counts, notes, problems
from tests.support.secureframe import PUBLISH, Secureframe

from proofport.accounting import ACCEPTED, Assurance
from proofport.delivery.lane.payload import decode_outcomes
from proofport.delivery.report.report import Exit
from proofport.journal.contract import Filter
from proofport.testing import Running
from proofport.testing.emulator import VendorError
from proofport_secureframe.emulator.publish import Publish

complete = partial(cloud_resources, **COMPLETE)
PACKAGE = "custom:software_package"


class TestSchemas:
    async def test_without_a_complete_record_nothing_is_published(self, secureframe: Secureframe) -> None:
        secureframe.deliver_under("cloud_resource", schema_slug="fresh")
        report = await secureframe.push([{"id": "a", "type": "aws.ec2.instance"}])
        assert (report.exit_code, counts(report)) == (Exit.USAGE, {"withheld": 1})
        assert "no record has a value for account, region" in notes(report)
        assert await secureframe.published() == []

    async def test_a_complete_record_of_the_batch_goes_first(self, secureframe: Secureframe) -> None:
        secureframe.deliver_under("cloud_resource", schema_slug="fresh")
        await secureframe.push([{"id": "poor", "type": "aws.ec2.instance"}, *complete("whole")])
        (body,) = await secureframe.published()
        assert [each["id"] for each in body["resource_data"]] == ["whole", "poor"]

    async def test_what_an_undefined_schema_takes_is_unknown_until_it_is_confirmed_and_sent_again(
        self, secureframe: Secureframe
    ) -> None:
        secureframe.deliver_under("cloud_resource", schema_slug="fresh")
        report = await secureframe.push(complete("a", "b"), mode="snapshot")
        assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"unknown": 2})
        assert report.destinations["secureframe"].tally.reasons == {"schema_not_defined": 2}
        assert "schema confirm" in problems(report)[0]
        await secureframe.define("fresh", "cloud_resource")
        assert await secureframe.held("fresh") == {}, "what came before was dropped"
        await secureframe.confirm("cloud_resource")
        report = await secureframe.push(complete("a", "b"), mode="snapshot", skip_unchanged=True)
        assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 2})
        assert sorted(await secureframe.held("fresh")) == ["a", "b"]
        assert counts(await secureframe.push(complete("a", "b"), skip_unchanged=True)) == {"unchanged": 2}

    async def test_a_first_publish_whose_answer_is_lost_may_have_made_the_schema(
        self, secureframe: Secureframe
    ) -> None:
        secureframe.deliver_under(PACKAGE, schema_slug="packages")
        await secureframe.emulator.faults(drop="after", drop_times=9, match=PUBLISH)
        report = await secureframe.push([{"id": "a", "name": "x"}], kind=PACKAGE)
        assert counts(report) == {"unknown": 1}
        await secureframe.emulator.faults()
        report = await secureframe.push([{"id": "b", "name": "y", "eol": True}], kind=PACKAGE)
        assert counts(report) == {"rejected": 1}
        assert "field 'eol'" in problems(report)[0]

    @pytest.mark.parametrize(
        ("late", "found"), [({"name": "y", "version": 3, "eol": True}, "field 'eol'"), ({"version": "3"}, "a string")]
    )
    async def test_a_later_field_or_type_is_refused_with_the_advice_to_use_a_new_slug(
        self, secureframe: Secureframe, late: dict[str, Any], found: str
    ) -> None:
        secureframe.deliver_under(PACKAGE, schema_slug="packages")
        first = {"id": "a", "name": "x", "version": 1}
        await secureframe.push([first], kind=PACKAGE)
        await secureframe.define("packages")
        await secureframe.confirm(PACKAGE)
        report = await secureframe.push([first, {"id": "b", **late}, {"id": "c", "version": 2.5}], kind=PACKAGE)
        assert counts(report) == {"delivered": 2, "rejected": 1}
        assert found in problems(report)[0]
        assert "slug of its own" in problems(report)[0]
        secureframe.deliver_under(PACKAGE, schema_slug="packages_v2")
        report = await secureframe.push([{"id": "b", **late}], kind=PACKAGE, skip_unchanged=True)
        assert counts(report) == {"unknown": 1}, "a new schema has to be defined anew"
        async with secureframe.gateway() as gateway:
            views = await gateway.schemas("secureframe")
        assert [(view.slug, view.current) for view in views if view.published] == [
            ("packages_v2", True),
            ("packages", False),
        ]

    async def test_a_schema_that_was_made_elsewhere_has_the_fields_of_the_first_publish_or_those_declared(
        self, secureframe: Secureframe
    ) -> None:
        first = [{"id": "a", "version": 1}, {"id": "b", "name": "x"}]
        assert counts(await secureframe.push(first, kind=PACKAGE)) == {"delivered": 2}
        late = [{"id": "c", "eol": True}, {"id": "d", "version": "2"}, {"id": "e", "version": 2, "name": "y"}]
        report = await secureframe.push(late, kind=PACKAGE)
        assert counts(report) == {"delivered": 1, "rejected": 2}
        assert all("slug of its own" in each for each in problems(report))
        fields = {"id": "string", "version": "number", "name": "string", "eol": "boolean"}
        secureframe.deliver_under(PACKAGE, schema_slug="software_package", defined=True, fields=fields)
        assert counts(await secureframe.push(late, kind=PACKAGE)) == {"delivered": 2, "rejected": 1}

    async def test_a_field_of_the_mapping_may_come_late_where_the_schema_is_defined(
        self, secureframe: Secureframe
    ) -> None:
        assert counts(await secureframe.push([{"id": "a", "type": "aws.ec2.instance"}])) == {"delivered": 1}
        assert counts(await secureframe.push(complete("b"))) == {"delivered": 1}
        odd = complete("c", extras={"secureframe": {"owner": "ana"}})
        report = await secureframe.push(odd)
        assert counts(report) == {"rejected": 1}
        assert "the field 'owner'" in problems(report)[0]

    async def test_what_is_not_sent_does_not_make_the_schema(self, secureframe: Secureframe) -> None:
        await secureframe.push(complete("stale", observed_at="2026-01-02T00:00:00Z"))
        secureframe.deliver_under("cloud_resource", schema_slug="second")
        stale, poor = complete("stale", observed_at="2026-01-01T00:00:00Z"), {"id": "b", "type": "aws.s3.bucket"}
        report = await secureframe.push([*stale, poor])
        assert (report.exit_code, "none shows every field" in notes(report)) == (Exit.USAGE, True)
        assert [body["schema_slug"] for body in await secureframe.published()] == ["cloud_resource"]
        await secureframe.push([*stale, poor, *complete("whole")])
        assert [each["id"] for each in (await secureframe.published())[1]["resource_data"]] == ["whole", "b"]

    async def test_misfits_of_the_very_first_batch_are_refused_too(self, secureframe: Secureframe) -> None:
        secureframe.deliver_under(PACKAGE, schema_slug="packages")
        report = await secureframe.push([{"id": "a", "n": 1}, {"id": "b", "n": "one"}], kind=PACKAGE)
        assert counts(report) == {"unknown": 1, "rejected": 1}

    async def test_under_a_new_slug_everything_is_sent_again(self, secureframe: Secureframe) -> None:
        await secureframe.push(complete("a", "b"))
        secureframe.deliver_under("cloud_resource", schema_slug="second")
        assert counts(await secureframe.push(complete("a"), skip_unchanged=True)) == {"unknown": 1}
        assert counts(await secureframe.push(complete("b"), skip_unchanged=True)) == {"unknown": 1}


class TestRecords:
    async def test_an_array_is_refused_instead_of_lost(self, secureframe: Secureframe) -> None:
        report = await secureframe.push([{"id": "a", "licences": ["MIT"]}, {"id": "b"}], kind=PACKAGE)
        assert counts(report) == {"delivered": 1, "rejected": 1}
        assert "join" in problems(report)[0].casefold()

    async def test_types_that_secureframe_may_not_know(self, secureframe: Secureframe) -> None:
        odd = [
            *complete("wrong", type="aws_ec2_instance"),
            *complete("new", type="datadog_monitor"),
            *complete("old", type="elastictranscoder_pipeline"),
        ]
        report = await secureframe.push(odd)
        assert counts(report) == {"delivered": 1, "rejected": 2}
        assert "Did you mean 'ec2_instance'?" in problems(report)[0]
        assert "allow_newest_types" in problems(report)[1]
        assert "elastictranscoder_pipeline" in notes(report)
        secureframe.block["allow_newest_types"] = True
        assert counts(await secureframe.push(odd[1:2])) == {"delivered": 1}
        assert await secureframe.held("cloud_resource") != {}

    async def test_another_vendors_slug_is_the_whole_requests_fault(self, secureframe: Secureframe) -> None:
        secureframe.block["vendor_slug"] = "other"
        report = await secureframe.push(complete("a", "b"))
        assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"rejected": 2})
        assert "vendor_slug does not match" in problems(report)[0]


class TestPatches:
    async def test_only_what_is_known_to_be_there_whole_is_patched(self, secureframe: Secureframe) -> None:
        patch = [{"id": "a", "region": None}]
        early = await secureframe.push(patch, mode="patch")
        assert counts(early) == {"rejected": 1}
        assert "Upsert the whole record first" in problems(early)[0]
        await secureframe.push(complete("a"))
        assert counts(await secureframe.push(patch, mode="patch")) == {"delivered": 1}
        held = (await secureframe.held("cloud_resource"))["a"]
        assert "region" not in held
        assert held["account"] == "1"

    async def test_a_patch_that_is_older_than_what_was_sent_is_refused(self, secureframe: Secureframe) -> None:
        await secureframe.push(complete("a", observed_at="2026-01-02T00:00:00Z"))
        late = [{"id": "a", "region": "us-east-1", "observed_at": "2026-01-01T00:00:00Z"}]
        report = await secureframe.push(late, mode="patch")
        assert counts(report) == {"rejected": 1}
        assert "newer state" in problems(report)[0]
        assert (await secureframe.held("cloud_resource"))["a"]["region"] == "eu-west-1"

    async def test_after_a_patch_the_last_state_is_the_patched_one(self, secureframe: Secureframe) -> None:
        await secureframe.push(personnel_accounts("a", username="ana", first_name="Ana"), kind="personnel_account")
        patch = [{"id": "a", "username": None, "first_name": "Anna"}]
        await secureframe.push(patch, kind="personnel_account", mode="patch")
        await secureframe.push([{"id": "a"}], kind="personnel_account", mode="remove")
        expected = {"id": "a", "email": "a@example.com", "first_name": "Anna", "active": False}
        assert await secureframe.held("personnel_account") == {"a": expected}


class TestGone:
    async def test_a_leaver_keeps_all_that_was_sent_and_is_not_active(self, secureframe: Secureframe) -> None:
        await secureframe.push(
            personnel_accounts("a", "b", "c", "d", "e", "f"), kind="personnel_account", mode="snapshot"
        )
        rest = personnel_accounts("a", "b", "c", "d", "e")
        report = await secureframe.push(rest, kind="personnel_account", mode="snapshot")
        assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 5})
        assert report.destinations["secureframe"].gone.ids == ["f"]
        held = await secureframe.held("personnel_account")
        assert held["f"] == {"id": "f", "email": "f@example.com", "active": False}
        assert all(held[each]["active"] for each in "abcde")

    async def test_too_many_leavers_are_refused(self, secureframe: Secureframe) -> None:
        await secureframe.push(personnel_accounts("a", "b"), kind="personnel_account", mode="snapshot")
        report = await secureframe.push(personnel_accounts("a"), kind="personnel_account", mode="snapshot")
        assert report.exit_code is Exit.GUARD
        assert all(each["active"] for each in (await secureframe.held("personnel_account")).values())

    async def test_a_removal_is_sent_once_and_needs_a_last_state(self, secureframe: Secureframe) -> None:
        await secureframe.push(personnel_accounts("a"), kind="personnel_account")
        asked = [{"id": "a"}, {"id": "nobody"}]
        planned = (await secureframe.plan(asked, kind="personnel_account", mode="remove")).destinations["secureframe"]
        report = await secureframe.push(asked, kind="personnel_account", mode="remove")
        assert counts(report) == {"delivered": 1, "rejected": 1}
        assert "never delivered from here" in problems(report)[0]
        for said in (planned, report.destinations["secureframe"]):
            assert (said.not_known.ids, [row.id for row in said.problems]) == (["nobody"], ["nobody"])
        assert (planned.gone.ids, planned.difference.unchanged) == (["a"], 0)
        again = await secureframe.push([{"id": "a"}], kind="personnel_account", mode="remove")
        assert counts(again) == {"unchanged": 1}
        back = await secureframe.push(personnel_accounts("a"), kind="personnel_account", skip_unchanged=True)
        assert counts(back) == {"delivered": 1}
        assert (await secureframe.held("personnel_account"))["a"]["active"] is True

    async def test_a_queued_removal_does_the_same(self, secureframe: Secureframe) -> None:
        await secureframe.push(personnel_accounts("a"), kind="personnel_account")
        async with secureframe.gateway() as gateway:
            await gateway.submit([{"id": "a"}], kind="personnel_account", to=["secureframe"], mode="remove")
            await deliver(gateway)
        assert (await secureframe.held("personnel_account"))["a"] == {
            "id": "a",
            "email": "a@example.com",
            "active": False,
        }

    async def test_removals_and_queued_deliveries_are_verified_like_runs(self, secureframe: Secureframe) -> None:
        kind = "personnel_account"
        await secureframe.push(personnel_accounts("a", "b"), kind=kind)
        removal = await secureframe.push([{"id": "a"}], kind=kind, mode="remove", require_verified=True)
        assert counts(removal) == {"unknown": 1}
        async with secureframe.gateway() as gateway:
            await gateway.submit(personnel_accounts("b", "c", first_name="New"), kind=kind, to=["secureframe"])
            await deliver(gateway)
            await secureframe.emulator.state()
            found = await gateway.verify("secureframe", kind=kind)
            assert (found.seen, found.different, found.missing, found.unreadable) == (3, {}, [], 0)
            journal = await gateway.journal()
            run = await journal.run(removal.run_id, "secureframe")
            (delivery,) = await journal.find(Filter())
        assert run is not None
        assert '"verified":1' in (run.report or "")
        assert decode_outcomes(delivery.outcome or "") == [replace(ACCEPTED, assurance=Assurance.VERIFIED)] * 2

    async def test_of_a_leaver_the_journal_keeps_the_id_alone(self, secureframe: Secureframe) -> None:
        kind = "personnel_account"
        await secureframe.push(personnel_accounts("a", "b"), kind=kind)
        await secureframe.push([{"id": "a"}], kind=kind, mode="remove")
        async with secureframe.gateway() as gateway:
            lane = gateway.config.adapter("secureframe").resource(kind).lane
            gone, here = await (await gateway.journal()).bodies(lane, kind, ["a", "b"])
        assert (gone, b"b@example.com" in (here or b"")) == (b"", True)

    async def test_a_cloud_resource_that_is_gone_is_listed_where_no_field_can_say_it(
        self, secureframe: Secureframe
    ) -> None:
        await secureframe.push(complete("a", "b", "c", "d", "e"), mode="snapshot")
        report = await secureframe.push(complete("a", "b", "c", "d"), mode="snapshot")
        assert (report.exit_code, report.destinations["secureframe"].gone.ids) == (Exit.OK, ["e"])
        assert "no call that removes records" in notes(report)
        assert sorted(await secureframe.held("cloud_resource")) == ["a", "b", "c", "d", "e"]

    async def test_with_a_lifecycle_field_it_says_so_itself(self, secureframe: Secureframe) -> None:
        secureframe.deliver_under("cloud_resource", schema_slug="living", lifecycle_field="lifecycle_state")
        await secureframe.push(complete("a", "b", "c", "d", "e"), mode="snapshot")
        await secureframe.define("living", "cloud_resource")
        await secureframe.confirm("cloud_resource")
        await secureframe.push(complete("a", "b", "c", "d", "e"), mode="snapshot")
        await secureframe.push(complete("a", "b", "c", "d"), mode="snapshot")
        states = {each: body["lifecycle_state"] for each, body in (await secureframe.held("living")).items()}
        assert states == {**dict.fromkeys("abcd", "active"), "e": "removed"}
        assert (await secureframe.held("living"))["e"]["region"] == "eu-west-1"


class TestTrouble:
    async def test_a_lost_answer_and_then_a_newer_state_end_in_the_newer_one(self, secureframe: Secureframe) -> None:
        await secureframe.emulator.faults(drop="after", drop_times=9, match=PUBLISH)
        lost = await secureframe.push(complete("a", region="old"))
        assert counts(lost) == {"unknown": 1}
        await secureframe.emulator.faults()
        assert counts(await secureframe.push(complete("a", region="new"), skip_unchanged=True)) == {"delivered": 1}
        regions = [body["resource_data"][0]["region"] for body in await secureframe.published()]
        assert (regions[-1], set(regions[:-1])) == ("new", {"old"})
        assert (await secureframe.held("cloud_resource"))["a"]["region"] == "new"

    async def test_after_one_lost_answer_the_same_bytes_go_again_before_anything_newer(
        self, secureframe: Secureframe
    ) -> None:
        secureframe.block["batch_records"] = 1
        await secureframe.emulator.faults(drop="after", drop_times=1, match=PUBLISH)
        assert counts(await secureframe.push(complete("a", "b"))) == {"delivered": 2}
        assert [body["resource_data"][0]["id"] for body in await secureframe.published()] == ["a", "a", "b"]

    async def test_a_storm_of_429_is_waited_for(self, secureframe: Secureframe) -> None:
        secureframe.options["patience"] = 30
        await secureframe.emulator.faults(status={"code": 429, "times": 4, "retry_after": 0}, match=PUBLISH)
        assert counts(await secureframe.push(complete("a"))) == {"delivered": 1}

    async def test_a_403_midway_parks_the_lane_and_the_run_is_resumed(
        self, secureframe: Secureframe, drata_emulator: Running, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        secureframe.block["batch_records"] = 2
        secureframe.others["drata"] = {**drata_emulator.destination(), "requests_per_minute": 0}
        asked, accepts = itertools.count(), Publish._refuse_now

        def refuse_the_third(self: Publish, *about: Any) -> None:
            if next(asked) >= 2:
                raise VendorError(403, "This API key may not push to this custom connection")
            accepts(self, *about)

        monkeypatch.setattr(Publish, "_refuse_now", refuse_the_third)
        given = complete(*"abcdefg")
        report = await secureframe.push(given, to=["drata", "secureframe"])
        assert counts(report, "secureframe") == {"delivered": 4, "withheld": 3}
        assert report.exit_code is Exit.BLOCKED
        assert report.destinations["drata"].exit is Exit.OK
        async with secureframe.gateway() as gateway:
            lanes = {view.lane: view.parked for view in await (await gateway.journal()).lanes()}
        assert len([why for why in lanes.values() if why]) == 1
        monkeypatch.undo()
        resumed = await secureframe.push(given, resume=report.run_id)
        assert counts(resumed) == {"delivered": 7}
        sent = [each["id"] for body in await secureframe.published() for each in body["resource_data"]]
        assert sent == [*"abcdef", *"efg"], "what was acknowledged is not sent again"
