"""An AWS account made with boto3 against moto, and what its list calls answer."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws

from proofport.adapter import Body
from proofport.mapping import MappingLibrary
from proofport.registry import load_adapter

REGION = "eu-west-1"
ACCOUNT = "123456789012"  # moto's


@dataclass(frozen=True)
class Account:
    """`pages`: the answer of each source's call. `ids`: what AWS named the things that were made."""

    pages: dict[str, Any]
    ids: dict[str, str]


@pytest.fixture(scope="session")
def aws() -> Account:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.setenv(name, "testing")
        account = Account({}, {})
        with mock_aws():
            for fill in (_ec2, _s3, _rds, _iam_and_lambda):
                fill(account.pages, account.ids)
        return account


def _ec2(pages: dict[str, Any], ids: dict[str, str]) -> None:
    ec2 = boto3.client("ec2", region_name=REGION)
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web-1"}, {"Key": "env", "Value": "prod"}]}]
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, TagSpecifications=tags)
    ids["tagged"] = made["Instances"][0]["InstanceId"]
    made = ec2.run_instances(ImageId=image, MinCount=2, MaxCount=2)
    ids["stopped"], ids["terminated"] = (instance["InstanceId"] for instance in made["Instances"])
    ec2.stop_instances(InstanceIds=[ids["stopped"]])
    ec2.terminate_instances(InstanceIds=[ids["terminated"]])
    pages["aws.ec2.instances"] = ec2.describe_instances()

    zone = f"{REGION}b"
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": "data"}]}]
    for name, encrypted in (("encrypted", True), ("plain", False)):
        more = {"TagSpecifications": tags} if encrypted else {}
        ids[name] = ec2.create_volume(AvailabilityZone=zone, Size=8, Encrypted=encrypted, **more)["VolumeId"]
    pages["aws.ec2.volumes"] = ec2.describe_volumes(VolumeIds=[ids["encrypted"], ids["plain"]])

    for name, cidr in (("open", {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}), ("closed", {})):
        group = ec2.create_security_group(GroupName=name, Description=f"{name} to all")["GroupId"]
        ids[name] = group
        if cidr:
            rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, **cidr}
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    ec2.create_tags(Resources=[ids["open"]], Tags=[{"Key": "team", "Value": "shop"}])
    pages["aws.ec2.security_groups"] = ec2.describe_security_groups(GroupIds=[ids["open"], ids["closed"]])


def _s3(pages: dict[str, Any], ids: dict[str, str]) -> None:
    s3 = boto3.client("s3", region_name=REGION)
    for name in ("acme-logs", "acme-www"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    pages["aws.s3.buckets"] = s3.list_buckets()


def _rds(pages: dict[str, Any], ids: dict[str, str]) -> None:
    rds = boto3.client("rds", region_name=REGION)
    common = {"DBInstanceClass": "db.m5.large", "MasterUsername": "root", "MasterUserPassword": "not-a-secret"}
    rds.create_db_instance(
        DBInstanceIdentifier="shop",
        Engine="postgres",
        StorageEncrypted=True,
        PubliclyAccessible=False,
        Tags=[{"Key": "env", "Value": "prod"}],
        **common,
    )
    rds.create_db_instance(DBInstanceIdentifier="lab", Engine="mysql", PubliclyAccessible=True, **common)
    pages["aws.rds.instances"] = rds.describe_db_instances()


def _iam_and_lambda(pages: dict[str, Any], ids: dict[str, str]) -> None:
    iam = boto3.client("iam", region_name=REGION)
    iam.create_user(UserName="ana", Tags=[{"Key": "email", "Value": "ana@example.com"}])
    iam.create_user(UserName="bo@example.com")
    iam.create_user(UserName="ci", Path="/robots/")
    pages["aws.iam.users"] = iam.list_users()
    pages["details"] = iam.get_account_authorization_details(Filter=["User"])

    role = iam.create_role(RoleName="lambda", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("bill.py", "def handler(event, context): ...")
    client = boto3.client("lambda", region_name=REGION)
    common = {"Runtime": "python3.12", "Role": role, "Handler": "bill.handler", "Code": {"ZipFile": packed.getvalue()}}
    client.create_function(FunctionName="bill", Description="sends the bills", **common)
    client.create_function(FunctionName="quiet", **common)
    pages["aws.lambda.functions"] = client.list_functions()


@pytest.fixture(scope="session")
def library() -> MappingLibrary:
    return MappingLibrary()


def body_of(vendor: str, kind: str, name: str | None = None) -> Body:
    """What a vendor takes in an upsert, by its adapter's defaults."""
    adapter = load_adapter(vendor)
    bodies = adapter(adapter.Settings.model_construct()).bodies(kind)
    return next((body for body in bodies if body.name == name), bodies[0])


@pytest.fixture(scope="session", name="body_of")
def _body_of() -> Any:
    return body_of
