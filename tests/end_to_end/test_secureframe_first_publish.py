"""The first push of each kind under a slug that Secureframe does not know yet, as a user types it.

The emulator drops what its schema did not begin with. So what arrives is what was promised before it was sent.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from tests.support.cli import SECUREFRAME, Cli
from tests.support.secureframe import CONNECTION, schema

ACCOUNTS = "id,email,first_name,last_name,active\ne-1,ana@example.com,Ana,Berg,true\ne-2,bo@example.com,Bo,,false"
TRAININGS = "email,course,completed_at\nana@example.com,gdpr,\nbo@example.com,gdpr,2026-01-31T09:00:00Z"
VPCS = '{"Vpcs": [{"VpcId": "vpc-1", "OwnerId": "123456789012", "CidrBlock": "10.0.0.0/16"}, {"VpcId": "vpc-2"}]}'
INSTANCES = (
    '{"Reservations": [{"OwnerId": "123456789012", "Instances": [{"InstanceId": "i-1"}, {"InstanceId": "i-2"}]}]}'
)
DEVICES = (
    '{"id": "d-1", "name": "a", "serial_number": "C1"}\n{"id": "d-2", "name": "b", "serial_number": "C2", "cpu": "M4"}'
)
PACKAGES = '{"id": "p-1", "name": "a"}\n{"id": "p-2", "version": 3}'
PEOPLE = "id,email,first_name,last_name\ne-1,ana@example.com,Ana,Berg\ne-2,bo@example.com,Bo,"

GO = {
    "accounts": ("csv.personnel=accounts.csv", ACCOUNTS, "personnel_account", ()),
    "trainings": ("csv.training=trainings.csv", TRAININGS, "training_record", ()),
    "networks without tags": ("aws.ec2.vpcs=vpcs.json", VPCS, "cloud_resource", ("--set", "region=eu-west-1")),
    "instances without tags": ("aws.ec2.instances=i.json", INSTANCES, "cloud_resource", ("--set", "region=eu-west-1")),
    "devices": ("devices.ndjson", DEVICES.replace("}", ', "active": true}'), "device", ()),
}
"""What is typed, the file, the kind and its options: files that make a schema as they are."""

ASK = {
    "devices": ("devices.ndjson", DEVICES, "device", ()),
    "people": ("people.csv", PEOPLE, "person", ()),
    "open trainings": (
        "csv.training=trainings.csv",
        TRAININGS.replace("2026-01-31T09:00:00Z", ""),
        "training_record",
        (),
    ),
    "buckets": ("aws.s3.buckets=b.json", '{"Buckets": [{"Name": "a"}, {"Name": "b"}]}', "cloud_resource", ()),
    "sparse records": ("packages.ndjson", PACKAGES, "custom:package", ()),
}
"""Files without a field that a person has to decide about first."""


def prepare(cli: Cli, given: tuple[str, str, str, tuple[str, ...]], **settings: Any) -> tuple[str, ...]:
    """Configure the kind under a new slug, and write the file. Returns the arguments of `push` and `plan`."""
    typed, text, kind, options = given
    cli.configure(secureframe={"objects": {kind: {"schema_slug": "fresh", **settings}}})
    cli.write(typed.rpartition("=")[2], text)
    return (typed, *SECUREFRAME, *(() if "=" in typed else ("--kind", kind)), *options)


def looked(cli: Cli, arguments: tuple[str, ...]) -> list[tuple[int, str]]:
    """The exit codes and words of a dry run and a plan. Nothing is published by them."""
    found = [cli.type("push", *arguments, "--dry-run"), cli.type("plan", *arguments)]
    assert [each for each in cli.emulators.control("secureframe", "GET", "received") if each["method"] == "POST"] == []
    return [(each.code, each.words) for each in found]


def pushed(cli: Cli, arguments: tuple[str, ...], kind: str, model: str | None) -> list[dict[str, Any]]:
    """What Secureframe holds after a first push, Define Schema, and a second push. Trainings may be open (R2, R3)."""
    cli.emulators.control("secureframe", "POST", "switches", late_fields="ignored", completed_at_required=False)
    code, report = cli.report("push", *arguments)
    books = report["destinations"]["secureframe"]
    assert (code, books["unknown"], books["reasons"]) == (1, 2, {"schema_not_defined": 2})
    cli.emulators.control("secureframe", "POST", "settle")
    more = {"model": model} if model else {}
    cli.emulators.control(
        "secureframe", "POST", "define-schema", connection_id=CONNECTION, slug="fresh", primary_id="id", **more
    )
    assert cli.type("schema", "confirm", "secureframe", "--kind", kind)[0] == 0
    assert cli.report("push", *arguments)[0] == 0
    found = schema(cli.emulators.state("secureframe"), "fresh")
    assert found["failures"] == []
    resources: list[dict[str, Any]] = found["resources"]
    return resources


def model_of(kind: str) -> str | None:
    return {"person": "personnel_account"}.get(kind, None if ":" in kind else kind)


@pytest.mark.parametrize("name", GO)
def test_a_normal_first_file_makes_the_schema(cli: Cli, name: str) -> None:
    arguments, kind = prepare(cli, GO[name]), GO[name][2]
    foreseen = looked(cli, arguments)
    assert [code for code, _ in foreseen] == [0, 0]
    told = re.search(r"with these fields: (.*?)\. Of 2 records", foreseen[0][1])
    assert all(told is None or told[0] in words for _, words in foreseen)
    held = pushed(cli, arguments, kind, model_of(kind))
    assert len(held) == 2
    if told is not None:
        assert set(told[1].split(", ")) == set().union(*held)
    sent = cli.emulators.control("secureframe", "GET", "received")[-1]["body"]["resource_data"]
    assert sorted(map(sorted, sent)) == sorted(map(sorted, held)), "no field was lost"


@pytest.mark.parametrize("name", ASK)
def test_what_a_person_must_decide_is_said_before_anything_is_sent_and_takes_one_line(cli: Cli, name: str) -> None:
    arguments, kind = prepare(cli, ASK[name]), ASK[name][2]
    said = cli.type("push", *arguments)
    line = re.search(rf"`objects\.{kind}\.(fields: \[.*?\])`", said.words)
    assert line is not None
    assert [said.code, *(each for each, _ in looked(cli, arguments))] == [2, 2, 2]
    assert all(line[0] in words for _, words in looked(cli, arguments))
    fields = yaml.safe_load(line[1])["fields"]
    prepare(cli, ASK[name], fields=fields)
    assert [each for each, _ in looked(cli, arguments)] == [0, 0]
    held = pushed(cli, arguments, kind, model_of(kind))
    assert (len(held), set().union(*held)) == (2, set(fields))


def test_without_a_journal_a_dry_run_makes_none_and_with_one_it_knows_the_schema(cli: Cli) -> None:
    arguments = prepare(cli, GO["devices"])
    journal = cli.folder / ".proofport"
    assert cli.type("push", *arguments, "--dry-run")[0] == 0
    assert not journal.exists()
    assert cli.type("push", *arguments)[0] == 1
    late = cli.write("late.ndjson", {"id": "d-3", "name": "c", "active": True, "memory": "16 GB"}, {"id": "d-4"})
    for look in (("push", "--dry-run"), ("push",)):
        code, report = cli.report(look[0], late, *SECUREFRAME, "--kind", "device", *look[1:])
        [problem] = report["destinations"]["secureframe"]["problems"][:1]
        assert (code, problem["id"], problem["field"], problem["outcome"]) == (1, "d-3", "memory", "rejected")


def test_an_object_of_your_own_may_show_the_form_of_every_field(cli: Cli) -> None:
    given = ASK["devices"]
    prepare(cli, given)
    form = {"id": "form", "device_name": "form", "serial_number": "0", "cpu": "none", "active": False}
    (cli.folder / "form.json").write_text(json.dumps([form]))
    call = ("call", "secureframe", "publish", "schema_slug=fresh", "resource_data=@form.json", "--yes")
    assert cli.type(*call)[0] == 0
    cli.emulators.control("secureframe", "POST", "settle")
    cli.emulators.control(
        "secureframe", "POST", "define-schema", connection_id=CONNECTION, slug="fresh", primary_id="id", model="device"
    )
    arguments = prepare(cli, given, defined=True)
    assert cli.report("push", *arguments)[0] == 0
    held = schema(cli.emulators.state("secureframe"), "fresh")["resources"]
    assert [each["id"] for each in held] == ["d-1", "d-2"]
