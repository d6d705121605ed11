"""`proofport schema`: schemas that a vendor makes from the first record it receives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from proofport.cli import options
from proofport.cli.connect import uses_gateway
from proofport.cli.output import show, show_result, when, wrapped
from proofport.errors import UsageError

if TYPE_CHECKING:
    from proofport.adapter import Schema
    from proofport.gateway import Gateway

destination_argument = click.argument("destination", metavar="DEST")


@click.group("schema")
def schema() -> None:
    """Show the schemas that vendors made from the first record of a kind, and confirm that one is defined."""


@schema.command("list")
@destination_argument
@options.json_option
@uses_gateway
async def list_command(gateway: Gateway, destination: str, as_json: bool) -> int:
    """List the schemas of DEST: when each was first published, and whether it is known to be defined."""
    views = await gateway.schemas(destination)
    none = [f"{destination} makes no schemas from the records it receives."]
    show_result([_plain(view) for view in views], _lines(views) if views else none, as_json=as_json)
    return 0


@schema.command("show")
@destination_argument
@click.argument("name", metavar="KIND|SLUG")
@options.json_option
@uses_gateway
async def show_command(gateway: Gateway, destination: str, name: str, as_json: bool) -> int:
    """Show one schema of DEST with the fields and types that its first record froze."""
    views = await gateway.schemas(destination)
    found = [view for view in views if name in (view.kind, view.slug)]
    if not found:
        names = ", ".join(view.slug for view in views) or "none"
        raise UsageError(f"{destination} has no schema {name}; it has {names}")
    show_result([_plain(view) for view in found], _lines(found, fields=True), as_json=as_json)
    return 0


@schema.command("confirm")
@destination_argument
@click.option("--kind", metavar="KIND", required=True, help="The kind whose schema is complete at the vendor.")
@uses_gateway
async def confirm_command(gateway: Gateway, destination: str, kind: str) -> int:
    """Say that a person has completed the schema of a kind at the vendor: records it takes now count as delivered."""
    confirmed = await gateway.confirm_schema(destination, kind=kind)
    show(f"{confirmed.slug} is defined. Push all of {kind} again: records sent before may be lost.")
    return 0


def _lines(views: Sequence[Schema], *, fields: bool = False) -> Iterator[str]:
    for view in views:
        replaced = "" if view.current else ", published before; not configured now"
        yield click.style(wrapped(f"{view.slug}  {view.kind}{replaced}"), bold=True)
        yield wrapped(_about(view), "    ")
        if fields and view.published:
            yield from (wrapped(f"{name}: {kind}", "    ") for name, kind in view.fields.items())


def _about(view: Schema) -> str:
    defined = "configured as defined" if view.configured else "not known to be defined"
    if not view.published:
        return f"{defined}; not published from here, so the fields that its first record froze are not known"
    if view.confirmed:
        defined = f"defined since {when(view.confirmed)}"
    return f"first published {when(view.published)}, primary id {view.primary_id}, {defined}"


def _plain(view: Schema) -> dict[str, Any]:
    known = view.published > 0
    return {
        "slug": view.slug,
        "kind": view.kind,
        "current": view.current,
        "fields": dict(view.fields) if known else None,
        "primary_id": view.primary_id if known else None,
        "published": when(view.published) if known else None,
        "defined": when(view.confirmed) if view.confirmed else None,
        "configured_as_defined": view.configured,
    }
