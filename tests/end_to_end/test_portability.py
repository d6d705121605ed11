"""What of a kind arrives at each vendor, field by field."""

from __future__ import annotations

from tests.support.cli import Cli
from tests.support.evidence import personnel_account


def test_every_field_has_a_fate_at_every_destination(cli: Cli) -> None:
    found = cli.type("portability", "--kind", "personnel_account", "--json").json
    by_field = {(each["field"], each["destination"]): each for each in found["ported"]}
    assert {destination for _, destination in by_field} == {"drata", "secureframe", "vanta"}
    assert by_field["email", "secureframe"]["becomes"] in ("carried", "renamed")
    assert by_field["email", "secureframe"]["rules"]
    words = {each["becomes"] for each in found["ported"]}
    assert words <= {"carried", "renamed", "converted", "narrowed", "lost"}
    assert "lost" in words
    assert all(bool(each["fields"]) == (each["becomes"] != "lost") for each in found["ported"])
    assert found["records"] is None


def test_an_input_says_how_many_records_have_a_field(cli: Cli) -> None:
    cli.write("a.ndjson", personnel_account(1), {**personnel_account(2), "email": None})
    found = cli.type("portability", "--kind", "personnel_account", "a.ndjson", "--json").json
    assert (found["records"], found["rejected"], found["skipped"]) == (2, 0, 0)
    [email] = [each for each in found["ported"] if (each["field"], each["destination"]) == ("email", "drata")]
    assert email["records"] == 1
    assert "email in 1 records" in cli.type("portability", "--kind", "personnel_account", "a.ndjson").words


def test_records_that_are_no_evidence_or_left_out_are_told(cli: Cli) -> None:
    users = [{"id": "u1", "userName": "jo"}, {"userName": "bo"}, {"id": "g1", "meta": {"resourceType": "Group"}}]
    cli.write("users.json", {"Resources": users})
    typed = ("portability", "--kind", "personnel_account", "scim.users=users.json")
    found = cli.type(*typed, "--json").json
    assert (found["records"], found["rejected"], found["skipped"]) == (1, 1, 1)
    assert "not counted: 1 that are no evidence, and 1 that the mapping leaves out" in cli.type(*typed).words
