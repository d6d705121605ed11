"""Refused is not gone: a record that is in the source is never ended, whatever refuses it, unless a person says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import ACCOUNTS, DRATA, SECUREFRAME, SNAPSHOT, Cli
from tests.support.drata import Drata
from tests.support.emulators import records
from tests.support.reports import counts, notes

from proofport.config import Config
from proofport.delivery.report.report import Exit
from proofport.errors import ConfigError

Report = dict[str, Any]

PEOPLE = ("--kind", "person", *SNAPSHOT, *DRATA)
DEVICES = ("--kind", "device", *SNAPSHOT, *DRATA)
PUBLISHED = (*ACCOUNTS, *SNAPSHOT, *SECUREFRAME)
HEADER = "id,email,first_name,last_name,started_at"
NOBODY = {"count": 0, "ids": []}


def account(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"a{number}", "email": f"p{number}@example.com", "active": True, **more}


def resources(*ids: str, **more: Any) -> list[dict[str, Any]]:
    return [{"id": each, "type": "aws.ec2.instance", **more} for each in ids]


def person(number: int, first_name: str = "Ana") -> str:
    return f"e-{number},e{number}@example.com,{first_name},Berg,2020-01-01T00:00:00Z"


def device(number: int, **more: Any) -> dict[str, Any]:
    base = {"id": f"d-{number}", "platform": "macos", "os_version": "15", "owner_email": f"e{number}@example.com"}
    return {**base, **more}


def held(cli: Cli, vendor: str, kind: str) -> list[dict[str, Any]]:
    return records(vendor, cli.emulators.state(vendor), kind)


def separated(cli: Cli) -> list[str]:
    return sorted(each["identityId"] for each in held(cli, "drata", "person") if each.get("separatedAt"))


def inactive(cli: Cli) -> list[str]:
    accounts = held(cli, "secureframe", "personnel_account")
    return sorted(each["id"] for each in accounts if each.get("active") is False)


def devices(cli: Cli) -> list[str]:
    return sorted(each["externalId"] for each in held(cli, "drata", "device"))


@pytest.fixture(params=[{"max_rejected": 3}, {}], ids=["allowed", "by default"])
def loose(cli: Cli, request: pytest.FixtureRequest) -> Cli:
    cli.configure(guard=request.param)
    return cli


class TestSetsThatAreCompared:
    """The vendor takes the records as they come, and is told who is gone."""

    def push(self, cli: Cli, file: str, what: tuple[str, ...], *more: str) -> Report:
        """Push, and plan before it: a plan lists nobody as gone whom the push does not list."""
        [planned] = cli.type("plan", file, *what, "--json").json["destinations"].values()
        code, report = cli.report("push", file, *what, *more)
        [books] = report["destinations"].values()
        assert code == 1
        assert planned["gone"] == books["gone"]
        return dict(books)

    def test_a_person_whose_row_is_not_utf8(self, loose: Cli) -> None:
        file, allowed = loose.folder / "people.csv", "max_rejected" in (loose.folder / "proofport.yaml").read_text()
        rows = [HEADER, *map(person, range(10))]
        file.write_text("\n".join([*rows, ""]))
        assert loose.type("push", "people.csv", *PEOPLE)[0] == 0
        rows[4] = person(3, "Zoë")
        file.write_bytes("\n".join([*rows[:9], rows[10], ""]).encode("cp1252"))
        books = self.push(loose, "people.csv", PEOPLE)
        assert [row["id"] for row in books["problems"]] == ["e-3"]
        assert books["gone"] == {"count": 1, "ids": ["e-8"]}, "she has really left"
        assert separated(loose) == (["e-8"] if allowed else [])

    def test_an_account_whose_time_has_no_zone(self, loose: Cli) -> None:
        accounts = [account(number) for number in range(10)]
        loose.write("a.ndjson", *accounts)
        assert loose.type("push", "a.ndjson", *PUBLISHED)[0] == 0
        accounts[3]["last_login_at"] = "2026-01-31 09:00:00"
        loose.write("a.ndjson", *accounts)
        books = self.push(loose, "a.ndjson", PUBLISHED)
        assert (books["rejected"], books["gone"], inactive(loose)) == (1, NOBODY, [])

    def test_an_account_that_its_source_mapping_refuses(self, loose: Cli) -> None:
        """The id is where its rule finds it, and not in a field that happens to be called `id`."""
        what = ("--mode", "snapshot", "--to", "secureframe")
        rows = [f"u{number},u{number}@example.com,yes" for number in range(10)]
        loose.write("a.csv", "username,email,active", *rows)
        assert loose.type("push", "csv.personnel=a.csv", *what)[0] == 0
        rows[3] = "u3,u3@example.com,perhaps"
        loose.write("a.csv", "username,email,active", *rows)
        books = self.push(loose, "csv.personnel=a.csv", what)
        assert [row["id"] for row in books["problems"]] == ["u3"]
        assert (books["gone"], inactive(loose)) == (NOBODY, [])

    @pytest.mark.parametrize("bad", [{"last_seen_at": "yesterday"}, {"platform": "ios"}], ids=["model", "mapping"])
    def test_a_device_when_what_is_gone_is_deleted(self, loose: Cli, bad: dict[str, Any]) -> None:
        loose.write("d.ndjson", *map(device, range(10)))
        assert loose.type("push", "d.ndjson", *DEVICES)[0] == 0
        loose.write("d.ndjson", *(device(number, **(bad if number == 3 else {})) for number in range(10)))
        books = self.push(loose, "d.ndjson", DEVICES, "--delete-gone")
        assert (books["rejected"], books["gone"]) == (1, NOBODY)
        assert devices(loose) == [f"d-{number}" for number in range(10)]

    @pytest.mark.parametrize("more", [(), ("--override-guard", "they all left")])
    def test_while_an_id_cannot_be_read_nobody_is_ended(self, cli: Cli, more: tuple[str, ...]) -> None:
        cli.configure(guard={"max_gone": 0.5, "max_rejected": 3})
        accounts: list[Any] = [account(number) for number in range(10)]
        cli.write("a.ndjson", *accounts)
        assert cli.type("push", "a.ndjson", *PUBLISHED)[0] == 0
        cli.write("a.ndjson", *accounts[:3], '{"id": "a3", "email": ', *accounts[5:])
        books = self.push(cli, "a.ndjson", PUBLISHED, *more)
        assert (books["gone"], inactive(cli)) == (NOBODY, [])
        said = "the id of a refused record could not be read (a.ndjson:4)"
        assert said in " ".join(books["notes"])
        assert said in cli.type("plan", "a.ndjson", *PUBLISHED).words
        cli.write("a.ndjson", *accounts[:4], *accounts[5:])
        code, report = cli.report("push", "a.ndjson", *PUBLISHED)
        [books] = report["destinations"].values()
        assert (code, books["gone"]["ids"], inactive(cli)) == (0, ["a4"], ["a4"]), "nothing was forgotten"

    def test_a_row_whose_id_is_not_utf8(self, cli: Cli) -> None:
        cli.configure(guard={"max_rejected": 3})
        rows = [HEADER, *map(person, range(9)), "zoë,zoe@example.com,Zoe,Berg,2020-01-01T00:00:00Z"]
        file = cli.folder / "people.csv"
        file.write_text("\n".join([*rows, ""]))
        assert cli.type("push", "people.csv", *PEOPLE)[0] == 0
        file.write_bytes("\n".join([*rows, ""]).encode("cp1252"))
        books = self.push(cli, "people.csv", PEOPLE)
        assert (books["gone"], separated(cli)) == (NOBODY, [])
        assert "(people.csv:11)" in " ".join(books["notes"])


SCHEMA = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id", "region"]}
GOOD = resources("a", "b", region="eu")
#: Refused by the vendor mapping, by the model, and by Drata inside the session.
REFUSED: dict[str, dict[str, Any]] = {
    "mapping": {"id": "c", "type": "aws.ec2.instance", "extras": {"drata": {"region": ["eu"]}}},
    "model": {"id": "c", "type": "aws.ec2.instance", "region": "eu", "created_at": "yesterday"},
    "vendor": {"id": "c", "type": "aws.ec2.instance"},
}


@pytest.fixture(params=list(REFUSED))
async def refused(drata: Drata, request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """Three records are live. In the next set `a` has changed, and `c` is refused."""
    await drata.seed(schema=SCHEMA)
    assert (await drata.push([*GOOD, *resources("c", region="us")])).exit_code is Exit.OK
    drata.options["guard"] = {"max_gone": 0.5, "max_rejected": 3}
    return [*resources("a", region="eu", name="new"), GOOD[1], REFUSED[request.param]]


class TestSessions:
    """Completing a session of Drata deletes whatever is not in it."""

    async def test_a_record_that_is_held_blocks(self, drata: Drata, refused: list[dict[str, Any]]) -> None:
        report = await drata.push(refused)
        assert (counts(report), report.exit_code) == ({"rejected": 1, "withheld": 2}, Exit.INCOMPLETE)
        assert "1 record refused that the set before holds: c." in notes(report)
        assert "keep_last" in notes(report)
        assert "--override-guard" in notes(report)
        assert report.destinations["drata"].gone.count == 0
        assert {each["id"]: each.get("name") for each in await drata.records()} == {"a": None, "b": None, "c": None}
        assert await drata.sessions() == ["ACTIVE", "CANCELED"]

    async def test_its_last_body_may_stand_in_its_place(self, drata: Drata, refused: list[dict[str, Any]]) -> None:
        drata.options["guard"] = {"refused": "keep_last"}
        before = await drata.records()
        report = await drata.push(refused)
        books = report.destinations["drata"].as_dict()
        assert (counts(report), report.exit_code) == ({"delivered": 2, "rejected": 1}, Exit.INCOMPLETE)
        assert (books.get("kept_last"), books.get("dropped"), books["gone"]) == (
            {"count": 1, "ids": ["c"]},
            None,
            NOBODY,
        )
        held = {each["id"]: each for each in await drata.records()}
        assert [each.get("name") for each in held.values()] == ["new", None, None]
        assert held["c"]["region"] == before[2]["region"] == "us"
        assert await drata.sessions() == ["ARCHIVED", "ACTIVE"]

    async def test_a_person_may_drop_it(self, drata: Drata, refused: list[dict[str, Any]]) -> None:
        report = await drata.push(refused, override_guard="c is a test machine")
        books = report.destinations["drata"].as_dict()
        assert (counts(report), report.exit_code) == ({"delivered": 2, "rejected": 1}, Exit.INCOMPLETE)
        assert (books.get("kept_last"), books.get("dropped"), books["gone"]) == (
            None,
            {"count": 1, "ids": ["c"]},
            NOBODY,
        )
        assert await drata.live() == ["a", "b"]
        assert "c is a test machine" in notes(report)
        again = await drata.push(refused[:2], skip_unchanged=True)
        assert (counts(again), again.destinations["drata"].gone.count) == ({"unchanged": 2}, 0)

    @pytest.mark.parametrize("refused", ["mapping", "model"], indirect=True)
    async def test_a_plan_says_the_same(self, drata: Drata, refused: list[dict[str, Any]]) -> None:
        blocked = (await drata.plan(refused)).destinations["drata"]
        assert "The snapshot would be cancelled: 1 record refused that the set before holds: c." in " ".join(
            blocked.notes
        )
        drata.options["guard"] = {"refused": "keep_last"}
        kept = (await drata.plan(refused)).destinations["drata"]
        assert (blocked.gone.count, kept.gone.count, kept.kept_last.ids) == (0, 0, ["c"])
        assert await drata.live() == ["a", "b", "c"]

    async def test_unchanged_records_do_not_hide_it(self, drata: Drata, refused: list[dict[str, Any]]) -> None:
        """All others are live as they are."""
        report = await drata.push([*GOOD, refused[2]], skip_unchanged=True)
        assert (report.exit_code, await drata.live()) == (Exit.INCOMPLETE, ["a", "b", "c"])
        drata.options["guard"] = {"refused": "keep_last"}
        kept = await drata.push([*GOOD, refused[2]], skip_unchanged=True)
        assert (kept.destinations["drata"].kept_last.ids, await drata.live()) == (["c"], ["a", "b", "c"])

    async def test_one_that_is_not_held_is_left_out(self, drata: Drata, refused: list[dict[str, Any]]) -> None:
        report = await drata.push([*GOOD, *resources("c", region="us"), {**refused[2], "id": "new"}])
        assert (counts(report), report.exit_code) == ({"delivered": 3, "rejected": 1}, Exit.INCOMPLETE)
        assert await drata.live() == ["a", "b", "c"]

    async def test_a_set_of_which_all_is_refused_stays(self, drata: Drata, refused: list[dict[str, Any]]) -> None:
        drata.options["guard"] = {"refused": "keep_last", "max_gone": 1.0}
        report = await drata.push(refused[2:])
        assert (counts(report), report.destinations["drata"].gone.ids) == ({"rejected": 1}, ["a", "b"])
        assert await drata.live() == ["c"], "a and b are really gone"

    async def test_an_id_that_cannot_be_read_blocks(self, drata: Drata, refused: list[dict[str, Any]]) -> None:
        nameless = {"type": "aws.ec2.instance"}
        report = await drata.push([*GOOD, nameless])
        assert (counts(report), report.exit_code) == ({"rejected": 1, "withheld": 2}, Exit.INCOMPLETE)
        assert "the id of a refused record could not be read (records#3)" in notes(report)
        assert (report.destinations["drata"].gone.count, await drata.live()) == (0, ["a", "b", "c"])
        meant = await drata.push([*GOOD, nameless], override_guard="c was sold")
        books = meant.destinations["drata"]
        assert (books.gone.count, books.dropped.ids, await drata.live()) == (0, ["c"], ["a", "b"])

    async def test_a_last_body_that_the_vendor_refuses_now_blocks(
        self, drata: Drata, refused: list[dict[str, Any]]
    ) -> None:
        drata.options["guard"] = {"refused": "keep_last"}
        await drata.seed(schema={**SCHEMA, "properties": {"region": {"enum": ["eu"]}}})
        report = await drata.push([*GOOD, refused[2]])
        assert (counts(report), report.exit_code) == ({"rejected": 1, "withheld": 2}, Exit.INCOMPLETE)
        assert "did not take the last bodies of refused records: c" in notes(report)
        assert (report.destinations["drata"].kept_last.count, await drata.live()) == (0, ["a", "b", "c"])


async def test_where_the_list_cannot_be_read_the_journal_keeps_the_last_bodies(drata: Drata) -> None:
    """Drata shows nobody the people of an identity provider. The journal keeps them once it is told to."""
    drata.block["objects"]["person"] = {"idp_connection_id": await idp(drata)}
    known = {"first_name": "A", "last_name": "B", "is_contractor": False, "mfa_enabled": True}
    started = {"started_at": "2020-01-31T00:00:00Z"}
    people = [{"id": f"p{number}", "email": f"p{number}@example.com", **known, **started} for number in range(3)]
    assert (await drata.push(people, kind="person")).exit_code is Exit.OK
    given = [*people[:2], {**people[2], "started_at": "today"}]
    drata.options["guard"] = {"refused": "keep_last"}
    report = await drata.push(given, kind="person")
    assert (counts(report), report.exit_code) == ({"rejected": 1, "withheld": 2}, Exit.INCOMPLETE)
    assert "and their last bodies are not known: p2." in notes(report)
    await drata.push(people, kind="person")
    kept = await drata.push(given, kind="person")
    assert (counts(kept), kept.destinations["drata"].kept_last.ids) == ({"delivered": 2, "rejected": 1}, ["p2"])
    assert "p2@example.com" in str((await drata.emulator.received())[-1])


async def idp(drata: Drata) -> int:
    async with drata.gateway() as gateway:
        made = await gateway.call("drata", "v1_create_idp_from_json", people=[])
    return int(made.value["connections"][0]["id"])


@pytest.mark.parametrize("word", ["keep", "drop"])
def test_the_configuration_knows_two_words(tmp_path: Path, word: str) -> None:
    file = tmp_path / "proofport.yaml"
    file.write_text(f"instance: test\nguard: {{refused: {word}}}\n")
    with pytest.raises(ConfigError, match="keep_last"):
        Config.load(file)
