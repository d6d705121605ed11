"""`proofport preview`: one record, and the exact body for every destination, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from proofport.cli import options
from proofport.cli.connect import uses_gateway
from proofport.cli.output import show_json

if TYPE_CHECKING:
    from proofport.gateway import Gateway, Preview


@click.command()
@click.argument("input_text", metavar="[SOURCE=]INPUT")
@click.option("--to", metavar="DEST", multiple=True, help="A configured destination. Repeatable. [default: all]")
@options.kind_option
@options.mode_option
@options.source_option
@options.set_option
@click.option("--limit", type=click.IntRange(min=1), default=1, show_default=True, help="How many records.")
@options.json_option
@uses_gateway
async def preview(
    gateway: Gateway, input_text: str, to: Sequence[str], source: str | None, as_json: bool, **how: Any
) -> int:
    """Show the first record of INPUT as every destination would receive it. Nothing is sent.

    Exit codes: 0 every destination can take the record, 1 one cannot.
    """
    previews = await gateway.preview(options.named_input(input_text, source), to=tuple(to) or None, **how)
    if as_json:
        show_json([_as_dict(each) for each in previews])
    else:
        from proofport.cli.push.side_by_side import print_preview

        for each in previews:
            print_preview(each)
    if not previews:
        click.echo("The input has no record to show.", err=True)
        return 1
    return int(any(not isinstance(body, dict) for each in previews for body in each.bodies.values()))


def _as_dict(preview: Preview) -> dict[str, Any]:
    """The preview as JSON: `bodies` would be sent, `problems` say why a destination cannot take the record."""
    bodies = {name: body for name, body in preview.bodies.items() if isinstance(body, dict)}
    problems = {name: body.as_dict() for name, body in preview.bodies.items() if not isinstance(body, dict)}
    return {
        "position": preview.position,
        "id": preview.id,
        "neutral": preview.neutral,
        "bodies": bodies,
        "problems": problems,
    }
