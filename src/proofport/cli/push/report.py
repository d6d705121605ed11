"""The report of a run for people: counts side by side, then the reason for every record that was not delivered."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Sequence

import click

from proofport.accounting import Assurance, Status
from proofport.cli.output import SHOWN as SHOWN
from proofport.cli.output import listed, show
from proofport.delivery.report import DestinationReport, Exit, RecordProblem, RunReport
from proofport.delivery.whole import records

COUNTS: dict[Assurance | Status, tuple[str, str]] = {
    Assurance.CONFIRMED: ("delivered, confirmed by the vendor", "green"),
    Assurance.VERIFIED: ("delivered, read back and found equal", "green"),
    Assurance.ACCEPTED: ("accepted: queued, no result reported", "green"),
    Status.UNCHANGED: ("unchanged, not sent again", "green"),
    Status.REJECTED: ("rejected", "red"),
    Status.WITHHELD: ("withheld: good, but not delivered", "yellow"),
    Status.UNKNOWN: ("unknown: no result known yet", "red"),
}
"""The words for each count, and the colour of its numbers. Accepted and confirmed never share a row."""

ALWAYS = (Assurance.CONFIRMED, Status.REJECTED)
"""Counts that are shown even if all of them are 0."""

LABEL = max(len(words) for words, _ in COUNTS.values())
VERDICTS = {
    Exit.OK: "Every record is delivered or unchanged.",
    Exit.INCOMPLETE: "Not every record was delivered.",
    Exit.USAGE: "A destination could not take this as asked.",
    Exit.BLOCKED: "A vendor refuses us until a person acts there.",
    Exit.GUARD: "Refused by the guard, for the reason given above.",
}


def print_report(report: RunReport, *, problems_file: str | None = None) -> None:
    dry = " (dry run: nothing was sent)" if report.dry_run else ""
    show(f"{report.mode} of {report.kind}, run {report.run_id}{dry}", bold=True)
    for source in report.sources:
        show(f"{source.input}: {records(source.read)} read", "  ")
        if source.incomplete:
            show(f"not read to its end: {source.incomplete}", "    ", fg="yellow")
    destinations = list(report.destinations.values())
    print_counts(destinations)
    for destination in destinations:
        remarks = list(remarks_on(destination))
        if remarks:
            show(f"\n{destination.name}", bold=True)
        for remark in remarks:
            show(remark, "  ")
    print_problems(destinations, problems_file)
    show(f"\n{verdict(report)}", bold=True, fg="green" if report.exit_code is Exit.OK else "red")


def verdict(report: RunReport) -> str:
    """The last line: how the run ended."""
    destinations = report.destinations.values()
    if report.exit_code is Exit.OK and not any(each.input for each in destinations):
        return "There was nothing to deliver."
    if report.exit_code is Exit.OK and report.dry_run:
        return "Nothing was rejected."
    if report.exit_code is Exit.OK and any(each.excluded.count for each in destinations):
        return "Every record is delivered, unchanged, or left out on purpose."
    delivered = all(each.tally.status[Status.DELIVERED] == each.input for each in destinations)
    if report.exit_code is Exit.INCOMPLETE and delivered:
        return "Every record that was read is delivered, but a source was not read to its end."
    return VERDICTS[report.exit_code]


def print_counts(destinations: Sequence[DestinationReport]) -> None:
    """Print a column for each destination, as many side by side as fit. Most rows of zeros are left out."""
    columns = [(each, max(len(each.name), len(f"{each.input:,}")) + 2) for each in destinations]
    widest = max((width for _, width in columns), default=1)
    abreast = max(1, (shutil.get_terminal_size().columns - LABEL) // widest)
    for some in (columns[at : at + abreast] for at in range(0, len(columns), abreast)):
        click.secho(f"\n{'':{LABEL}}{''.join(f'{each.name:>{width}}' for each, width in some)}", bold=True)
        click.echo(f"{'records':{LABEL}}{''.join(f'{each.input:>{width},}' for each, width in some)}")
        counts = [(each.tally.status | each.tally.assurance, width) for each, width in some]
        for what, (words, colour) in COUNTS.items():
            numbers = [(count[what], width) for count, width in counts]
            if what in ALWAYS or any(number for number, _ in numbers):
                cells = (click.style(f"{n:>{width},}", fg=colour if n else None, dim=not n) for n, width in numbers)
                click.echo(f"{words:{LABEL}}{''.join(cells)}")


def remarks_on(destination: DestinationReport) -> Iterator[str]:
    """Everything that concerns the whole set at one destination."""
    yield from destination.notes
    sets = {
        "Known before, and not in this set": destination.gone,
        "Of these uploaded directly": destination.outside,
        "Rejected, and sent as they were last": destination.kept_last,
        "Dropped, although nobody knows that they are gone": destination.dropped,
        "Left out on purpose, without a value that the vendor requires": destination.excluded,
        "Not known, neither at the vendor nor here": destination.not_known,
    }
    for words, some in sets.items():
        if some.count:
            yield f"{words} ({some.count:,}): {listed(some.ids, some.count)}"
    found = destination.difference
    if not destination.compared:
        return
    same = f"{found.unchanged:,} the same"
    yield f"Compared with the live set: {found.added.count:,} added, {found.changed.count:,} changed, {same}."
    if found.added.count:
        yield f"added: {listed(found.added.ids, found.added.count)}"
    changed = [f"{each} ({', '.join(found.fields.get(each, ()))})" for each in found.changed.ids[: SHOWN + 1]]
    if changed:
        yield f"changed: {listed(changed, found.changed.count)}"


def print_problems(destinations: Sequence[DestinationReport], file: str | None = None) -> None:
    """Print the records that were not delivered, in the order of the files, each with the reason."""
    together: dict[RecordProblem, list[str]] = {}
    for destination in destinations:
        for problem in destination.problems:
            together.setdefault(problem, []).append(destination.name)
    for problem in sorted(together, key=_place)[:SHOWN]:
        names = together[problem]
        print_problem(problem, [] if len(names) == len(destinations) > 1 else names)
    hidden = max(0, len(together) - SHOWN) + max((d.problem_count - len(d.problems) for d in destinations), default=0)
    if hidden:
        where = f"{file} has all of them" if file else "--problems FILE writes all of them to a file"
        show(f"\n… and {hidden:,} more; {where}.", bold=True)


def _place(problem: RecordProblem) -> list[tuple[int, str]]:
    """A sort key: files by name, their lines by number."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", problem.position)]


def print_problem(problem: RecordProblem, names: Iterable[str] = ()) -> None:
    """Print one record's problem: its position, what was found, what was expected."""
    outcome, detail = problem.outcome, problem.outcome.problem
    at = f" at {', '.join(names)}" if names else ""
    reason = f" ({outcome.reason.replace('_', ' ')})" if outcome.reason else ""
    record = f"  {problem.id}" if problem.id else ""
    show(f"\n{problem.position}{record}  {outcome.status.value}{at}{reason}", bold=True, fg="red")
    if detail is None:
        return
    show(f"{f'{detail.field}: ' if detail.field else ''}found {detail.found}", "  ")
    show(f"expected {detail.expected}", "  ")
    if detail.vendor_message:
        show(f"the vendor says: {detail.vendor_message}", "  ")
    if detail.hint:
        show(detail.hint, "  ", fg="cyan")
