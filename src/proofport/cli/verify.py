"""`proofport verify`: read back what was delivered, and compare it with what was sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from proofport.cli import options
from proofport.cli.failures import wrapped

if TYPE_CHECKING:
    from proofport.gateway.verify import Look, Verification

SHOWN = 20


@click.command()
@click.argument("destination", metavar="DEST")
@click.option("--kind", metavar="KIND", required=True, help="What was delivered.")
@click.option(
    "--within",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="Look again for so long: vendors that queue show a record only later.",
)
@options.json_option
@options.config_option
def command(destination: str, kind: str, within: float, as_json: bool, config_path: str | None) -> int:
    """Say of every record that was delivered to DEST: seen as sent, seen differently, not seen yet, or not readable.

    What is seen as sent is verified from then on. Exit codes: 0 nothing differs or is missing, 1 something does.
    """
    import asyncio

    found = asyncio.run(_verify(destination, kind, within, config_path))
    if as_json:
        click.echo(json.dumps(found.as_dict(), ensure_ascii=False, indent=2))
    else:
        for line in _lines(found):
            click.echo(line)
    return int(found.exit_code)


async def _verify(destination: str, kind: str, within: float, config: str | None) -> Verification:
    from proofport.cli.connect import connect

    async with connect(config) as gateway:
        return await gateway.verify(destination, kind=kind, within=within, on_look=_tell)


def _tell(look: Look) -> None:
    if look.pause is not None:
        click.echo(f"{look.seen:,} of {look.total:,} seen as sent; looks again in {look.pause:.0f} s", err=True)


def _lines(found: Verification) -> Iterator[str]:
    yield click.style(f"{found.kind} at {found.destination}", bold=True)
    yield f"  {found.seen:>9,}  seen as sent"
    yield f"  {len(found.different):>9,}  seen differently"
    for text, fields in list(found.different.items())[:SHOWN]:
        words = "; ".join(f"{name}: sent {sent!r}, shown {shown!r}" for name, (sent, shown) in fields.items())
        yield wrapped(f"{text}: {words}", "    ", hanging=" " * 8, fold=True)
    yield from _more(len(found.different))
    yield f"  {len(found.missing):>9,}  not seen yet"
    if found.missing:
        yield wrapped(", ".join(found.missing[:SHOWN]), "    ", hanging="    ", fold=True)
    yield from _more(len(found.missing))
    yield f"  {found.unreadable:>9,}  cannot be read back"
    for note in found.notes:
        yield wrapped(note, "  ", hanging="  ", fold=True)


def _more(count: int) -> Iterator[str]:
    if count > SHOWN:
        yield f"    and {count - SHOWN:,} more; --json lists up to 1,000"
