"""What only Vanta has: one application with resources made by hand, and how its emulator's state is read."""

from __future__ import annotations

from typing import Any
from unittest.mock import ANY

from tests.generated.vanta import declared_for
from tests.support.destination import AtEmulator
from tests.support.evidence import FULLY_KNOWN, Record, personnel_account

from proofport.testing import Running

SCOPE = "connectors.self:read-resource connectors.self:write-resource"
TIME = "2026-01-31T08:00:00.000Z"


def resources(state: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """What the application has for a kind: two resources for devices, one for any other."""
    return [each for connection in state["connections"] for each in connection["resources"] if each["kind"] == kind]


def records(state: dict[str, Any], kind: str) -> list[Record]:
    """The live ones. What is gone stays in `deleted`."""
    return [{**record, "id": record["uniqueId"]} for each in resources(state, kind) for record in each["records"]]


def live(state: dict[str, Any], kind: str) -> set[str]:
    """The ids of what is there and has not left."""
    return {each["id"] for each in records(state, kind) if each.get("status") != "DEACTIVATED"}


def token_request(block: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The body that asks for a token with the credentials of a destination."""
    credentials = {name: block[name] for name in ("client_id", "client_secret")}
    return {**credentials, "scope": SCOPE, "grant_type": "client_credentials", **changes}


async def authorization(served: Running, **changes: Any) -> str:
    """The header of a new token."""
    body = token_request(served.destination(), **changes)
    async with served.client.post(served.origin + "/oauth/token", json=body) as answer:
        return f"Bearer {(await answer.json())['access_token']}"


def with_all_known(block: dict[str, Any], kind: str) -> dict[str, Any]:
    """The object of a kind, with the values that `docs/vanta.md` declares for what a source does not know."""
    values = declared_for(kind)
    return {**block, "when_unknown": dict(values)} if values else block


# ---------------------------------------------------------------------- records that fit, one of each base type
def _named(key: str, **more: Any) -> Record:
    return {"displayName": key, "uniqueId": key, "externalUrl": f"https://idp.example.com/{key}", **more}


def user_account(key: str, **more: Any) -> Record:
    account = {
        "fullName": key.title(),
        "accountName": key,
        "email": f"{key}@example.com",
        "permissionLevel": "BASE",
        "createdTimestamp": TIME,
        "status": "ACTIVE",
        "mfaEnabled": True,
        "mfaMethods": ["OTP"],
        "authMethod": "SSO",
    }
    return _named(key, **{**account, **more})


def training(key: str, **more: Any) -> Record:
    status = {
        "trainingId": "security",
        "trainingName": "Security",
        "frameworksFulfilled": ["SOC2"],
        "traineeFullName": key.title(),
        "traineeAccountName": key,
        "traineeEmail": f"{key}@example.com",
        "status": "COMPLETE",
        "trainingCreatedTimestamp": TIME,
    }
    return _named(key, **{**status, **more})


def _computer(key: str, **more: Any) -> Record:
    lock = {"requiresPassword": True, "screenSleepTimeoutMs": 300_000}
    computer = {
        "collectedTimestamp": TIME,
        "osName": "macOS",
        "osVersion": "15.1",
        "hardwareUuid": f"uuid-{key}",
        "serialNumber": f"serial-{key}",
        "browserExtensions": [{"extensionId": "e", "name": "Ad blocker", "browser": "FIREFOX"}],
        "users": [{"username": "ana", "screenlockPolicies": [lock], "screenlockSettings": lock}],
        "systemScreenlockPolicies": [],
        "isManaged": True,
        "autoUpdatesEnabled": False,
    }
    return _named(key, **{**computer, **more})


def macos(key: str, **more: Any) -> Record:
    drive = {"name": "Macintosh HD", "encrypted": True, "filevaultEnabled": True}
    return _computer(key, **{"applications": [{"name": "Slack", "bundleId": "b"}], "drives": [drive], **more})


def windows(key: str, **more: Any) -> Record:
    drive = {"name": "C", "encrypted": False}
    return _computer(key, **{"osName": "Windows", "programs": [{"name": "Slack"}], "drives": [drive], **more})


def custom(key: str, **properties: Any) -> Record:
    return _named(key, customProperties=properties)


SAMPLES = {
    "user_account": user_account,
    "user_security_training_status": training,
    "macos_user_computer": macos,
    "windows_user_computer": windows,
    "custom_resource": custom,
}


class Vanta(AtEmulator):
    async def deleted(self, kind: str) -> list[str]:
        """The uniqueIds of what is gone."""
        found = resources(await self.emulator.state(), kind)
        return [record["uniqueId"] for each in found for record in each["deleted"]]


# ---------------------------------------------------------------------- evidence of which Vanta knows everything
def account(number: int, **more: Any) -> Record:
    """What the source knows of one account; null for what it does not."""
    own = {
        "username": f"p{number}",
        "full_name": f"Person {number}",
        "url": f"https://billing.example.com/users/{number}",
    }
    return personnel_account(number, **{**FULLY_KNOWN, **own, **more})


def accounts(count: int) -> list[Record]:
    return [account(number) for number in range(count)]


def computer(number: int, platform: str, **more: Any) -> Record:
    """What the source knows of one computer."""
    known = {
        "name": "computer",
        "url": f"https://mdm.example.com/{number}",
        "platform": platform,
        "os_name": platform,
        "os_version": "15",
        "serial_number": f"C02XY{number}",
        "uuid": f"00000000-0000-4000-8000-{number:012}",
        "last_seen_at": "2026-01-31T09:00:00.25Z",
        "managed": True,
        "auto_update_enabled": True,
        "drives": [{"name": "C", "encrypted": True, "filevault_enabled": True}],
        "screen_lock_policies": [{"password_required": True, "after": 300}],
        "users": [],
        "applications": [{"name": "Editor", "version": "1", "identifier": "com.example.editor"}],
        "browser_extensions": [],
    }
    return {"id": f"d{number}", **known, **more}


def snapshot_requests(batches: int, gone: int) -> list[str]:
    """The methods of the requests of a snapshot of accounts: a token, what is held, the set, and a look at it."""
    return ["POST", "GET", "PUT", "GET"]


def ended(body: Record) -> Record | None:
    """An account that is gone. None: it is no longer there. A time is any time."""
    return {**body, "status": "DEACTIVATED", "deactivatedTimestamp": ANY}
