"""`proofport plan`: what a push would do, against what the vendors hold now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from proofport.cli import options

if TYPE_CHECKING:
    from proofport.delivery.plan import DestinationPlan, Plan
    from proofport.gateway import Input

SHOWN = 20
"""So many ids of each group are listed before a count says how many more there are."""

MARGIN = " " * 4


@click.command()
@options.inputs_argument
@click.option("--to", metavar="DEST", multiple=True, required=True, help="A configured destination. Repeatable.")
@options.kind_option
@options.mode_option
@options.source_option
@options.set_option
@options.json_option
@options.config_option
def command(inputs: Sequence[str], source: str | None, config_path: str | None, as_json: bool, **how: Any) -> int:
    """Say what `proofport push` with the same arguments would add, change, leave, and make disappear.

    Reads what each vendor holds now; nothing is written. Exit codes: 0, 1 when records could not be delivered, 4 when
    the guard would refuse.
    """
    import asyncio

    from proofport.cli.progress import watcher

    given = [options.named_input(text, source) for text in inputs]
    with watcher() as watch:
        plan = asyncio.run(_plan(given, config_path, on_progress=watch, **how))
    if as_json:
        click.echo(json.dumps(plan.as_dict(), ensure_ascii=False, indent=2))
    else:
        _show(plan)
    return int(plan.exit_code)


async def _plan(given: Sequence[Input], config: str | None, **how: Any) -> Plan:
    from proofport.cli.connect import connect

    async with connect(config) as gateway:
        return await gateway.plan(given, **how)


def _show(plan: Plan) -> None:
    from proofport.cli.failures import wrapped

    click.echo(click.style(f"{plan.mode} of {plan.kind}: {plan.read:,} records read, nothing sent", bold=True))
    for name, why in plan.incomplete.items():
        click.echo(wrapped(f"{name} was not read to its end: {why}", "  ", hanging=MARGIN, fold=True))
    for destination in plan.destinations.values():
        click.echo(f"\n{click.style(destination.name, bold=True)}")
        for line in _lines(destination):
            click.echo(line)


def _lines(plan: DestinationPlan) -> Iterator[str]:
    from proofport.cli.failures import wrapped

    yield from _group("added", "green", plan.added.count, plan.added.ids)
    changed = [f"{record}: {', '.join(plan.fields.get(record, ['its body']))}" for record in plan.changed.ids]
    yield from _group("changed", "yellow", plan.changed.count, changed, apart=True)
    yield from _group("unchanged", "", plan.unchanged, ())
    yield from _group("gone", "red", plan.gone.count, plan.gone.ids)
    if plan.outside.count:
        yield from _group("of these uploaded directly", "red", plan.outside.count, plan.outside.ids)
    problems = [f"{at}{f' {record}' if record else ''}: {problem}" for at, record, problem in plan.problems]
    yield from _group("not expressible", "red", plan.rejected, problems, apart=True)
    for note in plan.notes:
        yield wrapped(note, "  ", hanging="  ", fold=True)
    if plan.refusal:
        yield click.style(wrapped(f"The guard would refuse: {plan.refusal}", "  ", hanging="  ", fold=True), fg="red")


def _group(words: str, colour: str, count: int, items: Sequence[str], *, apart: bool = False) -> Iterator[str]:
    """A count, and below it the items: each on lines of its own, or all in one paragraph."""
    from proofport.cli.failures import wrapped

    yield f"  {click.style(f'{count:>9,}', fg=colour if count and colour else None)}  {words}"
    shown = list(items[:SHOWN])
    more = f"and {count - len(shown):,} more; --json lists up to 1,000" if shown and count > len(shown) else ""
    if apart:
        yield from (
            wrapped(item, MARGIN, hanging=MARGIN * 2, fold=True) for item in [*shown, *([more] if more else [])]
        )
    elif shown:
        yield wrapped(", ".join([*shown, *([more] if more else [])]), MARGIN, hanging=MARGIN, fold=True)
