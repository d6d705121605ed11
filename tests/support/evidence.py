"""Sample evidence of every kind: the fields that tests need most, and whatever a test adds.

A record is made from a number, which gives it an id of its kind, or from its id.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Record: TypeAlias = dict[str, Any]

COMPLETE = {"name": "web", "account_id": "1", "region": "eu-west-1"}
"""With these, a cloud resource has a value for every field of the schema that its first delivery may freeze."""


FULLY_KNOWN = {
    "username": "p",
    "full_name": "Pat Doe",
    "url": "https://billing.example.com/users/p",
    "admin": False,
    "auth_method": "sso",
    "mfa_enabled": True,
    "mfa_methods": ["otp"],
    "created_at": "2024-05-01T08:00:00Z",
}
"""With these, an account has all that any vendor requires."""


def cloud_resource(which: int | str, **more: Any) -> Record:
    return {"id": _id("i-", which), "type": "aws.ec2.instance", **more}


def personnel_account(which: int | str, **more: Any) -> Record:
    return {"id": _id("a", which), "email": f"{_id('p', which)}@example.com", "active": True, **more}


def device(which: int | str, **more: Any) -> Record:
    return {"id": _id("d-", which), "owner_email": "ana@example.com", "platform": "macos", "os_version": "15", **more}


def person(which: int | str, **more: Any) -> Record:
    return {"id": _id("p-", which), "email": f"{_id('p', which)}@example.com", **more}


def training_record(which: int | str, **more: Any) -> Record:
    return {"id": _id("t", which), "email": f"{_id('p', which)}@example.com", "course": "gdpr", **more}


def cloud_resources(*which: int | str, **more: Any) -> list[Record]:
    return [cloud_resource(each, **more) for each in which]


def many(count: int) -> list[Record]:
    """Cloud resources whose ids are in order."""
    return cloud_resources(*(f"i-{number:05}" for number in range(count)))


def personnel_accounts(*which: int | str, **more: Any) -> list[Record]:
    return [personnel_account(each, **more) for each in which]


def _id(prefix: str, which: int | str) -> str:
    return which if isinstance(which, str) else f"{prefix}{which}"
