"""Row 20: the requests that a push costs, counted at the emulators, against the table of `docs/requests.md`."""

from __future__ import annotations

import asyncio
import math
import re
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.goals import REQUESTS, Goal
from proofport.config import Config
from proofport.delivery.report.report import Exit
from proofport.gateway import Gateway
from proofport.registry import load_emulator
from proofport.testing import Running, running

PAGE = Path(__file__).parents[1] / "docs" / "requests.md"
HEAD = "| vendor | kinds | object |"
CASES = ("first set", "one changed", "nothing changed", "one gone")
SHOWN = 1_200
"""The N for which the table shows the numbers."""
COUNTS = (SHOWN, 20)
IDENTITY_PROVIDER = 77

FIELDS: Mapping[str, Mapping[str, Any]] = {
    "cloud_resource": {"type": "aws.ec2.instance", "provider": "aws", "account_id": "1", "region": "eu-west-1"},
    "training_record": {
        "email": "ana@example.com",
        "full_name": "Ana Berg",
        "course": "gdpr",
        "url": "https://lms.example.com/7",
        "frameworks": ["SOC2"],
        "assigned_at": "2026-01-01T00:00:00Z",
        "completed_at": "2026-01-31T09:00:00Z",
    },
    "personnel_account": {
        "email": "ana@example.com",
        "full_name": "Ana Berg",
        "url": "https://billing.example.com/ana",
        "admin": False,
        "active": True,
        "auth_method": "sso",
        "mfa_enabled": True,
        "mfa_methods": ["otp"],
        "created_at": "2024-05-01T00:00:00Z",
    },
    "custom:software_package": {"name": "openssl", "version": "3.0", "externalUrl": "https://example.com/openssl"},
    "device": {
        "owner_email": "ana@example.com",
        "url": "https://mdm.example.com/1",
        "platform": "macos",
        "os_name": "macOS",
        "os_version": "15",
        "uuid": "00000000-0000-4000-8000-000000000001",
        "last_seen_at": "2026-01-31T09:00:00Z",
        "active": True,
        "managed": True,
        "drives": [],
        "auto_update_enabled": True,
        "screen_lock_policies": [],
        "users": [],
        "applications": [],
        "browser_extensions": [],
    },
    "person": {
        "email": "ana@example.com",
        "first_name": "Ana",
        "last_name": "Berg",
        "started_at": "2024-05-01T00:00:00Z",
        "is_contractor": False,
        "mfa_enabled": True,
    },
}
"""A record of each kind, with all that some vendor requires."""
CHANGED: Mapping[str, Mapping[str, Any]] = {
    "cloud_resource": {"region": "eu-west-2"},
    "training_record": {"completed_at": "2026-02-01T09:00:00Z"},
    "personnel_account": {"email": "anna@example.com"},
    "custom:software_package": {"version": "3.1"},
    "device": {"os_version": "15.1"},
    "person": {"last_name": "Ek"},
}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table."""

    vendor: str
    kinds: Sequence[str]
    #: The vendor object.
    object: str
    #: For each case its formula, and the number that the table shows for it.
    cells: Sequence[tuple[str, int]]


def run() -> list[Goal]:
    return [asyncio.run(_compared(row)) for row in rows(PAGE.read_text())]


# ------------------------------------------------------------------ the table
def rows(page: str) -> Iterator[Row]:
    """The rows of the table. Raises ValueError where a cell is not `formula` = number."""
    _, _, table = page.partition(HEAD)
    for line in table.splitlines()[2:]:
        if not line.startswith("|"):
            return
        vendor, kinds, found, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        yield Row(vendor.lower(), re.findall(r"`([^`]+)`", kinds), found, [_cell(cell) for cell in cells])


def _cell(text: str) -> tuple[str, int]:
    found = re.fullmatch(r"`([-+/N0-9⌈⌉() ]+)` = (\d+)", text)
    if found is None:
        raise ValueError(f"{PAGE.name} has the cell {text!r}, expected a formula and its number")
    return found[1], int(found[2])


def value(formula: str, count: int) -> int:
    """A formula of the table for `count` records."""
    python = formula.replace("⌈", "ceil(").replace("⌉", ")")
    return int(eval(python, {"__builtins__": {}, "ceil": math.ceil, "N": count}))


# ------------------------------------------------------------------ what is counted
async def _compared(row: Row) -> Goal:
    differences, counted = [], 0
    for case, (formula, shown) in zip(CASES, row.cells, strict=True):
        if value(formula, SHOWN) != shown:
            differences.append(
                f"{case}: {formula} is {value(formula, SHOWN)} for {SHOWN:,}, and the table says {shown}"
            )
    for kind in row.kinds:
        for count in COUNTS:
            received = await counts(row, kind, count)
            for case, (formula, _) in zip(CASES, row.cells, strict=True):
                counted += 1
                if received[case] != value(formula, count):
                    wanted = value(formula, count)
                    differences.append(f"{kind}, {case} of {count:,}: {received[case]} instead of {wanted}")
    detail = "; ".join(differences) or f"{counted} counts of {', '.join(f'{each:,}' for each in COUNTS)} records"
    return REQUESTS.goal(f"differences to {PAGE.name}: {row.vendor}, {row.object}", len(differences), detail)


async def counts(row: Row, kind: str, count: int) -> dict[str, int]:
    """The requests that the emulator received in each case."""
    first = [record(kind, number) for number in range(count)]
    changed = [*first[:-1], {**first[-1], **CHANGED[kind]}]
    sets = {"first set": first, "nothing changed": first, "one changed": changed, "one gone": changed[1:]}
    received = {}
    with tempfile.TemporaryDirectory() as folder:
        async with _emulator(row, kind) as (emulator, destination):
            config = Config(
                instance="bench", journal=Path(folder, "journal"), patience=0, destinations={"vendor": destination}
            )
            async with Gateway(config) as gateway:
                for case, records in sets.items():
                    before = len(emulator.emulator.log)
                    report = await gateway.push(
                        records, kind=kind, to="vendor", mode="snapshot", skip_unchanged=True, delete_gone=_deletes(row)
                    )
                    assert report.exit_code is Exit.OK, report.as_dict()
                    received[case] = len(emulator.emulator.log) - before
    return received


def record(kind: str, number: int) -> dict[str, Any]:
    """With a value of its own where a vendor takes two records that share it for one."""
    own = {"device": {"serial_number": f"S{number}"}, "person": {"email": f"{number}@example.com"}}.get(kind, {})
    return {"id": f"{kind}-{number}", **FIELDS[kind], **own}


def _deletes(row: Row) -> bool:
    """`--delete-gone` is for what ends only when it is asked for."""
    return row.object == "MDM connection"


@asynccontextmanager
async def _emulator(row: Row, kind: str) -> AsyncIterator[tuple[Running, dict[str, Any]]]:
    """A vendor that holds nothing, and the destination with the object that the row is about."""
    async with running(load_emulator(row.vendor)()) as emulator:
        if row.object == "identity provider":
            state = await emulator.state()
            provider = {"id": IDENTITY_PROVIDER, "type": "IDENTITY", "name": "people"}
            state["connections"].append(provider)
            await emulator.control("POST", "seed", **state)
        destination = emulator.destination() | {"requests_per_minute": 0}
        objects = destination["objects"]
        if row.object == "identity provider":
            objects[kind] = {"idp_connection_id": IDENTITY_PROVIDER}
        if row.vendor == "secureframe":
            objects[kind] = {"schema_slug": kind.removeprefix("custom:"), "defined": True}
            if "lifecycle_field" in row.object:
                objects[kind]["lifecycle_field"] = "lifecycle_state"
        yield emulator, destination
