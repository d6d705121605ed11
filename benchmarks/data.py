"""Two record shapes of about 1.1 KB: an EC2 instance as AWS prints it, and a SCIM user with the enterprise extension.

Each has a mapping of 12 fields, the same written by hand, and the same by jsonpath-ng's `find` over parsed selectors.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from jsonpath_ng.ext.parser import ExtendedJsonPathParser

from proofport.evidence import format_timestamp
from proofport.mapping import MappingFile, load_file

Record = dict[str, Any]

CLOUD = """
mapping: sources/bench.cloud
to: {evidence: cloud_resource}
fields:
  id: $.InstanceId
  type: {path: $.InstanceLifecycle, table: lifecycles, unknown: reject, default: aws.ec2.instance}
  provider: {value: aws}
  account_id: "$.NetworkInterfaces[0].OwnerId"
  region: $.Placement.AvailabilityZone
  name: "$.Tags[?(@.Key=='Name')].Value"
  description: {template: "{$.InstanceType} {$.ImageId} {$.State.Name}"}
  state: {path: $.State.Name, table: states, unknown: omit}
  lifecycle_state: {path: $.Lifecycle.State, default: live}
  owner_email: {path: "$.SecurityGroups[*].GroupName", join: ","}
  created_at: {path: $.LaunchTime, as: datetime}
  encrypted: {path: $.Monitoring.State, as: bool, true: [enabled], false: [disabled], unknown: omit}
tables:
  lifecycles: {spot: aws.ec2.spot_instance, scheduled: aws.ec2.scheduled_instance}
  states: {running: running, stopped: stopped, terminated: gone}
"""

PERSON = """
mapping: sources/bench.person
to: {evidence: personnel_account}
fields:
  id: $.id
  email: "$.emails[?(@.primary==true)].value"
  username: $.userName
  first_name: $.name.givenName
  last_name: $.name.familyName
  preferred_first_name: {path: $.nickName, default: none}
  system: {path: $.userType, table: {Employee: hr, Contractor: vendors}, unknown: omit, default: hr}
  secondary_email: {template: "{$.name.honorificPrefix} {$.name.givenName} {$.name.familyName}"}
  roles: {path: "$.roles[*].value", all: true}
  admin: {path: "$['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'].division", as: bool,
          true: [Administration], false: [Theme Park, Studios], unknown: omit}
  active: {path: $.active, as: bool}
  created_at: {path: $.meta.created, as: datetime}
"""

CLOUD_BODY = """
mapping: bench/cloud
from: cloud_resource
to: {vendor: bench, body: record}
fields:
  id: $.id
  kind: $.type
  cloud: $.provider
  account: $.account_id
  zone: $.region
  title: $.name
  about: $.description
  state: $.state
  lifecycle: $.lifecycle_state
  owner: $.owner_email
  created: $.created_at
  encrypted: $.encrypted
"""

PERSON_BODY = """
mapping: bench/person
from: personnel_account
to: {vendor: bench, body: record}
fields:
  id: $.id
  mail: $.email
  login: $.username
  given: $.first_name
  family: $.last_name
  nick: $.preferred_first_name
  system: $.system
  formatted: $.secondary_email
  roles: {path: "$.roles[*]", join: ","}
  admin: $.admin
  active: $.active
  created: $.created_at
"""

GIVEN_NAMES = ("Ana", "Ben", "Cora", "Dan", "Eve", "Finn", "Gail", "Hugo", "Ida", "Jürgen")
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@dataclass(frozen=True, slots=True)
class Shape:
    """One record shape: decoded records, their lines, the mapping to evidence and two functions that do the same, and
    the mapping from evidence to a vendor's body of 12 fields."""

    name: str
    records: list[Record]
    lines: list[bytes]
    mapping: MappingFile
    body: MappingFile
    by_hand: Callable[[Record], Record]
    by_find: Callable[[Record], Record]


def shapes(count: int = 1000) -> list[Shape]:
    """Both shapes with `count` records, the same on every run."""
    generator = random.Random(20260131)
    made = []
    for name, text, body, make, by_hand, by_find in (
        ("cloud", CLOUD, CLOUD_BODY, cloud_record, cloud_by_hand, _cloud_by_find()),
        ("person", PERSON, PERSON_BODY, person_record, person_by_hand, _person_by_find()),
    ):
        records = [make(number, generator) for number in range(count)]
        lines = [orjson.dumps(record) + b"\n" for record in records]
        made.append(Shape(name, records, lines, _mapping(text), _mapping(body), by_hand, by_find))
    return made


def _mapping(text: str) -> MappingFile:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.yaml"
        path.write_text(text)
        return load_file(path)[0]


def cloud_record(number: int, generator: random.Random) -> Record:
    """An EC2 instance; a few optional members come and go."""
    state = generator.choice(("running", "stopped", "terminated"))
    record = {
        "AmiLaunchIndex": 0,
        "ImageId": f"ami-{generator.getrandbits(32):08x}",
        "InstanceId": f"i-0{number * 0x9E3779B97F4A7C15 % 2**64:016x}",
        "InstanceType": generator.choice(("t3.micro", "m5.large")),
        "KeyName": "ops",
        "LaunchTime": "2026-01-31T09:00:00+00:00",
        "Monitoring": {"State": generator.choice(("enabled", "disabled", "pending"))},
        "Placement": {"AvailabilityZone": "eu-west-1a", "GroupName": "", "Tenancy": "default"},
        "PrivateDnsName": f"ip-10-0-0-{number % 250}.eu-west-1.compute.internal",
        "PrivateIpAddress": f"10.0.0.{number % 250}",
        "ProductCodes": [],
        "PublicDnsName": "",
        "State": {"Code": 16, "Name": state},
        "StateTransitionReason": "",
        "SubnetId": "subnet-0a1b2c3d",
        "VpcId": "vpc-0a1b2c3d",
        "Architecture": "x86_64",
        "BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {"Status": "attached", "VolumeId": "vol-0a1b"}}],
        "EbsOptimized": False,
        "Hypervisor": "xen",
        "NetworkInterfaces": [{"NetworkInterfaceId": "eni-0a1b2c3d", "OwnerId": "123456789012", "Status": "in-use"}],
        "RootDeviceName": "/dev/sda1",
        "SecurityGroups": [{"GroupId": "sg-0a1b", "GroupName": "web"}, {"GroupId": "sg-0a1c", "GroupName": "ssh"}],
        "SourceDestCheck": True,
        "Tags": [{"Key": "env", "Value": "prod"}, {"Key": "Name", "Value": f"web-{number}"}],
    }
    if number % 7 == 0:
        record["InstanceLifecycle"] = "spot"
    return record


def person_record(number: int, generator: random.Random) -> Record:
    """A user as SCIM providers print it."""
    given, family = generator.choice(GIVEN_NAMES), f"Jensen{number}"
    record = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "id": f"2819c223-7f76-453a-919d-{number:012x}",
        "externalId": str(number),
        "userName": f"user{number}@example.com",
        "name": {
            "formatted": f"Ms. {given} {family}",
            "familyName": family,
            "givenName": given,
            "middleName": "Jane",
            "honorificPrefix": "Ms.",
        },
        "displayName": f"{given} {family}",
        "emails": [
            {"value": f"user{number}@example.com", "type": "work", "primary": True},
            {"value": f"user{number}@home.example", "type": "home"},
        ],
        "addresses": [{"type": "work", "locality": "Hollywood", "region": "CA", "postalCode": "91608"}],
        "phoneNumbers": [{"value": "555-555-5555", "type": "work"}],
        "userType": generator.choice(("Employee", "Contractor", "Guest")),
        "title": "Tour Guide",
        "preferredLanguage": "en-US",
        "active": generator.random() < 0.9,
        "roles": [{"value": "guide", "type": "app"}, {"value": "editor", "type": "app"}],
        ENTERPRISE: {
            "employeeNumber": str(700000 + number),
            "costCenter": "4130",
            "organization": "Studios",
            "division": generator.choice(("Theme Park", "Administration")),
            "department": "Operations",
            "manager": {"value": "26118915-6090-4610-87e4-49d8ca9f808d", "displayName": "John Smith"},
        },
        "meta": {"resourceType": "User", "created": "2026-01-23T04:56:22Z", "version": f'W/"{number}"'},
    }
    if number % 5 == 0:
        record["nickName"] = given[:2]
    return record


# ------------------------------------------------------------------ by hand
LIFECYCLES = {"spot": "aws.ec2.spot_instance", "scheduled": "aws.ec2.scheduled_instance"}
STATES = {"running": "running", "stopped": "stopped", "terminated": "gone"}
MONITORED = {"enabled": True, "disabled": False}
SYSTEMS = {"Employee": "hr", "Contractor": "vendors"}
ADMINISTRATION = {"Administration": True, "Theme Park": False, "Studios": False}


def utc(text: str) -> str:
    """The quick way for the usual spelling; formatting a datetime costs as much as the rest of the record."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is UTC and text[10] == "T" and text[19:] in ("Z", "+00:00"):
        return text[:19] + "Z"
    return format_timestamp(moment)


def cloud_by_hand(record: Record) -> Record:
    """What a careful programmer would write for these records: members that come and go by `get`."""
    out: Record = {"id": record["InstanceId"]}
    lifecycle = record.get("InstanceLifecycle")
    out["type"] = "aws.ec2.instance" if lifecycle is None else LIFECYCLES[lifecycle]
    out["provider"] = "aws"
    interfaces = record.get("NetworkInterfaces")
    if interfaces:
        out["account_id"] = interfaces[0]["OwnerId"]
    placement = record.get("Placement")
    if placement is not None and "AvailabilityZone" in placement:
        out["region"] = placement["AvailabilityZone"]
    names = [tag["Value"] for tag in record.get("Tags", ()) if tag["Key"] == "Name"]
    if names:
        if len(names) > 1:
            raise ValueError("several names")
        out["name"] = names[0]
    state = record["State"]["Name"]
    out["description"] = f"{record['InstanceType']} {record['ImageId']} {state}"
    if state in STATES:
        out["state"] = STATES[state]
    lived = record.get("Lifecycle")
    out["lifecycle_state"] = lived.get("State", "live") if lived is not None else "live"
    groups = record.get("SecurityGroups")
    if groups is not None:
        out["owner_email"] = ",".join([group["GroupName"] for group in groups])
    if "LaunchTime" in record:
        out["created_at"] = utc(record["LaunchTime"])
    monitored = MONITORED.get(record["Monitoring"]["State"])
    if monitored is not None:
        out["encrypted"] = monitored
    return out


def person_by_hand(record: Record) -> Record:
    out: Record = {"id": record["id"]}
    emails = [email["value"] for email in record.get("emails", ()) if email.get("primary") is True]
    name = record["name"]
    if emails:
        if len(emails) > 1:
            raise ValueError("several primary addresses")
        out["email"] = emails[0]
    out["secondary_email"] = f"{name['honorificPrefix']} {name['givenName']} {name['familyName']}"
    out["username"] = record["userName"]
    out["first_name"] = name["givenName"]
    out["preferred_first_name"] = record.get("nickName", "none")
    out["last_name"] = name["familyName"]
    out["system"] = SYSTEMS.get(record.get("userType", ""), "hr")
    roles = record.get("roles")
    if roles is not None:
        out["roles"] = [role["value"] for role in roles]
    admin = ADMINISTRATION.get(record[ENTERPRISE].get("division"))
    if admin is not None:
        out["admin"] = admin
    active = record.get("active")
    if active is not None:
        out["active"] = active if isinstance(active, bool) else active.lower() == "true"
    out["created_at"] = utc(record["meta"]["created"])
    return out


# ------------------------------------------------------------------ by jsonpath-ng's find, every selector parsed once
def _selectors(**paths: str) -> dict[str, Any]:
    parser = ExtendedJsonPathParser()
    return {name: parser.parse(path) for name, path in paths.items()}


def _first(selector: Any, record: Record, default: Any = None) -> Any:
    found = selector.find(record)
    return found[0].value if found else default


def _cloud_by_find() -> Callable[[Record], Record]:
    paths = _selectors(
        id="$.InstanceId",
        lifecycle="$.InstanceLifecycle",
        account_id="$.NetworkInterfaces[0].OwnerId",
        region="$.Placement.AvailabilityZone",
        name="$.Tags[?(@.Key=='Name')].Value",
        type="$.InstanceType",
        image="$.ImageId",
        state="$.State.Name",
        lived="$.Lifecycle.State",
        groups="$.SecurityGroups[*].GroupName",
        launched="$.LaunchTime",
        monitored="$.Monitoring.State",
    )

    def convert(record: Record) -> Record:
        state = _first(paths["state"], record)
        out = {
            "id": _first(paths["id"], record),
            "type": LIFECYCLES.get(_first(paths["lifecycle"], record), "aws.ec2.instance"),
            "provider": "aws",
            "account_id": _first(paths["account_id"], record),
            "region": _first(paths["region"], record),
            "name": _first(paths["name"], record),
            "description": f"{_first(paths['type'], record)} {_first(paths['image'], record)} {state}",
            "state": STATES.get(state),
            "lifecycle_state": _first(paths["lived"], record, "live"),
            "owner_email": ",".join([found.value for found in paths["groups"].find(record)]),
            "created_at": utc(_first(paths["launched"], record)),
            "encrypted": MONITORED.get(_first(paths["monitored"], record)),
        }
        return {name: value for name, value in out.items() if value is not None}

    return convert


def _person_by_find() -> Callable[[Record], Record]:
    paths = _selectors(
        id="$.id",
        email="$.emails[?(@.primary==true)].value",
        username="$.userName",
        first="$.name.givenName",
        last="$.name.familyName",
        nick="$.nickName",
        type="$.userType",
        prefix="$.name.honorificPrefix",
        roles="$.roles[*].value",
        division=f"$['{ENTERPRISE}'].division",
        active="$.active",
        created="$.meta.created",
    )

    def convert(record: Record) -> Record:
        first, last = _first(paths["first"], record), _first(paths["last"], record)
        out = {
            "id": _first(paths["id"], record),
            "email": _first(paths["email"], record),
            "secondary_email": f"{_first(paths['prefix'], record)} {first} {last}",
            "username": _first(paths["username"], record),
            "first_name": first,
            "preferred_first_name": _first(paths["nick"], record, "none"),
            "last_name": last,
            "system": SYSTEMS.get(_first(paths["type"], record), "hr"),
            "roles": [found.value for found in paths["roles"].find(record)],
            "admin": ADMINISTRATION.get(_first(paths["division"], record)),
            "active": _first(paths["active"], record),
            "created_at": utc(_first(paths["created"], record)),
        }
        return {name: value for name, value in out.items() if value is not None}

    return convert
