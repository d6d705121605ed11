"""`proofport dead-letter`: deliveries that failed for good, each with the reason and the exact bodies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from proofport.cli import options
from proofport.cli.connect import uses_gateway
from proofport.cli.output import echo, show, show_json, show_result, wrapped
from proofport.errors import UsageError

if TYPE_CHECKING:
    from proofport.delivery.report.problem_groups import ProblemGroups
    from proofport.gateway import Gateway
    from proofport.journal.contract import Delivery, Journal

ids_argument = click.argument("ids", metavar="ID...", type=int, nargs=-1, required=True)


@click.group("dead-letter")
def dead_letter() -> None:
    """List, show, replay and drop deliveries that failed."""


@dead_letter.command("list")
@click.option("--lane", help="Only those of this lane.")
@options.json_option
@uses_gateway
async def list_command(gateway: Gateway, lane: str | None, as_json: bool) -> int:
    """List dead letters, the oldest first."""
    from proofport.journal.contract import Filter

    journal = await gateway.journal()
    letters: list[Delivery] = []
    while page := await journal.find(Filter(lane=lane, state="dead"), after=letters[-1].id if letters else 0):
        letters += page
    show_result([_brief(letter) for letter in letters], _lines(letters), as_json=as_json)
    return 0


@dead_letter.command("show")
@click.argument("letter_id", metavar="ID", type=int)
@uses_gateway
async def show_command(gateway: Gateway, letter_id: int) -> int:
    """Print one dead letter as JSON.

    For each record: the evidence, the reason, the body that was sent, and the body that would be sent now.
    """
    from proofport.journal.contract import Filter

    found = await (await gateway.journal()).find(Filter(ids=[letter_id]))
    if not found:
        raise UsageError(f"there is no delivery {letter_id}", hint="`proofport dead-letter list` lists them all.")
    show_json({**_brief(found[0]), "records": gateway.letter(found[0])})
    return 0


@dead_letter.command("replay")
@ids_argument
@click.option("--as-it-was", is_flag=True, help="Send exactly the bodies that were sent before.")
@uses_gateway
async def replay_command(gateway: Gateway, ids: Sequence[int], as_it_was: bool) -> int:
    """Queue dead letters again, at the end of their lanes. Their evidence is mapped again when it is delivered."""
    accepted = await gateway.replay(ids, as_it_was=as_it_was)
    echo(f"{len(accepted)} of {len(ids)} queued again: {', '.join(str(one.id) for one in accepted) or 'none'}")
    return 0 if len(accepted) == len(ids) else 2


@dead_letter.command("set-aside")
@ids_argument
@click.option("--reason", required=True, help="Stays with the letter.")
@uses_gateway
async def set_aside_command(gateway: Gateway, ids: Sequence[int], reason: str) -> int:
    """Make dead letters of queued deliveries that hold up their lane."""
    from proofport.journal.contract import Failure, Filter

    _require_words(reason)
    journal, failure = await gateway.journal(), Failure("set_aside", reason)
    done = [each for each in ids if await journal.set_aside(Filter(ids=[each]), failure)]
    show(_done("set aside", done, ids))
    if done:
        show(
            "Their lanes go on without them. `proofport dead-letter replay ID` queues one again, `drop ID` gives it up."
        )
    return await _left(journal, done, ids, "Only what is queued can be set aside.")


@dead_letter.command("drop")
@ids_argument
@click.option("--reason", required=True, help="Stays with the letter.")
@uses_gateway
async def drop_command(gateway: Gateway, ids: Sequence[int], reason: str) -> int:
    """Give dead letters up. They stay readable, with the reason."""
    from proofport.journal.contract import Filter

    _require_words(reason)
    journal = await gateway.journal()
    done = [each for each in ids if await journal.cancel(Filter(ids=[each], state="dead"), reason)]
    show(_done("dropped", done, ids))
    if done:
        show("They are not sent any more. `proofport dead-letter show ID` still shows one, with the reason.")
    return await _left(journal, done, ids, "Only dead letters can be dropped.")


def _done(what: str, done: Sequence[int], ids: Sequence[int]) -> str:
    return f"{len(done)} of {len(ids)} {what}: {', '.join(map(str, done)) or 'none'}"


async def _left(journal: Journal, done: Sequence[int], ids: Sequence[int], why: str) -> int:
    """Say of the other deliveries what they are. Returns the exit code."""
    from proofport.journal.contract import Filter

    states = {each.id: each.state for each in await journal.find(Filter(ids=ids))}
    left = [each for each in dict.fromkeys(ids) if each not in done]
    for each in left:
        echo(f"{each} is {states[each]}" if each in states else f"there is no delivery {each}", err=True)
    if left:
        echo(why, err=True)
    return 2 if left else 0


def _require_words(reason: str) -> None:
    if not reason.strip():
        raise click.UsageError("--reason needs words: it stays with the letter")


def _groups(letters: Sequence[Delivery]) -> ProblemGroups:
    """The problems of the records of dead letters, equal ones together."""
    from proofport.delivery.queue.shown import report_of
    from proofport.delivery.report.problem_groups import grouped

    rows = []
    for letter in letters:
        if letter.failure is not None and letter.failure.detail.startswith("["):
            records = report_of(letter).records
            rows += [(f"letter {letter.id}", each.id, each.outcome) for each in records if each.outcome is not None]
    return grouped(rows)


def _lines(letters: Sequence[Delivery]) -> Iterator[str]:
    from proofport.delivery.report.problem_groups import EXAMPLES

    for group in _groups(letters):
        if group.count <= EXAMPLES:
            continue
        yield click.style(wrapped(f"{group.count:,} x {group.words}", hanging="  "), fg="red", bold=True)
        places = ", ".join(f"{example.id or 'a record'} in {example.position}" for example in group.examples)
        yield wrapped(f"for example {places}", "  ")
        if group.hint:
            yield wrapped(group.hint, "  ")
    for letter in letters:
        yield wrapped(f"{letter.id}  {letter.mode} of {letter.records} {letter.kind} to {letter.destination}")
        yield wrapped(f"{_reason(letter)}, attempts: {letter.attempts}", "    ")
    if not letters:
        yield "There is no dead letter."


def _reason(letter: Delivery) -> str:
    """The reason. Where the failure holds the outcomes of records, these are for `show`."""
    if letter.failure is None:
        return "no reason"
    reason, detail = letter.failure.reason.replace("_", " "), letter.failure.detail
    return f"{reason}: {detail}" if detail and not detail.startswith("[") else reason


def _brief(letter: Delivery) -> dict[str, Any]:
    names = ("id", "state", "lane", "destination", "kind", "mode", "attempts")
    groups = _groups([letter]).as_list(found=False)
    return {**{name: getattr(letter, name) for name in names}, "reason": _reason(letter), "problem_groups": groups}
