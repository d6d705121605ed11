"""`proofport journal forget`: takes one id out of the journal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

import proofport
from proofport.cli import options
from proofport.cli.connect import uses_gateway
from proofport.cli.output import show_result, wrapped

if TYPE_CHECKING:
    from proofport.gateway.upkeep.forget import Forgotten


@click.command("forget")
@click.argument("record_id", metavar="ID")
@options.json_option
@uses_gateway
async def forget_command(gateway: proofport.Gateway, record_id: str, *, as_json: bool) -> int:
    """Take what is kept of the records with this id out of the journal, and say what vendors may still hold.

    That is bodies, evidence of deliveries that have ended and of dead letters, attempts, and where the id stands in
    reports and in lists beside receipts. While something that is still to be sent has the id, nothing is changed, and
    the exit code is 2. It is 1 where the journal has no such id.
    """
    from proofport.gateway.upkeep.forget import forgotten

    found = await forgotten(gateway, record_id)
    show_result(found.as_dict(), _lines(found), as_json=as_json)
    return 0 if found.any else 1


def _lines(found: Forgotten) -> Iterator[str]:
    counts = {
        "last bodies": found.bodies,
        "records in the evidence of deliveries": found.records,
        "attempts": found.attempts,
        "reports, outcomes and answers, changed": found.texts,
        "lines in lists beside receipts": found.listed,
    }
    if not found.any:
        yield wrapped(
            f"The journal has no record with the id {found.id}. Ids are compared, not addresses or names: look for the "
            "id of the record at its source."
        )
        return
    yield "Taken out:"
    yield from (f"{count:>9,}  {what}" for what, count in counts.items())
    if found.held:
        yield "May still be held by:"
    for each in found.held:
        where = f"{', '.join(each['destinations']) or 'no configured destination'}: {each['kind']} ({each['lane']})"
        yield wrapped(where, "  ", hanging="    ")
    yield "What stays:"
    yield from (wrapped(each, "  ") for each in found.stays)
