"""What boto3 and the AWS CLI print, through each source mapping, against expectations written by hand."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from proofport.evidence import Neutral, format_timestamp
from proofport.mapping import MappingLibrary, compile_source, compile_vendor
from proofport.sources import open_source

ACCOUNT = "123456789012"


def as_boto3(value: datetime) -> str:
    """`json.dumps(response, default=str)`."""
    return str(value)


def as_cli(value: datetime) -> str:
    return value.isoformat()


Printer = Callable[[datetime], str]


@pytest.fixture(params=[as_boto3, as_cli])
def evidence(request: pytest.FixtureRequest, aws: Any, library: MappingLibrary) -> Callable[..., list[Neutral]]:
    def read(source: str, page: str | None = None, **values: str) -> list[Neutral]:
        printed = json.dumps(aws.pages[page or source], default=request.param, indent=2)
        mapping = compile_source(library.find(source), values)
        with open_source(io.BytesIO(printed.encode())) as reader:
            documents = [document for _, document in reader]
        assert [mapping.page(document, "a", 0).flaw for document in documents] == [None]
        return [mapping(record, parents) for document in documents for record, parents in mapping.records(document)]

    return read


def by_id(records: list[Neutral]) -> dict[str, Neutral]:
    found = {record["id"]: record for record in records}
    assert len(found) == len(records)
    return found


def without_time(record: Neutral, *fields: str) -> Neutral:
    """The record without times that moto took from the clock, which must be canonical and of today."""
    record = dict(record)
    for field in fields:
        moment = datetime.fromisoformat(record.pop(field))
        assert moment.tzinfo is not None
        assert format_timestamp(moment).endswith("Z")
        assert abs((datetime.now(UTC) - moment).total_seconds()) < 3600
    return record


def test_ec2_instances(evidence: Any, aws: Any) -> None:
    found = by_id(evidence("aws.ec2.instances"))
    common = {"type": "aws.ec2.instance", "provider": "aws", "account_id": ACCOUNT, "region": "eu-west-1"}
    assert found.pop(aws.ids["tagged"]) == {
        "id": aws.ids["tagged"],
        **common,
        "name": "web-1",
        "state": "running",
        "public": True,
        "tags": [{"key": "Name", "value": "web-1"}, {"key": "env", "value": "prod"}],
    }
    stopped, terminated = found.pop(aws.ids["stopped"]), found.pop(aws.ids["terminated"])
    assert (stopped["state"], "lifecycle_state" in stopped, "tags" in stopped) == ("stopped", False, False)
    assert (terminated["state"], terminated["lifecycle_state"]) == ("terminated", "removed")
    assert found == {}


def test_ec2_volumes(evidence: Any, aws: Any) -> None:
    found = by_id(evidence("aws.ec2.volumes", account_id=ACCOUNT))
    common = {"type": "aws.ec2.volume", "provider": "aws", "account_id": ACCOUNT, "region": "eu-west-1"}
    assert without_time(found[aws.ids["encrypted"]], "created_at") == {
        "id": aws.ids["encrypted"],
        **common,
        "name": "data",
        "state": "available",
        "encrypted": True,
        "tags": [{"key": "Name", "value": "data"}],
    }
    assert without_time(found[aws.ids["plain"]], "created_at") == {
        "id": aws.ids["plain"],
        **common,
        "state": "available",
        "encrypted": False,
    }


def test_ec2_security_groups(evidence: Any, aws: Any) -> None:
    found = by_id(evidence("aws.ec2.security_groups"))
    common = {"type": "aws.ec2.security_group", "provider": "aws", "account_id": ACCOUNT, "region": "eu-west-1"}
    assert found[aws.ids["open"]] == {
        "id": aws.ids["open"],
        **common,
        "name": "open",
        "description": "open to all",
        "public": True,
        "tags": [{"key": "team", "value": "shop"}],
    }
    assert "public" not in found[aws.ids["closed"]], "that no open rule is listed proves nothing"


def test_s3_buckets_claim_nothing_that_the_list_does_not_say(evidence: Any) -> None:
    found = by_id(evidence("aws.s3.buckets", account_id=ACCOUNT))
    assert without_time(found["arn:aws:s3:::acme-logs"], "created_at") == {
        "id": "arn:aws:s3:::acme-logs",
        "type": "aws.s3.bucket",
        "provider": "aws",
        "account_id": ACCOUNT,
        "name": "acme-logs",
    }
    assert set(found) == {"arn:aws:s3:::acme-logs", "arn:aws:s3:::acme-www"}


def test_s3_encryption_is_that_of_the_bucket_that_was_asked(evidence: Any) -> None:
    [logs] = evidence("aws.s3.encryption")
    assert (logs["id"], logs["encrypted"], "created_at" in logs) == ("arn:aws:s3:::acme-logs", True, True)
    [www] = evidence("aws.s3.encryption", "a bucket that may not be asked")
    assert (www["id"], "encrypted" in www) == ("arn:aws:s3:::acme-www", False)


def test_kms_keys_in_detail(evidence: Any, aws: Any) -> None:
    [key] = evidence("aws.kms.key_details")
    assert key["id"] in {each["id"] for each in evidence("aws.kms.keys")}
    assert without_time(key, "created_at") == {
        "id": aws.ids["key"],
        "type": "aws.kms.key",
        "provider": "aws",
        "account_id": ACCOUNT,
        "region": "eu-west-1",
        "name": aws.ids["key"].rpartition("/")[2],
        "description": "orders",
        "state": "Enabled",
    }


def test_iam_roles(evidence: Any) -> None:
    [role] = evidence("aws.iam.roles")
    assert without_time(role, "created_at") == {
        "id": f"arn:aws:iam::{ACCOUNT}:role/lambda",
        "type": "aws.iam.role",
        "provider": "aws",
        "account_id": ACCOUNT,
        "name": "lambda",
    }


def test_rds_instances(evidence: Any) -> None:
    found = by_id(evidence("aws.rds.instances"))
    shop = found[f"arn:aws:rds:eu-west-1:{ACCOUNT}:db:shop"]
    assert without_time(shop, "created_at") == {
        "id": f"arn:aws:rds:eu-west-1:{ACCOUNT}:db:shop",
        "type": "aws.rds.instance",
        "provider": "aws",
        "account_id": ACCOUNT,
        "region": "eu-west-1",
        "name": "shop",
        "description": "postgres 9.3.3",
        "state": "available",
        "encrypted": True,
        "public": False,
        "tags": [{"key": "env", "value": "prod"}],
    }
    lab = found[f"arn:aws:rds:eu-west-1:{ACCOUNT}:db:lab"]
    assert (lab["encrypted"], lab["public"], lab["tags"]) == (False, True, [])


@pytest.mark.parametrize("page", ["aws.iam.users", "details"])
def test_iam_users(evidence: Any, page: str) -> None:
    found = by_id(evidence("aws.iam.users", page))
    ana = without_time(found[f"arn:aws:iam::{ACCOUNT}:user/ana"], "created_at")
    tags = {"tags": [{"key": "email", "value": "ana@example.com"}]} if page == "details" else {}
    assert ana == {
        "id": f"arn:aws:iam::{ACCOUNT}:user/ana",
        "type": "aws.iam.user",
        "provider": "aws",
        "account_id": ACCOUNT,
        "name": "ana",
        **tags,
    }
    assert len(found) == 3


def test_iam_users_as_accounts(evidence: Any) -> None:
    found = by_id(evidence("aws.iam.accounts", "details"))
    ana = found[f"arn:aws:iam::{ACCOUNT}:user/ana"]
    assert without_time(ana, "created_at") == {
        "id": f"arn:aws:iam::{ACCOUNT}:user/ana",
        "email": "ana@example.com",
        "username": "ana",
        "system": "aws.iam",
    }
    assert found[f"arn:aws:iam::{ACCOUNT}:user/bo@example.com"]["email"] == "bo@example.com"
    assert "email" not in found[f"arn:aws:iam::{ACCOUNT}:user/robots/ci"]


def test_lambda_functions(evidence: Any) -> None:
    found = by_id(evidence("aws.lambda.functions"))
    assert found[f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:bill"] == {
        "id": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:bill",
        "type": "aws.lambda.function",
        "provider": "aws",
        "account_id": ACCOUNT,
        "region": "eu-west-1",
        "name": "bill",
        "description": "sends the bills",
        "state": "Active",
    }
    assert "description" not in found[f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:quiet"]


def arn(service: str, name: str) -> str:
    return f"arn:aws:{service}:eu-west-1:{ACCOUNT}:{name}"


def common(kind: str, **more: Any) -> Neutral:
    return {"type": kind, "provider": "aws", "account_id": ACCOUNT, "region": "eu-west-1", **more}


def test_networks(evidence: Any, aws: Any) -> None:
    (network,) = evidence("aws.ec2.vpcs", region="eu-west-1")
    tags = [{"key": "Name", "value": "shop"}]
    more = {"name": "shop", "description": "10.0.0.0/16", "state": "available", "tags": tags}
    assert network == {"id": aws.ids["vpc"], **common("aws.ec2.vpc", **more)}
    (subnet,) = evidence("aws.ec2.subnets")
    more = {"description": f"10.0.0.0/24 in {aws.ids['vpc']}", "state": "available", "tags": []}
    assert subnet == {"id": aws.ids["subnet"], **common("aws.ec2.subnet", **more)}


def test_load_balancers(evidence: Any, aws: Any) -> None:
    found = by_id(evidence("aws.elbv2.load_balancers"))
    more = {"name": "web", "description": "application load balancer", "state": "active", "public": True}
    assert without_time(found[aws.ids["web"]], "created_at") == {
        "id": aws.ids["web"],
        **common("aws.elbv2.load_balancer", **more),
    }
    assert found[aws.ids["db"]]["public"] is False


def test_rds_clusters(evidence: Any) -> None:
    (cluster,) = evidence("aws.rds.clusters")
    more = {"name": "orders", "state": "available", "encrypted": True, "tags": []}
    found = without_time(cluster, "created_at")
    assert found.pop("description").startswith("aurora-postgresql ")
    found.pop("public", None)
    assert found == {"id": arn("rds", "cluster:orders"), **common("aws.rds.cluster", **more)}


def test_containers(evidence: Any) -> None:
    (cluster,) = evidence("aws.eks.clusters")
    found = without_time(cluster, "created_at")
    assert found.pop("description").startswith("Kubernetes 1.")
    more: Neutral = {"name": "shop", "state": "ACTIVE", "public": False}
    assert found == {"id": arn("eks", "cluster/shop"), **common("aws.eks.cluster", **more)}
    (repository,) = evidence("aws.ecr.repositories")
    more = {"name": "shop/web", "encrypted": True}
    assert without_time(repository, "created_at") == {
        "id": arn("ecr", "repository/shop/web"),
        **common("aws.ecr.repository", **more),
    }


def test_queues_topics_and_tables(evidence: Any) -> None:
    queues = by_id(evidence("aws.sqs.queues"))
    assert queues[f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/jobs"] == {
        "id": f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/jobs",
        **common("aws.sqs.queue", name="jobs"),
    }
    assert len(queues) == 2
    assert evidence("aws.sns.topics") == [{"id": arn("sns", "alarms"), **common("aws.sns.topic", name="alarms")}]
    (table,) = evidence("aws.dynamodb.tables")
    assert without_time(table, "created_at") == {
        "id": arn("dynamodb", "table/orders"),
        **common("aws.dynamodb.table", name="orders", state="ACTIVE"),
    }


def test_keys_and_trails(evidence: Any, aws: Any) -> None:
    key = by_id(evidence("aws.kms.keys"))[aws.ids["key"]]
    assert key == {"id": aws.ids["key"], **common("aws.kms.key", name=aws.ids["key"].rpartition("/")[2])}
    (trail,) = evidence("aws.cloudtrail.trails")
    more = {"name": "audit", "description": "logs of all regions"}
    assert trail == {"id": arn("cloudtrail", "trail/audit"), **common("aws.cloudtrail.trail", **more)}


CLOUD = [
    "aws.cloudtrail.trails",
    "aws.dynamodb.tables",
    "aws.ec2.instances",
    "aws.ec2.security_groups",
    "aws.ec2.subnets",
    "aws.ec2.volumes",
    "aws.ec2.vpcs",
    "aws.ecr.repositories",
    "aws.eks.clusters",
    "aws.elbv2.load_balancers",
    "aws.iam.users",
    "aws.kms.keys",
    "aws.lambda.functions",
    "aws.rds.clusters",
    "aws.rds.instances",
    "aws.s3.buckets",
    "aws.sns.topics",
    "aws.sqs.queues",
]


@pytest.mark.parametrize("vendor", ["drata", "secureframe"])
def test_one_set_of_every_source_fits_each_vendor(
    evidence: Any, library: MappingLibrary, body_of: Any, vendor: str
) -> None:
    """A snapshot is the union of its inputs: no two share an id, and every body fits what the vendor is told."""
    render = compile_vendor(
        library.find(f"{vendor}/cloud_resource"), body_of(vendor, "cloud_resource"), "cloud_resource", vendor
    )
    properties = render.json_schema()["properties"]
    bodies = [render(record) for source in CLOUD for record in evidence(source)]
    assert len({body["id"] for body in bodies}) == len(bodies) >= 29
    assert all(set(body) <= set(properties) for body in bodies)


@pytest.mark.parametrize(
    ("source", "page"),
    [
        ("aws.ec2.instances", {"Reservations": [], "NextToken": "x"}),
        ("aws.ec2.volumes", {"Volumes": [], "NextToken": "x"}),
        ("aws.ec2.security_groups", {"SecurityGroups": [], "NextToken": "x"}),
        ("aws.s3.buckets", {"Buckets": [], "ContinuationToken": "x"}),
        ("aws.rds.instances", {"DBInstances": [], "Marker": "x"}),
        ("aws.rds.clusters", {"DBClusters": [], "Marker": "x"}),
        ("aws.ec2.vpcs", {"Vpcs": [], "NextToken": "x"}),
        ("aws.ec2.subnets", {"Subnets": [], "NextToken": "x"}),
        ("aws.elbv2.load_balancers", {"LoadBalancers": [], "NextMarker": "x"}),
        ("aws.ecr.repositories", {"repositories": [], "nextToken": "x"}),
        ("aws.sqs.queues", {"QueueUrls": [], "NextToken": "x"}),
        ("aws.sns.topics", {"Topics": [], "NextToken": "x"}),
        ("aws.kms.keys", {"Keys": [], "Truncated": True, "NextMarker": "x"}),
        ("aws.iam.users", {"Users": [], "IsTruncated": True, "Marker": "x"}),
        ("aws.iam.accounts", {"Users": [], "IsTruncated": True, "Marker": "x"}),
        ("aws.lambda.functions", {"Functions": [], "NextMarker": "x"}),
    ],
)
def test_a_page_that_is_not_the_last_says_so(library: MappingLibrary, source: str, page: dict[str, Any]) -> None:
    mapping = compile_source(library.find(source))
    assert mapping.page(page, "a", 0).flaw
    last = {name: value for name, value in page.items() if value != "x"} | {"IsTruncated": False}
    assert mapping.page(last, "a", 0).flaw is None
    assert mapping.page({**last, "NextToken": "x"}, "a", 0).flaw, (
        "--max-items of the CLI has one word for every service"
    )
