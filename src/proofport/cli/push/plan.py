"""`proofport plan`: what a push would do, compared with what the vendors have now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from proofport.cli import options
from proofport.cli.connect import uses_gateway
from proofport.cli.output import SHOWN, show, show_json, wrapped

if TYPE_CHECKING:
    from proofport.gateway import Gateway
    from proofport.gateway.planning import Plan
    from proofport.planning.plan import DestinationPlan

MARGIN = " " * 4


@click.command()
@options.inputs_argument
@options.to_option
@options.kind_option
@options.mode_option
@options.source_option
@options.set_option
@options.json_option
@uses_gateway
async def plan(gateway: Gateway, inputs: Sequence[str], source: str | None, as_json: bool, **how: Any) -> int:
    """Show what `proofport push` with the same arguments would add and change, and what would be gone.

    Reads what each vendor has now; nothing is written. Exit codes: 0, 1 when records could not be delivered, 4 when
    the guard would refuse.
    """
    from proofport.cli.push.progress import watcher

    given = [options.named_input(text, source) for text in inputs]
    with watcher() as watch:
        found = await gateway.plan(given, on_progress=watch, **how)
    if as_json:
        show_json(found.as_dict())
    else:
        _print(found)
    return int(found.exit_code)


def _print(plan: Plan) -> None:
    click.secho(f"{plan.mode} of {plan.kind}: {plan.read:,} records read, nothing sent", bold=True)
    for name, why in plan.incomplete.items():
        show(f"{name} was not read to its end: {why}", "  ", hanging=MARGIN)
    for destination in plan.destinations.values():
        click.echo(f"\n{click.style(destination.name, bold=True)}")
        for line in _lines(destination):
            click.echo(line)


def _lines(plan: DestinationPlan) -> Iterator[str]:
    yield from _group("added", "green", plan.added.count, plan.added.ids)
    changed = [f"{record}: {', '.join(plan.fields.get(record, ['its body']))}" for record in plan.changed.ids]
    yield from _group("changed", "yellow", plan.changed.count, changed, apart=True)
    yield from _group("unchanged", None, plan.unchanged, ())
    yield from _group("gone", "red", plan.gone.count, plan.gone.ids)
    if plan.outside.count:
        yield from _group("of these uploaded directly", "red", plan.outside.count, plan.outside.ids)
    problems = [f"{at}{f' {record}' if record else ''}: {problem}" for at, record, problem in plan.problems]
    yield from _group("rejected", "red", plan.rejected, problems, apart=True)
    for note in plan.notes:
        yield wrapped(note, "  ")
    if plan.refusal:
        yield click.style(wrapped(f"The guard would refuse: {plan.refusal}", "  "), fg="red")


def _group(words: str, colour: str | None, count: int, ids: Sequence[str], *, apart: bool = False) -> Iterator[str]:
    """A count, and below it the ids or sentences: each on its own line (`apart`), or all in one paragraph."""
    yield f"  {click.style(f'{count:>9,}', fg=colour if count else None)}  {words}"
    shown = list(ids[:SHOWN])
    if shown and count > len(shown):
        shown.append(f"and {count - len(shown):,} more; --json lists up to 1,000")
    if apart:
        yield from (wrapped(each, MARGIN, hanging=MARGIN * 2) for each in shown)
    elif shown:
        yield wrapped(", ".join(shown), MARGIN)
