"""`proofport plan`: what a push would do, compared with what the vendors have now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from proofport.cli import options
from proofport.cli.connect import uses_gateway
from proofport.cli.output import group, show_result, wrapped
from proofport.cli.push.progress import watcher
from proofport.delivery.report.problem_groups import EXAMPLES, ProblemGroup, key_of
from proofport.text.wording import left_out

if TYPE_CHECKING:
    from proofport.delivery.plan import Plan
    from proofport.delivery.report.report import DestinationReport
    from proofport.gateway import Gateway
    from proofport.sources import Format


@click.command()
@options.inputs
@options.to_option
@options.reading
@options.without_option
@options.max_input_age_option
@options.json_option
@uses_gateway
async def plan(
    gateway: Gateway,
    inputs: Sequence[str],
    source: str | None,
    input_format: Format | None,
    expect_records: Sequence[int],
    last_line_whole: bool,
    as_json: bool,
    **how: Any,
) -> int:
    """Show what `proofport push` with the same arguments would add and change, and what would be gone.

    Reads what each vendor has now; nothing is written. Exit codes, as of the push: 0, 1 when records could not be
    delivered, 2 when a destination could not take this as asked, 4 when the guard would refuse.
    """
    given = options.named_inputs(inputs, source, input_format, expect_records, last_line_whole)
    with watcher() as watch:
        found = await gateway.plan(given, on_progress=watch, **how)
    show_result(found.as_dict(), _lines(found), as_json=as_json)
    return int(found.exit_code)


def _lines(plan: Plan) -> Iterator[str]:
    yield click.style(f"{plan.mode} of {plan.kind}: {plan.read:,} records read, nothing sent", bold=True)
    yield from (wrapped(line, "  ") for line in left_out(plan.skipped))
    yield from (wrapped(warning, "  ", hanging="    ") for warning in plan.warnings)
    for name, why in plan.incomplete.items():
        yield wrapped(f"{name} was not read to its end: {why}", "  ", hanging="    ")
    for destination in plan.destinations.values():
        yield f"\n{click.style(destination.name, bold=True)}"
        yield from _changes(destination)


def _group(problems: ProblemGroup) -> str:
    found = (f"{each.position}{f' {each.id}' if each.id else ''} found {each.found}" for each in problems.examples)
    return f"{problems.count:,} x {problems.words}; for example {', '.join(found)}. {problems.hint or ''}".rstrip()


def _changes(report: DestinationReport) -> Iterator[str]:
    found, rows = report.difference, report.problems
    changed = [f"{record}: {', '.join(found.fields.get(record, ['its body']))}" for record in found.changed.ids]
    large = [each for each in report.problem_groups if each.count > EXAMPLES]
    said = {(each.outcome, each.reason, each.field, each.expected) for each in large}
    problems = [_group(each) for each in large]
    problems += [
        f"{row.position}{f' {row.id}' if row.id else ''}: {row.outcome.problem}"
        for row in rows
        if key_of(row.outcome) not in said
    ]
    yield from group("added", found.added.count, ids=found.added.ids, colour="green")
    yield from group("changed", found.changed.count, lines=changed, colour="yellow")
    yield from group("unchanged", found.unchanged)
    for why, count in report.skipped.items():
        yield from group(f"left out: {why}", count)
    yield from group("gone", report.gone.count, ids=report.gone.ids, colour="red")
    for why, of_rule in report.gone_skipped.items():
        words = f"gone: left out by “{why}”" + (f", {report.gone_became}" if report.gone_became else "")
        yield from group(words, of_rule.count, ids=of_rule.ids, colour="red")
    if report.outside.count:
        yield from group("of these uploaded directly", report.outside.count, ids=report.outside.ids, colour="red")
    left = {
        "rejected, sent as they were": report.kept_last,
        "dropped": report.dropped,
        "left out": report.excluded,
        "taken as removed at the vendor": report.taken_as_removed,
    }
    for words, refused in left.items():
        if refused.count:
            yield from group(words, refused.count, ids=refused.ids, colour="yellow")
    if report.not_known.count:
        words = "not known here, and not seen at the vendor"
        yield from group(words, report.not_known.count, ids=report.not_known.ids, colour="yellow")
    yield from group("rejected", report.problem_count, lines=problems, colour="red", whole=bool(large))
    yield from (wrapped(note, "  ") for note in report.notes)
    if report.refusal:
        yield click.style(wrapped(f"The guard would refuse: {report.refusal}", "  "), fg="red")
