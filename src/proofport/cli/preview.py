"""`proofport preview`: one record, every destination's exact body, side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from proofport.cli import options

if TYPE_CHECKING:
    from proofport.gateway import Input, Preview


@click.command()
@click.argument("input_text", metavar="[SOURCE=]INPUT")
@click.option("--to", metavar="DEST", multiple=True, help="A configured destination. Repeatable. [default: all]")
@options.kind_option
@options.mode_option
@options.source_option
@options.set_option
@click.option("--limit", type=click.IntRange(min=1), default=1, show_default=True, help="How many records.")
@options.json_option
@options.config_option
def command(
    input_text: str, to: Sequence[str], source: str | None, config_path: str | None, as_json: bool, **how: Any
) -> int:
    """Show the first record of INPUT as every destination would receive it. Nothing is sent.

    Exit codes: 0 every destination can take the record, 1 one cannot.
    """
    import asyncio

    previews = asyncio.run(_preview(options.named_input(input_text, source), config_path, tuple(to) or None, how))
    if as_json:
        click.echo(json.dumps([as_dict(preview) for preview in previews], ensure_ascii=False, indent=2))
    else:
        from proofport.cli.side_by_side import print_preview

        for preview in previews:
            print_preview(preview)
    if not previews:
        click.echo("There is no record to show: the input holds none.", err=True)
        return 1
    return int(any(not isinstance(body, dict) for preview in previews for body in preview.bodies.values()))


async def _preview(given: Input, config: str | None, to: Sequence[str] | None, how: dict[str, Any]) -> list[Preview]:
    from proofport.cli.connect import connect

    async with connect(config) as gateway:
        return await gateway.preview(given, to=to, **how)


def as_dict(preview: Preview) -> dict[str, Any]:
    """`bodies` holds what would be sent, `problems` why nothing would be."""
    bodies = {name: body for name, body in preview.bodies.items() if isinstance(body, dict)}
    problems = {name: body.as_dict() for name, body in preview.bodies.items() if not isinstance(body, dict)}
    return {
        "position": preview.position,
        "id": preview.id,
        "neutral": preview.neutral,
        "bodies": bodies,
        "problems": problems,
    }
