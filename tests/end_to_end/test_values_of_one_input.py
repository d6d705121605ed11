"""Two regions, or two accounts, in one snapshot: values for one input, and a warning where one value is for two."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.cli import DRATA, SNAPSHOT, Cli
from tests.support.emulators import records

EU, US = "aws.ec2.vpcs[region=eu-west-1]=eu.json", "aws.ec2.vpcs[region=us-east-1]=us.json"
ALIKE = ("aws.ec2.vpcs=eu.json", "aws.ec2.vpcs=us.json", "--set", "region=eu-west-1")
PUSH = (*SNAPSHOT, *DRATA)


def page(*names: str, **more: Any) -> dict[str, Any]:
    vpcs = [{"VpcId": name, "OwnerId": "1", "CidrBlock": "10.0.0.0/16", "State": "available"} for name in names]
    return {"Vpcs": vpcs, **more}


@pytest.fixture
def aws(cli: Cli) -> Cli:
    cli.write("eu.json", page("vpc-eu"))
    cli.write("us.json", page("vpc-us"))
    return cli


def regions(cli: Cli) -> dict[str, str]:
    found = records("drata", cli.emulators.state("drata"), "cloud_resource")
    return {each["id"]: each["region"] for each in found}


def test_each_input_has_its_own_value(aws: Cli) -> None:
    code, report = aws.report("push", EU, US, *PUSH)
    assert code == 0
    assert regions(aws) == {"vpc-eu": "eu-west-1", "vpc-us": "us-east-1"}
    assert not [source for source in report["sources"] if "warning" in source]


def test_its_own_value_goes_before_that_of_the_run(aws: Cli) -> None:
    assert aws.report("push", EU, "aws.ec2.vpcs=us.json", "--set", "region=us-east-1", *PUSH)[0] == 0
    assert regions(aws) == {"vpc-eu": "eu-west-1", "vpc-us": "us-east-1"}


def test_each_is_a_source_that_may_be_left_out_on_purpose(aws: Cli) -> None:
    aws.configure(guard={"max_gone": 1})
    assert aws.report("push", EU, f"home:{US}", *PUSH)[0] == 0
    assert "the source home was left out" in aws.type("push", EU, *PUSH).words
    assert aws.type("push", f"home:{US}", *PUSH, "--without", "aws.ec2.vpcs[region=eu-west-1]").code == 0


def test_one_value_for_two_lists_of_a_source_is_warned_about(aws: Cli) -> None:
    code, report = aws.report("push", *ALIKE, *PUSH)
    assert code == 0
    assert [source.get("warning") for source in report["sources"]] == [
        None,
        "region=eu-west-1 was set for eu.json and us.json alike. If it is not true of both, set it for each: "
        "'aws.ec2.vpcs[region=eu-west-1]=FILE'.",
    ]
    for command in ("push", "plan"):
        assert "region=eu-west-1 was set for eu.json and us.json alike." in aws.type(command, *ALIKE, *PUSH).words


def test_pages_of_one_list_have_one_value(aws: Cli) -> None:
    aws.write("eu.json", page("vpc-eu", NextToken="more"))
    report = aws.report("push", *ALIKE, *PUSH)[1]
    assert not [source for source in report["sources"] if "warning" in source]


def test_so_have_two_lists_if_that_is_said(aws: Cli) -> None:
    report = aws.report("push", EU, "aws.ec2.vpcs[region=eu-west-1]=us.json", *PUSH)[1]
    assert not [source for source in report["sources"] if "warning" in source]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("aws.ec2.vpcs[region]=eu.json", "found [region], expected [NAME=VALUE,…] behind the source"),
        ("aws.ec2.vpcs[region=a,region=b]=eu.json", "each name once"),
        ("aws.ec2.vpcs[regoin=a]=eu.json", "has no context 'regoin'"),
        ("evidence[region=a]=eu.json", "an input that is evidence already takes no region"),
    ],
)
def test_a_mistake_is_named(aws: Cli, text: str, words: str) -> None:
    typed = aws.type("push", text, "--kind", "cloud_resource", *PUSH)
    assert typed.code == 2
    assert words in typed.words


def test_two_values_for_the_run_lead_to_values_for_each(aws: Cli) -> None:
    typed = aws.type("push", *ALIKE, "--set", "region=us-east-1", *PUSH)
    assert typed.code == 2
    assert "For one input alone: SOURCE[region=us-east-1]=INPUT" in typed.words


def test_a_preview_takes_them_too(aws: Cli) -> None:
    assert aws.type("preview", US, *DRATA, "--json").json[0]["neutral"]["region"] == "us-east-1"
