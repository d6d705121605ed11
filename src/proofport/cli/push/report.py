"""The report of a run for people: counts side by side, then the reason for every record that was not delivered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from proofport.accounting import Assurance, Status
from proofport.cli.output import SHOWN as SHOWN
from proofport.cli.output import listed
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


def console() -> Console:
    """stdout without markup or highlighting: text of vendors and files is printed as it is."""
    return Console(markup=False, highlight=False, emoji=False, soft_wrap=False)


def line(out: Console, words: str, style: str = "", *, indent: int = 0) -> None:
    """Print one paragraph, wrapped and uncut."""
    text = Text(words, style=style, overflow="fold")
    out.print(Padding(text, (0, 0, 0, indent), expand=False) if indent else text)


def print_report(report: RunReport, *, problems_file: str | None = None, to: Console | None = None) -> None:
    out = to or console()
    dry = " (dry run: nothing was sent)" if report.dry_run else ""
    line(out, f"{report.mode} of {report.kind}, run {report.run_id}{dry}", "bold")
    for source in report.sources:
        records = "1 record" if source.read == 1 else f"{source.read:,} records"
        line(out, f"{source.input}: {records} read", indent=2)
        if source.incomplete:
            line(out, f"not read to its end: {source.incomplete}", "yellow", indent=4)
    destinations = list(report.destinations.values())
    for some in abreast(destinations, out.width):
        out.print()
        out.print(counts(some))
    for destination in destinations:
        print_remarks(out, destination)
    print_problems(out, destinations, problems_file)
    out.print()
    line(out, verdict(report), "bold green" if report.exit_code is Exit.OK else "bold red")


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


def abreast(destinations: Sequence[DestinationReport], width: int) -> list[list[DestinationReport]]:
    """The destinations in groups whose names fit side by side, uncut."""
    words = max(len(text) for text in (*DELIVERED.values(), *(text for text, _ in OTHERWISE.values())))
    groups: list[list[DestinationReport]] = []
    left = 0
    for destination in destinations:
        needed = max(len(destination.name), len(f"{destination.input:,}")) + 2
        if not groups or needed > left:
            groups.append([])
            left = width - words - 2
        groups[-1].append(destination)
        left -= needed
    return groups


def counts(destinations: Sequence[DestinationReport]) -> Table:
    """One column a destination. `accepted` and `confirmed` never share a row; most rows of zeros are left out."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column("", overflow="fold")
    for destination in destinations:
        table.add_column(destination.name, justify="right", overflow="fold", header_style="bold")

    def row(words: str, numbers: list[int], style: str) -> None:
        cells = [Text(f"{n:,}", style=style if n else "dim") for n in numbers]
        table.add_row(Text(words, style="" if any(numbers) else "dim"), *cells)

    row("records", [d.input for d in destinations], "bold")
    for level, words in DELIVERED.items():
        numbers = [d.tally.assurance[level] for d in destinations]
        if any(numbers) or level is Assurance.CONFIRMED:
            row(words, numbers, "green")
    for status, (words, style) in OTHERWISE.items():
        numbers = [d.tally.status[status] for d in destinations]
        if any(numbers) or status is Status.REJECTED:
            row(words, numbers, style)
    return table


def print_remarks(out: Console, destination: DestinationReport) -> None:
    """Print what concerns the whole set at one destination."""
    remarks = list(destination.notes)
    if destination.gone.count:
        gone = listed(destination.gone.ids, destination.gone.count)
        remarks.append(f"Known before, and not in this set ({destination.gone.count:,}): {gone}")
    if destination.outside.count:
        outside = listed(destination.outside.ids, destination.outside.count)
        remarks.append(f"Of these uploaded directly ({destination.outside.count:,}): {outside}")
    remarks += compared(destination)
    if not remarks:
        return
    out.print()
    line(out, destination.name, "bold")
    for remark in remarks:
        line(out, remark, indent=2)


def compared(destination: DestinationReport) -> Iterable[str]:
    """The difference between the set and what the vendor had, where that was read."""
    found = destination.difference
    if found is None:
        return
    same = f"{found.unchanged:,} the same"
    yield f"Compared with the live set: {found.added.count:,} added, {found.changed.count:,} changed, {same}."
    if found.added.count:
        yield f"added: {listed(found.added.ids, found.added.count)}"
    changed = [f"{each} ({', '.join(found.fields.get(each, ()))})" for each in found.changed.ids[: SHOWN + 1]]
    if changed:
        yield f"changed: {listed(changed, found.changed.count)}"


def print_problems(out: Console, destinations: Sequence[DestinationReport], file: str | None) -> None:
    """Print the records that were not delivered, each with the reason."""
    together = by_problem(destinations)
    for problem, names in list(together.items())[:SHOWN]:
        out.print()
        print_problem(out, problem, [] if len(names) == len(destinations) > 1 else names)
    hidden = max(0, len(together) - SHOWN) + max((d.problem_count - len(d.problems) for d in destinations), default=0)
    if hidden:
        where = f"{file} has all of them" if file else "--problems FILE writes all of them to a file"
        line(out, f"\n… and {hidden:,} more; {where}.", "bold")


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


def print_problem(out: Console, problem: RecordProblem, names: Iterable[str] = ()) -> None:
    """Print one record's problem: its position, what was found, what was expected."""
    outcome, detail = problem.outcome, problem.outcome.problem
    at = f" at {', '.join(names)}" if names else ""
    reason = f" ({outcome.reason.replace('_', ' ')})" if outcome.reason else ""
    headline = Text(problem.position, style="bold", overflow="fold")
    headline.append(f"  {problem.id}" if problem.id else "", style="not bold")
    out.print(headline.append(f"  {outcome.status.value}{at}{reason}", style="not bold red"))
    if detail is None:
        return
    line(out, f"{f'{detail.field}: ' if detail.field else ''}found {detail.found}", indent=2)
    line(out, f"expected {detail.expected}", indent=2)
    if detail.vendor_message:
        line(out, f"the vendor says: {detail.vendor_message}", indent=2)
    if detail.hint:
        line(out, detail.hint, "cyan", indent=2)
