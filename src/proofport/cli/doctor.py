"""`proofport doctor`: what would stop a push, found before one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from proofport.cli import options
from proofport.cli.failures import wrapped

if TYPE_CHECKING:
    from proofport.adapter import Finding
    from proofport.config import Config
    from proofport.gateway import Gateway

MARGIN = " " * 7


@click.command()
@click.argument("destination", metavar="[DEST]", required=False)
@options.json_option
@options.config_option
def command(destination: str | None, as_json: bool, config_path: str | None) -> int:
    """Check the configuration, and at every destination (or only DEST) credentials, objects, permissions and clock.

    Nothing is changed anywhere. Exit codes: 0 all is well, 1 something is not, 2 the configuration cannot be read.
    """
    import asyncio

    from proofport.config import Config

    config = Config.load(config_path)
    names = [destination] if destination else config.all_destinations()
    if not names:
        click.echo("No destination is configured yet: add one under `destinations:`.", err=True)
        return 2
    findings = asyncio.run(_examine(config, names))
    if as_json:
        rows = {name: [asdict(finding) for finding in found] for name, found in findings.items()}
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        for name, found in findings.items():
            _show(name, found)
    return int(not all(finding.ok for found in findings.values() for finding in found))


async def _examine(config: Config, names: Sequence[str]) -> dict[str, list[Finding]]:
    import asyncio

    from proofport.cli.connect import connect

    async with connect(config) as gateway:
        found = await asyncio.gather(*(_check(gateway, name) for name in names))
    return dict(zip(names, found, strict=True))


async def _check(gateway: Gateway, name: str) -> list[Finding]:
    """The findings of one destination; what stops the check itself is one of them: the others are still seen."""
    from proofport.adapter import Finding
    from proofport.errors import ConfigError, ProofportError

    try:
        return await gateway.check(name)
    except ConfigError as error:
        return [Finding(False, "configuration", error.message, error.hint)]
    except ProofportError as error:
        return [Finding(False, "connection", error.message, error.hint)]


def _show(name: str, findings: Sequence[Finding]) -> None:
    click.echo(click.style(name, bold=True))
    for finding in findings:
        mark, colour = ("ok  ", "green") if finding.ok else ("BAD ", "red")
        words = wrapped(f"{finding.subject}: {finding.detail}", MARGIN, hanging=MARGIN)
        click.echo(f"  {click.style(mark, fg=colour, bold=True)} {words.removeprefix(MARGIN)}")
        if finding.hint and not finding.ok:
            click.echo(wrapped(finding.hint, MARGIN, hanging=MARGIN))
