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
            for fill in (
                _ec2,
                _network,
                _s3,
                _rds,
                _iam_and_lambda,
                _containers,
                _messages_and_tables,
                _keys_and_trails,
            ):
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


def _network(pages: dict[str, Any], ids: dict[str, str]) -> None:
    ec2 = boto3.client("ec2", region_name=REGION)
    network = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[network], Tags=[{"Key": "Name", "Value": "shop"}])
    subnets = [
        ec2.create_subnet(VpcId=network, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]
        for n, zone in enumerate("ab")
    ]
    ids["vpc"], ids["subnet"] = network, subnets[0]["SubnetId"]
    pages["aws.ec2.vpcs"] = ec2.describe_vpcs(VpcIds=[network])
    pages["aws.ec2.subnets"] = ec2.describe_subnets(SubnetIds=[ids["subnet"]])
    elb = boto3.client("elbv2", region_name=REGION)
    for name, scheme in (("web", "internet-facing"), ("db", "internal")):
        made = elb.create_load_balancer(Name=name, Scheme=scheme, Subnets=[each["SubnetId"] for each in subnets])
        ids[name] = made["LoadBalancers"][0]["LoadBalancerArn"]
    pages["aws.elbv2.load_balancers"] = elb.describe_load_balancers()


def _containers(pages: dict[str, Any], ids: dict[str, str]) -> None:
    eks = boto3.client("eks", region_name=REGION)
    access = {"endpointPublicAccess": False, "endpointPrivateAccess": True}
    eks.create_cluster(name="shop", roleArn=f"arn:aws:iam::{ACCOUNT}:role/eks", resourcesVpcConfig=access)
    pages["aws.eks.clusters"] = eks.describe_cluster(name="shop")
    ecr = boto3.client("ecr", region_name=REGION)
    ecr.create_repository(repositoryName="shop/web")
    pages["aws.ecr.repositories"] = ecr.describe_repositories()


def _messages_and_tables(pages: dict[str, Any], ids: dict[str, str]) -> None:
    sqs, sns = (boto3.client(name, region_name=REGION) for name in ("sqs", "sns"))
    for name in ("orders", "jobs"):
        sqs.create_queue(QueueName=name)
    pages["aws.sqs.queues"] = sqs.list_queues()
    sns.create_topic(Name="alarms")
    pages["aws.sns.topics"] = sns.list_topics()
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    dynamodb.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    pages["aws.dynamodb.tables"] = dynamodb.describe_table(TableName="orders")


def _keys_and_trails(pages: dict[str, Any], ids: dict[str, str]) -> None:
    kms = boto3.client("kms", region_name=REGION)
    ids["key"] = kms.create_key(Description="orders")["KeyMetadata"]["Arn"]
    pages["aws.kms.keys"] = kms.list_keys()
    pages["aws.kms.key_details"] = kms.describe_key(KeyId=ids["key"])
    trails = boto3.client("cloudtrail", region_name=REGION)
    trails.create_trail(Name="audit", S3BucketName="acme-logs", IsMultiRegionTrail=True)
    pages["aws.cloudtrail.trails"] = trails.describe_trails(includeShadowTrails=False)


def _s3(pages: dict[str, Any], ids: dict[str, str]) -> None:
    s3 = boto3.client("s3", region_name=REGION)
    for name in ("acme-logs", "acme-www"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    pages["aws.s3.buckets"] = s3.list_buckets()
    logs, www = pages["aws.s3.buckets"]["Buckets"]
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    s3.put_bucket_encryption(Bucket=logs["Name"], ServerSideEncryptionConfiguration={"Rules": rules})
    pages["aws.s3.encryption"] = {**logs, **s3.get_bucket_encryption(Bucket=logs["Name"])}
    pages["a bucket that may not be asked"] = www


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
    rds.create_db_cluster(
        DBClusterIdentifier="orders",
        Engine="aurora-postgresql",
        StorageEncrypted=True,
        MasterUsername="root",
        MasterUserPassword="not-a-secret",
    )
    pages["aws.rds.clusters"] = rds.describe_db_clusters()


def _iam_and_lambda(pages: dict[str, Any], ids: dict[str, str]) -> None:
    iam = boto3.client("iam", region_name=REGION)
    iam.create_user(UserName="ana", Tags=[{"Key": "email", "Value": "ana@example.com"}])
    iam.create_user(UserName="bo@example.com")
    iam.create_user(UserName="ci", Path="/robots/")
    pages["aws.iam.users"] = iam.list_users()
    pages["details"] = iam.get_account_authorization_details(Filter=["User"])

    role = iam.create_role(RoleName="lambda", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    pages["aws.iam.roles"] = iam.list_roles()
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
    bodies = adapter.bodies(kind)
    return next((body for body in bodies if body.name == name), bodies[0])


@pytest.fixture(scope="session", name="body_of")
def _body_of() -> Any:
    return body_of
