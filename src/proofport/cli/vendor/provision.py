"""`proofport provision`: the vendor objects that evidence is delivered to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proofport.cli import options
from proofport.cli.connect import uses_gateway
from proofport.cli.output import echo, show, show_json

if TYPE_CHECKING:
    from proofport.adapter import Provisioned
    from proofport.gateway import Gateway


@click.command()
@click.argument("destination", metavar="DEST")
@options.kind_option
@click.option("--write/--no-write", default=True, help="Write the objects into the configuration (default).")
@options.json_option
@uses_gateway
async def provision(gateway: Gateway, destination: str, kind: str | None, write: bool, as_json: bool) -> int:
    """Find or make the objects of DEST: for one kind, or for all kinds that have a mapping or are configured.

    Prints the lines for `objects:` in the configuration, and adds them there. An object that exists is found again,
    never made twice; lines that the file has already stay as they are. Where the vendor has no API for it, prints the
    steps that a person takes.
    """
    made = await gateway.provision(destination, kind=kind)
    if as_json:
        show_json({kind: asdict(one) for kind, one in made.items()})
    else:
        _print(destination, made)
    if write and any(one.settings for one in made.values()):
        show(_written(gateway.config.path, destination, made), "# ", hanging="#   ", err=as_json)
    return 0


def _print(destination: str, made: Mapping[str, Provisioned]) -> None:
    for name, one in made.items():
        by_hand = "a person makes it in the vendor's web application, in these steps"
        how = "made now" if one.created else "found" if one.settings else by_hand
        show(f"{name}: {how}", hanging="  ", err=True)
        for note in one.notes:
            show(note, "  ", err=True)
    ready = {name: one for name, one in made.items() if one.settings}
    if ready:
        echo(f"# destinations: {destination}:\nobjects:")
    for name, one in ready.items():
        echo(f"  {json.dumps(name) if ':' in name else name}:")
        for key, value in one.settings.items():
            echo(f"    {key}: {json.dumps(value)}")


def _written(file: Path | None, destination: str, made: Mapping[str, Provisioned]) -> str:
    from proofport.config.edit import store_objects

    assert file is not None, "the configuration was read from it"
    kinds = store_objects(file, destination, {kind: one.settings for kind, one in made.items() if one.settings})
    return f"Written into {file.name}: {', '.join(kinds)}." if kinds else f"{file.name} has all of these already."
