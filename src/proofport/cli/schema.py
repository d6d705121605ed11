"""`proofport schema`: the schemas that vendors make from the first record they are sent."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from proofport.cli import options
from proofport.cli.failures import wrapped

if TYPE_CHECKING:
    from proofport.adapter import Schema
    from proofport.gateway import Gateway

T = TypeVar("T")
destination_argument = click.argument("destination", metavar="DEST")


@click.group("schema")
def command() -> None:
    """Show the schemas vendors made from the first record of a kind, and confirm that one is defined."""


@command.command("list")
@destination_argument
@options.json_option
@options.config_option
def list_command(destination: str, as_json: bool, config_path: str | None) -> int:
    """List the schemas of DEST: when each was first published, and whether it is known to be defined."""
    views = _run(config_path, lambda gateway: gateway.schemas(destination))
    _show(views, as_json=as_json, fields=False)
    if not views and not as_json:
        click.echo(f"{destination} makes no schemas from what it is sent.")
    return 0


@command.command("show")
@destination_argument
@click.argument("name", metavar="KIND|SLUG")
@options.json_option
@options.config_option
def show_command(destination: str, name: str, as_json: bool, config_path: str | None) -> int:
    """Show one schema of DEST with the fields and types that its first record froze."""
    views = _run(config_path, lambda gateway: gateway.schemas(destination))
    found = [view for view in views if name in (view.kind, view.slug)]
    if not found:
        names = ", ".join(view.slug for view in views) or "none"
        click.echo(wrapped(f"{destination} has no schema {name}; it has {names}.", "", fold=True), err=True)
        return 2
    _show(found, as_json=as_json, fields=True)
    return 0


@command.command("confirm")
@destination_argument
@click.option("--kind", metavar="KIND", required=True, help="The kind whose schema is complete at the vendor.")
@options.config_option
def confirm_command(destination: str, kind: str, config_path: str | None) -> int:
    """Say that a person has completed the schema of a kind at the vendor: from now on what it takes is delivered."""
    schema = _run(config_path, lambda gateway: gateway.confirm_schema(destination, kind=kind))
    click.echo(wrapped(f"{schema.slug} is defined. Push all of {kind} again: what was sent before may be lost.", ""))
    return 0


def _run(config_path: str | None, work: Callable[[Gateway], Awaitable[T]]) -> T:
    import asyncio

    from proofport.cli.connect import connect

    async def with_gateway() -> T:
        async with connect(config_path) as gateway:
            return await work(gateway)

    return asyncio.run(with_gateway())


def _show(views: Sequence[Schema], *, as_json: bool, fields: bool) -> None:
    if as_json:
        click.echo(json.dumps([_plain(view) for view in views], ensure_ascii=False, indent=2))
        return
    for view in views:
        title = f"{view.slug}  {view.kind}" + ("" if view.current else ", published before; not configured now")
        click.secho(wrapped(title, ""), bold=True)
        for line in _about(view, fields=fields):
            click.echo(wrapped(line, "    ", hanging="    ", fold=True))


def _about(view: Schema, *, fields: bool) -> Sequence[str]:
    defined = "configured as defined" if view.configured else "not known to be defined"
    if not view.published:
        return (f"{defined}, not published from here, so what its first record froze is not known",)
    if view.confirmed:
        defined = f"defined since {_when(view.confirmed)}"
    about = [f"first published {_when(view.published)}, primary id {view.primary_id}, {defined}"]
    if fields:
        about += [f"{name}: {kind}" for name, kind in view.fields.items()]
    return about


def _plain(view: Schema) -> dict[str, Any]:
    known = view.published > 0
    return {
        "slug": view.slug,
        "kind": view.kind,
        "current": view.current,
        "fields": dict(view.fields) if known else None,
        "primary_id": view.primary_id if known else None,
        "published": _when(view.published) if known else None,
        "defined": _when(view.confirmed) if view.confirmed else None,
        "configured_as_defined": view.configured,
    }


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
