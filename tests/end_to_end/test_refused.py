"""Refused is not gone: a record that is in the source is never ended, whatever refuses it, unless a person says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.lab import ACCOUNTS, Lab, account
from tests.end_to_end.tenant import Tenant, counts, notes, resources

from proofport.config import Config
from proofport.delivery.report import Exit
from proofport.errors import ConfigError

Report = dict[str, Any]

PEOPLE = ("--kind", "person", "--mode", "snapshot", "--to", "drata")
DEVICES = ("--kind", "device", "--mode", "snapshot", "--to", "drata")
PUBLISHED = (*ACCOUNTS, "--mode", "snapshot", "--to", "secureframe")
HEADER = "id,email,first_name,last_name,started_at"
NOBODY = {"count": 0, "ids": []}


def person(number: int, first_name: str = "Ana") -> str:
    return f"e-{number},e{number}@example.com,{first_name},Berg,2020-01-01T00:00:00Z"


def device(number: int, **more: Any) -> dict[str, Any]:
    base = {"id": f"d-{number}", "platform": "macos", "os_version": "15", "owner_email": f"e{number}@example.com"}
    return {**base, **more}


def separated(lab: Lab) -> list[str]:
    connections = lab.control("drata", "GET", "state")["connections"]
    identities = [each for connection in connections for each in connection["identities"]]
    return sorted(each["identityId"] for each in identities if each.get("separatedAt"))


def inactive(lab: Lab) -> list[str]:
    return sorted(each["id"] for each in lab.schema("personnel_account")["resources"] if each.get("active") is False)


def devices(lab: Lab) -> list[str]:
    connections = lab.control("drata", "GET", "state")["connections"]
    return sorted(each["externalId"] for connection in connections for each in connection["devices"])


@pytest.fixture(params=[{"max_rejected": 3}, {}], ids=["allowed", "by default"])
def loose(lab: Lab, request: pytest.FixtureRequest) -> Lab:
    lab.configure(guard=request.param)
    return lab


class TestSetsThatAreCompared:
    """The vendor takes the records as they come, and is told who is gone."""

    def push(self, lab: Lab, file: str, what: tuple[str, ...], *more: str) -> Report:
        """Push, and plan before it: a plan lists nobody as gone whom the push does not list."""
        [planned] = json.loads(lab.type("plan", file, *what, "--json")[1])["destinations"].values()
        code, report = lab.report("push", file, *what, *more)
        [books] = report["destinations"].values()
        assert code == 1
        assert planned["gone"] == books["gone"]
        return dict(books)

    def test_a_person_whose_row_is_not_utf8(self, loose: Lab) -> None:
        file, allowed = loose.folder / "people.csv", "max_rejected" in (loose.folder / "proofport.yaml").read_text()
        rows = [HEADER, *map(person, range(10))]
        file.write_text("\n".join(rows))
        assert loose.type("push", "people.csv", *PEOPLE)[0] == 0
        rows[4] = person(3, "Zoë")
        file.write_bytes("\n".join([*rows[:9], rows[10]]).encode("cp1252"))
        books = self.push(loose, "people.csv", PEOPLE)
        assert [row["id"] for row in books["problems"]] == ["e-3"]
        assert books["gone"] == {"count": 1, "ids": ["e-8"]}, "she has really left"
        assert separated(loose) == (["e-8"] if allowed else [])

    def test_an_account_whose_time_has_no_zone(self, loose: Lab) -> None:
        accounts = [account(number) for number in range(10)]
        loose.write("a.ndjson", *accounts)
        assert loose.type("push", "a.ndjson", *PUBLISHED)[0] == 0
        accounts[3]["last_login_at"] = "2026-01-31 09:00:00"
        loose.write("a.ndjson", *accounts)
        books = self.push(loose, "a.ndjson", PUBLISHED)
        assert (books["rejected"], books["gone"], inactive(loose)) == (1, NOBODY, [])

    def test_an_account_that_its_source_mapping_refuses(self, loose: Lab) -> None:
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
    def test_a_device_when_what_is_gone_is_deleted(self, loose: Lab, bad: dict[str, Any]) -> None:
        loose.write("d.ndjson", *map(device, range(10)))
        assert loose.type("push", "d.ndjson", *DEVICES)[0] == 0
        loose.write("d.ndjson", *(device(number, **(bad if number == 3 else {})) for number in range(10)))
        books = self.push(loose, "d.ndjson", DEVICES, "--delete-gone")
        assert (books["rejected"], books["gone"]) == (1, NOBODY)
        assert devices(loose) == [f"d-{number}" for number in range(10)]

    @pytest.mark.parametrize("more", [(), ("--override-guard", "they all left")])
    def test_while_an_id_cannot_be_read_nobody_is_ended(self, lab: Lab, more: tuple[str, ...]) -> None:
        lab.configure(guard={"max_gone": 0.5, "max_rejected": 3})
        accounts: list[Any] = [account(number) for number in range(10)]
        lab.write("a.ndjson", *accounts)
        assert lab.type("push", "a.ndjson", *PUBLISHED)[0] == 0
        lab.write("a.ndjson", *accounts[:3], '{"id": "a3", "email": ', *accounts[5:])
        books = self.push(lab, "a.ndjson", PUBLISHED, *more)
        assert (books["gone"], inactive(lab)) == (NOBODY, [])
        said = "the id of a refused record could not be read (a.ndjson:4)"
        assert said in " ".join(books["notes"])
        assert said in " ".join(lab.type("plan", "a.ndjson", *PUBLISHED)[1].split())
        lab.write("a.ndjson", *accounts[:4], *accounts[5:])
        code, report = lab.report("push", "a.ndjson", *PUBLISHED)
        [books] = report["destinations"].values()
        assert (code, books["gone"]["ids"], inactive(lab)) == (0, ["a4"], ["a4"]), "nothing was forgotten"

    def test_a_row_whose_id_is_not_utf8(self, lab: Lab) -> None:
        lab.configure(guard={"max_rejected": 3})
        rows = [HEADER, *map(person, range(9)), "zoë,zoe@example.com,Zoe,Berg,2020-01-01T00:00:00Z"]
        file = lab.folder / "people.csv"
        file.write_text("\n".join(rows))
        assert lab.type("push", "people.csv", *PEOPLE)[0] == 0
        file.write_bytes("\n".join(rows).encode("cp1252"))
        books = self.push(lab, "people.csv", PEOPLE)
        assert (books["gone"], separated(lab)) == (NOBODY, [])
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
async def refused(tenant: Tenant, request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """Three records are live. In the next set `a` has changed, and `c` is refused."""
    await tenant.seed(schema=SCHEMA)
    assert (await tenant.push([*GOOD, *resources("c", region="us")])).exit_code is Exit.OK
    tenant.options["guard"] = {"max_gone": 0.5, "max_rejected": 3}
    return [*resources("a", region="eu", name="new"), GOOD[1], REFUSED[request.param]]


class TestSessions:
    """Completing a session of Drata deletes whatever is not in it."""

    async def test_a_record_that_is_held_blocks(self, tenant: Tenant, refused: list[dict[str, Any]]) -> None:
        report = await tenant.push(refused)
        assert (counts(report), report.exit_code) == ({"rejected": 1, "withheld": 2}, Exit.INCOMPLETE)
        assert "1 record refused that the set before holds: c." in notes(report)
        assert "keep_last" in notes(report)
        assert "--override-guard" in notes(report)
        assert report.destinations["drata"].gone.count == 0
        assert {each["id"]: each.get("name") for each in await tenant.held()} == {"a": None, "b": None, "c": None}
        assert await tenant.sessions() == ["ACTIVE", "CANCELED"]

    async def test_its_last_body_may_stand_in_its_place(self, tenant: Tenant, refused: list[dict[str, Any]]) -> None:
        tenant.options["guard"] = {"refused": "keep_last"}
        before = await tenant.held()
        report = await tenant.push(refused)
        books = report.destinations["drata"].as_dict()
        assert (counts(report), report.exit_code) == ({"delivered": 2, "rejected": 1}, Exit.INCOMPLETE)
        assert (books.get("kept_last"), books.get("dropped"), books["gone"]) == (
            {"count": 1, "ids": ["c"]},
            None,
            NOBODY,
        )
        held = {each["id"]: each for each in await tenant.held()}
        assert [each.get("name") for each in held.values()] == ["new", None, None]
        assert held["c"]["region"] == before[2]["region"] == "us"
        assert await tenant.sessions() == ["ARCHIVED", "ACTIVE"]

    async def test_a_person_may_drop_it(self, tenant: Tenant, refused: list[dict[str, Any]]) -> None:
        report = await tenant.push(refused, override_guard="c is a test machine")
        books = report.destinations["drata"].as_dict()
        assert (counts(report), report.exit_code) == ({"delivered": 2, "rejected": 1}, Exit.INCOMPLETE)
        assert (books.get("kept_last"), books.get("dropped"), books["gone"]) == (
            None,
            {"count": 1, "ids": ["c"]},
            NOBODY,
        )
        assert await tenant.live() == ["a", "b"]
        assert "c is a test machine" in notes(report)
        again = await tenant.push(refused[:2], skip_unchanged=True)
        assert (counts(again), again.destinations["drata"].gone.count) == ({"unchanged": 2}, 0)

    @pytest.mark.parametrize("refused", ["mapping", "model"], indirect=True)
    async def test_a_plan_says_the_same(self, tenant: Tenant, refused: list[dict[str, Any]]) -> None:
        blocked = (await tenant.plan(refused)).destinations["drata"]
        assert "The snapshot would be cancelled: 1 record refused that the set before holds: c." in " ".join(
            blocked.notes
        )
        tenant.options["guard"] = {"refused": "keep_last"}
        kept = (await tenant.plan(refused)).destinations["drata"]
        assert (blocked.gone.count, kept.gone.count, kept.kept_last.ids) == (0, 0, ["c"])
        assert await tenant.live() == ["a", "b", "c"]

    async def test_unchanged_records_do_not_hide_it(self, tenant: Tenant, refused: list[dict[str, Any]]) -> None:
        """All others are live as they are."""
        report = await tenant.push([*GOOD, refused[2]], skip_unchanged=True)
        assert (report.exit_code, await tenant.live()) == (Exit.INCOMPLETE, ["a", "b", "c"])
        tenant.options["guard"] = {"refused": "keep_last"}
        kept = await tenant.push([*GOOD, refused[2]], skip_unchanged=True)
        assert (kept.destinations["drata"].kept_last.ids, await tenant.live()) == (["c"], ["a", "b", "c"])

    async def test_one_that_is_not_held_is_left_out(self, tenant: Tenant, refused: list[dict[str, Any]]) -> None:
        report = await tenant.push([*GOOD, *resources("c", region="us"), {**refused[2], "id": "new"}])
        assert (counts(report), report.exit_code) == ({"delivered": 3, "rejected": 1}, Exit.INCOMPLETE)
        assert await tenant.live() == ["a", "b", "c"]

    async def test_a_set_of_which_all_is_refused_stays(self, tenant: Tenant, refused: list[dict[str, Any]]) -> None:
        tenant.options["guard"] = {"refused": "keep_last", "max_gone": 1.0}
        report = await tenant.push(refused[2:])
        assert (counts(report), report.destinations["drata"].gone.ids) == ({"rejected": 1}, ["a", "b"])
        assert await tenant.live() == ["c"], "a and b are really gone"

    async def test_an_id_that_cannot_be_read_blocks(self, tenant: Tenant, refused: list[dict[str, Any]]) -> None:
        nameless = {"type": "aws.ec2.instance"}
        report = await tenant.push([*GOOD, nameless])
        assert (counts(report), report.exit_code) == ({"rejected": 1, "withheld": 2}, Exit.INCOMPLETE)
        assert "the id of a refused record could not be read (records#3)" in notes(report)
        assert (report.destinations["drata"].gone.count, await tenant.live()) == (0, ["a", "b", "c"])
        meant = await tenant.push([*GOOD, nameless], override_guard="c was sold")
        books = meant.destinations["drata"]
        assert (books.gone.count, books.dropped.ids, await tenant.live()) == (0, ["c"], ["a", "b"])

    async def test_a_last_body_that_the_vendor_refuses_now_blocks(
        self, tenant: Tenant, refused: list[dict[str, Any]]
    ) -> None:
        tenant.options["guard"] = {"refused": "keep_last"}
        await tenant.seed(schema={**SCHEMA, "properties": {"region": {"enum": ["eu"]}}})
        report = await tenant.push([*GOOD, refused[2]])
        assert (counts(report), report.exit_code) == ({"rejected": 1, "withheld": 2}, Exit.INCOMPLETE)
        assert "did not take the last bodies of refused records: c" in notes(report)
        assert (report.destinations["drata"].kept_last.count, await tenant.live()) == (0, ["a", "b", "c"])


async def test_where_the_list_cannot_be_read_the_journal_keeps_the_last_bodies(tenant: Tenant) -> None:
    """Drata shows nobody the people of an identity provider. The journal keeps them once it is told to."""
    tenant.settings["objects"]["person"] = {"idp_connection_id": await idp(tenant)}
    known = {"first_name": "A", "last_name": "B", "is_contractor": False, "mfa_enabled": True}
    started = {"started_at": "2020-01-31T00:00:00Z"}
    people = [{"id": f"p{number}", "email": f"p{number}@example.com", **known, **started} for number in range(3)]
    assert (await tenant.push(people, kind="person")).exit_code is Exit.OK
    given = [*people[:2], {**people[2], "started_at": "today"}]
    tenant.options["guard"] = {"refused": "keep_last"}
    report = await tenant.push(given, kind="person")
    assert (counts(report), report.exit_code) == ({"rejected": 1, "withheld": 2}, Exit.INCOMPLETE)
    assert "and their last bodies are not known: p2." in notes(report)
    await tenant.push(people, kind="person")
    kept = await tenant.push(given, kind="person")
    assert (counts(kept), kept.destinations["drata"].kept_last.ids) == ({"delivered": 2, "rejected": 1}, ["p2"])
    assert "p2@example.com" in str((await tenant.emulator.received())[-1])


async def idp(tenant: Tenant) -> int:
    async with tenant.gateway() as gateway:
        made = await gateway.call("drata", "v1_create_idp_from_json", people=[])
    return int(made.value["connections"][0]["id"])


@pytest.mark.parametrize("word", ["keep", "drop"])
def test_the_configuration_knows_two_words(tmp_path: Path, word: str) -> None:
    file = tmp_path / "proofport.yaml"
    file.write_text(f"instance: test\nguard: {{refused: {word}}}\n")
    with pytest.raises(ConfigError, match="keep_last"):
        Config.load(file)
