"""Evidence that grows old: what `status --check` says of it, and how it is over. Days pass only when a test says so."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.cli import ACCOUNTS, DRATA, SNAPSHOT, Cli
from tests.support.evidence import personnel_account

from proofport.journal.sqlite import SqliteJournal

DAY = 86_400.0
NAME = "drata/personnel_account"


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets time pass for everything that looks at the clock of this process."""
    real, ahead = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: real() + ahead[0])
    monkeypatch.setattr(SqliteJournal.__init__, "__kwdefaults__", {"clock": lambda: time.time()})

    def pass_(seconds: float) -> None:
        ahead[0] += seconds

    return pass_


def pushed(cli: Cli, *numbers: int, more: tuple[str, ...] = ()) -> int:
    file = cli.write("accounts.ndjson", *(personnel_account(number) for number in numbers))
    return cli.type("push", file, *ACCOUNTS, *SNAPSHOT, *DRATA, *more).code


def configured(cli: Cli, **more: Any) -> None:
    objects = {**cli.destinations["drata"]["objects"]}
    objects["personnel_account"] = {**objects["personnel_account"], "max_age": "26h"}
    cli.configure(drata={"objects": objects}, patience=0, **more)


def troubles(cli: Cli) -> list[tuple[str, str | None, str | None]]:
    typed = cli.type("status", "--check", "--json")
    found = typed.json
    assert typed.code == int(not found["ok"]) == int(bool(found["findings"]))
    return [(each["trouble"], each["destination"], each["kind"]) for each in found["findings"]]


def test_what_is_stale_is_said_in_words_with_a_way_on(cli: Cli, later: Callable[[float], None]) -> None:
    configured(cli)
    assert troubles(cli) == [("stale", "drata", "personnel_account")], "it was never delivered"
    assert pushed(cli, 1) == 0
    later(DAY)
    assert f"ok {NAME}: 1 d old, at most 1 d 2 h Nothing needs you." in cli.type("status", "--check").words
    later(DAY)
    words = cli.type("status", "--check").words
    assert f"STALE {NAME}" in words
    assert "what is there is 2 d old, at most 1 d 2 h are allowed" in words
    assert "`proofport runs` lists them" in words


def test_a_set_that_the_guard_refuses_is_told_until_one_is_complete(cli: Cli) -> None:
    configured(cli)
    assert pushed(cli, 1, 2, 3, 4) == 0
    for _ in range(2):
        assert pushed(cli, 1) == 4
        assert troubles(cli) == [("refused", "drata", "personnel_account")]
    assert "exit code 4: the guard refused what would disappear" in cli.type("status", "--check").words
    assert pushed(cli, 1, more=("--override-guard", "the others have left")) == 0
    assert troubles(cli) == []


def test_a_complete_set_is_newer_than_what_failed_before_it_in_another_mode(cli: Cli) -> None:
    configured(cli)
    bad = cli.write("bad.ndjson", {"id": 7})
    assert cli.type("push", bad, *ACCOUNTS, *DRATA).code == 1
    assert ("refused", "drata", "personnel_account") in troubles(cli)
    assert pushed(cli, 1, 2, 3, 4) == 0
    assert pushed(cli, 1) == 4
    assert len(troubles(cli)) == 1, "of the failed upsert nobody needs to know"


def test_a_key_of_the_relay_that_expires_is_told_with_its_name(cli: Cli) -> None:
    assert cli.type("key", "create", "ci", "--expires", "13d").code == 0
    assert cli.type("key", "create", "cd", "--expires", "15d").code == 0
    [finding] = cli.type("status", "--check", "--json").json["findings"]
    assert (finding["trouble"], finding["lane"], finding["key"][:3]) == ("expiring", None, "pp_")
    words = cli.type("status", "--check").words
    assert f"EXPIRING {finding['key']} a key of the relay expires " in words
    assert f"`proofport key revoke {finding['key']}`" in words
    assert cli.type("key", "revoke", finding["key"]).code == 0
    assert cli.type("status", "--check").code == 0


def test_without_a_limit_nothing_is_stale_and_that_is_said(cli: Cli) -> None:
    typed = cli.type("status", "--check")
    assert typed.code == 0
    assert "No `max_age` is configured" in typed.words


def test_the_limit_of_a_destination_is_for_all_its_kinds(cli: Cli) -> None:
    cli.configure(drata={"max_age": "2d"})
    assert pushed(cli, 1) == 0
    found = cli.type("status", "--check", "--json").json
    assert {each["max_age_seconds"] for each in found["freshness"] if each["destination"] == "drata"} == {2 * DAY}
    stale = {each["kind"] for each in found["findings"]}
    assert "personnel_account" not in stale
    assert "device" in stale


@pytest.mark.parametrize("written", [26, "-1h", "0h", "1 fortnight", "26 hours", [1]])
def test_what_is_no_span_is_refused(cli: Cli, written: object) -> None:
    cli.configure(max_input_age=written)
    typed = cli.type("status")
    assert typed.code == 2
    assert "max_input_age: found" in typed.words
    assert "a number with s, m, h or d, such as 26h or 2d" in typed.words


def test_check_takes_no_subject(cli: Cli) -> None:
    assert cli.type("status", "RUN", "--check").code == 2


# ---------------------------------------------------------------------- inputs
def aged(cli: Cli, seconds: float) -> str:
    name = cli.write("old.ndjson", personnel_account(1))
    at = time.time() - seconds
    os.utime(cli.folder / name, (at, at))
    return name


@pytest.mark.parametrize("command", ["push", "plan"])
def test_a_file_that_is_too_old_is_refused_by_name(cli: Cli, command: str) -> None:
    name = aged(cli, 3 * DAY)
    typed = cli.type(command, name, *ACCOUNTS, *SNAPSHOT, *DRATA, "--max-input-age", "26h")
    assert typed.code == 2
    assert f"{name} is too old: it was last modified 3 d ago, and at most 1 d 2 h are allowed" in typed.words
    assert "look why the job that writes it did not" in typed.words
    assert cli.emulators.received("drata") == []


def test_the_configuration_sets_the_limit_and_the_option_wins(cli: Cli) -> None:
    cli.configure(max_input_age="26h")
    name = aged(cli, 3 * DAY)
    assert cli.type("push", name, *ACCOUNTS, *DRATA).code == 2
    assert cli.type("push", name, *ACCOUNTS, *DRATA, "--max-input-age", "4d").code == 0
    fresh = aged(cli, 60)
    assert cli.type("push", fresh, *ACCOUNTS, *DRATA).code == 0


def test_a_pipe_has_no_age_and_that_is_said(cli: Cli) -> None:
    line = cli.read(aged(cli, 3 * DAY))
    arguments = ("push", "-", *ACCOUNTS, *DRATA, "--max-input-age", "26h")
    typed = cli.type(*arguments, stdin=line)
    assert typed.code == 0
    assert "stdin has no age" in typed.words
    assert "stdin has no age" in cli.type(*arguments, "--json", stdin=line).json["notes"][0]
