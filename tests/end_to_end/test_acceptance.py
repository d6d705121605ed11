"""Real AWS output reaches both vendors with one command, and a vendor that loses or refuses data is noticed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from tests.support import drata, secureframe
from tests.support.cli import BOTH, CLOUD, SNAPSHOT, Cli
from tests.support.emulators import emulating
from tests.support.evidence import cloud_resources


@dataclass(frozen=True)
class Account:
    """What boto3 answered, and the names that AWS chose. `page` is the first of several pages of instances."""

    instances: dict[str, Any]
    buckets: dict[str, Any]
    page: dict[str, Any]
    tagged: str
    bare: str
    stopped: str
    created: dict[str, str]


@pytest.fixture(scope="module")
def aws() -> Account:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        return made_with_boto3()


def made_with_boto3() -> Account:
    ec2 = boto3.client("ec2", region_name="eu-west-1")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]

    def launch(count: int, **how: Any) -> list[str]:
        made = ec2.run_instances(ImageId=image, MinCount=count, MaxCount=count, **how)
        return [instance["InstanceId"] for instance in made["Instances"]]

    tagged, stopped = launch(2)
    subnet = ec2.describe_subnets(Filters=[{"Name": "availability-zone", "Values": ["eu-west-1b"]}])["Subnets"][0]
    inside = {"DeviceIndex": 0, "SubnetId": subnet["SubnetId"], "AssociatePublicIpAddress": False}
    [bare] = launch(1, NetworkInterfaces=[inside])
    tags = [{"Key": "Name", "Value": "web-1"}, {"Key": "env", "Value": "prod"}, {"Key": "spot", "Value": ""}]
    ec2.create_tags(Resources=[tagged], Tags=tags)
    ec2.stop_instances(InstanceIds=[stopped])
    s3 = boto3.client("s3", region_name="eu-west-1")
    for name in ("acme-logs", "acme-www"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    instances, buckets = ec2.describe_instances(), s3.list_buckets()
    for _ in range(4):
        launch(1)
    page = ec2.describe_instances(MaxResults=5)
    created = {bucket["Name"]: bucket["CreationDate"].strftime("%Y-%m-%dT%H:%M:%SZ") for bucket in buckets["Buckets"]}
    return Account(instances, buckets, page, tagged, bare, stopped, created)


def written(folder: Path, name: str, document: Any) -> str:
    """As `print(json.dumps(response, default=str))` writes it."""
    (folder / name).write_text(json.dumps(document, default=str))
    return str(folder / name)


def without(instances: dict[str, Any], gone: str) -> dict[str, Any]:
    kept = [
        {**reservation, "Instances": [each for each in reservation["Instances"] if each["InstanceId"] != gone]}
        for reservation in instances["Reservations"]
    ]
    return {**instances, "Reservations": kept}


def drata_bodies(aws: Account) -> list[dict[str, Any]]:
    """Every field, by hand: what AWS did not say is not there, and never false."""
    instance = {"type": "aws.ec2.instance", "provider": "aws", "account_id": "123456789012", "region": "eu-west-1"}
    bucket = {"type": "aws.s3.bucket", "provider": "aws"}
    logs = {"name": "acme-logs", "display_name": "acme-logs", "created_at": aws.created["acme-logs"]}
    www = {"name": "acme-www", "display_name": "acme-www", "created_at": aws.created["acme-www"]}
    return [
        {
            "id": aws.tagged,
            "display_name": "web-1",
            "name": "web-1",
            "state": "running",
            "public": True,
            "tags": "Name=web-1, env=prod, spot=",
            **instance,
        },
        {"id": aws.stopped, "display_name": aws.stopped, "state": "stopped", **instance},
        {"id": aws.bare, "display_name": aws.bare, "state": "running", **instance},
        {"id": "arn:aws:s3:::acme-logs", **bucket, **logs},
        {"id": "arn:aws:s3:::acme-www", **bucket, **www},
    ]


def secureframe_bodies(aws: Account) -> list[dict[str, Any]]:
    instance = {"cloud_resource_type": "ec2_instance", "account": "123456789012", "region": "eu-west-1"}
    bucket = {"cloud_resource_type": "s3_bucket"}
    return [
        {"id": aws.tagged, "description": "aws.ec2.instance web-1", **instance},
        {"id": aws.stopped, **instance},
        {"id": aws.bare, **instance},
        {"id": "arn:aws:s3:::acme-logs", "description": "aws.s3.bucket acme-logs", **bucket},
        {"id": "arn:aws:s3:::acme-www", "description": "aws.s3.bucket acme-www", **bucket},
    ]


def by_id(bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(bodies, key=lambda body: body["id"])


def test_aws_evidence_reaches_both_vendors_field_by_field(aws: Account, tmp_path: Path) -> None:
    with emulating(tmp_path) as emulators:
        cli = Cli(tmp_path, emulators)
        cli.configure()
        inputs = "aws.ec2.instances=i.json", "aws.s3.buckets=b.json"
        push = ("push", *inputs, *CLOUD, *BOTH, *SNAPSHOT, "--json")
        written(tmp_path, "i.json", aws.instances)
        written(tmp_path, "b.json", aws.buckets)

        done = cli.run(*push)
        assert done.code == 0, done.err
        report = cli.read_report(done)
        assert report["sources"] == [
            {"input": "i.json", "read": 3, "incomplete": None},
            {"input": "b.json", "read": 2, "incomplete": None},
        ]
        assert report["destinations"]["drata"]["assurance"] == {"accepted": 0, "confirmed": 5, "verified": 0}
        assert report["destinations"]["secureframe"]["assurance"] == {"accepted": 5, "confirmed": 0, "verified": 0}
        assert by_id(drata.resource(cli.emulators.state("drata"))["records"]) == by_id(drata_bodies(aws))
        assert by_id(secureframe.schema(cli.emulators.state("secureframe"), "cloud_resource")["resources"]) == by_id(
            secureframe_bodies(aws)
        )
        assert secureframe.schema(cli.emulators.state("secureframe"), "cloud_resource")["failures"] == []

        written(tmp_path, "i.json", without(aws.instances, aws.stopped))
        done = cli.run(*push)
        assert done.code == 0, done.err
        report = cli.read_report(done)
        left = [body for body in drata_bodies(aws) if body["id"] != aws.stopped]
        assert by_id(drata.resource(cli.emulators.state("drata"))["records"]) == by_id(left)
        assert report["destinations"]["secureframe"]["gone"] == {"count": 1, "ids": [aws.stopped]}
        assert by_id(secureframe.schema(cli.emulators.state("secureframe"), "cloud_resource")["resources"]) == by_id(
            secureframe_bodies(aws)
        )


def test_the_first_page_of_several_does_not_stand_for_the_whole(aws: Account, cli: Cli) -> None:
    assert aws.page["NextToken"]
    old = cli.write("old.ndjson", {"id": "i-old", "type": "aws.ec2.instance"})
    cli.type("push", old, *CLOUD, *BOTH, *SNAPSHOT)
    page = written(cli.folder, "page.json", aws.page)
    code, report = cli.report("push", f"aws.ec2.instances={page}", *BOTH, *SNAPSHOT)
    assert code == 4
    assert "NextToken" in report["sources"][0]["incomplete"]
    assert report["destinations"]["drata"]["reasons"] == {"guard": report["destinations"]["drata"]["input"]}
    assert cli.held("drata", "cloud_resource") == {"i-old"}
    assert report["destinations"]["secureframe"]["exit_code"] == 4


def test_a_200_whose_items_all_failed_is_no_success(cli: Cli) -> None:
    cli.write("old.ndjson", *cloud_resources(1, 2, 3))
    cli.type("push", "old.ndjson", *CLOUD, "--to", "drata", *SNAPSHOT)
    cli.emulators.fault("drata", partial_item_failures=1.0)
    cli.write("new.ndjson", *cloud_resources(1, 2, 3, 4))
    push = ("push", "new.ndjson", *CLOUD, "--to", "drata", *SNAPSHOT)

    code, report = cli.report(*push)
    uploads = [each for each in cli.emulators.received("drata") if (each["body"] or {}).get("data")]
    assert uploads[-1]["status"] == 200
    books = report["destinations"]["drata"]
    assert (code, books["rejected"], books["delivered"]) == (1, 4, 0)
    assert [row["id"] for row in books["problems"]] == ["i-1", "i-2", "i-3", "i-4"]
    words = {row["vendor_message"] for row in books["problems"]}
    assert all(words)
    code, out, _ = cli.type(*push)
    assert code == 1
    assert all(f"the vendor says: {word}" in " ".join(out.split()) for word in words)
    held = drata.resource(cli.emulators.state("drata"))
    assert [session["status"] for session in held["sessions"]] == ["ACTIVE", "CANCELED", "CANCELED"]
    assert {record["id"] for record in held["records"]} == {"i-1", "i-2", "i-3"}


def test_a_set_that_lost_more_than_a_fifth_is_refused_whatever_its_size(cli: Cli) -> None:
    old, new = {f"i-{n}" for n in range(10)}, {f"i-{n}" for n in range(3, 13)}
    cli.write("old.ndjson", *cloud_resources(*range(10)))
    cli.write("new.ndjson", *cloud_resources(*range(3, 13)))
    cli.type("push", "old.ndjson", *CLOUD, *BOTH, *SNAPSHOT)
    push = ("push", "new.ndjson", *CLOUD, *BOTH, *SNAPSHOT)

    code, report = cli.report(*push)
    assert code == 4
    assert {name: books["exit_code"] for name, books in report["destinations"].items()} == {
        "drata": 4,
        "secureframe": 4,
    }
    assert report["destinations"]["drata"]["reasons"] == {"guard": 10}
    for books in report["destinations"].values():
        assert books["gone"] == {"count": 3, "ids": ["i-0", "i-1", "i-2"]}
        assert any("3 of 10 records" in note and "--override-guard" in note for note in books["notes"])
    assert cli.held("drata", "cloud_resource") == old
    assert [session["status"] for session in drata.resource(cli.emulators.state("drata"))["sessions"]] == [
        "ACTIVE",
        "CANCELED",
    ]

    code, report = cli.report(*push, "--override-guard", "the lab moved to another account")
    assert code == 0
    for books in report["destinations"].values():
        assert any("the lab moved to another account" in note for note in books["notes"])
    assert cli.held("drata", "cloud_resource") == new


def test_a_set_that_lost_a_fifth_passes(cli: Cli) -> None:
    cli.write("old.ndjson", *cloud_resources(*range(10)))
    cli.write("new.ndjson", *cloud_resources(*range(2, 10)))
    for name in ("old.ndjson", "new.ndjson"):
        assert cli.type("push", name, *CLOUD, *BOTH, *SNAPSHOT)[0] == 0
    assert cli.held("drata", "cloud_resource") == {f"i-{n}" for n in range(2, 10)}
