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
    assert found["records"] == 2
    [email] = [each for each in found["ported"] if (each["field"], each["destination"]) == ("email", "drata")]
    assert email["records"] == 1
    assert "email in 1 records" in cli.type("portability", "--kind", "personnel_account", "a.ndjson").words
