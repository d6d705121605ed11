"""The JSON Schemas of devices, HRIS identities and imported people, from the published documents."""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string", "maxLength": 191}
NULLABLE_TEXT = {"type": ["string", "null"], "maxLength": 191}
FLAG = {"type": ["boolean", "null"]}
EXPLANATION = {"type": ["object", "string", "null"]}

# The keys that an existing device is matched on.
DEVICE_KEYS = ("externalId", "serialNumber", "macAddress")

_POSTURE = ("antivirus", "autoUpdate", "encryption", "firewall", "passwordManager", "screenLock")
FLAGS = tuple(f"{name}Enabled" for name in _POSTURE)
EXPLANATIONS = tuple(f"{name}Explanation" for name in _POSTURE)
READABLE_FLAGS = tuple(name for name in (*FLAGS, *EXPLANATIONS) if name != "screenLockEnabled")

_SOFTWARE = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"name": TEXT, "version": TEXT, "description": {"type": ["string", "null"]}},
        "required": ["name", "version"],
    },
}

DEVICE: dict[str, Any] = {
    "type": "object",
    "required": ["personnelId", "platformName", "platformVersion"],
    "properties": {
        "personnelId": {"type": ["number", "string"], "pattern": "^email:.+$"},
        "platformName": {"enum": ["MACOS", "WINDOWS", "LINUX", "UNIX", "ANDROID"]},
        "platformVersion": TEXT,
        "externalId": {"type": "string"},
        "serialNumber": {"type": "string"},
        "macAddress": {"type": ["string", "null"]},
        "alias": TEXT,
        "model": TEXT,
        "screenLockTime": {"type": "number"},
        "appList": _SOFTWARE,
        "browserExtensions": _SOFTWARE,
        "windowsServices": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"description": TEXT, "name": TEXT, "startType": TEXT, "status": TEXT},
                "required": ["description", "name", "startType", "status"],
            },
        },
        **dict.fromkeys(FLAGS, FLAG),
        **dict.fromkeys(EXPLANATIONS, EXPLANATION),
    },
}

IDENTITY_TEXTS = ("firstName", "lastName", "jobTitle", "managerId", "managerName")
IDENTITY_EMAILS = ("email", "secondaryEmail")
IDENTITY_TIMES = ("startedAt", "separatedAt")
IDENTITY_FIELDS = (*IDENTITY_EMAILS, *IDENTITY_TEXTS, *IDENTITY_TIMES, "isContractor")


def identity_fields(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in IDENTITY_FIELDS if name in body}


EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
DATE_TIME = r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$"

IDENTITY: dict[str, Any] = {
    "type": "object",
    "required": ["identityId"],
    "properties": {
        "identityId": {"type": "string", "minLength": 1},
        "isContractor": {"type": ["boolean", "null"]},
        **dict.fromkeys(IDENTITY_TEXTS, NULLABLE_TEXT),
        **{name: {**NULLABLE_TEXT, "pattern": EMAIL} for name in IDENTITY_EMAILS},
        **{name: {"type": ["string", "null"], "pattern": DATE_TIME} for name in IDENTITY_TIMES},
    },
}

PERSON: dict[str, Any] = {
    "type": "object",
    "required": ["id", "firstName", "lastName", "email", "contractor", "isMfaEnabled", "date"],
    "properties": {
        **dict.fromkeys(("id", "firstName", "lastName", "jobTitle", "customerId"), TEXT),
        "email": {**TEXT, "pattern": EMAIL},
        "contractor": {"type": "boolean"},
        "isMfaEnabled": {"type": "boolean"},
        "date": {
            **TEXT,
            "pattern": r"^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?|\d\d/\d\d/\d{4})$",
        },
        "avatarUrl": {"type": "string", "maxLength": 768},
    },
}
