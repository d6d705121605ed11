"""What Secureframe's page of custom integrations prints."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contracts.printed import Sample, explained, send
from tests.support.secureframe import CONNECTION, schema
from tests.unit.emulators.client import Client

from proofport.testing import Running
from proofport_secureframe.emulator.emulator import READER

PUBLISH = f"/custom_connections/{CONNECTION}/data"
NOWHERE = PUBLISH.replace("0001/", "0002/")
PRINTED_TYPES = """
account acm_certificate alert analytics api_management_service app_gateway app_workflow athena_workgroup
audit_config_all_services autoscaling_group batch_account cdn certificate cloudfront_distribution cloudtrail
cloudwatchlogs_log_group cluster cluster_node_pool compute_backend_service compute_disk compute_instance
compute_network compute_subnetwork compute_target_http_proxy_list compute_url_map configservice_recorder
container_cluster container_registry crypto_key database database_backup database_firewall_rule database_replica
datalake_analytics datalake_storage dms_instance diagnostic_setting dns_managed_zone docker_image domain domain_record
droplet droplet_neighbor dynamodb_table ec2_image ec2_instance ec2_security_group ec2_snapshot ec2_subnet ec2_volume
ec2_vpc ec2_vpc_peering_connections ecr_repository efs_filesystem eks_cluster elasticloadbalancing
elastictranscoder_pipeline elb elbv2 elbv2_listener es_domain event_hub firehose_stream firewall floating_ip
fsx_file_system glacier_vault guardduty_detector heroku_addon heroku_app iam_certificate iam_group iam_mfa_device
iam_password_policy iam_role iam_user iam_account iam_credential_report image iot key key_vault keyring kinesis_stream
kms_key lambda_function load_balancer log_alert log_profile metric microsoft_compute_virtualmachines
microsoft_compute_virtualmachines_scaleset microsoft_container_images microsoft_dbformysql_servers
microsoft_dbforpostgresql_servers microsoft_sql_servers microsoft_sql_servers_blob_auditing_policy
microsoft_sql_servers_databases microsoft_storage_storageaccounts monitoring_alert_policy nat_gateway
network_load_balancer network_watcher organizations_account policy_assignment project project_resource
public_ip_address rds_cluster rds_instance rds_snapshot redis_service resourcemanager_project redshift region registry
registry_repository route53domain route_table s3_bucket sagemaker_notebook search_service
security_auto_provisioning_setting security_contact security_group servicebus service_account ses_dkim ses_ruleset
snapshot sns_topic space space_cor sql_instance sqs_queue ssl_proxy ssm_instance ssm_parameter storage_bucket
storage_container storage_volume subscription transfer_server virtual_network vpc vpc_member web_app_service
xray_encryption_config
"""
TYPES = PRINTED_TYPES.split()
PRINTED_COURSES = (
    "ccpa_training gdpr_training hipaa_training pci_secure_code_training pci_training security_awareness_training"
)
COURSES = PRINTED_COURSES.split()

MACHINE = {"id": "123", "cloud_resource_type": "aws_ec2_instance", "description": "My Cloud Resource"}
TRAINING = {
    "id": "123",
    "completed_at": "2024-01-01T00:00:00Z",
    "user_email": "john.doe@example.com",
    "training_slug": "security_awareness_training",
}
ACCOUNT = {
    "id": "123",
    "email": "john.doe@example.com",
    "secondary_email": "john.doe2@example.com",
    "username": "john.doe",
    "first_name": "John",
    "preferred_first_name": "John",
    "last_name": "Doe",
    "admin": False,
    "active": True,
}
PERSON: dict[str, Any] = {"id": "1", "name": {"first": "Alan", "last": "Turing"}}


def publish(slug: str, *items: Any, **more: Any) -> Sample:
    body: dict[str, Any] = {"schema_slug": slug, "vendor_slug": "acme", "resource_data": list(items), **more}
    return Sample("POST", PUBLISH, body, 202, None)


PRINTED = [
    publish("cloud_resource", MACHINE),
    publish("cloud_resource", *({"id": name, "cloud_resource_type": name} for name in TYPES)),
    publish("training_record", TRAINING),
    publish("training_record", *({**TRAINING, "id": name, "training_slug": name} for name in COURSES)),
    publish("personnel_account", ACCOUNT),
    publish("users"),
]
"""In the order of the page; its request sample is the last."""
EXAMPLE = [
    Sample("POST", PUBLISH, publish("cloud_resource", MACHINE).body, 202, None, readings={"unlisted_enum": "kept"})
]
BODIES: list[Any] = [
    [],
    {"vendor_slug": "acme", "resource_data": []},
    {"schema_slug": "users", "resource_data": []},
    {"schema_slug": "users", "vendor_slug": "acme"},
    {"schema_slug": "users", "vendor_slug": "acme", "resource_data": {}},
    {"schema_slug": "users", "vendor_slug": "acme", "resource_data": [1]},
    {"schema_slug": "users", "vendor_slug": "acme", "resource_data": [], "partial": 1},
    {"schema_slug": "users", "vendor_slug": "other", "resource_data": []},
]
REFUSED = [Sample("POST", PUBLISH, body, 400, {"message": ...}) for body in BODIES]


@pytest.fixture
def client(secureframe_emulator: Running) -> Client:
    return Client(secureframe_emulator, "secureframe-emulator-key secureframe-emulator-secret")


async def held(client: Client, slug: str) -> dict[str, Any]:
    """What was processed of a schema, by id."""
    return {each["id"]: each for each in schema(await client.served.state(), slug)["resources"]}


async def define(client: Client, slug: str, **step: Any) -> None:
    await client.served.state()
    step = {"connection_id": CONNECTION, "slug": slug, "primary_id": "id", **step}
    await client.served.control("POST", "define-schema", **step)


async def test_every_sample_is_enqueued_and_processed(client: Client) -> None:
    assert len(TYPES) == 148
    await send(client, PRINTED)

    machines, trainings = await held(client, "cloud_resource"), await held(client, "training_record")
    assert [*machines] == TYPES
    assert trainings["123"] == TRAINING
    assert [*trainings] == ["123", *COURSES]
    assert await held(client, "personnel_account") == {"123": ACCOUNT}
    status, rows = await client("GET", "/user_accounts")
    assert (status, rows["data"][0]["attributes"]["email"]) == (200, "john.doe@example.com")


async def test_the_printed_machine_has_a_type_that_is_not_listed(client: Client) -> None:
    await explained(client, EXAMPLE)
    await send(client, EXAMPLE)

    assert await held(client, "cloud_resource") == {"123": MACHINE}


@pytest.mark.parametrize(
    ("slug", "sample", "required"),
    [
        ("cloud_resource", {**MACHINE, "cloud_resource_type": "ec2_instance"}, ("id", "cloud_resource_type")),
        ("training_record", TRAINING, ("id", "completed_at", "user_email", "training_slug")),
        ("personnel_account", ACCOUNT, ("id", "email")),
    ],
)
async def test_what_is_required_is_and_what_is_optional_is(
    client: Client, slug: str, sample: dict[str, Any], required: tuple[str, ...]
) -> None:
    without = [{name: value for name, value in sample.items() if name != left_out} for left_out in required]
    await send(client, [publish(slug, *without)])
    assert await held(client, slug) == {}

    least = {name: sample[name] for name in required}
    await send(client, [publish(slug, least)])
    assert await held(client, slug) == {"123": least}


async def test_a_training_without_a_completion_is_processed_by_the_newer_documents(client: Client) -> None:
    open_one = {name: value for name, value in TRAINING.items() if name != "completed_at"}
    body = publish("training_record", open_one).body
    newer = [Sample("POST", PUBLISH, body, 202, None, readings={"completed_at_required": False})]
    await explained(client, newer)
    await send(client, newer)

    assert await held(client, "training_record") == {"123": open_one}


async def test_a_schema_is_made_by_the_first_object_and_processed_once_it_is_defined(client: Client) -> None:
    await send(client, [publish("users"), publish("users", PERSON)])
    assert await held(client, "users") == {}

    await define(client, "users")
    await send(client, [publish("users", {**PERSON, "roles": ["a"], "name": {**PERSON["name"], "also": [1]}})])

    assert await held(client, "users") == {"1": PERSON}
    with pytest.raises(ValueError, match="can never be changed"):
        await define(client, "users", primary_id="name")


async def test_fields_of_other_names_are_mapped_by_the_definition(client: Client) -> None:
    person = {"sku": "1", "contact": {"mail": "alan@example.com"}}
    await send(client, [publish("people", person)])
    await define(client, "people", primary_id="sku", model="personnel_account", fields={"email": "contact.mail"})
    await send(client, [publish("people", person)])

    await client.served.state()
    _, rows = await client("GET", "/user_accounts")
    assert [each["attributes"]["email"] for each in rows["data"]] == ["alan@example.com"]


async def test_partial_updates_set_and_delete_what_they_name(client: Client) -> None:
    await send(
        client,
        [
            publish("personnel_account", ACCOUNT),
            publish("personnel_account", {"id": "123", "admin": True, "username": None}, partial=True),
            publish("personnel_account", {"admin": False}, partial=True),
        ],
    )
    expected = {name: value for name, value in ACCOUNT.items() if name != "username"}
    assert await held(client, "personnel_account") == {"123": {**expected, "admin": True}}

    await send(client, [publish("personnel_account", {"id": "123", "email": "new@example.com"}, partial=False)])
    assert await held(client, "personnel_account") == {"123": {"id": "123", "email": "new@example.com"}}


async def test_data_is_processed_in_the_order_in_which_it_is_enqueued(client: Client) -> None:
    await send(client, [publish("personnel_account", {**ACCOUNT, "username": str(turn)}) for turn in range(20)])

    assert (await held(client, "personnel_account"))["123"]["username"] == "19"


async def test_each_status_of_the_page(client: Client) -> None:
    await send(client, REFUSED)
    body = publish("users").body
    assert (await client("POST", NOWHERE, body))[0] == 404
    client.authorization = " ".join(READER)
    assert (await client("POST", PUBLISH, body))[0] == 403
    client.authorization = "wrong"
    assert (await client("POST", PUBLISH, body))[0] == 401
