"""The report of a run for people: counts side by side, then everything that was not simply delivered, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from proofport.accounting import Assurance, Status
from proofport.delivery.report import DestinationReport, Exit, RecordProblem, RunReport

SHOWN = 20
"""At most this many problems, or ids, are listed before a count says how many more there are."""

DELIVERED = {
    Assurance.CONFIRMED: "delivered, confirmed by the vendor",
    Assurance.VERIFIED: "delivered, read back and found equal",
    Assurance.ACCEPTED: "accepted: queued, no result reported",
}
OTHERWISE = {
    Status.UNCHANGED: ("unchanged, not sent again", "green"),
    Status.REJECTED: ("rejected", "red"),
    Status.WITHHELD: ("withheld: good, but not delivered", "yellow"),
    Status.UNKNOWN: ("unknown: nobody can say yet", "red"),
}
VERDICTS = {
    Exit.OK: "Every record is delivered or unchanged.",
    Exit.INCOMPLETE: "Not every record was delivered.",
    Exit.USAGE: "A destination could not take this as asked.",
    Exit.BLOCKED: "A vendor refuses us until a person acts there.",
    Exit.GUARD: "Refused by the guard, for the reason given above.",
}


def console() -> Console:
    """stdout without markup or highlighting: what vendors and files say is printed as it is."""
    return Console(markup=False, highlight=False, emoji=False, soft_wrap=False)


def print_report(report: RunReport, *, problems_file: str | None = None, to: Console | None = None) -> None:
    out = to or console()
    dry = " (dry run: nothing was sent)" if report.dry_run else ""
    out.print(Text(f"{report.mode} of {report.kind}, run {report.run_id}{dry}", style="bold"))
    print_sources(out, report)
    destinations = list(report.destinations.values())
    for some in abreast(destinations, out.width):
        out.print()
        out.print(counts(some))
    for destination in destinations:
        print_remarks(out, destination)
    print_problems(out, destinations, problems_file)
    out.print()
    good = report.exit_code is Exit.OK
    out.print(Text(verdict(report), style="bold green" if good else "bold red"))


def verdict(report: RunReport) -> str:
    """The last line: how it ended."""
    books = report.destinations.values()
    if report.exit_code is Exit.OK and not any(each.input for each in books):
        return "There was nothing to deliver."
    if report.exit_code is Exit.OK and report.dry_run:
        return "Nothing was rejected."
    delivered = all(each.tally.status[Status.DELIVERED] == each.input for each in books)
    if report.exit_code is Exit.INCOMPLETE and delivered:
        return "Every record that was read is delivered, but a source was not read to its end."
    return VERDICTS[report.exit_code]


def print_sources(out: Console, report: RunReport) -> None:
    for source in report.sources:
        records = "1 record" if source.read == 1 else f"{source.read:,} records"
        out.print(Padding(Text(f"{source.input}: {records} read", overflow="fold"), (0, 0, 0, 2)))
        if source.incomplete:
            reason = Text(f"not read to its end: {source.incomplete}", style="yellow", overflow="fold")
            out.print(Padding(reason, (0, 0, 0, 4)))


def abreast(destinations: Sequence[DestinationReport], width: int) -> list[list[DestinationReport]]:
    """The destinations in groups whose names fit beside each other, uncut."""
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
    """One column a destination. `accepted` and `confirmed` never share a row; rows of nothing but zeros stay out."""
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
    """What is to be said about the whole set at one destination."""
    remarks = list(destination.notes)
    if destination.gone.count:
        gone = _listed(destination.gone.ids, destination.gone.count)
        remarks.append(f"Held before, and not in this set ({destination.gone.count:,}): {gone}")
    if destination.outside.count:
        outside = _listed(destination.outside.ids, destination.outside.count)
        remarks.append(f"Of these uploaded directly ({destination.outside.count:,}): {outside}")
    remarks += compared(destination)
    if not remarks:
        return
    out.print()
    out.print(Text(destination.name, style="bold"))
    for remark in remarks:
        out.print(Padding(Text(remark, overflow="fold"), (0, 0, 0, 2)))


def compared(destination: DestinationReport) -> Iterable[str]:
    """How the set differs from what the vendor held, where that was read."""
    found = destination.difference
    if found is None:
        return
    same = f"{found.unchanged:,} the same"
    yield f"Against what was live: {found.added.count:,} added, {found.changed.count:,} changed, {same}."
    if found.added.count:
        yield f"added: {_listed(found.added.ids, found.added.count)}"
    changed = [f"{each} ({', '.join(found.fields.get(each, ()))})" for each in found.changed.ids[: SHOWN + 1]]
    if changed:
        yield f"changed: {_listed(changed, found.changed.count)}"


def _listed(ids: Sequence[str], count: int) -> str:
    shown = ", ".join(ids[:SHOWN])
    return f"{shown} and {count - SHOWN:,} more" if count > SHOWN else shown


def print_problems(out: Console, destinations: Sequence[DestinationReport], file: str | None) -> None:
    """What became of the records that were not delivered, and why."""
    together = by_problem(destinations)
    for problem, names in list(together.items())[:SHOWN]:
        out.print()
        print_problem(out, problem, [] if len(names) == len(destinations) > 1 else names)
    hidden = max(0, len(together) - SHOWN) + max((d.problem_count - len(d.problems) for d in destinations), default=0)
    if hidden:
        where = f"all of them stand in {file}" if file else "--problems FILE writes all of them down"
        out.print(Text(f"\n… and {hidden:,} more; {where}.", style="bold"))


def by_problem(destinations: Sequence[DestinationReport]) -> dict[RecordProblem, list[str]]:
    """Each problem once, in the order of the files, with every destination that says the same about the record."""
    together: dict[RecordProblem, list[str]] = {}
    for destination in destinations:
        for problem in destination.problems:
            together.setdefault(problem, []).append(destination.name)
    return {problem: together[problem] for problem in sorted(together, key=_place)}


def _place(problem: RecordProblem) -> list[tuple[int, str]]:
    """Files by name, and their lines by number."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", problem.position)]


def print_problem(out: Console, problem: RecordProblem, names: Iterable[str] = ()) -> None:
    """One record's problem: where it stands, what was found, what would be right."""
    outcome, detail = problem.outcome, problem.outcome.problem
    at = f" at {', '.join(names)}" if names else ""
    reason = f" ({outcome.reason.replace('_', ' ')})" if outcome.reason else ""
    headline = Text(problem.position, style="bold", overflow="fold")
    headline.append(f"  {problem.id}" if problem.id else "", style="not bold")
    out.print(headline.append(f"  {outcome.status.value}{at}{reason}", style="not bold red"))
    if detail is None:
        return
    field = f"{detail.field}: " if detail.field else ""
    lines = [f"{field}found {detail.found}", f"expected {detail.expected}"]
    lines += [f"the vendor says: {detail.vendor_message}"] if detail.vendor_message else []
    for line in lines:
        out.print(Padding(Text(line, overflow="fold"), (0, 0, 0, 2)))
    if detail.hint:
        out.print(Padding(Text(detail.hint, style="cyan", overflow="fold"), (0, 0, 0, 2)))
