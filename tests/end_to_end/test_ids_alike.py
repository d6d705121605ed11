"""One person, or one machine, however its id is written: at both vendors, and at one that takes only whole sets."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from tests.support.cli import BOTH, DRATA, SNAPSHOT, Cli
from tests.support.destination import AtEmulator, Destination
from tests.support.relay import relay_config, relaying
from tests.support.reports import counts
from tests.toy.whole_server import Whole

from proofport.delivery.ids.same import key_of
from proofport.delivery.report.report import Exit

AZURE = """
mapping: sources/azure.vms
to: {evidence: cloud_resource}
fields:
  id: {path: $.id, compare: fold}
  type: {value: azure.compute.virtual_machine}
  name: $.name
"""
ACCOUNT = "personnel_account"


def vm(group: str, name: str) -> dict[str, str]:
    return {"id": f"/subscriptions/1/resourceGroups/{group}/providers/x/{name}", "name": name}


# ------------------------------------------------------------------ files
def test_one_person_in_two_spellings_is_one_record(cli: Cli) -> None:
    rows = ["ana@example.com,sec,2026-01-31T10:00:00Z", "Ana@Example.com,sec,", " ana@example.com ,sec,", "b@x.io,sec,"]
    cli.write("training.csv", "email,course,completed_at", *rows)
    code, report = cli.report("push", "csv.training=training.csv", *DRATA)
    problems = report["destinations"]["drata"]["problems"]
    assert (code, cli.held("drata", "training_record")) == (1, {"ana@example.com/sec", "b@x.io/sec"})
    assert [row["position"] for row in problems] == ["training.csv:3", "training.csv:4"]
    assert {row["found"] for row in problems} == {"an id that training.csv:2 already has"}


def test_a_blank_id_is_refused_and_a_flipped_one_is_the_same_person(cli: Cli) -> None:
    cli.write("people.csv", "id,email", "Ana@Example.com,a@x.io", "bo@x.io,b@x.io", "Chi,c@x.io")
    assert cli.report("push", "csv.personnel=people.csv", *BOTH, *SNAPSHOT)[0] == 0
    cli.write("people.csv", "id,email", " ana@example.com,a@x.io", "BO@x.io ,b2@x.io", "Chi ,c@x.io")
    code, report = cli.report("push", "csv.personnel=people.csv", *BOTH, *SNAPSHOT)
    assert code == 0
    for name, books in report["destinations"].items():
        assert books["gone"]["count"] == 0
        assert cli.held(name, ACCOUNT) == {"Ana@Example.com", "bo@x.io", "Chi"}
    cli.write("people.csv", "id,email", " ,a@x.io", "BO@X.io,b@x.io", "chi,c@x.io")
    code, report = cli.report("push", "csv.personnel=people.csv", *BOTH)
    assert code == 1
    for name, books in report["destinations"].items():
        [row] = books["problems"]
        assert (row["position"], row["found"]) == ("people.csv:2", "' '")
        assert cli.held(name, ACCOUNT) == {"Ana@Example.com", "bo@x.io", "Chi", "chi"}


def test_a_group_that_flips_its_case_is_neither_gone_nor_new(cli: Cli) -> None:
    folder = cli.folder / "mappings" / "sources"
    folder.mkdir(parents=True)
    (folder / "azure.vms.yaml").write_text(AZURE)
    cli.configure(mappings=str(folder.parent))
    cli.write("today.json", json.dumps([vm("SHOP", "web-1"), vm("SHOP", "Web-2")]))
    cli.write("tomorrow.json", json.dumps([vm("shop", "web-1"), vm("shop", "Web-2"), vm("Shop", "WEB-1")]))
    cli.report("push", "azure.vms=today.json", *BOTH, *SNAPSHOT)
    plan = cli.type("plan", "azure.vms=tomorrow.json", *DRATA, *SNAPSHOT, "--json").json["destinations"]["drata"]
    assert (plan["added"]["count"], plan["gone"]["count"], plan["unchanged"]["count"]) == (0, 0, 2)
    _, report = cli.report("push", "azure.vms=tomorrow.json", *BOTH)
    for name, books in report["destinations"].items():
        assert (books["delivered"], books["rejected"]) == (2, 1)
        assert cli.held(name, "cloud_resource") == {vm("SHOP", "web-1")["id"], vm("SHOP", "Web-2")["id"]}


# ------------------------------------------------------------------ the relay
async def test_what_comes_over_the_relay_compares_as_its_mapping_says(drata: AtEmulator, tmp_path: Path) -> None:
    folder = tmp_path / "mappings" / "sources"
    folder.mkdir(parents=True)
    (folder / "azure.vms.yaml").write_text(AZURE)
    first, other, flipped = vm("SHOP", "web-1"), vm("SHOP", "db"), vm("shop", "Web-1")
    async with relaying(relay_config(tmp_path, drata.emulator, mappings=folder.parent)) as relay:
        for some in ([first, flipped, {**other, "id": f" {other['id']}"}], [flipped]):
            assert (await relay.post(some, "to=drata&source=azure.vms")).status == 202
        await relay.settled()
        assert await held_by(drata) == [f" {other['id']}", first["id"]]
        refused = await relay.post([{"id": " ", "name": "x"}], "to=drata&source=azure.vms")
        assert (refused.status, refused.body["errors"][0]["field"]) == (422, "id")
        for parts in ([[flipped], [other]], [[flipped], [other, first]]):
            opened = await relay.ask("POST", "/v1/snapshots", json={"kind": "cloud_resource", "to": ["drata"]})
            at = opened.headers["Location"]
            for name, part in enumerate(parts):
                await relay.ask("PUT", f"{at}/parts/{name}?source=azure.vms", json=part)
            done = await relay.ask("POST", f"{at}/commit")
            assert await held_by(drata) == [f" {other['id']}", first["id"]]
        [problem] = done.body["report"]["destinations"]["drata"]["problems"]
        assert (problem["id"], problem["found"]) == (first["id"], "an id that 0#1 already has")


async def held_by(drata: AtEmulator) -> list[str]:
    return sorted(str(each["id"]) for each in await drata.records())


# ------------------------------------------------------------------ whatever comes
@pytest.fixture
async def wholes(tmp_path: Path, toys_installed: None) -> AsyncIterator[tuple[Destination, Whole]]:
    whole = Whole("whole-secret")
    async with TestServer(whole.application, host="127.0.0.1") as server:
        origin = str(server.make_url("")).rstrip("/")
        block = {"adapter": "whole", "base_url": origin, "client_id": "app", "client_secret": "whole-secret"}
        yield Destination("wholes", block, tmp_path), whole


def sets(seed: int) -> list[list[str]]:
    """Five sets of people, each written anew."""
    chance = random.Random(seed)

    def written(text: str) -> str:
        flipped = "".join(letter.upper() if chance.random() < 0.3 else letter for letter in text)
        return chance.choice(["", " "]) + (flipped if "@" in text else text) + chance.choice(["", "\t", "\u00a0"])

    people = ["ana@x.io", "bo@x.io", "chi@x.io", "e-1", "E-1", "dee@x.io/a"]
    return [[written(each) for each in people if chance.random() < 0.7] or [written("bo@x.io")] for _ in range(5)]


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_flipped_a_staged_set_holds_each_record_once(drata: AtEmulator, seed: int) -> None:
    await held_once(drata, seed, lambda: active(drata))


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_flipped_each_record_is_ended_or_held_once(secureframe: AtEmulator, seed: int) -> None:
    await held_once(secureframe, seed, lambda: active(secureframe))


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_flipped_a_whole_set_holds_each_record_once(
    wholes: tuple[Destination, Whole], seed: int
) -> None:
    destination, whole = wholes

    async def held() -> list[str]:
        return whole.live(ACCOUNT)

    await held_once(destination, seed, held)


async def active(destination: AtEmulator) -> list[str]:
    return [str(each["id"]) for each in await destination.records(ACCOUNT) if each.get("active") is not False]


async def held_once(destination: Destination, seed: int, held: Callable[[], Awaitable[list[str]]]) -> None:
    first: dict[str, str] = {}
    for ids in sets(seed):
        keys = [key_of(each) for each in ids]
        gone = sorted(spelling for key, spelling in first.items() if key not in keys)
        first = {key: first.get(key, each) for key, each in zip(keys, ids, strict=True)}
        records = [{"id": each, "email": "someone@example.com", "active": True} for each in ids]
        report = await destination.push(
            records, kind=ACCOUNT, mode="snapshot", override_guard="what is tested is not the guard"
        )
        assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": len(ids)})
        assert sorted(report.destinations[destination.name].gone.ids) == gone
        assert sorted(await held()) == sorted(first.values())
