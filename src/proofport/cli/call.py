"""`proofport call`: the vendor's own operations, for what no kind and mode stands for."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from proofport.cli import options
from proofport.cli.failures import say, wrapped
from proofport.cli.outline import outline
from proofport.errors import UsageError

if TYPE_CHECKING:
    from proofport.adapter import Answer, Operation

MARGIN = " " * 6


@click.command()
@click.argument("destination", metavar="DEST")
@click.argument("operation", metavar="[OPERATION", required=False)
@click.argument("parameters", metavar="NAME=VALUE...]", nargs=-1)
@click.option("--yes", is_flag=True, help="Do not ask before an operation that destroys.")
@options.json_option
@options.config_option
def command(
    destination: str,
    operation: str | None,
    parameters: Sequence[str],
    yes: bool,
    as_json: bool,
    config_path: str | None,
) -> int:
    """Carry out one of the vendor's own operations at DEST and print its answer; without one, list them.

    A VALUE is text, JSON where the parameter takes more than text, or @FILE for what a file holds. A list may be given
    by repeating its NAME. An operation that destroys asks first; without a terminal it needs --yes.

    \b
      proofport call vendor-prod list_records connection_id=42 resource_id=7
      proofport call vendor-prod upsert_device connection_id=5 device=@laptop.json
    """
    import asyncio

    from proofport import operations
    from proofport.config import Config

    config = Config.load(config_path)
    adapter = config.adapter(destination)
    if operation is None:
        _list(operations.of(adapter), as_json=as_json)
        return 0
    found = operations.find(adapter, operation)
    given = operations.from_text(found, _pairs(parameters))
    operations.checked(found, given)
    if found.destructive and not yes:
        _confirm(found, destination)
    answer = asyncio.run(_call(config_path, destination, operation, given))
    if as_json:
        click.echo(json.dumps(answer.value, ensure_ascii=False, indent=2))
    else:
        for line in outline(answer.value):
            click.echo(line)
    for problem in answer.problems:
        say(str(problem))
    return int(bool(answer.problems))


async def _call(config: str | None, destination: str, operation: str, given: Mapping[str, Any]) -> Answer:
    from proofport.cli.connect import connect

    async with connect(config) as gateway:
        return await gateway.call(destination, operation, **given)


def _pairs(parameters: Sequence[str]) -> dict[str, list[str]]:
    pairs: dict[str, list[str]] = {}
    for text in parameters:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise UsageError(f"found {text!r}, expected NAME=VALUE")
        pairs.setdefault(name, []).append(value)
    return pairs


def _confirm(operation: Operation, destination: str) -> None:
    question = f"{operation.name} at {destination}: {operation.summary}."
    if not _is_somebody_there():
        raise UsageError(f"{question} Nobody is here to be asked whether that is meant", hint="If it is, add --yes.")
    click.echo(wrapped(question, fold=True), err=True)
    click.confirm("Go on?", abort=True, err=True)


def _is_somebody_there() -> bool:
    return sys.stdin.isatty()


def _list(operations: Sequence[Operation], *, as_json: bool) -> None:
    if as_json:
        rows = {
            each.name: {
                "summary": each.summary,
                "destructive": each.destructive,
                "parameters": each.parameters.model_json_schema(by_alias=False),
            }
            for each in operations
        }
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    if not operations:
        click.echo("This vendor's adapter offers no operations.")
    for each in operations:
        mark = click.style("  destroys", fg="red") if each.destructive else ""
        click.echo(f"{click.style(each.name, bold=True)}{mark}")
        click.echo(wrapped(each.summary, "  ", hanging="  "))
        shown = [_shown(name, field.is_required()) for name, field in each.parameters.model_fields.items()]
        if shown:
            click.echo(wrapped(" ".join(shown), MARGIN, hanging=MARGIN, fold=True))


def _shown(name: str, required: bool) -> str:
    return f"{name}=…" if required else f"[{name}=…]"
