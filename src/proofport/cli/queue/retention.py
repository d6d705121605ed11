"""`proofport journal size`, `prune` and `rebuild`: what the journal holds, drops, and gets back from a vendor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

import proofport
from proofport.cli import options
from proofport.cli.connect import uses_gateway
from proofport.cli.output import show_result, wrapped

if TYPE_CHECKING:
    from proofport.gateway.upkeep.rebuild import Rebuilt
    from proofport.journal.contract import Holding, JournalSize


@click.command("size")
@options.json_option
@uses_gateway
async def size_command(gateway: proofport.Gateway, *, as_json: bool) -> int:
    """Say how large the journal is, and what it holds. It may be in use."""
    size = await (await gateway.journal()).size()
    show_result(asdict(size), _size_lines(size), as_json=as_json)
    return 0


def _size_lines(size: JournalSize) -> Iterator[str]:
    yield f"{size.bytes:>15,} bytes  on the disk" + (f", {size.free:,} of them free" if size.free else "")
    yield from _lines(size.holdings)
    if size.free and not size.shrinks:
        yield wrapped(HOW_TO_SHRINK)


HOW_TO_SHRINK = (
    "An older proofport made the file: what is free is used again, and the file does not become smaller. "
    "`proofport journal prune --rewrite` mends that, once."
)


def _lines(holdings: Iterable[Holding]) -> Iterator[str]:
    for each in sorted(holdings, key=lambda each: -each.bytes):
        if each.rows:
            yield f"{each.bytes:>15,} bytes  {each.rows:>9,}  {each.what}"


@click.command("prune")
@click.option(
    "--older-than",
    required=True,
    metavar="TIME",
    type=options.Span(least="1d"),
    help="Drop what ended longer ago: 90d, or 48h. At least 1d.",
)
@click.option("--dry-run", is_flag=True, help="Say what would go, and drop nothing.")
@click.option(
    "--rewrite",
    is_flag=True,
    help="Rewrite the file afterwards, so that a journal that an older proofport made can become smaller. Nobody can "
    "write meanwhile, about a second for each 100 MB that are left.",
)
@options.json_option
@uses_gateway
async def prune_command(
    gateway: proofport.Gateway, older_than: float, *, dry_run: bool, rewrite: bool, as_json: bool
) -> int:
    """Drop what is old: delivered evidence, attempts, answered submissions, ended snapshots, details of ended runs.

    What somebody may still need stays: what waits, dead letters, the last delivered state with its bodies, tombstones,
    receipts, and runs that lack their receipt. A relay or a worker may run meanwhile.
    """
    from proofport.gateway.upkeep.retention import pruned

    journal = await gateway.journal()
    before = await journal.size()
    dropped = await pruned(journal, older_than, dry_run=dry_run)
    if rewrite and not dry_run:
        await journal.rewrite()
    after = await journal.size()
    result = {
        "dry_run": dry_run,
        "dropped": [asdict(each) for each in dropped],
        "bytes_before": before.bytes,
        "bytes": after.bytes,
        "free": after.free,
    }
    show_result(result, _pruned_lines(dropped, before, after, dry_run=dry_run), as_json=as_json)
    return 0


def _pruned_lines(
    dropped: Sequence[Holding], before: JournalSize, after: JournalSize, *, dry_run: bool
) -> Iterator[str]:
    if not dropped:
        yield "Nothing is that old."
        return
    yield "This would go:" if dry_run else "Dropped:"
    yield from _lines(dropped)
    if dry_run:
        return
    yield f"The journal has {after.bytes:,} bytes on the disk; it had {before.bytes:,}."
    if after.free and not after.shrinks:
        yield wrapped(HOW_TO_SHRINK)


@click.command("rebuild")
@click.argument("destination", metavar="DEST")
@click.option("--kind", metavar="KIND", help="Only this kind of evidence. [default: all that are configured]")
@options.json_option
@uses_gateway
async def rebuild_command(gateway: proofport.Gateway, destination: str, kind: str | None, *, as_json: bool) -> int:
    """Fill a journal that was lost or restored from what DEST lists, as far as it lists anything.

    What the vendor holds counts as delivered from here again, so that the next snapshot finds what is gone. Nothing of
    it counts as unchanged. What the journal knows stays. The exit code is 1 when the vendor does not list a kind.
    """
    from proofport.gateway.upkeep.rebuild import rebuilt

    found = await rebuilt(gateway, destination, kind)
    show_result([each.as_dict() for each in found], _rebuilt_lines(found), as_json=as_json)
    return 1 if any(each.added is None for each in found) else 0


def _rebuilt_lines(found: Iterable[Rebuilt]) -> Iterator[str]:
    for each in found:
        yield wrapped(f"{each.kind}: {_rebuilt(each)}", hanging="  ")
        yield from (wrapped(note, "  ") for note in each.notes)


def _rebuilt(result: Rebuilt) -> str:
    if result.added is None:
        return "cannot be rebuilt."
    parts = [f"{result.added:,} records added"]
    if result.known:
        parts.append(f"{result.known:,} were known")
    if result.ended:
        parts.append(f"{result.ended:,} are listed as gone")
    if result.outside:
        parts.append(f"{result.outside:,} left out, which no set from here has brought")
    return f"{', '.join(parts)}."
