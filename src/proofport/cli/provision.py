"""`proofport provision`: the vendor objects that evidence is delivered to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from proofport.cli import options

if TYPE_CHECKING:
    from proofport.adapter import Provisioned


@click.command()
@click.argument("destination", metavar="DEST")
@options.kind_option
@click.option("--write/--no-write", default=True, help="Write what is found or made into the configuration (default).")
@options.json_option
@options.config_option
def command(destination: str, kind: str | None, write: bool, as_json: bool, config_path: str | None) -> int:
    """Find or make what DEST delivers to: for one kind, or for all that it has a mapping for
    or that are configured.

    Prints what belongs under `objects:` in the configuration, and puts it there. What exists already is found again,
    never made twice; what the file says already stays as it is.
    """
    import asyncio

    from proofport.cli.failures import wrapped

    made = asyncio.run(_provision(destination, kind, config_path))
    if as_json:
        click.echo(json.dumps({kind: asdict(one) for kind, one in made.items()}, ensure_ascii=False, indent=2))
    else:
        _print(destination, made)
    if write:
        click.echo(wrapped(_written(destination, made, config_path), "# ", hanging="#   ", fold=True), err=as_json)
    return 0


def _print(destination: str, made: Mapping[str, Provisioned]) -> None:
    from proofport.cli.failures import wrapped

    for name, one in made.items():
        done = f"{name}: {'made now' if one.created else 'found'}"
        click.echo(wrapped(done, hanging="  ", fold=True), err=True)
        for note in one.notes:
            click.echo(wrapped(note, "  ", hanging="  ", fold=True), err=True)
    click.echo(f"# destinations: {destination}:\nobjects:")
    for name, one in made.items():
        click.echo(f"  {json.dumps(name) if ':' in name else name}:")
        for key, value in one.settings.items():
            click.echo(f"    {key}: {json.dumps(value)}")


def _written(destination: str, made: Mapping[str, Provisioned], config: str | None) -> str:
    from proofport.config import locate
    from proofport.config.edit import store_objects

    file = locate(config)
    assert file is not None, "the configuration was read from it"
    kinds = store_objects(file, destination, {kind: one.settings for kind, one in made.items() if one.settings})
    return f"Written into {file.name}: {', '.join(kinds)}." if kinds else f"{file.name} has all of these already."


async def _provision(destination: str, kind: str | None, config: str | None) -> dict[str, Provisioned]:
    from proofport.cli.connect import connect

    async with connect(config) as gateway:
        return await gateway.provision(destination, kind=kind)
