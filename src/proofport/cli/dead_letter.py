"""`proofport dead-letter`: deliveries that were set aside, with the reason and the exact bodies."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from proofport.cli import options
from proofport.cli.failures import wrapped

if TYPE_CHECKING:
    from proofport.gateway import Gateway
    from proofport.journal.contract import Delivery

T = TypeVar("T")
ids_argument = click.argument("ids", metavar="ID...", type=int, nargs=-1, required=True)


@click.group("dead-letter")
def command() -> None:
    """List, show, replay and drop what could not be delivered."""


@command.command("list")
@click.option("--lane", help="Only those of this lane.")
@options.json_option
@options.config_option
def list_command(lane: str | None, as_json: bool, config_path: str | None) -> int:
    """List dead letters, the oldest first."""
    from proofport.journal.contract import Filter

    async def find(gateway: Gateway) -> list[Delivery]:
        journal = await gateway.journal()
        found: list[Delivery] = []
        while page := await journal.find(Filter(lane=lane, state="dead"), after=found[-1].id if found else 0):
            found += page
        return found

    letters = _run(config_path, find)
    if as_json:
        click.echo(json.dumps([_brief(letter) for letter in letters], ensure_ascii=False, indent=2))
    for letter in () if as_json else letters:
        title = f"{letter.id}  {letter.mode} of {letter.records} {letter.kind} to {letter.destination}"
        click.echo(wrapped(title, ""))
        click.echo(wrapped(f"{_reason(letter)}, attempts: {letter.attempts}", "    "))
    if not letters and not as_json:
        click.echo("There is no dead letter.")
    return 0


@command.command("show")
@click.argument("letter_id", metavar="ID", type=int)
@options.config_option
def show_command(letter_id: int, config_path: str | None) -> int:
    """Print one dead letter as JSON.

    Of each record: the evidence, why it was refused, the body that was sent, and the body that it would get now.
    """
    from proofport.journal.contract import Filter

    async def find(gateway: Gateway) -> dict[str, Any] | None:
        found = await (await gateway.journal()).find(Filter(ids=[letter_id]))
        return {**_brief(found[0]), "records": gateway.letter(found[0])} if found else None

    letter = _run(config_path, find)
    if letter is None:
        click.echo(f"There is no delivery {letter_id}.", err=True)
        return 2
    click.echo(json.dumps(letter, ensure_ascii=False, indent=2))
    return 0


@command.command("replay")
@ids_argument
@click.option("--as-it-was", is_flag=True, help="Send the very bodies that were sent before.")
@options.config_option
def replay_command(ids: Sequence[int], as_it_was: bool, config_path: str | None) -> int:
    """Queue dead letters again, at the end of their lanes. Their evidence is mapped anew when it is delivered."""
    from proofport.journal.contract import Accepted

    async def replay(gateway: Gateway) -> list[Accepted]:
        return await gateway.replay(ids, as_it_was=as_it_was)

    accepted = _run(config_path, replay)
    click.echo(f"{len(accepted)} of {len(ids)} queued again: {', '.join(str(one.id) for one in accepted) or 'none'}")
    return 0 if len(accepted) == len(ids) else 2


@command.command("drop")
@ids_argument
@click.option("--reason", required=True, help="Stays with the letter.")
@options.config_option
def drop_command(ids: Sequence[int], reason: str, config_path: str | None) -> int:
    """Give dead letters up. They stay readable, with the reason."""
    from proofport.journal.contract import Filter

    if not reason.strip():
        raise click.UsageError("--reason needs words: it stays with the letter")

    async def drop(gateway: Gateway) -> int:
        return await (await gateway.journal()).cancel(Filter(ids=ids, state="dead"), reason)

    dropped = _run(config_path, drop)
    click.echo(f"{dropped} of {len(ids)} dropped")
    return 0 if dropped == len(ids) else 2


def _run(config_path: str | None, work: Callable[[Gateway], Awaitable[T]]) -> T:
    import asyncio

    from proofport.cli.connect import connect

    async def with_gateway() -> T:
        async with connect(config_path) as gateway:
            return await work(gateway)

    return asyncio.run(with_gateway())


def _reason(letter: Delivery) -> str:
    return letter.failure.reason.replace("_", " ") if letter.failure else "no reason"


def _brief(letter: Delivery) -> dict[str, Any]:
    return {
        "id": letter.id,
        "state": letter.state,
        "lane": letter.lane,
        "destination": letter.destination,
        "kind": letter.kind,
        "mode": letter.mode,
        "attempts": letter.attempts,
        "reason": _reason(letter),
    }
