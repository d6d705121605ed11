"""Runs that cannot go well: wrong words, wrong files, vendors that refuse, are slow, or are not there."""

from __future__ import annotations

import json
import re
import signal
from subprocess import PIPE
from typing import Any

import pytest
from tests.support import drata
from tests.support.cli import ACCOUNTS, BOTH, Cli
from tests.support.evidence import personnel_account
from tests.support.programs import program, wait

MODES = ("upsert", "snapshot")
OLD = {"a0", "a1", "a2", "a3"}


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def old(cli: Cli) -> Cli:
    """Both vendors hold a set already; `new.ndjson` is the next one."""
    cli.write("old.ndjson", *(personnel_account(n) for n in range(4)))
    assert cli.type("push", "old.ndjson", *ACCOUNTS, *BOTH, "--mode", "snapshot")[0] == 0
    cli.write("new.ndjson", *(personnel_account(n, admin=False) for n in range(5)))
    return cli


def untouched(cli: Cli, requests: int) -> None:
    """Both vendors hold what they held, and no request has reached them since."""
    assert cli.held("drata", "personnel_account") == cli.held("secureframe", "personnel_account") == OLD
    assert len(cli.emulators.received()) == requests


class TestWhatIsAsked:
    """Said before anything is sent: exit 2, one error on stderr, nothing on stdout, whatever the mode."""

    @pytest.fixture
    def refused(self, old: Cli, mode: str) -> Any:
        requests = len(old.emulators.received())

        def push(*arguments: str) -> str:
            code, out, err = old.type("push", *arguments, "--mode", mode, "--json")
            assert (code, out) == (2, "")
            assert err.startswith(("Error: ", "Usage: "))
            untouched(old, requests)
            return " ".join(err.split())

        return push

    def test_a_wrong_mapping(self, old: Cli, refused: Any) -> None:
        (old.folder / "mappings/sources").mkdir(parents=True)
        fields = "{id: $.id, emial: $.mail, active: {path: $.on, as: boolean}}"
        text = f"mapping: sources/ours\nto: {{evidence: personnel_account}}\nfields: {fields}\n"
        (old.folder / "mappings/sources/ours.yaml").write_text(text)
        old.configure(mappings="mappings")
        said = refused("ours=new.ndjson", *BOTH)
        assert said.startswith("Error: mappings/sources/ours.yaml:3:60: found 'boolean', expected one of int, ")
        assert "Did you mean 'bool'?" in said

    def test_a_vendor_mapping_for_another_kind(self, old: Cli, refused: Any) -> None:
        objects = old.destinations["drata"]["objects"]
        wrong = {**objects["personnel_account"], "mapping": "drata/training_record"}
        old.configure(drata={"objects": {"personnel_account": wrong}})
        said = refused("new.ndjson", *ACCOUNTS, *BOTH)
        assert "drata/training_record" in said
        assert "personnel_account" in said

    def test_an_unknown_destination(self, refused: Any) -> None:
        said = refused("new.ndjson", *ACCOUNTS, "--to", "secureframe", "--to", "dratta")
        assert "'dratta'" in said
        assert "Did you mean 'drata'?" in said

    @pytest.mark.parametrize("secret", ["env:NO_SUCH_KEY", "file:no/such/file"])
    def test_a_missing_credential(self, old: Cli, refused: Any, monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
        monkeypatch.delenv("NO_SUCH_KEY", raising=False)
        old.configure(secureframe={"api_secret": secret})
        said = refused("new.ndjson", *ACCOUNTS, *BOTH)
        assert "proofport.yaml:" in said
        assert "destinations.secureframe.api_secret" in said
        assert secret.partition(":")[2] in said

    def test_a_literal_secret_for_a_real_host(self, old: Cli, refused: Any) -> None:
        old.configure(drata={"base_url": "https://public-api.drata.com", "api_key": "as-plain-as-day"})
        said = refused("new.ndjson", *ACCOUNTS, *BOTH)
        assert "destinations.drata.api_key" in said
        assert "env:" in said

    def test_a_kind_that_a_destination_has_no_object_for(self, old: Cli, refused: Any) -> None:
        old.write("custom.ndjson", {"id": "x"})
        said = refused("custom.ndjson", "--kind", "custom:gadget", *BOTH)
        assert "custom:gadget" in said
        assert "objects" in said


class TestInputs:
    def test_a_truncated_array(self, old: Cli, mode: str) -> None:
        whole = json.dumps([personnel_account(n) for n in range(5)])
        (old.folder / "cut.json").write_text(whole[: whole.index('"a4"') + 2])
        code, report = old.report("push", "cut.json", *ACCOUNTS, *BOTH, "--mode", mode)
        assert "cut.json" in report["sources"][0]["incomplete"]
        if mode == "upsert":
            assert code == 1
            assert all(books["delivered"] == 4 for books in report["destinations"].values())
        else:
            assert code in (1, 4)
            assert report["destinations"]["drata"]["withheld"] == 4
        assert old.held("drata", "personnel_account") == old.held("secureframe", "personnel_account") == OLD

    @pytest.mark.parametrize(("name", "text"), [("e.ndjson", ""), ("e.json", "[]"), ("e.csv", "id,email\n")])
    def test_an_empty_set_replaces_nothing(self, old: Cli, name: str, text: str) -> None:
        (old.folder / name).write_text(text)
        code, report = old.report("push", name, *ACCOUNTS, *BOTH, "--mode", "snapshot")
        assert code == 4
        assert all("empty" in books["notes"][0] for books in report["destinations"].values())
        code, _ = old.report("push", name, *ACCOUNTS, *BOTH, "--mode", "snapshot", "--override-guard", "all left")
        assert code == 4
        assert old.held("drata", "personnel_account") == OLD
        assert "IN_PROGRESS" not in drata.statuses(old.emulators.state("drata"), "personnel_account")
        assert old.type("push", name, *ACCOUNTS, *BOTH)[0] == 0

    @pytest.mark.parametrize("form", ["ndjson", "json", "csv"])
    def test_every_form_from_a_file_and_from_standard_input(self, cli: Cli, form: str) -> None:
        rows = [{"id": f"a{n}", "email": f"p{n}@example.com"} for n in range(3)]
        texts = {
            "ndjson": "\n".join(json.dumps(row) for row in rows),
            "json": json.dumps(rows, indent=1),
            "csv": "id,email\n" + "".join(f"{row['id']},{row['email']}\n" for row in rows),
        }
        (cli.folder / f"rows.{form}").write_text(texts[form])
        code, report = cli.report("push", f"rows.{form}", *ACCOUNTS, "--to", "drata")
        assert (code, drata.resource(cli.emulators.state("drata"), "personnel_account")["records"][0]["email"]) == (
            0,
            "p0@example.com",
        )
        done = cli.run("push", "-", *ACCOUNTS, *BOTH, "--json", stdin=texts[form])
        assert done.code == 0, done.err
        report = cli.read_report(done)
        assert report["sources"] == [{"input": "stdin", "read": 3, "incomplete": None}]
        assert (
            cli.held("drata", "personnel_account") == cli.held("secureframe", "personnel_account") == {"a0", "a1", "a2"}
        )


class TestVendors:
    @pytest.mark.parametrize("status", [401, 403])
    def test_who_is_refused_is_blocked_and_the_other_goes_on(self, old: Cli, mode: str, status: int) -> None:
        old.emulators.fault("drata", status={"code": status, "times": 100})
        code, report = old.report("push", "new.ndjson", *ACCOUNTS, *BOTH, "--mode", mode)
        assert code == 3
        books = report["destinations"]["drata"]
        assert books["withheld"] == 5
        assert str(status) in books["notes"][0]
        assert old.held("secureframe", "personnel_account") == OLD | {"a4"}
        old.emulators.fault("drata")
        assert old.held("drata", "personnel_account") == OLD
        assert old.type("push", "new.ndjson", *ACCOUNTS, *BOTH, "--mode", mode)[0] == 0

    def test_a_short_retry_after_is_waited_for(self, old: Cli, mode: str) -> None:
        for name in ("drata", "secureframe"):
            old.emulators.fault(name, status={"code": 429, "times": 2, "retry_after": 0})
        assert old.report("push", "new.ndjson", *ACCOUNTS, *BOTH, "--mode", mode)[0] == 0
        assert old.held("drata", "personnel_account") == old.held("secureframe", "personnel_account") == OLD | {"a4"}

    def test_a_retry_after_beyond_patience_is_told_and_the_other_goes_on(self, old: Cli, mode: str) -> None:
        old.configure(patience=30)
        old.emulators.fault("drata", status={"code": 429, "times": 100, "retry_after": 31})
        code, report = old.report("push", "new.ndjson", *ACCOUNTS, *BOTH, "--mode", mode)
        books = report["destinations"]["drata"]
        assert (code, books["withheld"], books["reasons"]) == (1, 5, {"vendor_unavailable": 5})
        assert "429" in books["notes"][0]
        assert books["requests"] == 1
        assert report["destinations"]["secureframe"]["delivered"] == 5
        assert old.held("drata", "personnel_account") == OLD

    @pytest.mark.parametrize("code", [500, 503])
    def test_a_storm_that_passes(self, old: Cli, mode: str, code: int) -> None:
        for name in ("drata", "secureframe"):
            old.emulators.fault(name, status={"code": code, "times": 1})
        assert old.report("push", "new.ndjson", *ACCOUNTS, *BOTH, "--mode", mode)[0] == 0
        assert old.held("drata", "personnel_account") == old.held("secureframe", "personnel_account") == OLD | {"a4"}

    def test_a_storm_that_does_not_pass(self, old: Cli, mode: str) -> None:
        old.configure(patience=0)
        old.emulators.fault("drata", status={"code": 503, "times": 1000})
        exit_code, report = old.report("push", "new.ndjson", *ACCOUNTS, *BOTH, "--mode", mode)
        books = report["destinations"]["drata"]
        assert exit_code == 1
        assert books["withheld"] + books["unknown"] == 5
        assert "503" in books["notes"][0]
        assert old.held("drata", "personnel_account") == OLD

    def test_an_unreachable_host(self, old: Cli, mode: str) -> None:
        old.configure(patience=0, drata={"base_url": "http://127.0.0.1:1"})
        code, report = old.report("push", "new.ndjson", *ACCOUNTS, *BOTH, "--mode", mode)
        books = report["destinations"]["drata"]
        assert (code, books["withheld"]) == (1, 5)
        assert "127.0.0.1:1" in books["notes"][0]
        assert report["destinations"]["secureframe"]["delivered"] == 5
        assert old.held("drata", "personnel_account") == OLD

    @pytest.mark.parametrize("resumed", [False, True])
    def test_ctrl_c_in_the_middle_of_a_set_leaves_the_old_one_and_says_so(self, old: Cli, resumed: bool) -> None:
        before = len(old.emulators.received("drata"))
        old.emulators.fault("drata", latency_ms=60_000, match={"method": "POST"})
        push = ("push", "new.ndjson", *ACCOUNTS, *BOTH, "--mode", "snapshot", "--json")
        with program(*push, cwd=old.folder, stderr=PIPE) as process:
            wait(lambda: posted(old, before))
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        old.is_clean(out, err)
        assert (process.returncode, out) == (130, "")
        assert "Interrupted." in err.splitlines()
        assert "drata: 0 records are known to be staged" in " ".join(err.split())
        [run_id] = re.findall("--resume ([0-9a-f]+)", " ".join(err.split()))
        old.emulators.fault("drata")
        assert old.held("drata", "personnel_account") == OLD
        again = ("--resume", run_id) if resumed else ()
        assert old.report("push", "new.ndjson", *ACCOUNTS, *BOTH, "--mode", "snapshot", *again)[0] == 0
        assert old.held("drata", "personnel_account") == OLD | {"a4"}
        assert "IN_PROGRESS" not in drata.statuses(old.emulators.state("drata"), "personnel_account")


def posted(cli: Cli, since: int) -> bool:
    return any(each["method"] == "POST" for each in cli.emulators.received("drata")[since:])


class TestExitCodes:
    """With several destinations the first that applies of 2, 3, 4, 1, 0."""

    @pytest.mark.parametrize(
        ("drata", "secureframe", "expected"),
        [
            ({"code": 401}, {"code": 503}, 3),
            ({"code": 503}, {"code": 403}, 3),
            ({"code": 503}, None, 4),
            ({"code": 503}, {"code": 503}, 1),
            (None, None, 4),
            ({"code": 401}, None, 3),
        ],
    )
    def test_precedence(self, old: Cli, drata: Any, secureframe: Any, expected: int) -> None:
        """The new set has lost half of the old one: the guard would refuse it wherever it is asked."""
        old.configure(patience=0)
        old.write("half.ndjson", personnel_account(0), personnel_account(1))
        for name, status in (("drata", drata), ("secureframe", secureframe)):
            if status:
                old.emulators.fault(name, status={**status, "times": 1000})
        code, report = old.report("push", "half.ndjson", *ACCOUNTS, *BOTH, "--mode", "snapshot")
        codes = {books["exit_code"] for books in report["destinations"].values()}
        assert code == expected
        assert code == next(each for each in (2, 3, 4, 1, 0) if each in codes)


def test_a_report_is_all_that_stands_on_stdout_and_a_log_holds_no_secret(old: Cli) -> None:
    old.emulators.fault("drata", status={"code": 503, "times": 1})
    old.write("bad.ndjson", personnel_account(0), personnel_account(1, roles="admin"), '{"id": ')
    push = ("push", "bad.ndjson", *ACCOUNTS, *BOTH, "--json", "--problems", "problems.ndjson")
    done = old.run(*push, PROOFPORT_DEBUG="1")
    assert done.code == 1
    report = old.read_report(done)
    assert report["destinations"]["drata"]["delivered"] == 1
    assert "request_repeated" in done.err
    assert len(old.read("problems.ndjson").splitlines()) == 4
