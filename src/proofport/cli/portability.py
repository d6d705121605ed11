"""`proofport portability`: what of a kind of evidence arrives at each destination."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from proofport.cli import options
from proofport.cli.connect import uses_gateway
from proofport.cli.output import plain, show_result

if TYPE_CHECKING:
    from proofport.gateway import Gateway
    from proofport.gateway.portability import Portability


@click.command()
@click.argument("input_", metavar="[SOURCE=]INPUT", required=False)
@click.option("--kind", metavar="KIND", required=True, help="The kind of evidence.")
@options.json_option
@uses_gateway
async def portability(gateway: Gateway, input_: str | None, kind: str, as_json: bool) -> int:
    """Show for each field of a KIND and each destination: carried, renamed, converted, narrowed or lost.

    With an INPUT it is counted how many of its records have the field. Exit codes: 0 shown.
    """
    given = options.named_input(input_, None) if input_ is not None else None
    found = await gateway.portability(kind, given)
    show_result(asdict(found), map(plain, _lines(found)), as_json=as_json)
    return 0


def _lines(found: Portability) -> Iterator[str]:
    if found.records is not None:
        yield f"{found.records:,} records of {found.kind}"
    if found.rejected or found.skipped:
        yield f"not counted: {found.rejected:,} that are no evidence, and {found.skipped:,} that the mapping leaves out"
    before = ""
    for each in sorted(found.ported, key=lambda each: each.field):
        if each.field != before:
            yield each.field + (f"  in {each.records:,} records" if each.records is not None else "")
        before = each.field
        yield f"  {each.destination:<16} {each.becomes:<10} {', '.join(each.fields)}".rstrip()
    for destination, why in found.refused.items():
        yield f"{destination}: {why}"
