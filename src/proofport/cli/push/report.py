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

DELIVERED = {
    Assurance.CONFIRMED: "delivered, confirmed by the vendor",
    Assurance.VERIFIED: "delivered, read back and found equal",
    Assurance.ACCEPTED: "accepted: queued, no result reported",
}
OTHERWISE = {
    Status.UNCHANGED: ("unchanged, not sent again", "green"),
    Status.REJECTED: ("rejected", "red"),
    Status.WITHHELD: ("withheld: good, but not delivered", "yellow"),
    Status.UNKNOWN: ("unknown: no result known yet", "red"),
}
VERDICTS = {
    Exit.OK: "Every record is delivered or unchanged.",
    Exit.INCOMPLETE: "Not every record was delivered.",
    Exit.USAGE: "A destination could not take this as asked.",
    Exit.BLOCKED: "A vendor refuses us until a person acts there.",
    Exit.GUARD: "Refused by the guard, for the reason given above.",
}
LABEL = max(len(words) for words in (*DELIVERED.values(), *(words for words, _ in OTHERWISE.values())))
ALWAYS = ("records", DELIVERED[Assurance.CONFIRMED], OTHERWISE[Status.REJECTED][0])
"""Counts that are shown even if all of them are 0."""


def print_report(report: RunReport, *, problems_file: str | None = None) -> None:
    dry = " (dry run: nothing was sent)" if report.dry_run else ""
    show(f"{report.mode} of {report.kind}, run {report.run_id}{dry}", bold=True)
    for source in report.sources:
        records = "1 record" if source.read == 1 else f"{source.read:,} records"
        show(f"{source.input}: {records} read", "  ")
        if source.incomplete:
            show(f"not read to its end: {source.incomplete}", "    ", fg="yellow")
    destinations = list(report.destinations.values())
    for some in _abreast(destinations):
        print_counts(some)
    for destination in destinations:
        print_remarks(destination)
    print_problems(destinations, problems_file)
    show(f"\n{verdict(report)}", bold=True, fg="green" if report.exit_code is Exit.OK else "red")


def verdict(report: RunReport) -> str:
    """The last line: how the run ended."""
    destinations = report.destinations.values()
    if report.exit_code is Exit.OK and not any(each.input for each in destinations):
        return "There was nothing to deliver."
    if report.exit_code is Exit.OK and report.dry_run:
        return "Nothing was rejected."
    delivered = all(each.tally.status[Status.DELIVERED] == each.input for each in destinations)
    if report.exit_code is Exit.INCOMPLETE and delivered:
        return "Every record that was read is delivered, but a source was not read to its end."
    return VERDICTS[report.exit_code]


def _abreast(destinations: Sequence[DestinationReport]) -> list[list[DestinationReport]]:
    """The destinations in groups whose names fit side by side."""
    groups: list[list[DestinationReport]] = []
    left = 0
    for destination in destinations:
        if not groups or _width(destination) > left:
            groups.append([])
            left = shutil.get_terminal_size().columns - LABEL
        groups[-1].append(destination)
        left -= _width(destination)
    return groups


def _width(destination: DestinationReport) -> int:
    return max(len(destination.name), len(f"{destination.input:,}")) + 2


def print_counts(destinations: Sequence[DestinationReport]) -> None:
    """Print one column a destination. `accepted` and `confirmed` never share a row; most rows of zeros are left out."""
    widths = [_width(each) for each in destinations]
    names = "".join(f"{each.name:>{width}}" for each, width in zip(destinations, widths, strict=True))
    click.secho(f"\n{'':{LABEL}}{names}", bold=True)
    for words, numbers, colour in _counts(destinations):
        if any(numbers) or words in ALWAYS:
            cells = (
                click.style(f"{number:>{width},}", fg=colour if number else None, dim=not number)
                for number, width in zip(numbers, widths, strict=True)
            )
            click.echo(f"{words:{LABEL}}{''.join(cells)}")


def _counts(destinations: Sequence[DestinationReport]) -> Iterator[tuple[str, list[int], str | None]]:
    """Each row: its words, a number for each destination, and the colour of the numbers."""
    yield "records", [each.input for each in destinations], None
    for level, words in DELIVERED.items():
        yield words, [each.tally.assurance[level] for each in destinations], "green"
    for status, (words, colour) in OTHERWISE.items():
        yield words, [each.tally.status[status] for each in destinations], colour


def print_remarks(destination: DestinationReport) -> None:
    """Print what concerns the whole set at one destination."""
    remarks = list(destination.notes)
    if destination.gone.count:
        gone = listed(destination.gone.ids, destination.gone.count)
        remarks.append(f"Known before, and not in this set ({destination.gone.count:,}): {gone}")
    if destination.outside.count:
        outside = listed(destination.outside.ids, destination.outside.count)
        remarks.append(f"Of these uploaded directly ({destination.outside.count:,}): {outside}")
    remarks += compared(destination)
    if remarks:
        show(f"\n{destination.name}", bold=True)
    for remark in remarks:
        show(remark, "  ")


def compared(destination: DestinationReport) -> Iterable[str]:
    """The difference between the set and what the vendor had, where that was read."""
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
    """Print the records that were not delivered, each with the reason."""
    together = by_problem(destinations)
    for problem, names in list(together.items())[:SHOWN]:
        print_problem(problem, [] if len(names) == len(destinations) > 1 else names)
    hidden = max(0, len(together) - SHOWN) + max((d.problem_count - len(d.problems) for d in destinations), default=0)
    if hidden:
        where = f"{file} has all of them" if file else "--problems FILE writes all of them to a file"
        show(f"\n… and {hidden:,} more; {where}.", bold=True)


def by_problem(destinations: Sequence[DestinationReport]) -> dict[RecordProblem, list[str]]:
    """Each problem once, in the order of the files, with all destinations that have it."""
    together: dict[RecordProblem, list[str]] = {}
    for destination in destinations:
        for problem in destination.problems:
            together.setdefault(problem, []).append(destination.name)
    return {problem: together[problem] for problem in sorted(together, key=_place)}


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
