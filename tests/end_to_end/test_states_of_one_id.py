"""Several states of one record: the later one stays at every vendor, and none is sent that claims to be of tomorrow."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.destination import deliver
from tests.support.drata import Drata
from tests.support.emulators import NAMES, emulated, records, seeded
from tests.support.evidence import cloud_resource, personnel_account
from tests.support.relay import Answer, Relay, relay_config, relaying
from tests.support.reports import counts, problems

from proofport.config import Config
from proofport.delivery.report.report import Exit
from proofport.errors import Rejected, UsageError
from proofport.evidence import format_timestamp
from proofport.gateway import Input
from proofport.relay.body.intake import MOST_AGAIN
from proofport.testing import Running

KIND = "personnel_account"


def takes_single_records(name: str) -> bool:
    block = seeded(name).destination("http://127.0.0.1:9")
    try:
        Config(instance="states", destinations={name: block}).adapter(name).resource(KIND).limits("upsert")
    except UsageError:
        return False
    return True


VENDORS = [name for name in NAMES if takes_single_records(name)]
"""A set holds an id once, so that a vendor of whole sets never gets two states of one."""
FAR = "9999-12-31T00:00:00Z"
LINES = """
mapping: sources/machines
to: {evidence: cloud_resource}
fields: {id: $.id, type: $.type, observed_at: $.seen}
"""


@pytest.fixture
async def vendors() -> AsyncIterator[Mapping[str, Running]]:
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(emulated(name)) for name in VENDORS}


@pytest.fixture
async def open_relay(vendors: Mapping[str, Running], tmp_path: Path) -> AsyncIterator[Relay]:
    """It takes evidence, and delivers nothing until it is told to."""
    async with relaying(relay_config(tmp_path, *vendors.values()), deliver=False) as opened:
        yield opened


def account(address: str, which: str = "a", **more: Any) -> dict[str, Any]:
    return personnel_account(which, email=f"{address}@example.com", **more)


async def post(relay: Relay, *states: dict[str, Any]) -> Answer:
    return await relay.post(list(states), "&".join(f"to={name}" for name in VENDORS), kind=KIND)


async def held(vendors: Mapping[str, Running]) -> dict[str, list[str]]:
    """The addresses that each vendor holds of the records, in the order of their ids."""
    found = {}
    for name, vendor in vendors.items():
        rows = sorted(records(name, await vendor.state(), KIND), key=lambda row: str(row["id"]))
        found[name] = [json.dumps(row).partition("@example.com")[0].rpartition('"')[2] for row in rows]
    return found


def everywhere(*addresses: str) -> dict[str, list[str]]:
    return {name: list(addresses) for name in VENDORS}


class TestTheLaterOneStays:
    async def test_of_one_body(self, open_relay: Relay, vendors: Mapping[str, Running]) -> None:
        answer = await post(open_relay, account("first"), account("bo", "b"), account("second"), account("third"))
        assert (answer.status, answer.body["records"]) == (202, 4)
        assert [each["records"] for each in answer.body["deliveries"]] == [2, 1, 1] * len(VENDORS)
        await deliver(open_relay.gateway)
        assert await held(vendors) == everywhere("third", "bo")

    async def test_of_several_submissions(self, open_relay: Relay, vendors: Mapping[str, Running]) -> None:
        for address in ("first", "second", "third"):
            await post(open_relay, account(address), account(address, "b"))
        await deliver(open_relay.gateway)
        assert await held(vendors) == everywhere("third", "third")

    async def test_of_the_library(self, open_relay: Relay, vendors: Mapping[str, Running]) -> None:
        states = [account(address) for address in ("first", "second")]
        await open_relay.gateway.submit(states, kind=KIND, to=VENDORS)
        await deliver(open_relay.gateway)
        assert await held(vendors) == everywhere("second")

    async def test_unless_it_was_observed_before_the_other(
        self, open_relay: Relay, vendors: Mapping[str, Running]
    ) -> None:
        await post(
            open_relay,
            account("first", observed_at="2026-02-01T00:00:00Z"),
            account("second", observed_at="2026-01-01T00:00:00Z"),
        )
        await deliver(open_relay.gateway)
        assert await held(vendors) == everywhere("first")

    async def test_one_id_makes_no_thousands_of_deliveries(self, open_relay: Relay) -> None:
        answer = await post(open_relay, *(account(f"p{n}") for n in range(MOST_AGAIN + 3)))
        assert (answer.status, answer.problem) == (422, "invalid-records")
        assert [each["record"] for each in answer.body["errors"]] == [MOST_AGAIN + 2, MOST_AGAIN + 3]
        assert {(each["id"], each["field"]) for each in answer.body["errors"]} == {("a", "id")}


class TestObservedInTheFuture:
    """A record that claims to be of the year 9999 would make every later state an older one."""

    async def test_a_relay_refuses_it_by_name(self, open_relay: Relay, vendors: Mapping[str, Running]) -> None:
        answer = await post(open_relay, account("first"), account("second", "b", observed_at=FAR))
        [error] = answer.body["errors"]
        assert (answer.status, error["pointer"], error["found"]) == (422, "/1/observed_at", FAR)
        assert "clock_tolerance" in error["hint"]
        answer = await post(open_relay, account("first", observed_at="2026-01-15T00:00:00Z"))
        await deliver(open_relay.gateway)
        assert await held(vendors) == everywhere("first")

    async def test_a_push_refuses_it_and_it_is_not_gone(self, drata: Drata) -> None:
        await drata.push([cloud_resource(1), cloud_resource(2)])
        report = await drata.push([cloud_resource(1), cloud_resource(2, observed_at=FAR)])
        assert (report.exit_code, counts(report)["rejected"]) == (Exit.INCOMPLETE, 1)
        assert "observed_at" in problems(report)[0]
        assert await drata.live() == ["i-1", "i-2"]

    async def test_lines_that_a_mapping_reads_are_no_exception(self, drata: Drata, tmp_path: Path) -> None:
        drata.options["mappings"] = tmp_path
        (tmp_path / "sources").mkdir()
        (tmp_path / "sources" / "machines.yaml").write_text(LINES)
        rows = [{"id": f"i-{n}", "type": "aws.ec2.instance", "seen": FAR if n == 2 else None} for n in range(4)]
        (tmp_path / "rows.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
        given = [Input(tmp_path / "rows.ndjson", "machines")]
        report = await drata.push(given, mode="upsert")
        assert counts(report) == {"delivered": 3, "rejected": 1}
        [row] = report.destinations["drata"].problems
        assert row.position.endswith("rows.ndjson:3")

    async def test_the_library_accepts_none(self, drata: Drata) -> None:
        async with drata.gateway() as gateway:
            with pytest.raises(Rejected, match="9999"):
                await gateway.submit([cloud_resource(1, observed_at=FAR)], kind="cloud_resource", to=["drata"])

    async def test_how_far_clocks_may_differ_is_configured(self, drata: Drata) -> None:
        soon = format_timestamp(datetime.now(UTC) + timedelta(hours=1))
        given = [cloud_resource(1, observed_at=soon)]
        assert counts(await drata.push(given, mode="upsert")) == {"delivered": 1}
        drata.options["clock_tolerance"] = 60
        assert counts(await drata.push(given, mode="upsert")) == {"rejected": 1}
