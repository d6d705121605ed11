"""`call`, `plan`, `provision` and `status` as they are typed: eighty columns, nothing cut, JSON on request."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support import drata
from tests.support.cli import Cli

LONG = "arn:aws:iam::123456789012:role/" + "/".join(f"part{number}" for number in range(14))
CLOUD = ("--kind", "cloud_resource", "--to", "drata")


def joined(text: str) -> str:
    """The text without the breaks that folding makes."""
    return "".join(line.strip() for line in text.splitlines())


def narrow(*texts: str) -> None:
    for text in texts:
        assert [line for line in text.splitlines() if len(line) > 80] == []


def resource(cli: Cli) -> dict[str, Any]:
    found: dict[str, Any] = cli.destinations["drata"]["objects"]["cloud_resource"]
    return found


def test_a_call_prints_its_answer_for_people_and_for_programs(cli: Cli) -> None:
    ids = [f"{name}={value}" for name, value in resource(cli).items()]
    data = json.dumps({"id": LONG, "display_name": "x" * 200, "type": "aws.iam.role"})
    assert cli.type("call", "drata", "upsert_records", *ids, f"data={data}")[0] == 0
    code, out, _ = cli.type("call", "drata", "list_records", *ids)
    narrow(out)
    assert (code, LONG in joined(out)) == (0, True)
    code, out, _ = cli.type("call", "drata", "list_records", *ids, "--json")
    assert [row["id"] for row in json.loads(out)["data"]] == [LONG]


def test_the_operations_are_listed(cli: Cli) -> None:
    code, out, _ = cli.type("call", "drata")
    narrow(out)
    assert code == 0
    assert "delete_record  destructive" in out
    code, out, _ = cli.type("call", "drata", "--json")
    listed = json.loads(out)
    assert len(listed) == 25
    assert listed["delete_record"]["destructive"] is True
    assert "record_id" in listed["delete_record"]["parameters"]["required"]


def test_a_vendor_without_operations_says_so(cli: Cli) -> None:
    code, _, err = cli.type("call", "secureframe", "anything")
    assert code == 2
    assert "anything" in err


def test_what_destroys_needs_a_yes(cli: Cli) -> None:
    asked = ["call", "drata", "delete_custom_connection", "connection_id=1"]
    done = cli.run(*asked)
    assert done.code == 2
    assert "--yes" in done.err
    narrow(done.err)
    assert drata.resource(cli.emulators.state("drata"))
    assert cli.type(*asked, "--yes")[0] == 0
    assert 1 not in [each["id"] for each in cli.emulators.state("drata")["connections"]]


@pytest.mark.parametrize(("answer", "gone"), [("y\n", True), ("n\n", False)])
def test_somebody_at_a_terminal_is_asked(cli: Cli, monkeypatch: pytest.MonkeyPatch, answer: str, gone: bool) -> None:
    monkeypatch.setattr("proofport.cli.vendor.call._is_interactive", lambda: True)
    cli.type("call", "drata", "delete_custom_connection", "connection_id=1", stdin=answer)
    assert (1 not in [each["id"] for each in cli.emulators.state("drata")["connections"]]) is gone


def test_refused_items_make_the_call_fail(cli: Cli) -> None:
    cli.emulators.fault("drata", partial_item_failures=1)
    ids = [f"{name}={value}" for name, value in resource(cli).items()]
    code, out, err = cli.type("call", "drata", "upsert_records", *ids, 'data=[{"id": "a"}]', "--json")
    assert code == 1
    assert json.loads(out)[0]["error"]
    assert "a:" in err


@pytest.mark.parametrize("wrong", [["device_id"], ["=1"], ["device_id=x"], ["deviceid=1"]])
def test_wrong_parameters_are_explained(cli: Cli, wrong: list[str]) -> None:
    code, _, err = cli.type("call", "drata", "get_device", *wrong)
    assert code == 2
    assert err.startswith("Error: ")
    narrow(err)


def test_a_plan_for_people_and_for_programs(cli: Cli) -> None:
    old = [{"id": LONG, "type": "aws.iam.role", "name": "x"}, {"id": "gone", "type": "aws.iam.role"}]
    cli.type("push", cli.write("old.ndjson", *old), *CLOUD)
    bad = [{"id": "bad"}, {"id": "worse", "type": 5}]
    new = cli.write("new.ndjson", {**old[0], "name": "y"}, {"id": LONG + "/new", "type": "t"}, *bad)
    code, out, _ = cli.type("plan", new, *CLOUD, "--mode", "snapshot")
    narrow(out)
    assert code == 1, "as the push ends: too many are rejected, before the guard is asked"
    whole = joined(out)
    for words in (f"{LONG}: display_name, name", f"{LONG}/new", "new.ndjson:3", "new.ndjson:4", "gone", "The guard"):
        assert words.replace(" ", "") in whole.replace(" ", "")
    code, out, _ = cli.type("plan", new, *CLOUD, "--mode", "snapshot", "--json")
    found = json.loads(out)["destinations"]["drata"]
    assert found["changed"]["fields"] == {LONG: ["display_name", "name"]}
    assert found["gone"] == {"count": 1, "ids": ["gone"]}
    assert found["directly_uploaded"]["ids"] == ["gone"]
    assert found["not_expressible"]["count"] == 2
    assert cli.held("drata", "cloud_resource") == {LONG, "gone"}


def test_where_the_vendor_cannot_be_read_the_journal_is_compared_with(cli: Cli) -> None:
    training = ("--kind", "training_record", "--to", "secureframe")
    record = {"email": "a@example.com", "course": "security_awareness", "completed_at": "2026-01-31T09:00:00Z"}
    old = [{"id": "same", **record}, {"id": "other", **record}, {"id": "gone", **record}]
    assert cli.type("push", cli.write("old.ndjson", *old), *training, "--mode", "snapshot")[0] == 0
    new = cli.write("new.ndjson", old[0], {**old[1], "email": "b@example.com"}, {"id": "new", **record})
    _, out, _ = cli.type("plan", new, *training, "--mode", "snapshot")
    narrow(out)
    assert "other: its body" in out
    found = json.loads(cli.type("plan", new, *training, "--mode", "snapshot", "--json")[1])["destinations"][
        "secureframe"
    ]
    assert (found["added"]["ids"], found["changed"]["ids"], found["gone"]["ids"]) == (["new"], ["other"], ["gone"])
    assert found["unchanged"]["count"] == 1
    assert "cannot be read" in found["notes"][0]


def test_the_ids_are_written_into_the_configuration(cli: Cli) -> None:
    cli.configure(drata={"objects": {}})
    before = (cli.folder / "proofport.yaml").read_text()
    assert "objects:" in cli.type("provision", "drata", "--no-write")[1]
    assert (cli.folder / "proofport.yaml").read_text() == before
    code, out, _ = cli.type("provision", "drata")
    assert code == 0
    assert "Written into proofport.yaml" in out
    narrow(out)
    lines = (cli.folder / "proofport.yaml").read_text().splitlines()
    assert [line for line in before.splitlines() if "objects:" not in line and line not in lines] == []
    assert cli.type("push", cli.write("r.ndjson", {"id": "a", "type": "x"}), *CLOUD)[0] == 0
    code, out, _ = cli.type("provision", "drata")
    assert "has all of these already" in out


def test_provision_and_status_keep_to_the_width(cli: Cli) -> None:
    for arguments in (["provision", "drata"], ["provision", "drata", "--kind", "custom:" + "x" * 60], ["status"]):
        code, out, err = cli.type(*arguments)
        assert code == 0
        narrow(out, err)
        assert json.loads(cli.type(*arguments, "--json")[1]) is not None


def test_long_ids_in_runs_and_errors_are_folded_and_whole(cli: Cli) -> None:
    file = cli.write("r.ndjson", {"id": LONG})
    _, report = cli.report("push", file, *CLOUD, "--mode", "remove")
    ids = [f"{name}={value}" for name, value in resource(cli).items()]
    for arguments in (
        ["status", report["run_id"]],
        ["call", "drata", "update_record", *ids, f"record_id={LONG}", "data={}"],
        ["status", LONG],
        ["plan", LONG, *CLOUD],
        ["provision", LONG],
    ):
        _, out, err = cli.type(*arguments)
        narrow(out, err)
        assert LONG in joined(out + err)
    _, out, _ = cli.type("status", report["run_id"], "--json")
    assert any(LONG in attempt["message"] for attempt in json.loads(out)["attempts"])


def test_configured_kinds_are_provisioned_too(cli: Cli) -> None:
    code, out, _ = cli.type("provision", "drata", "--json")
    assert (code, "custom:software_package" in json.loads(out)) == (0, True)
