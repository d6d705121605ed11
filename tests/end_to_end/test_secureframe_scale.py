"""Many records against a vendor that is slow, delivers twice and loses answers; and the order of many callers."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from tests.support.destination import deliver
from tests.support.reports import counts
from tests.support.secureframe import Secureframe

from proofport.delivery.report.report import Exit
from proofport.gateway import Gateway

SOAK = "PROOFPORT_SOAK" in os.environ
RECORDS = 10_000 if SOAK else 600
CALLERS = 20
READABLE = ("cloud_resource", "personnel_account", "device")
KINDS = (*READABLE, "training_record", "custom:software_package")
COURSES = ("gdpr", "hipaa", "pci", "ccpa", "security_awareness")


def record(kind: str, number: int) -> dict[str, Any]:
    """Full of detail, and every third without what may be missing."""
    text, rich = f"{kind}-{number:05}", number % 3 != 0
    match kind:
        case "cloud_resource":
            more: dict[str, Any] = {"region": f"r-{number % 7}", "account_id": "1"} if rich else {}
            return {"id": text, "type": ("aws.ec2.instance", "aws.s3.bucket")[number % 2], "name": text, **more}
        case "personnel_account":
            more = {"username": text, "active": number % 5 != 0, "roles": ["a", "b"]} if rich else {}
            return {"id": text, "email": f"p{number}@example.com", **more}
        case "device":
            more = {"os_name": "macOS", "os_version": "15", "last_seen_at": "2026-01-02T03:04:05Z"} if rich else {}
            return {"id": text, "serial_number": f"S{number}", "disk_encrypted": number % 2 == 0, **more}
        case "training_record":
            more = {"completed_at": "2026-01-02T03:04:05Z"} if rich else {}
            return {"id": text, "email": f"p{number}@example.com", "course": COURSES[number % 5], **more}
        case _:
            return {"id": text, "version": number, **({"eol": False} if rich else {})}


async def bodies(gateway: Gateway, kind: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    shown = await gateway.preview(records, kind=kind, to=["secureframe"], limit=len(records))
    return {each.id or "": each.bodies["secureframe"] for each in shown}


async def test_what_can_be_read_is_verified_and_the_vendor_holds_exactly_the_input(secureframe: Secureframe) -> None:
    secureframe.options["patience"], secureframe.block["batch_records"] = 60, 100
    await secureframe.emulator.switch(duplicate_delivery=True, lost_response=2, slow_processing=10)
    await secureframe.emulator.switch(completed_at_required=False)
    given = {kind: [record(kind, n) for n in range(RECORDS // len(KINDS))] for kind in KINDS}
    async with secureframe.gateway() as gateway:
        for kind, records in given.items():
            report = await gateway.push(records, kind=kind, to="secureframe", mode="snapshot")
            assert counts(report) == {"delivered": len(records)}
            assert report.destinations["secureframe"].requests > -(-len(records) // 100), "some answers were lost"
        await secureframe.emulator.state()
        for kind, records in given.items():
            found = await gateway.verify("secureframe", kind=kind, within=60)
            readable = kind in READABLE
            assert (found.exit_code is Exit.OK, found.different, found.missing) == (readable, {}, [])
            assert (found.seen, found.unreadable) == ((len(records), 0) if readable else (0, len(records)))
            slug = kind.rpartition(":")[2]
            assert await secureframe.held(slug) == await bodies(gateway, kind, records)
            assert (await secureframe.schema(slug))["failures"] == []
            (run,) = [run for run in await (await gateway.journal()).runs() if run.kind == kind]
            level = "verified" if readable else "accepted"
            assert f'"{level}":{len(records)}' in (run.report or "")


async def test_twenty_callers_are_sent_in_the_order_in_which_they_entered_the_lane(secureframe: Secureframe) -> None:
    secureframe.block["batch_records"] = 1
    await secureframe.emulator.faults(latency_ms=2)
    gateways = [secureframe.gateway() for _ in range(3)]
    entered: dict[int, str] = {}

    async def call(number: int) -> None:
        gateway = gateways[number % len(gateways)]
        for turn in range(2):
            new = {"id": f"{number}-{turn}", "type": "aws.ec2.instance"}
            (accepted,) = await gateway.submit([new], kind="cloud_resource", to=["secureframe"])
            entered[accepted.id] = new["id"]

    for gateway in gateways:
        await gateway.journal()
    await asyncio.gather(*map(call, range(CALLERS)), *(gateway.journal() for gateway in gateways))
    await asyncio.gather(*map(deliver, gateways))
    sent = [body["resource_data"][0]["id"] for body in await secureframe.published()]
    assert sent == [entered[number] for number in sorted(entered)]
    assert len(sent) == 2 * CALLERS
    for gateway in gateways:
        await gateway.__aexit__()
