"""The files of a night, with the mappings that read them: every refusal is made as a source would make it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from tests.property.sets.nights import SOURCES, Night, Record

from proofport.gateway import Input

TIME = "2026-01-31T08:00:00Z"
STRANGER = "stranger@example.com"
"""Nobody at the vendor has this address: a vendor that looks owners up refuses the record."""
FLAG = {"as": "bool", "true": ["true", True], "false": ["false", False], "unknown": "reject"}


def _evidence(kind: str, record_id: str, version: int) -> dict[str, Any]:
    """A record that every vendor takes: it has what the one or the other asks for."""
    address = f"{record_id}.{version}@example.com"
    name = {"first_name": "Ana", "last_name": f"Berg {version}"}
    given: Mapping[str, dict[str, Any]] = {
        "cloud_resource": {
            "type": "aws.ec2.instance",
            "name": f"web {version}",
            "account_id": "1",
            "region": "eu-west-1",
            "state": "running",
        },
        "personnel_account": {"email": address, "username": address, **name, "active": "true", "created_at": TIME},
        "person": {"email": address, **name, "started_at": TIME},
        "training_record": {"email": address, "course": "gdpr", "completed_at": TIME},
        "device": {
            "name": f"laptop {version}",
            "owner_email": "ana@example.com",
            "platform": "macos",
            "os_name": "macOS",
            "os_version": "15",
            "serial_number": f"serial-{record_id}",
            "active": "true",
        },
    }
    return {"id": record_id, **given.get(kind, {"name": f"package {version}"}), "observed_at": TIME, "mark": "fine"}


LINK = "https://tool.example.com/"
SAME: Mapping[str, dict[str, Any]] = {
    "personnel_account": {
        "url": LINK,
        "admin": False,
        "auth_method": "sso",
        "mfa_enabled": True,
        "mfa_methods": ["otp"],
    },
    "training_record": {"url": LINK, "full_name": "Ana Berg", "frameworks": ["SOC2"], "assigned_at": TIME},
    "device": {
        "url": LINK,
        "uuid": "00000000-0000-4000-8000-000000000001",
        "last_seen_at": TIME,
        "managed": True,
        "auto_update_enabled": True,
        "drives": [],
        "screen_lock_policies": [],
        "users": [],
        "applications": [],
        "browser_extensions": [],
    },
    "cloud_resource": {"url": LINK},
}
"""What the source mappings say of every record."""


def sample(kind: str) -> dict[str, Any]:
    """A record as evidence, without a source mapping."""
    raw = {**_evidence(kind, "x", 1), **SAME.get(kind, {})}
    del raw["mark"]
    return raw | ({"active": True} if "active" in raw else {})


def write_mappings(folder: Path, kind: str, unfit: Mapping[str, Any]) -> None:
    """Source mappings for both sources, for rows and for pages. `unfit` are extras that no body may have."""
    fields: dict[str, Any] = {name: f"$.{name}" for name in sample(kind)}
    fields |= {name: {"value": value} for name, value in SAME.get(kind, {}).items()}
    fields["id"] = {"path": "$.id", "compare": "fold"}
    if "active" in fields:
        fields["active"] = {"path": "$.active", **FLAG}
    fields["source"] = {"path": "$.mark", "table": {"fine": "nightly", "unfit": "nightly"}, "unknown": "reject"}
    fields["extras"] = {"value": unfit, "when": {"path": "$.mark", "is": "unfit"}}
    folder.mkdir(parents=True)
    for source in SOURCES:
        for form, more in (("rows", {}), ("pages", {"records": "$.items[*]", "incomplete_when": "$.next"})):
            mapping = {"mapping": f"sources/{source}.{form}", "to": {"evidence": kind}, **more, "fields": fields}
            (folder / f"{source}.{form}.yaml").write_text(yaml.safe_dump(mapping, sort_keys=False))


def inputs_of(night: Night, folder: Path, kind: str) -> list[Input]:
    """Write what the sources hold. A source without records gives an empty file."""
    inputs = []
    for source in night.sources:
        rows = [(_raw(kind, name, each), each) for name, each in night.given.items() if each.source == source]
        form = "pages" if night.form == "pages" else "rows"
        for number, text in enumerate(_texts(night, kind, rows)):
            file = folder / f"{source}-{number}.{'json' if form == 'pages' else night.form}"
            file.write_bytes(text)
            inputs.append(Input(file, f"{source}.{form}", label=source))
    return inputs


def _raw(kind: str, name: str, record: Record) -> dict[str, Any]:
    raw = _evidence(kind, name, record.version) | {"id": record.spelled(name)}
    match record.stage:
        case "source mapping":
            raw["mark"] = "odd"
        case "model":
            raw["observed_at"] = "yesterday"
        case "vendor mapping":
            raw["mark"] = "unfit"
        case "vendor":
            raw |= {"owner_email": STRANGER} if kind == "device" else {}
            raw.pop("state", None)
        case "nameless":
            raw.pop("id")
    return raw


def _texts(night: Night, kind: str, rows: Sequence[tuple[dict[str, Any], Record]]) -> list[bytes]:
    match night.form:
        case "csv":
            return [_csv(kind, rows)]
        case "ndjson":
            return [b"".join(_line(raw, record) for raw, record in rows)]
        case _:
            return _pages([raw | _odd(record) for raw, record in rows], night)


def _csv(kind: str, rows: Sequence[tuple[dict[str, Any], Record]]) -> bytes:
    """A reader refuses a row that is not UTF-8: its id may still be read."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(_evidence(kind, "x", 1)))
    writer.writeheader()
    for raw, record in rows:
        writer.writerow(raw | ({"mark": "BAD"} if record.stage == "reader" else {}))
    return text.getvalue().encode().replace(b"BAD", b"\xff")


def _line(raw: dict[str, Any], record: Record) -> bytes:
    text = json.dumps(raw | _odd(record)).encode()
    return (b'{"id": "' if record.stage == "nameless" else text) + b"\n"


def _odd(record: Record) -> dict[str, Any]:
    """No reader of JSON refuses a record and can still tell its id: here the source mapping does."""
    return {"mark": "odd"} if record.stage == "reader" else {}


def _pages(items: Sequence[dict[str, Any]], night: Night) -> list[bytes]:
    """Three pages of a source, of which one may be empty, in one file or several."""
    pages: list[dict[str, Any]] = [{"items": list(items[start::3]), "next": f"page {start + 1}"} for start in range(3)]
    if night.last_page:
        pages[-1]["next"] = (None, False, "")[len(items) % 3]
    if night.files == 1:
        return [json.dumps(pages).encode()]
    if night.files == 2:
        return [json.dumps(pages[:1]).encode(), json.dumps(pages[1:]).encode()]
    return [json.dumps(page).encode() for page in pages]
