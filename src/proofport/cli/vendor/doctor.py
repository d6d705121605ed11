"""`proofport doctor`: find what would stop a push, before the push."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from proofport.cli import options
from proofport.cli.connect import uses_gateway
from proofport.cli.output import echo, show_result, wrapped
from proofport.errors import ConfigError, ProofportError

if TYPE_CHECKING:
    from proofport.adapter import Finding
    from proofport.gateway import Gateway

MARGIN = " " * 7
HERE = "(this installation)"
"""Stands in place of a destination for what belongs to none. No destination is called so."""


@click.command()
@click.argument("destination", metavar="[DEST]", required=False)
@options.json_option
@uses_gateway
async def doctor(gateway: Gateway, destination: str | None, as_json: bool) -> int:
    """Check the configuration and journal, and at every destination (or only DEST) credentials, objects, permissions,
    clock, proxy and the age of keys in files.

    Nothing is changed anywhere. Exit codes: 0 all is well, 1 something is not, 2 the configuration cannot be read.
    """
    import asyncio

    names = [destination] if destination else gateway.config.all_destinations()
    if not names:
        echo("No destination is configured yet: add one under `destinations:`.", err=True)
        return 2
    results = await asyncio.gather(*(_check(gateway, name) for name in names))
    findings = dict(zip(names, results, strict=True))
    if destination is None:
        findings[HERE] = await gateway.check_journal()
    plain = {name: [asdict(finding) for finding in found] for name, found in findings.items()}
    show_result(plain, _lines(findings), as_json=as_json)
    return int(not all(finding.ok for found in findings.values() for finding in found))


async def _check(gateway: Gateway, name: str) -> list[Finding]:
    """The findings of one destination. An error in the check becomes a finding, so that the others are still shown."""
    from proofport.adapter import Finding

    try:
        return await gateway.check(name)
    except ProofportError as error:
        subject = "configuration" if isinstance(error, ConfigError) else "connection"
        return [Finding(False, subject, error.message, error.hint)]


def _lines(findings: Mapping[str, Sequence[Finding]]) -> Iterator[str]:
    for name, found in findings.items():
        yield click.style(name, bold=True)
        for finding in found:
            mark, colour = ("ok  ", "green") if finding.ok else ("BAD ", "red")
            words = wrapped(f"{finding.subject}: {finding.detail}", MARGIN)
            yield f"  {click.style(mark, fg=colour, bold=True)} {words.removeprefix(MARGIN)}"
            if finding.hint and not finding.ok:
                yield wrapped(finding.hint, MARGIN)
