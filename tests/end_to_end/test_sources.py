"""Sources that together are one set: leaving one out is noticed, and nobody is ended for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from tests.support.cli import ACCOUNTS, BOTH, Cli
from tests.support.evidence import personnel_account
from tests.support.relay import Answer, Relay

HERE, THERE = "hr-eu:evidence=eu.ndjson", "hr-us:evidence=us.ndjson"
SNAPSHOT = (*ACCOUNTS, "--to", "secureframe", "--mode", "snapshot")


def vpcs(*names: str) -> dict[str, Any]:
    return {
        "Vpcs": [{"VpcId": name, "OwnerId": "1", "CidrBlock": "10.0.0.0/16", "State": "available"} for name in names]
    }


@pytest.fixture
def two(cli: Cli) -> Cli:
    """Two sources of one kind, in one complete set at both vendors. The second is small."""
    cli.write("eu.ndjson", *(personnel_account(n) for n in range(40)))
    cli.write("us.ndjson", *(personnel_account(n) for n in range(100, 104)))
    cli.configure(guard={"max_gone": 0.2})
    assert cli.type("push", HERE, THERE, *ACCOUNTS, *BOTH, "--mode", "snapshot")[0] == 0
    return cli


def held(cli: Cli, vendor: str) -> int:
    return len(cli.held(vendor, "personnel_account"))


@pytest.mark.parametrize("vendor", ["drata", "secureframe"])
def test_a_source_that_is_left_out_is_named_and_nothing_of_it_leaves(two: Cli, vendor: str) -> None:
    """Its share is within the guard."""
    arguments = (HERE, *ACCOUNTS, "--to", vendor, "--mode", "snapshot")
    plan = two.type("plan", *arguments, "--json")
    assert plan.code == 4
    assert "the source hr-us was left out" in plan.json["destinations"][vendor]["guard"]
    code, out, _ = two.type("push", *arguments)
    assert code == 4
    assert "the source hr-us was left out: 4 records of it would be gone" in " ".join(out.split())
    assert "--without 'hr-us'" in out
    assert "--override-guard" not in out
    assert held(two, vendor) == 44


@pytest.mark.parametrize("vendor", ["drata", "secureframe"])
def test_one_that_is_left_out_on_purpose_goes(two: Cli, vendor: str) -> None:
    code, report = two.report("push", HERE, *ACCOUNTS, "--to", vendor, "--mode", "snapshot", "--without", "hr-us")
    assert code == 0
    assert report["destinations"][vendor]["gone"]["count"] == 4
    assert two.report("push", HERE, *ACCOUNTS, "--to", vendor, "--mode", "snapshot")[0] == 0


def test_the_configuration_may_say_which_sources_make_up_a_set(two: Cli) -> None:
    two.configure(sources={"personnel_account": ["hr-eu"]})
    code, report = two.report("push", HERE, *SNAPSHOT)
    assert (code, report["destinations"]["secureframe"]["gone"]["count"]) == (0, 4)
    two.configure(sources={"personnel_account": ["hr-eu", "hr-asia"]})
    code, out, _ = two.type("push", HERE, *SNAPSHOT)
    assert code == 4
    assert "the source hr-asia was left out: `sources:` of the configuration names it" in " ".join(out.split())


def test_a_small_source_that_loses_everything_is_refused(two: Cli) -> None:
    two.write("us.ndjson", personnel_account(200))
    code, out, _ = two.type("push", HERE, THERE, *SNAPSHOT)
    assert code == 4
    assert "4 of 4 records of the source hr-us would be gone" in " ".join(out.split())
    assert held(two, "secureframe") == 45, "the new one was delivered, and nobody was ended"


@pytest.mark.parametrize(("lost", "code"), [(8, 0), (9, 4)])
def test_a_large_source_may_lose_its_own_share_only(cli: Cli, lost: int, code: int) -> None:
    cli.write("eu.ndjson", *(personnel_account(n) for n in range(40)))
    cli.write("us.ndjson", *(personnel_account(n) for n in range(100, 200)))
    cli.configure(guard={"max_gone": 0.2})
    assert cli.type("push", HERE, THERE, *SNAPSHOT)[0] == 0
    cli.write("eu.ndjson", *(personnel_account(n) for n in range(40 - lost)))
    assert cli.type("push", HERE, THERE, *SNAPSHOT)[0] == code


def test_records_that_moved_to_another_source_are_not_lost(two: Cli) -> None:
    two.write("eu.ndjson", *(personnel_account(n) for n in range(40)), *(personnel_account(n) for n in range(100, 104)))
    code, report = two.report("push", HERE, *SNAPSHOT)
    assert (code, report["destinations"]["secureframe"]["gone"]["count"]) == (0, 0)


def test_what_was_upserted_between_two_sets_keeps_its_source(two: Cli) -> None:
    two.write("one.ndjson", personnel_account(100, admin=True))
    assert two.type("push", "one.ndjson", *ACCOUNTS, "--to", "secureframe")[0] == 0
    code, report = two.report("push", HERE, THERE, *SNAPSHOT)
    assert (code, report["destinations"]["secureframe"]["gone"]["count"]) == (0, 0)
    code, out, _ = two.type("push", HERE, *SNAPSHOT)
    assert code == 4
    assert "hr-us was left out: 4 records" in " ".join(out.split())


def test_a_region_is_a_source_of_its_own(cli: Cli) -> None:
    """The same mapping with other values of --set; the path of the file does not matter."""
    for region, names in {"eu-west-1": ["vpc-1"], "us-east-1": ["vpc-2"]}.items():
        cli.write(f"{region}.json", vpcs(*names))
    cli.configure(guard={"max_gone": 1.0})
    both = [f"vpcs-{region}:aws.ec2.vpcs={region}.json" for region in ("eu-west-1", "us-east-1")]
    arguments: Sequence[str] = ("--set", "region=eu-west-1", "--to", "drata", "--mode", "snapshot")
    assert cli.type("push", *both, *arguments)[0] == 0
    code, out, _ = cli.type("push", both[0], *arguments)
    assert code == 4
    assert "the source vpcs-us-east-1 was left out" in " ".join(out.split())
    cli.write("copy.json", vpcs("vpc-1"))
    one = ("aws.ec2.vpcs=copy.json", "--to", "drata", "--mode", "snapshot", "--set")
    assert cli.type("push", *one, "region=eu-west-1", "--override-guard", "one region a run")[0] == 0
    code, out, _ = cli.type("push", *one, "region=us-east-1")
    assert code == 0, "the only record came from this source, too"


async def test_a_part_of_a_snapshot_names_its_source(relay: Relay) -> None:
    regions = {"eu-west-1": [f"vpc-{n}" for n in range(5)], "us-east-1": ["vpc-9"]}

    async def snapshot(*parts: tuple[str, str], **how: Any) -> Answer:
        opened = await relay.ask("POST", "/v1/snapshots", json={"kind": "cloud_resource", "to": ["drata"]})
        path = f"/v1/snapshots/{opened.body['id']}"
        for name, region in parts:
            query = f"source=aws.ec2.vpcs&set=region={region}"
            taken = await relay.ask("PUT", f"{path}/parts/{name}?{query}", json=vpcs(*regions[region]))
            assert taken.status == 200, taken.body
        return await relay.ask("POST", f"{path}/commit", json=how)

    assert (await snapshot(("a", "eu-west-1"), ("b", "us-east-1"))).status == 200
    refused = await snapshot(("x", "eu-west-1"))
    assert refused.problem == "guard-refused"
    left = "aws.ec2.vpcs[region=us-east-1]"
    assert f"the source {left} was left out" in refused.body["detail"]
    assert (refused.body["plan"]["drata"]["left_out"], f'`without: ["{left}"]`' in refused.body["hint"]) == (left, True)
    assert "override" not in refused.body["hint"]
    wrong = await snapshot(("y", "eu-west-1"), without=["aws.ec2.vpcs"])
    assert (wrong.problem, wrong.body["detail"]) == ("guard-refused", refused.body["detail"])
    done = await snapshot(("z", "eu-west-1"), without=[left])
    assert (done.status, done.body["report"]["destinations"]["drata"]["gone"]["ids"]) == (200, ["vpc-9"])
    assert (await snapshot(("z", "eu-west-1"))).status == 200
