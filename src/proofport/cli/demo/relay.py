"""The tour's part about the relay: it accepts evidence, is killed before it delivers, and the next one delivers."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import yaml

from proofport.cli.demo.narration import Narrator
from proofport.cli.output import show
from proofport.config import Config
from proofport.errors import UnsupportedFeature, UsageError

KIND = "personnel_account"
NEWCOMER_ID = "acct-20"
NEWCOMER = {"id": NEWCOMER_ID, "email": "ines@example.com", "active": True}
HEADERS = {"Content-Type": "application/json", "Idempotency-Key": "ines-starts"}
LEASE = 1.0
"""Seconds until the second relay may take over from the first; short, so that the tour need not wait."""

LOOKS = 300
SILENCE = 600_000
"""Milliseconds that a vendor takes to answer while it must not receive anything."""


async def post_and_kill(narrator: Narrator, config: Config) -> None:
    """Post evidence, kill the relay, start it again. `config` names the vendors and the journal."""
    file = _write(config)
    vendors = {name: each for name, each in narrator.vendors.items() if _takes_one(config, name)}
    path = f"/v1/evidence/{KIND}?{'&'.join(f'to={name}' for name in vendors)}"
    narrator.step("A tool that knows only curl, and a kill -9", "proofport relay")
    for vendor in vendors.values():
        await vendor.faults(latency_ms=SILENCE)
    async with _relay(file) as (first, origin):
        show(f"listening on {origin}")
        show(
            "A webhook or a cron job posts to the relay. It stores evidence on disk, answers, and delivers after that. "
            "Just now the vendors do not answer:"
        )
        if others := [name for name in narrator.vendors if name not in vendors]:
            show(f"({', '.join(others)} takes whole sets only; for those, a relay has snapshots.)")
        narrator.command(f"RELAY={origin}")
        narrator.command(_curl(path))
        narrator.answer(*await _post(origin + path))
        narrator.command(f"kill -9 {first.pid}")
        first.kill()
        await first.wait()
    await narrator.who_has(NEWCOMER_ID, "holds", "has not heard of", of=vendors)
    for vendor in vendors.values():
        await vendor.faults()
    narrator.command("proofport relay")
    async with _relay(file) as (_, origin):
        await _wait_until_delivered(origin)
        await narrator.who_has(NEWCOMER_ID, "holds", "has not heard of", of=vendors)
        show("\nA tool that saw no answer posts again, with the same key. It gets the first answer:")
        narrator.answer(*await _post(origin + path))
    show(
        "\nWhat the relay has accepted is delivered, even if it is killed. What is posted twice with one key is "
        "accepted once.",
        bold=True,
    )


def _takes_one(config: Config, name: str) -> bool:
    """True if the vendor takes single records."""
    try:
        config.adapter(name).resource(KIND).limits("upsert")
    except UnsupportedFeature:
        return False
    return True


def _write(config: Config) -> Path:
    """Write the configuration for the relay beside the journal."""
    file = Path(str(config.journal)).with_name("proofport.yaml")
    content = config.model_dump(mode="json", include={"instance", "journal", "destinations"})
    file.write_text(yaml.safe_dump({**content, "lease": LEASE}))
    return file


@asynccontextmanager
async def _relay(file: Path) -> AsyncIterator[tuple[Process, str]]:
    """Run `proofport relay` during the block, and yield its process and origin. Raises UsageError."""
    program = "import sys; from proofport.cli import main; sys.exit(main())"
    arguments = ("relay", "--port", "0", "--config", str(file))
    with file.with_suffix(".log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, *arguments, stdout=PIPE, stderr=log
        )
    try:
        assert process.stdout is not None
        words = (await process.stdout.readline()).decode().split()
        if not words:
            raise UsageError("the relay did not start", hint=file.with_suffix(".log").read_text().strip()[-500:])
        yield process, words[-1]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


def _curl(path: str) -> str:
    """The command that a person would type."""
    headers = [f"-H '{name}: {value}'" for name, value in HEADERS.items()]
    return " \\\n      ".join([f'curl -i "$RELAY{path}"', *headers, f"-d '{json.dumps(NEWCOMER)}'"])


async def _post(url: str) -> tuple[str, Mapping[str, str]]:
    """Send what the curl command sends. Returns the status line and the headers of the answer."""
    async with aiohttp.ClientSession() as client, client.post(url, json=NEWCOMER, headers=HEADERS) as answer:
        return f"HTTP/1.1 {answer.status} {answer.reason}", answer.headers


async def _wait_until_delivered(origin: str) -> None:
    """Wait until nothing is queued, or for half a minute. After that the tour shows what the vendors have."""
    async with aiohttp.ClientSession() as client:
        for _ in range(LOOKS):
            async with client.get(f"{origin}/v1/deliveries?state=queued") as answer:
                if not (await answer.json())["items"]:
                    return
            await asyncio.sleep(0.1)
