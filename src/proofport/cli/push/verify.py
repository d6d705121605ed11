"""`proofport verify`: read back what was delivered, and compare it with what was sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from proofport.cli import options
from proofport.cli.connect import uses_gateway
from proofport.cli.output import echo, group, show_result, wrapped
from proofport.cli.push.progress import rows_watcher

if TYPE_CHECKING:
    from proofport.gateway import Gateway
    from proofport.gateway.verify import Look, Verification


@click.command()
@click.argument("destination", metavar="DEST")
@click.option("--kind", metavar="KIND", required=True, help="What was delivered.")
@click.option(
    "--within",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="Keep looking for this long: a vendor that queues shows a record only later.",
)
@options.json_option
@uses_gateway
async def verify(gateway: Gateway, destination: str, kind: str, within: float, as_json: bool) -> int:
    """Compare every record delivered to DEST with what the vendor shows: the same, different, missing or not readable.

    A record that is shown as it was sent counts as verified from then on. Exit codes: 0 nothing differs or is missing,
    1 something does, or nothing could be read back.
    """
    with rows_watcher(destination) as watch:
        found = await gateway.verify(destination, kind=kind, within=within, on_look=_announce, on_rows=watch)
    show_result(found.as_dict(), _lines(found), as_json=as_json)
    return int(found.exit_code)


def _announce(look: Look) -> None:
    if look.pause is not None:
        echo(f"{look.seen:,} of {look.total:,} seen as sent; looks again in {look.pause:.0f} s", err=True)


def _lines(found: Verification) -> Iterator[str]:
    yield click.style(f"{found.kind} at {found.destination}", bold=True)
    different = [
        f"{text}: " + "; ".join(f"{name}: sent {sent!r}, shown {shown!r}" for name, (sent, shown) in fields.items())
        for text, fields in found.different.items()
    ]
    yield from group("seen as sent", found.seen)
    yield from group("seen differently", len(different), lines=different)
    yield from group("not seen yet", len(found.missing), ids=found.missing)
    yield from group("cannot be read back", found.unreadable)
    yield from (wrapped(note, "  ") for note in found.notes)
