"""The chapter of the tour about the relay: evidence is posted, the relay is killed before anybody has heard of it, and
it arrives all the same."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from rich.console import Console

from proofport.cli import narration as tell
from proofport.config import Config
from proofport.errors import UsageError
from proofport.testing import Running

KIND = "personnel_account"
NEWCOMER = {"id": "acct-20", "email": "ines@example.com", "active": True}
HEADERS = {"Content-Type": "application/json", "Idempotency-Key": "ines-starts"}
LEASE = 1.0
"""Seconds until the second relay may go on with what the first one held: a tour should not wait for long."""

LOOKS = 300
SILENCE = 600_000
"""Milliseconds that a vendor takes to answer while it must not hear of anything."""


async def a_post(out: Console, config: Config, vendors: Mapping[str, Running]) -> None:
    """Post, kill, start again; `config` says where the vendors are and where the journal lies."""
    file = _written(config)
    path = f"/v1/evidence/{KIND}?{'&'.join(f'to={name}' for name in vendors)}"
    tell.step(out, "A tool that knows only curl, and a kill -9", "proofport relay")
    for vendor in vendors.values():
        await vendor.faults(latency_ms=SILENCE)
    async with _relay(file) as (first, origin):
        tell.before_a_post(out, origin, _curl(path))
        tell.answered(out, *await _post(origin + path))
        tell.command(out, f"kill -9 {first.pid}")
        first.kill()
        await first.wait()
    await _tell_who_knows(out, vendors)
    for vendor in vendors.values():
        await vendor.faults()
    tell.command(out, "proofport relay")
    async with _relay(file) as (_, origin):
        await _delivered(origin)
        await _tell_who_knows(out, vendors)
        tell.before_a_repeat(out)
        tell.answered(out, *await _post(origin + path))
    tell.after_a_post(out)


async def _tell_who_knows(out: Console, vendors: Mapping[str, Running]) -> None:
    for name, vendor in vendors.items():
        knows = any(record["id"] == NEWCOMER["id"] for each in await vendor.holdings() for record in each["records"])
        tell.line(out, f"{name} {'holds' if knows else 'has not heard of'} {NEWCOMER['id']}.", "bold")


def _written(config: Config) -> Path:
    """The configuration as the relay reads it."""
    file = config.path or Path(str(config.journal)).with_name("proofport.yaml")
    destinations = {name: dict(block) for name, block in config.destinations.items()}
    content = {"instance": config.instance, "journal": str(config.journal), "lease": LEASE}
    file.write_text(yaml.safe_dump({**content, "destinations": destinations}))
    return file


@asynccontextmanager
async def _relay(file: Path) -> AsyncIterator[tuple[Process, str]]:
    """`proofport relay` and its origin; the process is gone when the block ends.

    Raises UsageError when it does not start.
    """
    program = "import sys; from proofport.cli import main; sys.exit(main())"
    arguments = ("relay", "--port", "0", "--config", str(file))
    with file.with_suffix(".log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, *arguments, stdout=PIPE, stderr=log
        )
    try:
        assert process.stdout is not None
        said = (await process.stdout.readline()).decode().split()
        if not said:
            raise UsageError("the relay did not start", hint=file.with_suffix(".log").read_text().strip()[-500:])
        yield process, said[-1]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


def _curl(path: str) -> str:
    """What a person would type."""
    headers = [f"-H '{name}: {value}'" for name, value in HEADERS.items()]
    return " \\\n      ".join([f'curl -i "$RELAY{path}"', *headers, f"-d '{json.dumps(NEWCOMER)}'"])


async def _post(url: str) -> tuple[str, Mapping[str, str]]:
    """The same as curl: the status line and the headers of the answer."""
    async with aiohttp.ClientSession() as client, client.post(url, json=NEWCOMER, headers=HEADERS) as answer:
        return f"HTTP/1.1 {answer.status} {answer.reason}", answer.headers


async def _delivered(origin: str) -> None:
    """Until nothing is queued any more, or for half a minute: what is told then is what the vendors hold."""
    async with aiohttp.ClientSession() as client:
        for _ in range(LOOKS):
            if not (await _get(client, f"{origin}/v1/deliveries?state=queued"))["items"]:
                return
            await asyncio.sleep(0.1)


async def _get(client: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    async with client.get(url) as answer:
        found: dict[str, Any] = await answer.json()
        return found
