"""Explaining a delivered record: what was sent is made again, and every field names its rule and its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.cli import ACCOUNTS, BOTH, DRATA, SNAPSHOT, Cli
from tests.support.evidence import personnel_account
from tests.support.workbooks import workbook

RULES = """
mapping: sources/own
to: {evidence: personnel_account}
fields:
  id: $.Key
  email: {path: $.Mail, lower: true}
  first_name: {template: "{$.First} {$.Last}"}
  mfa_enabled: {path: $.Mfa, table: {"on": true, "off": false}, unknown: omit}
  admin: {path: $.Admin, when: {path: $.Kind, in: [person]}}
"""


LEAVES_OUT = """
mapping: sources/own
to: {evidence: personnel_account}
skip:
  - {when: {path: $.type, is: contractor}, reason: not an employee}
fields: {id: $.id, email: $.mail}
"""


def explained(cli: Cli, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
    typed = cli.type("explain", *arguments, "--json")
    assert typed.code == code, typed.words
    found: list[dict[str, Any]] = typed.json
    return found


def run_of(cli: Cli) -> str:
    return str(cli.type("receipt", "list", "--json").json["receipts"][-1]["run_id"])


@pytest.mark.parametrize("mode", [(), SNAPSHOT], ids=["upsert", "snapshot"])
def test_the_request_that_carried_a_record_is_made_again(signing: Cli, mode: tuple[str, ...]) -> None:
    signing.write("a.ndjson", *(personnel_account(n) for n in range(4)))
    assert signing.type("push", "a.ndjson", *ACCOUNTS, *BOTH, *mode).code == 0
    for n in range(4):
        for each in explained(signing, run_of(signing), personnel_account(n)["id"]):
            assert each["request"], each["missing"]
            assert each["place"] == f"a.ndjson:{n + 1}"
            assert each["outcome"].startswith("delivered")
            assert {told["how"] for told in each["body"]} <= {
                "copied",
                "renamed",
                "converted",
                "table",
                "constant",
                "default",
                "joined",
                "absent",
            }


def test_a_changed_or_lost_input_is_told_and_the_kept_body_explained(signing: Cli) -> None:
    signing.write("a.ndjson", personnel_account(1))
    assert signing.type("push", "a.ndjson", *ACCOUNTS, *DRATA).code == 0
    record = personnel_account(1)["id"]
    signing.write("a.ndjson", personnel_account(2))
    [changed] = explained(signing, run_of(signing), record, code=2)
    assert "the input a.ndjson was changed" in changed["missing"]
    (signing.folder / "a.ndjson").unlink()
    [gone] = explained(signing, run_of(signing), record, code=2)
    assert any(each.startswith("the input a.ndjson is not there: looked for /") for each in gone["missing"])
    assert gone["request"] is None
    assert all(told["rule"] for told in gone["body"] if told["how"] != "kept")


def test_every_field_names_its_rule_or_why_it_is_absent(signing: Cli) -> None:
    folder = signing.folder / "own"
    folder.mkdir()
    (folder / "own.yaml").write_text(RULES)
    signing.configure(receipts={"key": "file:receipts.key"}, mappings="own")
    raw = {
        "Key": "u1",
        "Mail": "A@EXAMPLE.COM",
        "First": "A",
        "Last": "B",
        "Mfa": "perhaps",
        "Admin": True,
        "Kind": "bot",
    }
    signing.write("raw.ndjson", raw)
    assert signing.type("push", "own=raw.ndjson", *DRATA).code == 0
    [each] = explained(signing, run_of(signing), "u1")
    told = {field["name"]: field for field in each["evidence"]}
    assert (told["id"]["how"], told["id"]["pointers"]) == ("renamed", ["/Key"])
    assert (told["email"]["how"], told["email"]["value"]) == ("converted", "a@example.com")
    assert told["email"]["rule"].endswith("own.yaml:6")
    assert (told["first_name"]["how"], told["first_name"]["pointers"]) == ("joined", ["/First", "/Last"])
    assert told["mfa_enabled"]["why"] == "its table does not know the value, and leaves it out"
    assert told["admin"]["why"] == "its condition does not hold"
    body = {field["name"]: field for field in each["body"]}
    assert any(field["why"] == "the input has no value there" for field in body.values())


def test_one_field_is_shown_alone_with_where_it_comes_from(signing: Cli) -> None:
    signing.write("a.ndjson", personnel_account(1))
    assert signing.type("push", "a.ndjson", *ACCOUNTS, *DRATA).code == 0
    [each] = explained(signing, run_of(signing), personnel_account(1)["id"], "email")
    assert [told["name"] for told in each["body"]] == ["email"]
    words = signing.type("explain", run_of(signing), personnel_account(1)["id"], "email").words
    assert "at /email" in words


def test_a_record_that_the_source_leaves_out_was_not_delivered(signing: Cli) -> None:
    (signing.folder / "own").mkdir()
    signing.write("own/own.yaml", LEAVES_OUT)
    signing.configure(receipts={"key": "file:receipts.key"}, mappings="own")
    people = {"a": "employee", "b": "contractor"}
    signing.write("raw.ndjson", *({"id": each, "mail": "p@example.com", "type": people[each]} for each in people))
    assert signing.type("push", "own=raw.ndjson", *DRATA).code == 0
    [there] = explained(signing, run_of(signing), "a")
    assert there["outcome"] == "delivered, confirmed"
    [left] = explained(signing, run_of(signing), "b")
    assert (left["outcome"], left["place"], left["request"]) == ("left out: not an employee", "raw.ndjson:2", None)
    [mistyped] = explained(signing, run_of(signing), "c", code=2)
    assert mistyped["outcome"] is None
    assert "what became of the record: no input that can be read again holds it" in mistyped["missing"]
    signing.write("own/own.yaml", LEAVES_OUT.replace("is: contractor", "is: nobody"))
    [there], [left] = (explained(signing, run_of(signing), record, code=2) for record in people)
    assert there["outcome"] == "delivered, confirmed", "the journal has the batch, of this very body"
    assert left["outcome"] is None
    assert any("may have left it out" in missing for missing in left["missing"])


@pytest.mark.parametrize("mode", [(), SNAPSHOT], ids=["upsert", "snapshot"])
def test_a_record_that_the_destination_leaves_out_is_not_in_its_batch(signing: Cli, mode: tuple[str, ...]) -> None:
    robot = {"when": {"path": "$.id", "is": personnel_account(1)["id"]}, "reason": "a robot"}
    objects: Any = signing.destinations["drata"]["objects"]
    own = {"personnel_account": {**objects["personnel_account"], "skip": [robot]}}
    signing.configure(receipts={"key": "file:receipts.key"}, drata={"objects": {**objects, **own}})
    signing.write("a.ndjson", *(personnel_account(n) for n in range(3)))
    assert signing.type("push", "a.ndjson", *ACCOUNTS, *DRATA, *mode).code == 0
    [left] = explained(signing, run_of(signing), personnel_account(1)["id"])
    assert (left["outcome"], left["place"], left["request"]) == ("left out: a robot", "a.ndjson:2", None)
    [there] = explained(signing, run_of(signing), personnel_account(2)["id"])
    assert there["request"]


def test_each_input_is_read_with_its_own_values(signing: Cli) -> None:
    for region in ("eu-west-1", "us-east-1"):
        vpc = {"VpcId": f"vpc-{region}", "OwnerId": "1", "CidrBlock": "10.0.0.0/16", "State": "available"}
        signing.write(f"{region}.json", '{"Vpcs": [', vpc, "]}")
    eu, us = (f"aws.ec2.vpcs[region={region}]={region}.json" for region in ("eu-west-1", "us-east-1"))
    assert signing.type("push", eu, us, *DRATA).code == 0
    for region in ("eu-west-1", "us-east-1"):
        [each] = explained(signing, run_of(signing), f"vpc-{region}")
        assert (bool(each["request"]), each["place"]) == (True, f"{region}.json:2")
        assert {told["name"]: told["value"] for told in each["evidence"]}["region"] == region
    assert signing.type("push", f"home:{eu}", *DRATA).code == 0
    explained(signing, run_of(signing), "vpc-eu-west-1", code=2)
    assert explained(signing, run_of(signing), "vpc-eu-west-1", "--set", "region=eu-west-1")[0]["request"]


def test_a_workbook_is_read_as_large_as_is_configured(signing: Cli) -> None:
    workbook(signing.folder / "a.xlsx", {"people": [["id", "email"], ["u1", "a@example.com"]]})
    assert signing.type("push", "a.xlsx", *ACCOUNTS, *DRATA).code == 0
    assert explained(signing, run_of(signing), "u1")[0]["request"]
    signing.configure(receipts={"key": "file:receipts.key"}, workbook_bytes=10)
    [each] = explained(signing, run_of(signing), "u1", code=2)
    assert any("the input a.xlsx cannot be read as it was" in missing for missing in each["missing"])
    assert signing.type("portability", "a.xlsx", *ACCOUNTS).code == 2


def test_where_a_source_field_ends_up(signing: Cli) -> None:
    rows = signing.type("explain", "--source", "/email", "--kind", "personnel_account", "--json").json
    assert {row["destination"] for row in rows} == {"drata", "secureframe", "vanta"}
    assert all(row["rule"] for row in rows)


def test_where_a_field_of_an_element_around_the_record_ends_up(signing: Cli) -> None:
    of = ["--kind", "cloud_resource", "--mapping", "aws.ec2.instances", "--json"]
    rows = signing.type("explain", "--source", "/OwnerId", *of).json
    assert {row["evidence"] for row in rows} == {"account_id"}
    assert {row["destination"] for row in rows} >= {"drata", "secureframe"}
    assert signing.type("explain", "--source", "/Owner", *of).json == []


def test_a_field_is_asked_for_by_either_name_and_an_id_as_it_is_written(signing: Cli) -> None:
    signing.write("a.ndjson", {**personnel_account(1), "id": "User-1"})
    assert signing.type("push", "a.ndjson", *ACCOUNTS, "--to", "secureframe").code == 0
    run = run_of(signing)
    [by_evidence], [by_vendor] = (
        explained(signing, run, "User-1", name) for name in ("mfa_enabled", "two_factor_enabled")
    )
    assert by_evidence == by_vendor
    assert [each["name"] for each in by_vendor["body"]] == ["two_factor_enabled"]
    [each] = explained(signing, run, "USER-1", code=2)
    assert any("but 'User-1': give the id as it is written there" in missing for missing in each["missing"])


def test_a_record_whose_id_came_first_in_another_case_says_so(signing: Cli) -> None:
    (signing.folder / "own").mkdir()
    rules = LEAVES_OUT.replace("id: $.id,", "id: {path: $.id, compare: fold},")
    signing.write("own/own.yaml", rules)
    signing.configure(receipts={"key": "file:receipts.key"}, mappings="own")
    signing.write("raw.ndjson", *({"id": f"{each}@x.com", "mail": "p@example.com", "type": "e"} for each in ("A", "a")))
    assert signing.type("push", "own=raw.ndjson", *DRATA).code == 1
    [first], [second] = (explained(signing, run_of(signing), f"{each}@x.com") for each in ("A", "a"))
    assert first["request"]
    assert second["outcome"] == "rejected: another record with this id came first"


@pytest.mark.parametrize("number", [str(2**63), "9" * 25, "9" * 5000])
def test_a_number_that_no_delivery_can_have_is_none(signing: Cli, number: str) -> None:
    typed = signing.type("explain", number, "u1")
    assert typed.code == 2
    assert "there is no receipt of" in typed.words or "is not in the journal" in typed.words


def test_a_run_without_a_receipt_cannot_be_explained(signing: Cli) -> None:
    typed = signing.type("explain", "nothing", "u1")
    assert typed.code == 2
    assert "no receipt" in typed.words
    assert json.dumps(typed.words)
