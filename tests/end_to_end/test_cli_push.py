"""The program against both emulators over real sockets: what is typed, what each vendor then holds, how it ends."""

from __future__ import annotations

import json

import pytest
import yaml
from tests.support.cli import ACCOUNTS, BOTH, Cli
from tests.support.evidence import FULLY_KNOWN, personnel_account


def test_a_snapshot_reaches_both_and_one_fewer_is_noticed(cli: Cli) -> None:
    cli.write("all.ndjson", *(personnel_account(n) for n in range(6)))
    code, report = cli.report("push", "all.ndjson", *ACCOUNTS, *BOTH, "--mode", "snapshot")
    assert code == 0
    assert report["destinations"]["drata"]["assurance"] == {"accepted": 0, "confirmed": 6, "verified": 0}
    assert report["destinations"]["secureframe"]["assurance"] == {"accepted": 6, "confirmed": 0, "verified": 0}
    everyone = {f"a{n}" for n in range(6)}
    assert cli.held("drata", "personnel_account") == cli.held("secureframe", "personnel_account") == everyone

    cli.write("fewer.ndjson", *(personnel_account(n) for n in range(5)))
    code, report = cli.report("push", "fewer.ndjson", *ACCOUNTS, *BOTH, "--mode", "snapshot")
    assert code == 0
    assert report["destinations"]["secureframe"]["gone"] == {"count": 1, "ids": ["a5"]}
    assert cli.held("drata", "personnel_account") == everyone - {"a5"}
    assert cli.held("secureframe", "personnel_account") == everyone


def test_bad_records_are_explained_and_the_good_ones_delivered(cli: Cli) -> None:
    bad = [
        '{"id": "broken", ',
        {"email": "nobody@example.com"},
        personnel_account(1, roles="admin"),
        personnel_account(2, last_login_at="2026-01-31T09:00:00"),
        personnel_account(9, nickname="x"),
        personnel_account(0),
    ]
    cli.write("some.ndjson", personnel_account(0), *bad)
    arguments = ("push", "some.ndjson", *ACCOUNTS, *BOTH, "--problems", "problems.ndjson")
    code, report = cli.report(*arguments)
    assert code == 1
    assert cli.held("drata", "personnel_account") == cli.held("secureframe", "personnel_account") == {"a0"}
    for books in report["destinations"].values():
        assert (books["delivered"], books["rejected"]) == (1, 6)
        assert sorted(row["position"] for row in books["problems"]) == [f"some.ndjson:{n}" for n in range(2, 8)]
        assert all(row["found"] and row["expected"] for row in books["problems"])
    rows = [json.loads(line) for line in cli.read("problems.ndjson").splitlines()]
    assert len(rows) == 12
    code, out, _ = cli.type(*arguments)
    assert code == 1
    assert "some.ndjson:5  a2  rejected" in out
    assert "last_login_at" in out


def test_a_snapshot_with_a_bad_record_leaves_the_old_set(cli: Cli) -> None:
    cli.write("old.ndjson", *(personnel_account(n) for n in range(5)))
    cli.type("push", "old.ndjson", *ACCOUNTS, "--to", "drata", "--mode", "snapshot")
    cli.write("new.ndjson", *(personnel_account(n) for n in range(1, 6)), {"id": "bad", "email": 7})
    code, report = cli.report("push", "new.ndjson", *ACCOUNTS, "--to", "drata", "--mode", "snapshot")
    assert code == 1
    assert report["destinations"]["drata"]["reasons"] == {"snapshot_cancelled": 5}
    assert cli.held("drata", "personnel_account") == {f"a{n}" for n in range(5)}
    cli.configure(guard={"max_rejected": 1})
    code, report = cli.report("push", "new.ndjson", *ACCOUNTS, "--to", "drata", "--mode", "snapshot")
    assert code == 1
    assert cli.held("drata", "personnel_account") == {f"a{n}" for n in range(1, 6)}


def test_the_guard_refuses_and_a_person_may_overrule_it(cli: Cli) -> None:
    cli.write("old.ndjson", *(personnel_account(n) for n in range(4)))
    cli.write("new.ndjson", *(personnel_account(n) for n in range(2, 6)))
    cli.type("push", "old.ndjson", *ACCOUNTS, "--to", "drata", "--mode", "snapshot")
    push = ("push", "new.ndjson", *ACCOUNTS, "--to", "drata", "--mode", "snapshot")
    code, out, _ = cli.type(*push)
    assert code == 4
    assert "a0, a1" in out
    assert cli.held("drata", "personnel_account") == {"a0", "a1", "a2", "a3"}
    code, report = cli.report(*push, "--override-guard", "two teams moved")
    assert code == 0
    assert any("two teams moved" in note for note in report["destinations"]["drata"]["notes"])
    assert cli.held("drata", "personnel_account") == {"a2", "a3", "a4", "a5"}


def test_a_dry_run_sends_nothing(cli: Cli) -> None:
    cli.write("some.ndjson", personnel_account(0), personnel_account(1))
    code, report = cli.report("push", "some.ndjson", *ACCOUNTS, *BOTH, "--dry-run")
    assert code == 0
    assert all(books["withheld"] == 2 for books in report["destinations"].values())
    assert cli.emulators.received() == []
    cli.write("bad.ndjson", personnel_account(0), {"id": ""})
    assert cli.report("push", "bad.ndjson", *ACCOUNTS, *BOTH, "--dry-run")[0] == 1


def test_standard_input_and_csv(cli: Cli) -> None:
    text = "Email,Course,Completed At\nana@example.com,security_awareness,2026-01-11T14:01:00Z\n"
    code, out, err = cli.type("push", "csv.training=-", "--to", "drata", stdin=text)
    assert code == 0, out + err
    assert cli.held("drata", "training_record") == {"ana@example.com/security_awareness"}


def test_a_table_of_evidence_as_excel_saves_it(cli: Cli) -> None:
    text = "sep=;\nStaff list;;;\n;;;\nid;email;active;\n1;ana@example.com;Yes ;\n2; bo@example.com;no;\n"
    code, out, err = cli.type("push", "-", *ACCOUNTS, "--to", "drata", "--format", "csv", stdin=text)
    assert code == 0, out + err
    assert cli.held("drata", "personnel_account") == {"1", "2"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["some.ndjson", *ACCOUNTS, "--to", "drat"], "Did you mean 'drata'?"),
        (["some.ndjson", "--to", "drata"], "--kind"),
        (["some.ndjson", "--kind", "account", "--to", "drata"], "there is no kind 'account'"),
        (["missing.ndjson", *ACCOUNTS, "--to", "drata"], "missing.ndjson"),
        (["csv.trainings=some.ndjson", "--to", "drata"], "Did you mean"),
        (["csv.training=some.ndjson", *ACCOUNTS, "--to", "drata"], "several kinds"),
        (["some.ndjson", *ACCOUNTS, "--to", "drata", "--config", "no.yaml"], "there is no file no.yaml"),
        (["some.ndjson", "--kind", "cloud_resource", "--to", "secureframe", "--mode", "remove"], "lifecycle_field"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_sent(cli: Cli, arguments: list[str], words: str) -> None:
    cli.write("some.ndjson", personnel_account(0))
    code, out, err = cli.type("push", *arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("Error: ")
    assert words in err
    assert cli.emulators.received() == []


def test_a_missing_secret_names_the_variable(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    cli.configure(drata={"api_key": "env:NO_SUCH_KEY"})
    cli.write("some.ndjson", personnel_account(0))
    code, _, err = cli.type("push", "some.ndjson", *ACCOUNTS, "--to", "drata")
    assert code == 2
    assert "destinations.drata.api_key" in err
    assert "export NO_SUCH_KEY" in err


def test_a_wrong_key_blocks_and_a_good_destination_still_delivers(cli: Cli) -> None:
    cli.configure(drata={"api_key": "not-the-key"})
    cli.write("some.ndjson", personnel_account(0))
    code, report = cli.report("push", "some.ndjson", *ACCOUNTS, *BOTH)
    assert code == 3
    assert report["destinations"]["drata"]["withheld"] == 1
    assert report["destinations"]["secureframe"]["delivered"] == 1
    assert "not-the-key" not in json.dumps(report)


class TestOthers:
    def test_preview_shows_the_exact_bodies(self, cli: Cli) -> None:
        known = {**FULLY_KNOWN, "admin": None, "permission_level": "base"}
        cli.write("some.ndjson", personnel_account(7, **known))
        code, out, _ = cli.type("preview", "some.ndjson", *ACCOUNTS, "--json")
        assert code == 0
        [preview] = json.loads(out)
        assert preview["bodies"].keys() == cli.destinations.keys()
        assert preview["bodies"]["drata"]["id"] == preview["bodies"]["secureframe"]["id"] == "a7"
        assert "admin" not in preview["bodies"]["secureframe"]
        code, out, _ = cli.type("preview", "some.ndjson", *ACCOUNTS)
        assert '"email": "p7@example.com"' in out

    def test_doctor_is_content_with_the_emulators(self, cli: Cli) -> None:
        code, out, err = cli.type("doctor")
        assert code == 0, out + err
        assert "BAD" not in out
        assert out.count("clock: agrees") == len(cli.destinations)

    def test_doctor_names_the_wrong_key_and_still_looks_at_the_other(self, cli: Cli) -> None:
        cli.configure(drata={"api_key": "not-the-key"})
        code, out, _ = cli.type("doctor")
        assert code == 1
        assert "BAD" in out
        assert "not-the-key" not in out
        assert "secureframe" in out

    def test_provision_prints_what_push_then_uses(self, cli: Cli) -> None:
        code, out, _ = cli.type("provision", "drata", "--kind", "custom:gadget")
        assert code in (0, 2), out
        code, out, err = cli.type("provision", "drata", "--kind", "training_record")
        assert code == 0, err
        made = yaml.safe_load(out)["objects"]["training_record"]
        assert cli.type("provision", "drata", "--kind", "training_record")[1] == out
        cli.configure(drata={"objects": {"training_record": made}})
        cli.write("t.ndjson", {"id": "t1", "email": "a@example.com", "course": "x"})
        assert cli.type("push", "t.ndjson", "--kind", "training_record", "--to", "drata")[0] == 0

    def test_provision_says_what_a_person_must_do(self, cli: Cli) -> None:
        code, out, err = cli.type("provision", "secureframe", "--kind", "training_record")
        assert (code, out) == (0, "")
        assert "Define Schema" in err
        assert "Written into" not in err


class TestWithoutSecrets:
    """Nothing is asked of a vendor, so a preview and a dry run work before there is a key."""

    def test_a_dry_run(self, cli: Cli) -> None:
        cli.configure(drata={"api_key": "env:NO_SUCH_KEY"})
        cli.write("a.ndjson", personnel_account(0))
        assert cli.type("push", "a.ndjson", *ACCOUNTS, "--to", "drata")[0] == 2
        code, out, _ = cli.type("push", "a.ndjson", *ACCOUNTS, "--to", "drata", "--dry-run")
        assert code == 0
        assert "Nothing was sent. drata would get 1." in out

    def test_a_preview_needs_no_object_either_and_says_which_vendor_cannot_take_the_kind(self, cli: Cli) -> None:
        cli.configure(drata={"api_key": "env:NO_SUCH_KEY", "objects": {}})
        cli.write("a.ndjson", personnel_account(0))
        assert cli.type("preview", "a.ndjson", *ACCOUNTS, "--to", "drata")[0] == 0
        cli.write("p.ndjson", {"id": "p1", "email": "ana@example.com"})
        code, out, _ = cli.type("preview", "p.ndjson", "--kind", "person", *BOTH, "--json")
        assert code == 1
        [shown] = json.loads(out)
        assert "makes no people" in shown["problems"]["secureframe"]["expected"]


def test_a_mistyped_leaver_is_seen_by_plan_and_push(cli: Cli) -> None:
    cli.write("all.ndjson", personnel_account(0), personnel_account(1))
    cli.type("push", "all.ndjson", *ACCOUNTS, "--to", "drata")
    cli.write("leavers.ndjson", {"id": "a0"}, {"id": "a-one"})
    removal = ("leavers.ndjson", *ACCOUNTS, "--to", "drata", "--mode", "remove")
    _, out, _ = cli.type("plan", *removal)
    assert "not known here, and not seen at the vendor" in out
    assert "a-one" in out
    code, out, _ = cli.type("push", *removal)
    assert code == 0
    assert "Not known here, and not seen at the vendor (1): a-one" in out
    assert cli.held("drata", "personnel_account") == {"a1"}


@pytest.mark.parametrize("command", ["push", "plan", "dry"])
def test_devices_that_are_one_at_the_vendor_are_refused_by_name(cli: Cli, command: str) -> None:
    common = {"owner_email": "ana@example.com", "platform": "linux", "os_version": "6"}
    cli.write("a.ndjson", {"id": "d-1", "serial_number": "S1", **common}, {"id": "d-2", "serial_number": "0", **common})
    cli.write("b.ndjson", {"id": "d-3", "serial_number": "0", **common}, {"id": "d-4", "serial_number": "S1", **common})
    options = ("--kind", "device", "--to", "drata", "--mode", "snapshot")
    typed = {"push": ("push",), "plan": ("plan",), "dry": ("push", "--dry-run")}[command]
    code, out, _ = cli.type(*typed, "a.ndjson", "b.ndjson", *options)
    assert code == 1
    said = " ".join(out.split())
    assert "b.ndjson:2 d-4" in said
    assert "the serialNumber that d-1 at a.ndjson:1 already has" in said
    assert "d-3" not in said.split("rejected")[-1]


def test_lines_that_are_arrays_are_the_records_in_them(cli: Cli) -> None:
    """As `gh api --paginate` saves them: a page a line."""
    cli.write("pages.ndjson", [personnel_account(1), personnel_account(2)], [], [personnel_account(3)])
    code, report = cli.report("push", "pages.ndjson", *ACCOUNTS, *BOTH)
    assert (code, [each["read"] for each in report["sources"]]) == (0, [3])
    assert cli.held("drata", "personnel_account") == {"a1", "a2", "a3"}


def test_a_character_that_ends_text_elsewhere_is_carried(cli: Cli) -> None:
    cli.write("odd.ndjson", personnel_account(1, username="ana\x00b"))
    assert cli.report("push", "odd.ndjson", *ACCOUNTS, *BOTH)[0] == 0
    assert cli.held("secureframe", "personnel_account") == {"a1"}


def test_an_empty_version_rejects_its_device_and_says_where_it_is(cli: Cli) -> None:
    apps = [{"name": "Editor", "version": "1"}, {"name": "Player", "version": ""}]
    cli.write("devices.ndjson", {"id": "d1", "name": "one"}, {"id": "d2", "name": "two", "applications": apps})
    code, report = cli.report("push", "devices.ndjson", "--kind", "device", "--to", "secureframe")
    assert (code, report["destinations"]["secureframe"]["rejected"]) == (1, 1)
    [row] = report["destinations"]["secureframe"]["problems"]
    assert (row["id"], row["field"], row["found"]) == ("d2", "applications[1].version", "''")
