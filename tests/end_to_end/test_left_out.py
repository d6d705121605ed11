"""Records that rules of `skip:` leave out: counted, none of the five, gone where they were held, and named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import BOTH, DRATA, SNAPSHOT, Cli
from tests.support.evidence import device
from tests.support.relay import Relay, relay_config, relaying
from tests.support.reports import balanced, counts
from tests.support.vanta import Vanta, computer

from proofport.delivery.report.report import Exit
from proofport.testing import Running

SOURCE = """\
mapping: sources/hr.people
to: {evidence: personnel_account}
skip:
  - {when: {path: $.type, is: contractor}, reason: not an employee}
fields: {id: $.id, email: $.mail, active: {path: $.active, as: bool, true: ["yes"], false: ["no"], unknown: reject}}
tests:
  - {name: a contractor, input: {id: c, type: contractor}, skipped: not an employee}
  - {name: an employee, input: {id: e, type: employee}, expect: {id: e}}
"""
HEADER = "id,mail,active,type"
NIGHT = ("hr.people=people.csv", *SNAPSHOT)
IPHONES = [{"when": {"path": "$.platform", "is": "ios"}, "reason": "iPhones"}]


def person(number: int, kind: str = "employee") -> str:
    return f"p{number},p{number}@example.com,yes,{kind}"


@pytest.fixture
def hr(cli: Cli) -> Cli:
    """A source of a table in which some are no employees."""
    (cli.folder / "mappings").mkdir()
    cli.write("mappings/hr.yaml", SOURCE)
    cli.configure(mappings="mappings")
    cli.write("people.csv", HEADER, *map(person, range(8)), person(8, "contractor"), person(9, "contractor"))
    return cli


def test_what_is_left_out_is_counted_and_is_none_of_the_five(hr: Cli) -> None:
    code, report = hr.report("push", *NIGHT, *BOTH)
    assert code == 0
    assert report["sources"] == [
        {"input": "people.csv", "read": 10, "incomplete": None, "skipped": {"not an employee": 2}}
    ]
    for vendor in ("drata", "secureframe"):
        assert report["destinations"][vendor]["input"] == report["destinations"][vendor]["delivered"] == 8
        assert hr.held(vendor, "personnel_account") == {f"p{n}" for n in range(8)}
    assert "people.csv: 10 records read left out: 2, not an employee" in hr.type("push", *NIGHT, *DRATA).words


def test_who_is_left_out_from_now_on_is_gone_by_that_rule(hr: Cli) -> None:
    assert hr.report("push", *NIGHT, *BOTH)[0] == 0
    hr.write("people.csv", HEADER, *map(person, range(6)), person(6, "contractor"), "p8,p8@example.com,yes,employee")
    hr.configure(mappings="mappings", guard={"max_gone": 0.5})
    plan = hr.type("plan", *NIGHT, *BOTH)
    assert "left out: 1, not an employee" in plan.words
    assert "1 gone: left out by “not an employee”, to be deleted at drata by this snapshot p6" in plan.words
    by_rule = "“not an employee”, to be sent once more to secureframe with active: false p6"
    assert f"1 gone: left out by {by_rule}" in plan.words
    books = hr.type("plan", *NIGHT, *BOTH, "--json").json
    assert books["skipped"] == {"not an employee": 1}
    assert books["destinations"]["drata"]["gone"]["count"] == 2
    dry = hr.type("push", *NIGHT, *BOTH, "--dry-run").words
    assert "Left out by “not an employee”: to be sent once more to secureframe with active: false (1): p6" in dry
    code, report = hr.report("push", *NIGHT, *BOTH, "--dry-run")
    assert code == 0
    for vendor in ("drata", "secureframe"):
        there = report["destinations"][vendor]
        assert sorted(there["gone"]["ids"]) == ["p6", "p7"]
        assert there["gone_skipped"] == {"not an employee": {"count": 1, "ids": ["p6"]}}
    pushed = hr.type("push", *NIGHT, *BOTH).words
    assert "Left out by “not an employee”: sent once more to secureframe with active: false (1): p6" in pushed
    assert "p6" not in hr.held("drata", "personnel_account")


def test_the_guard_counts_them_as_gone(hr: Cli) -> None:
    assert hr.report("push", *NIGHT, *DRATA)[0] == 0
    hr.write("people.csv", HEADER, *map(person, range(4)), *(person(n, "contractor") for n in range(4, 8)))
    typed = hr.type("push", *NIGHT, *DRATA)
    assert typed.code == 4
    assert "4 of 8 records held now would be gone" in typed.words
    nothing = "missing from this set, and nothing was done about them"
    assert f"Left out by “not an employee”: {nothing} (4): p4, p5, p6, p7" in typed.words
    assert len(hr.held("drata", "personnel_account")) == 8


def test_a_renamed_column_leaves_nobody_out(hr: Cli) -> None:
    assert hr.report("push", *NIGHT, *DRATA)[0] == 0
    hr.write("people.csv", HEADER.replace("type", "worker_type"), *map(person, range(8)))
    typed = hr.type("push", *NIGHT, *DRATA)
    assert typed.code == 1
    assert "8 x skip: expected a value, which decides if the record is left out (not an employee)" in typed.words
    assert "people.csv:2 p0 found nothing at $.type" in typed.words
    assert len(hr.held("drata", "personnel_account")) == 8


@pytest.mark.parametrize(
    "lines",
    [
        ['{"id": "1", "type": "employee"}', '{"id": "2", "type": "contractor"}'],
        ['[{"id": "1", "type": "employee"}, {"id": "2", "type": "contractor"}]'],
    ],
    ids=["NDJSON", "an array"],
)
def test_any_form_of_input_may_be_left_out(hr: Cli, lines: list[str]) -> None:
    hr.write("people.json", *lines)
    code, report = hr.report("push", "hr.people=people.json", *DRATA)
    assert (code, report["destinations"]["drata"]["delivered"]) == (0, 1)
    assert report["sources"][0]["skipped"] == {"not an employee": 1}


def test_a_filter_that_finds_no_place_is_led_to_skip(hr: Cli) -> None:
    mapping = "mapping: sources/f\nto: {evidence: personnel_account}\nfields: {id: $.id}\n"
    hr.write("mappings/f.yaml", mapping + "records: \"$[?(@.type=='employee')]\"")
    typed = hr.type("push", "f=people.csv", *DRATA)
    assert typed.code == 1
    assert "use `skip: [{when: …, reason: …}]`, and not a filter in `records:`" in typed.words


def test_a_place_that_is_the_whole_file_is_led_away(hr: Cli) -> None:
    hr.write(
        "mappings/f.yaml", "mapping: sources/f\nto: {evidence: personnel_account}\nfields: {id: $.id}\nrecords: $[*]"
    )
    hr.write("list.json", [{"id": "a-1"}, {"id": "a-2"}])
    typed = hr.type("push", "f=list.json", *DRATA)
    assert typed.code == 1
    assert "`records:` leads too deep" in typed.words


def test_one_record_may_be_left_out_and_another_with_its_id_be_good(hr: Cli) -> None:
    hr.write("people.csv", HEADER, person(1, "contractor"), person(1), person(2), person(2, "contractor"))
    code, report = hr.report("push", *NIGHT, *DRATA)
    assert (code, report["destinations"]["drata"]["delivered"]) == (0, 2)
    assert hr.report("push", *NIGHT, *DRATA)[1]["destinations"]["drata"]["gone"]["count"] == 0


def test_the_tests_of_a_mapping_say_what_is_left_out(hr: Cli) -> None:
    assert hr.type("mapping", "test", "hr.people").words == "1 mapping: 2 tests passed"
    hr.write("mappings/hr.yaml", SOURCE.replace("skipped: not an employee", "skipped: a bot"))
    assert "found left out: not an employee expected left out: a bot" in hr.type("mapping", "test", "hr.people").words


def test_a_preview_says_who_is_left_out(hr: Cli) -> None:
    hr.write("people.csv", HEADER, person(1, "contractor"), person(2))
    typed = hr.type("preview", NIGHT[0], *BOTH, "--limit", "2")
    assert typed.code == 0
    assert "people.csv:2 p1 drata, secureframe: left out (not an employee) people.csv:3 p2" in typed.words
    assert hr.type("preview", NIGHT[0], *DRATA, "--json").json[0]["skipped"] == {"drata": "not an employee"}


# ---------------------------------------------------------------------- at one destination
@pytest.fixture
def phones(cli: Cli) -> Cli:
    """Computers and two iPhones, which Drata does not take."""
    objects = cli.destinations["drata"]["objects"]
    skipping = {**objects, "device": {**objects["device"], "skip": deepcopy(IPHONES)}}
    cli.destinations = {**cli.destinations, "drata": {**cli.destinations["drata"], "objects": skipping}}
    cli.configure()
    cli.write("devices.ndjson", *computers(6), *iphones(2))
    return cli


def computers(count: int) -> list[Any]:
    return [device(n, serial_number=f"S{n}") for n in range(count)]


def iphones(count: int) -> list[Any]:
    return [device(f"i{n}", platform="ios", serial_number=f"P{n}") for n in range(count)]


DEVICES = ("devices.ndjson", "--kind", "device", *SNAPSHOT)


def test_a_night_with_iphones_ends_well_where_one_vendor_takes_none(phones: Cli) -> None:
    code, report = phones.report("push", *DEVICES, *BOTH)
    assert code == 0
    drata, secureframe = report["destinations"]["drata"], report["destinations"]["secureframe"]
    assert (drata["input"], drata["skipped"]) == (6, {"iPhones": 2})
    assert (secureframe["input"], "skipped" in secureframe) == (8, False)
    assert "left out: 2, iPhones" in phones.type("push", *DEVICES, *BOTH).words
    assert "drata: left out (iPhones)" in phones.type("preview", *DEVICES[:3], *BOTH, "--limit", "8").words


def test_what_a_destination_leaves_out_is_gone_there_only(cli: Cli, phones: Cli) -> None:
    objects = phones.destinations["secureframe"]["objects"]
    skipping = {**objects, "device": {**objects["device"], "skip": deepcopy(IPHONES)}}
    assert phones.report("push", *DEVICES, *BOTH)[0] == 0
    phones.configure(secureframe={"objects": skipping}, guard={"max_gone": 0.5})
    plan = phones.type("plan", *DEVICES, *BOTH, "--json").json["destinations"]
    assert plan["drata"]["gone"]["count"] == 0
    assert plan["secureframe"]["gone"]["ids"] == ["i0", "i1"]
    code, report = phones.report("push", *DEVICES, *BOTH)
    assert code == 0
    assert report["destinations"]["drata"]["gone"]["count"] == 0
    gone = report["destinations"]["secureframe"]["gone_skipped"]
    assert gone == {"iPhones": {"count": 2, "ids": ["i0", "i1"]}}
    assert phones.report("push", *DEVICES, *BOTH)[1]["destinations"]["secureframe"]["gone"]["count"] == 0


def test_a_record_that_lacks_what_decides_is_rejected_there(phones: Cli) -> None:
    odd = {name: value for name, value in device("x", serial_number="X").items() if name != "platform"}
    phones.write("devices.ndjson", *computers(2), odd)
    code, report = phones.report("push", *DEVICES, *BOTH)
    assert code == 1
    assert [row["id"] for row in report["destinations"]["drata"]["problems"]] == ["x"]
    assert report["destinations"]["drata"]["problems"][0]["field"] == "skip"


def test_the_second_of_two_with_one_id_is_refused_and_not_gone(phones: Cli) -> None:
    """The first is left out at one destination: the id is not known to be gone there."""
    phones.configure(guard={"max_gone": 1, "max_rejected": 5})
    phones.write("devices.ndjson", *computers(3))
    assert phones.report("push", *DEVICES, *DRATA)[0] == 0
    first = device(0, platform="ios", serial_number="S0")
    phones.write("devices.ndjson", first, *computers(3))
    code, report = phones.report("push", *DEVICES, *DRATA)
    assert (code, report["destinations"]["drata"]["rejected"]) == (1, 1)
    assert report["destinations"]["drata"]["gone"]["count"] == 0


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([{"when": {"path": "$.platfrm", "is": "ios"}, "reason": "x"}], "Did you mean 'platform'?"),
        ({"when": {"path": "$.platform", "is": "ios"}, "reason": "x"}, "expected a list: skip:"),
        ([{"when": {"path": "$.platform", "is": "ios"}}], "no 'reason'"),
        ([{"when": {"path": "$.platform", "is": "iOS"}, "reason": "x"}], "Did you mean 'ios'?"),
    ],
)
def test_a_mistake_in_the_configuration_has_its_place(phones: Cli, rules: Any, words: str) -> None:
    objects = phones.destinations["drata"]["objects"]
    phones.configure(drata={"objects": {**objects, "device": {**objects["device"], "skip": rules}}})
    for command in (["push", *DEVICES, *DRATA], ["doctor", "drata"]):
        typed = phones.type(*command)
        assert typed.code == 2 if command[0] == "push" else 1
        assert "proofport.yaml:" in typed.words
        assert words in typed.words


async def test_what_a_vendor_of_whole_sets_does_not_take_is_left_out_of_them(vanta: Vanta) -> None:
    """Vanta takes computers with macOS and Windows. One that becomes another is gone there."""
    objects = vanta.block["objects"]
    skip = [{"when": {"path": "$.platform", "in": ["macos", "windows"], "not": True}, "reason": "no computer"}]
    vanta.block["objects"] = {**objects, "device": {**objects["device"], "skip": skip}}
    night = [computer(n, "macos") for n in range(9)]
    report = await vanta.push([*night, computer(9, "linux")], kind="device")
    assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 9})
    assert report.destinations["vanta"].skipped == {"no computer": 1}
    report = await vanta.push([*night[1:], computer(0, "linux")], kind="device")
    assert report.exit_code is Exit.OK
    assert report.destinations["vanta"].gone_skipped["no computer"].ids == ["d0"]
    assert await vanta.deleted("device") == ["d0"]


# ---------------------------------------------------------------------- over HTTP
@pytest.fixture
async def hr_relay(drata_emulator: Running, tmp_path: Path) -> AsyncIterator[Relay]:
    (tmp_path / "hr.yaml").write_text(SOURCE)
    block = drata_emulator.destination()
    objects = {**block["objects"], "device": {**block["objects"]["device"], "skip": IPHONES}}
    destinations = {"drata": {**block, "objects": objects}}
    async with relaying(relay_config(tmp_path, destinations=destinations, mappings=tmp_path)) as relay:
        yield relay


def raw(number: int, kind: str = "employee") -> dict[str, str]:
    return {"id": f"p{number}", "mail": f"p{number}@example.com", "active": "yes", "type": kind}


async def test_the_relay_counts_what_it_leaves_out(hr_relay: Relay) -> None:
    how = {"query": "to=drata&source=hr.people", "kind": "personnel_account"}
    answer = await hr_relay.post([raw(1, "contractor"), raw(2)], **how)
    assert (answer.status, answer.body["records"], answer.body["skipped"]) == (202, 1, {"not an employee": 1})
    assert [each["records"] for each in await hr_relay.settled()] == [1]


async def test_a_webhook_about_one_who_is_left_out_is_taken(hr_relay: Relay) -> None:
    """It would be sent again and again else."""
    answer = await hr_relay.post(raw(1, "contractor"), "to=drata&source=hr.people", kind="personnel_account")
    assert (answer.status, answer.body["submission"], answer.body["deliveries"]) == (202, None, [])
    assert await hr_relay.settled() == []


async def test_a_snapshot_in_parts_reports_what_was_left_out_of_them(hr_relay: Relay) -> None:
    async def commit(*records: dict[str, str]) -> dict[str, Any]:
        wanted = {"kind": "personnel_account", "to": ["drata"]}
        snapshot = (await hr_relay.ask("POST", "/v1/snapshots", json=wanted)).body["id"]
        part = await hr_relay.ask("PUT", f"/v1/snapshots/{snapshot}/parts/1?source=hr.people", json=list(records))
        assert part.body["skipped"] == {"not an employee": 1}
        given = {"json": {"override_guard": "a small set"}}
        answer = await hr_relay.ask("POST", f"/v1/snapshots/{snapshot}/commit", **given)
        assert answer.status == 200, answer.body
        report: dict[str, Any] = answer.body["report"]
        balanced(report)
        return report

    report = await commit(raw(1), raw(2), raw(3, "contractor"))
    assert report["sources"][0]["skipped"] == {"not an employee": 1}
    report = await commit(raw(1), raw(2, "contractor"))
    assert report["destinations"]["drata"]["gone_skipped"] == {"not an employee": {"count": 1, "ids": ["p2"]}}


async def test_a_queued_record_that_its_destination_leaves_out_is_withheld(hr_relay: Relay) -> None:
    await hr_relay.post([*computers(2), *iphones(1)], kind="device")
    [delivery] = await hr_relay.settled()
    assert (delivery["state"], delivery["outcomes"]["delivered"], delivery["outcomes"]["withheld"]) == ("done", 2, 1)
    [*_, phone] = (await hr_relay.get(f"/v1/deliveries/{delivery['id']}/records"))["items"]
    assert (phone["outcome"], phone["reason"]) == ("withheld", "skipped")
    assert "iPhones" in phone["problem"]["found"]


async def test_a_preview_over_http_says_it_too(hr_relay: Relay) -> None:
    answer = await hr_relay.ask("POST", "/v1/preview?kind=device", json=iphones(1))
    assert answer.body["items"][0]["destinations"]["drata"] == {"body": None, "problem": None, "skipped": "iPhones"}
