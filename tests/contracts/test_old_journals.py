"""Journals that an earlier version wrote open with this one, and nothing in them is lost: tests/fixtures/journals."""

from __future__ import annotations

import json
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from tests.support.cli import CommandLine
from tests.support.journals import ask
from tests.support.postgres import Database, database
from tests.support.programs import fetch, first_line, program

T = TypeVar("T")
FIXTURES = Path(__file__).parents[1] / "fixtures" / "journals"
CONFIG = str(FIXTURES / "proofport.yaml")
JOURNAL = "PROOFPORT_FIXTURE_JOURNAL"
RESOURCES, DEVICES = "127.0.0.1:18431/1/101", "127.0.0.1:18431/5/devices"
SECUREFRAME = "127.0.0.1:18432/5f0c0c0e-0000-4000-8000-000000000001"


class Old:
    """A copy of one old journal. `name`: sqlite or postgres; `where` it is."""

    def __init__(self, name: str, where: str, folder: Path) -> None:
        self.name = name
        self.where = where
        self._cli = CommandLine(folder, {})

    def type(self, *arguments: str) -> str:
        """What a command prints, once it ended with exit code 0."""
        typed = self._cli.type(*arguments, "--config", CONFIG)
        assert typed.code == 0, typed.err
        return typed.out

    def shown(self, *arguments: str) -> Any:
        return json.loads(self.type(*arguments))

    def ask(self, question: Callable[[Any], Awaitable[T]]) -> T:
        """An answer of the journal itself."""
        return ask(self.where, question)

    def interrupted(self) -> dict[str, Any]:
        runs = self.shown("status", "--json")["interrupted"]
        return next(run for run in runs if run["kind"] == "cloud_resource")

    @property
    def secret(self) -> str:
        lines = (FIXTURES / "keys.txt").read_text(encoding="utf-8").splitlines()
        return dict(line.split() for line in lines)[self.name]


@contextmanager
def loaded(server: str) -> Iterator[str]:
    """A database with the old journal in it."""
    with database(server) as url:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute((FIXTURES / "postgres.sql").read_bytes())
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def old(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Old]:
    if request.param == "sqlite":
        file = shutil.copy(FIXTURES / "sqlite.sqlite3", tmp_path)
        monkeypatch.setenv(JOURNAL, str(file))
        yield Old("sqlite", str(file), tmp_path)
        return
    postgres: Database = request.getfixturevalue("postgres")
    with loaded(postgres.owner) as url:
        monkeypatch.setenv(JOURNAL, url)
        journal = Old("postgres", url, tmp_path)
        journal.type("journal", "migrate")
        yield journal


def test_lanes_and_runs_are_there(old: Old) -> None:
    status = old.shown("status", "--json")
    lanes = {lane["lane"]: lane for lane in status["lanes"]}
    assert {name: (lane["queued"], lane["dead"]) for name, lane in lanes.items() if lane["queued"]} == {
        DEVICES: (3, 1),
        SECUREFRAME: (4, 1),
    }
    assert "401" in lanes[DEVICES]["parked"]
    [complete] = status["snapshots"]
    assert (complete["kind"], complete["books"]["assurance"]["confirmed"]) == ("cloud_resource", 3)
    runs = {(run["kind"], run["mode"], run["destination"]) for run in status["interrupted"]}
    assert runs == {("cloud_resource", "snapshot", "drata"), ("personnel_account", "snapshot", "drata")}


def test_the_interrupted_run_has_its_batches_attempts_and_session(old: Old) -> None:
    run_id = old.interrupted()["run"]
    found = old.shown("status", run_id, "--json")
    assert [run["batches"] for run in found["runs"]] == [1]
    assert [attempt["operation"] for attempt in found["attempts"]] == ["list_sessions", "stage_records"]
    run = old.ask(lambda journal: journal.run(run_id, "drata"))
    assert run.memory["session"].endswith(run_id)


def test_the_last_delivered_state_is_there_with_the_bodies_that_were_kept(old: Old) -> None:
    assert old.ask(lambda journal: journal.known_count(RESOURCES, "cloud_resource")) == 3
    accounts = SECUREFRAME, "personnel_account"
    known = old.ask(lambda journal: journal.known(*accounts, ["a1", "a3", "nobody"]))
    assert [each is not None for each in known] == [True, False, False]
    kept = {each.id: each for each in old.ask(lambda journal: journal.kept(*accounts))}
    assert json.loads(kept["a1"].body) == {"id": "a1", "email": "p1@example.com", "active": True}
    assert (kept["a3"].removed, kept["a3"].body) == (True, b"")
    assert kept["a5"].delivery is not None


def test_dead_letters_are_there_with_the_bodies_that_were_sent(old: Old) -> None:
    letters = {letter["destination"]: letter for letter in old.shown("dead-letter", "list", "--json")}
    assert {name: letter["kind"] for name, letter in letters.items()} == {
        "drata": "device",
        "secureframe": "cloud_resource",
    }
    [device] = old.shown("dead-letter", "show", str(letters["drata"]["id"]))["records"]
    assert device["sent"] == device["body"]
    assert (device["sent"]["externalId"], device["evidence"]["serial_number"]) == ("d50", "C02XYZ0050")
    [resource] = old.shown("dead-letter", "show", str(letters["secureframe"]["id"]))["records"]
    assert (resource["sent"], resource["evidence"]["type"]) == (None, "nobody.knows.this")
    assert "1 of 1 queued again" in old.type("dead-letter", "replay", str(letters["drata"]["id"]), "--as-it-was")


def test_frozen_schemas_are_there(old: Old) -> None:
    schemas = {schema["slug"]: schema for schema in old.shown("schema", "list", "secureframe", "--json")}
    assert schemas["software_package"]["fields"] == {"id": "string", "name": "string", "version": "string"}
    assert schemas["software_package"]["defined"] is None
    assert schemas["training_record"]["primary_id"] == "id"
    assert schemas["training_record"]["defined"] > schemas["training_record"]["published"]
    assert schemas["cloud_resource"]["configured_as_defined"] is True


def test_keys_are_there_with_their_scopes(old: Old) -> None:
    keys = {key["name"]: key for key in old.shown("key", "list", "--json")}
    assert list(keys) == ["everything", "hook", "leaked"]
    assert old.secret.startswith(f"{keys['everything']['prefix']}_")
    hook = keys["hook"]
    assert (hook["tenant"], hook["destinations"], hook["kinds"]) == ("acme", ["prod"], ["device"])
    assert (hook["may_read"], hook["may_write"], hook["revoked"]) == (False, True, None)
    assert keys["leaked"]["revoked"] is not None


def test_snapshots_are_there_with_their_parts(old: Old) -> None:
    found = {view.state: view for view in old.ask(lambda journal: journal.snapshots())}
    assert set(found) == {"open", "aborted", "committed"}
    assert (found["open"].parts, found["open"].records, found["open"].kind) == (2, 10, "cloud_resource")
    parts = old.ask(lambda journal: journal.parts(found["open"].id))
    assert [(part.name, part.records) for part in parts] == [("page-1", 5), ("page-2", 5)]
    assert found["committed"].report is None
    commit = old.ask(lambda journal: journal.claim_commit(owner="me", lease=60, snapshot=found["committed"].id))
    assert commit.override == "two teams moved"


def test_a_relay_on_it_refuses_the_old_keys_and_shows_what_was_accepted(old: Old, tmp_path: Path) -> None:
    new = {"Authorization": f"Bearer {old.shown('key', 'create', 'new', '--json')['key']}"}
    with (tmp_path / "log").open("w") as log, program("relay", "--config", CONFIG, cwd=tmp_path, stderr=log) as relay:
        origin = first_line(relay).split()[-1]
        assert fetch("GET", f"{origin}/v1/deliveries", None, {"Authorization": f"Bearer {old.secret}"}).status == 401
        status, _, deliveries = fetch("GET", f"{origin}/v1/deliveries?limit=500", None, new)
        assert (status, len(deliveries["items"])) == (200, 16)
        post, once = f"{origin}/v1/evidence/device?to=drata", {**new, "Idempotency-Key": "first"}
        status, _, refused = fetch("POST", post, [{"id": "other"}], once)
        assert (status, refused["type"].rpartition(":")[2]) == (422, "idempotency-key-reused")
    lines = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    [warning] = [line for line in lines if "keys_outdated" in line]
    assert old.secret.rpartition("_")[0] in warning
