"""The tables of `docs/vendors.md`: what each vendor can do, as its adapter declares it for a seeded emulator.

How sure a delivery is, no adapter declares: one record of each kind is pushed to the emulator, and its outcome is read.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_args

from benchmarks.requests import record
from tests.support.destination import configuration
from tests.support.emulators import NAMES, NOWHERE, seeded

from proofport.adapter import (
    Adapter,
    Ends,
    Limits,
    Mode,
    ReadsBack,
    Replaces,
    Resource,
    Stages,
    StaticHeaders,
    TokenFlow,
)
from proofport.errors import UnsupportedFeature
from proofport.evidence import KINDS
from proofport.gateway import Gateway
from proofport.registry import load_adapter
from proofport.testing import running

SHOWN = {**dict.fromkeys(KINDS, ""), "custom:software_package": "custom:<type>"}
"""The kinds, and the names of some in the table."""
NO = "\N{EN DASH}"


NOT_SHOWN = ("adapter", "requests_per_minute")


def adapter(name: str) -> Adapter:
    """As a destination for its emulator configures it, but for the budget, which an emulator does not need."""
    kind = load_adapter(name)
    settings = {each: of for each, of in seeded(name).destination(NOWHERE).items() if each not in NOT_SHOWN}
    return kind(kind.Settings.model_validate(settings))


# ------------------------------------------------------------------ kinds
def kinds_table() -> str:
    rows = ["| vendor | kinds | " + " | ".join(COLUMNS) + " |", "|---|---" + "|---" * len(COLUMNS) + "|"]
    for name in NAMES:
        of = adapter(name)
        cells = [(SHOWN[kind] or kind, _cells(name, of, kind)) for kind in SHOWN]
        for row in dict.fromkeys(row for _, row in cells):
            kinds = ", ".join(f"`{kind}`" for kind, each in cells if each == row)
            rows.append(f"| {name.capitalize()} | {kinds} | {' | '.join(row)} |")
    return "\n".join(rows)


COLUMNS = ("upsert", "snapshot", "patch", "remove", "gone from a snapshot", "counts as", "`verify`", "at once")


def _cells(name: str, of: Adapter, kind: str) -> tuple[str, ...]:
    try:
        resource = of.resource(kind)
    except UnsupportedFeature:
        return (NO,) * len(COLUMNS)
    limits = {mode: _limits(resource, mode) for mode in get_args(Mode)}
    shown = {mode: "yes" if limit else NO for mode, limit in limits.items()}
    if limits["snapshot"]:
        shown["snapshot"] = _snapshot(resource)
    return (
        *(shown[mode] for mode in ("upsert", "snapshot", "patch", "remove")),
        _gone(resource),
        assurances()[name][kind],
        "yes" if isinstance(resource, ReadsBack) else NO,
        _request(limits["upsert"] or limits["snapshot"]),
    )


def _limits(resource: Resource, mode: Mode) -> Limits | None:
    try:
        return resource.limits(mode)
    except UnsupportedFeature:
        return None


def _snapshot(resource: Resource) -> str:
    if isinstance(resource, Replaces):
        return "the whole set, in one request"
    return "staged, then live in one step" if isinstance(resource, Stages) else "record by record"


def _gone(resource: Resource) -> str:
    if isinstance(resource, Replaces) and resource.keeps_gone:
        return f"ended, and removed after {resource.keeps_gone} days"
    if isinstance(resource, Replaces | Stages):
        return "removed with the old set"
    if isinstance(resource, Ends):
        return "ended" if resource.ends == "always" else "listed; ended with `--delete-gone`"
    return "listed"


def _request(limits: Limits | None) -> str:
    if limits is None:
        return NO
    records = "1 record" if limits.max_records == 1 else f"{limits.max_records:,} records"
    return f"{records}, {limits.max_bytes / 1_000_000:.1f} MB"


@cache
def assurances() -> Mapping[str, Mapping[str, str]]:
    """By vendor and kind, the assurance of a record that its emulator took."""
    return {name: asyncio.run(_assurances(name)) for name in NAMES}


async def _assurances(name: str) -> dict[str, str]:
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        async with (
            running(seeded(name)) as served,
            Gateway(configuration(Path(folder), {name: served.destination()})) as gateway,
        ):
            for kind in SHOWN:
                found[kind] = await _assurance(gateway, name, kind)
    return found


async def _assurance(gateway: Gateway, name: str, kind: str) -> str:
    try:
        report = await gateway.push([record(kind, 1)], kind=kind, to=name, mode="snapshot")
    except UnsupportedFeature:
        return NO
    books: dict[str, Any] = report.as_dict()["destinations"][name]
    [assurance] = [each for each, count in books["assurance"].items() if count] or [f"{books}"]
    return str(assurance)


# ------------------------------------------------------------------ requests
def vendors_table() -> str:
    rows = ["| vendor | credentials | requests a minute |", "|---|---|---|"]
    for name in NAMES:
        of = adapter(name)
        rows.append(f"| {name.capitalize()} | {_credentials(of)} | {of.default_requests_per_minute:,} |")
    return "\n".join(rows)


def _credentials(of: Adapter) -> str:
    match of.auth:
        case StaticHeaders():
            return "a key that stays as it is"
        case TokenFlow(exclusive=exclusive, mints_per_minute=mints):
            newest = "; a new one revokes the one before, so the processes of one journal share it" if exclusive else ""
            return f"a token that ends, at most {mints} a minute{newest}"


TABLES = {"vendors and kinds": kinds_table, "vendors and requests": vendors_table}
