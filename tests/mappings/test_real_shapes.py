"""Documents in the shapes that tools print, and the mappings that a user writes for them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proofport.errors import MappingError, Rejected
from proofport.mapping import MappingLibrary, SourceMapping, compile_source, load_file
from proofport.mapping.language.nodes import Convert

Read = Callable[[str, Any], list[Any]]


@pytest.fixture
def source(tmp_path: Path) -> Callable[[str], SourceMapping]:
    """The mapping of a text."""

    def source(text: str) -> SourceMapping:
        path = tmp_path / "m.yaml"
        path.write_text(text)
        return compile_source(load_file(path)[0])

    return source


@pytest.fixture
def read(source: Callable[[str], SourceMapping]) -> Read:
    """The evidence that a mapping makes of a document; of a record that is refused, what is said."""

    def read(text: str, document: Any) -> list[Any]:
        mapping = source(text)
        found: list[Any] = []
        for record, parents in mapping.records(document):
            try:
                found.append(mapping(record, parents))
            except Rejected as error:
                found.append(str(error))
        return found

    return read


# ------------------------------------------------------------------ an HR system: plain dates, 0000-00-00 for none
STAFF = {
    "employees": [
        {"id": "11", "workEmail": "Ana@Example.com ", "hireDate": "2024-02-29", "terminationDate": "0000-00-00"},
        {"id": "12", "workEmail": None, "hireDate": "2020-12-30", "terminationDate": "2026-03-16"},
    ]
}
HR = """
mapping: sources/hr
to: {evidence: person}
records: $.employees[*]
"""


def test_dates_of_employment(read: Read) -> None:
    rules = """
nothing: ["", "0000-00-00"]
fields:
  id: $.id
  email: {path: $.workEmail, trim: true, lower: true}
  started_at: {path: $.hireDate, as: datetime, at: "00:00"}
  separated_at: {path: $.terminationDate, as: datetime, at: "18:00", zone: Europe/Berlin}
"""
    assert read(HR + rules, STAFF) == [
        {"id": "11", "email": "ana@example.com", "started_at": "2024-02-29T00:00:00Z"},
        {"id": "12", "email": None, "started_at": "2020-12-30T00:00:00Z", "separated_at": "2026-03-16T17:00:00Z"},
    ]


@pytest.mark.parametrize("beside", ["as: datetime", "as: date", "required: true"])
def test_what_is_said_of_a_plain_date_is_accepted(read: Read, beside: str) -> None:
    rules = "fields:\n  id: $.id\n  started_at: {path: $.hireDate, " + beside + "}\n"
    said = read(HR + rules, STAFF)[0]
    assert 'as: datetime, at: "00:00"' in said
    mended = read(HR + rules.replace(beside, 'as: datetime, at: "00:00"'), STAFF)[0]
    assert mended == {"id": "11", "started_at": "2024-02-29T00:00:00Z"}


def test_accounts_that_are_members_of_an_object(read: Read) -> None:
    text = """
mapping: sources/hr.accounts
to: {evidence: personnel_account}
records: {path: $, entries: true}
fields:
  id: $.key
  email: $.value.email
  active: {path: $.value.status, table: {Enabled: true}, unknown: omit, fold: true}
"""
    document = {"2370": {"email": "ana@example.com", "status": "enabled"}, "2371": {"email": "bo@example.com"}}
    assert read(text, document) == [
        {"id": "2370", "email": "ana@example.com", "active": True},
        {"id": "2371", "email": "bo@example.com"},
    ]


def test_rows_that_are_arrays(read: Read) -> None:
    text = """
mapping: sources/bi.people
to: {evidence: personnel_account}
records: $.rows[*]
fields: {id: "$[0]", email: "$[1]"}
"""
    rows = [["1", "ana@example.com"], ["2", None], ["3"]]
    assert read(text, {"rows": rows}) == [
        {"id": "1", "email": "ana@example.com"},
        {"id": "2", "email": None},
        {"id": "3"},
    ]


# ------------------------------------------------------------------ clouds: tags and labels as members of an object
def test_tags_of_azure(read: Read) -> None:
    text = """
mapping: sources/azure.vms
to: {evidence: cloud_resource}
nothing: [""]
fields:
  id: $.id
  type: {value: azure.compute.virtual_machine}
  state: {path: $.powerState, table: {VM running: running, VM deallocated: deallocated}, unknown: reject}
  created_at: {path: $.timeCreated, as: datetime}
  tags: {path: $.tags, entries: true, each: {fields: {key: $.key, value: $.value}}}
"""
    vm = {
        "id": "/vm-1",
        "powerState": "VM running",
        "tags": {"env": "prod"},
        "timeCreated": "2024-03-26T13:36:58.9743246+00:00",
    }
    assert read(text, vm) == [
        {
            "id": "/vm-1",
            "type": "azure.compute.virtual_machine",
            "created_at": "2024-03-26T13:36:58.974324Z",
            "state": "running",
            "tags": [{"key": "env", "value": "prod"}],
        }
    ]
    plain = {"type": "azure.compute.virtual_machine"}
    assert read(text, {"id": "/vm-2", "tags": {}, "powerState": ""}) == [{"id": "/vm-2", **plain, "tags": []}]
    assert read(text, {"id": "/vm-3", "tags": None, "timeCreated": None}) == [
        {"id": "/vm-3", **plain, "created_at": None}
    ]


def test_networks_of_every_region(read: Read) -> None:
    text = """
mapping: sources/vpcs.by_region
to: {evidence: cloud_resource}
records: {path: $, entries: true, then: "$.value.Vpcs[*]"}
parent: {region: {path: $, entries: true, then: $.key}}
fields: {id: $.VpcId, type: {value: aws.ec2.vpc}}
"""
    document = {"eu-west-1": {"Vpcs": [{"VpcId": "vpc-eu"}]}, "us-east-1": {"Vpcs": [{"VpcId": "vpc-us"}]}}
    assert [(each["id"], each["region"]) for each in read(text, document)] == [
        ("vpc-eu", "eu-west-1"),
        ("vpc-us", "us-east-1"),
    ]


def test_resources_of_a_state_file(read: Read) -> None:
    text = """
mapping: sources/state
to: {evidence: cloud_resource}
records: "$.resources[*].instances[*]"
parent: {type: {path: "$.resources[*].type", table: {aws_instance: aws.ec2.instance}, unknown: keep}}
fields: {id: $.attributes.id, tags: {path: $.attributes.tags, entries: true}}
"""
    document = {
        "resources": [
            {"type": "aws_instance", "instances": [{"attributes": {"id": "i-1", "tags": {"a": "b"}}}]},
            {"type": "other", "instances": [{"attributes": {"id": "o-1", "tags": None}}]},
        ]
    }
    assert read(text, document) == [
        {"id": "i-1", "type": "aws.ec2.instance", "tags": [{"key": "a", "value": "b"}]},
        {"id": "o-1", "type": "other"},
    ]


def test_the_credential_report_of_iam(read: Read) -> None:
    text = """
mapping: sources/credentials
to: {evidence: personnel_account}
records: {path: $.Content, decode: [base64, csv]}
nothing: [N/A, no_information, not_supported]
fields:
  id: $.arn
  username: $.user
  email: {template: "{$.user}@example.com"}
  mfa_enabled: {path: $.mfa_active, as: bool}
  last_login_at: {path: $.password_last_used, as: datetime}
"""
    report = (
        "user,arn,mfa_active,password_last_used\n"
        "ana,arn:ana,true,2026-01-31T09:00:00+00:00\nbo,arn:bo,false,no_information\n"
    )
    assert read(text, {"Content": base64.b64encode(report.encode()).decode(), "ReportFormat": "text/csv"}) == [
        {
            "id": "arn:ana",
            "email": "ana@example.com",
            "username": "ana",
            "mfa_enabled": True,
            "last_login_at": "2026-01-31T09:00:00Z",
        },
        {"id": "arn:bo", "email": "bo@example.com", "username": "bo", "mfa_enabled": False},
    ]


@pytest.mark.parametrize(
    ("name", "document", "created_at"),
    [
        (
            "aws.dynamodb.tables",
            {"Table": {"TableArn": "arn:aws:dynamodb:eu-west-1:1:table/a", "CreationDateTime": 1769850000.062}},
            "2026-01-31T09:00:00.062000Z",
        ),
        (
            "aws.ecr.repositories",
            {"repositories": [{"repositoryArn": "arn:aws:ecr:eu-west-1:1:repository/a", "createdAt": 1769850000.0}]},
            "2026-01-31T09:00:00Z",
        ),
        (
            "aws.eks.clusters",
            {"cluster": {"arn": "arn:aws:eks:eu-west-1:1:cluster/a", "createdAt": 1769850000.988}},
            "2026-01-31T09:00:00.988000Z",
        ),
    ],
)
def test_numbers_of_version_1_of_the_aws_cli(name: str, document: Any, created_at: str) -> None:
    mapping = compile_source(MappingLibrary().find(name))
    [(record, parents)] = mapping.records(document)
    assert mapping(record, parents)["created_at"] == created_at


def test_every_time_of_an_aws_source_may_be_a_number() -> None:
    library = MappingLibrary()
    for name in (name for name in library.names() if name.startswith("sources/aws.")):
        for rule in library.find(name).fields.values():
            times = [change for change in rule.changes if isinstance(change, Convert) and change.to == "datetime"]
            assert all(change.times.forms == ("iso", "epoch_seconds") for change in times), name


# ------------------------------------------------------------------ devices: "" and year 1 for what is not known
def test_hosts_of_which_little_is_known(read: Read) -> None:
    text = """
mapping: sources/hosts
to: {evidence: device}
records: $.hosts[*]
nothing: ["", {starts: "0001-01-01"}]
fields:
  id: {path: $.id, as: string}
  name: {first_of: [$.computer_name, $.hostname]}
  platform: {path: $.platform, table: {darwin: macos}, unknown: reject, fold: true}
  serial_number: $.hardware_serial
  memory: {path: $.memory, as: string, when: {path: $.memory, above: 0}}
  last_seen_at: {path: $.seen_time, as: datetime}
  screen_lock_enabled:
    path: "$.policies[?(@.name=='Screen lock')].response"
    table: {pass: true, fail: false}
    unknown: reject
  applications:
    path: "$.software[*]"
    each: {fields: {name: $.name, version: $.version}, when: {path: $.version, present: true}}
"""
    document = {
        "hosts": [
            {
                "id": 1,
                "computer_name": "Ana's",
                "platform": "darwin",
                "hardware_serial": "C02A",
                "memory": 8,
                "seen_time": "2026-11-05T06:03:39Z",
                "software": [{"name": "zoom", "version": "5.0"}, {"name": "1Password", "version": ""}],
                "policies": [{"name": "Screen lock", "response": ""}],
            },
            {
                "id": 2,
                "computer_name": "",
                "hostname": "two",
                "platform": "Darwin",
                "hardware_serial": "",
                "memory": 0,
                "seen_time": "0001-01-01T00:00:00Z",
                "software": [],
            },
        ]
    }
    assert read(text, document) == [
        {
            "id": "1",
            "name": "Ana's",
            "platform": "macos",
            "serial_number": "C02A",
            "memory": "8",
            "last_seen_at": "2026-11-05T06:03:39Z",
            "applications": [{"name": "zoom", "version": "5.0"}],
        },
        {"id": "2", "name": "two", "platform": "macos", "applications": []},
    ]


# ------------------------------------------------------------------ webhooks: JSON inside JSON
def test_a_notification_that_holds_json_as_text(read: Read) -> None:
    text = """
mapping: sources/notice
to: {evidence: personnel_account}
records: {path: $.Message, decode: json}
fields:
  id: {path: $.user.id, as: string}
  email: {template: "{$.user.login}@example.com"}
  active: {path: $.action, table: {member_added: true, member_removed: false}, unknown: reject}
  last_login_at: {path: $.at, as: datetime, from: epoch_seconds}
"""
    message = {"action": "member_added", "user": {"login": "ana", "id": 42}, "at": 1769850000.5}
    assert read(text, {"Type": "Notification", "Message": json.dumps(message)}) == [
        {
            "id": "42",
            "email": "ana@example.com",
            "active": True,
            "last_login_at": "2026-01-31T09:00:00.500000Z",
        }
    ]
    [said] = read(text, {"Type": "Notification", "Message": "hello"})
    assert "expected text that is JSON" in said


# ------------------------------------------------------------------ words that a user tries first
@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("{path: $.email, as: lower}", "Write lower: true."),
        ('{template: "{$.labels.[$]}"}', "`entries: true` beside a path makes {key, value}"),
    ],
)
def test_a_word_that_is_not_there_leads_to_the_one_that_is(
    source: Callable[[str], SourceMapping], rule: str, words: str
) -> None:
    with pytest.raises(MappingError) as caught:
        source(f"mapping: sources/t\nto: {{evidence: personnel_account}}\nfields: {{id: $.id, email: {rule}}}\n")
    assert words in str(caught.value)
