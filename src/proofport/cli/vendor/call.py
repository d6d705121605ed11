"""`proofport call`: a vendor's own operations, for tasks that are not the delivery of evidence."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

import proofport
from proofport.cli import options
from proofport.cli.connect import with_gateway
from proofport.cli.output import outline, say, show, show_result, wrapped
from proofport.errors import UsageError

if TYPE_CHECKING:
    from proofport.adapter import Operation

MARGIN = " " * 6


@click.command()
@click.argument("destination", metavar="DEST")
@click.argument("operation", metavar="[OPERATION", required=False)
@click.argument("parameters", metavar="NAME=VALUE...]", nargs=-1)
@click.option("--yes", is_flag=True, help="Do not ask before a destructive operation.")
@options.json_option
@options.config_option
def call(
    destination: str,
    operation: str | None,
    parameters: Sequence[str],
    yes: bool,
    as_json: bool,
    config_path: str | None,
) -> int:
    """Run one of the vendor's own operations at DEST and print its answer; without one, list them.

    A VALUE is text, JSON where the parameter takes more than text, or @FILE for the content of a file. Repeat a NAME to
    give a list. A destructive operation asks first; without a terminal it needs --yes.

    \b
      proofport call vendor-prod list_records connection_id=42 resource_id=7
      proofport call vendor-prod upsert_device connection_id=5 device=@laptop.json
    """
    from proofport import operations

    config = proofport.Config.load(config_path)
    adapter = config.adapter(destination)
    if operation is None:
        offered = operations.of(adapter)
        show_result({each.name: _plain(each) for each in offered}, _lines(offered), as_json=as_json)
        return 0
    found = operations.find(adapter, operation)
    given = operations.from_text(found, _pairs(parameters))
    operations.checked(found, given)
    if found.destructive and not yes:
        _confirm(found, destination)
    answer = with_gateway(config_path, lambda gateway: gateway.call(destination, operation, **given))
    show_result(answer.value, outline(answer.value), as_json=as_json)
    for problem in answer.problems:
        say(str(problem))
    return int(bool(answer.problems))


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
    if not _is_interactive():
        raise UsageError(
            f"{question} It is destructive, and there is no terminal to ask on", hint="If intended, add --yes."
        )
    show(question, err=True)
    click.confirm("Go on?", abort=True, err=True)


def _is_interactive() -> bool:
    return sys.stdin.isatty()


def _plain(operation: Operation) -> dict[str, Any]:
    return {
        "summary": operation.summary,
        "destructive": operation.destructive,
        "parameters": operation.parameters.model_json_schema(by_alias=False),
    }


def _lines(operations: Sequence[Operation]) -> Iterator[str]:
    if not operations:
        yield "This vendor's adapter offers no operations."
    for each in operations:
        mark = click.style("  destructive", fg="red") if each.destructive else ""
        yield f"{click.style(each.name, bold=True)}{mark}"
        yield wrapped(each.summary, "  ")
        fields = each.parameters.model_fields.items()
        shown = [f"{name}=…" if field.is_required() else f"[{name}=…]" for name, field in fields]
        if shown:
            yield wrapped(" ".join(shown), MARGIN)
