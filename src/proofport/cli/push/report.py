"""The report of a run for people: counts side by side, then the reason for every record that was not delivered."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import click

from proofport.accounting import Assurance, Status
from proofport.cli.output import SHOWN as SHOWN
from proofport.cli.output import echo, listed, show
from proofport.delivery.report.problem_groups import EXAMPLES, ProblemGroup, key_of
from proofport.delivery.report.report import DestinationReport, Exit, RecordProblem, RunReport
from proofport.delivery.snapshot.whole import records
from proofport.text.wording import left_out, listing

EXCLUDED = "excluded"
"""Records that the configuration leaves out. In JSON they are among the withheld."""

COUNTS: dict[Assurance | Status | str, tuple[str, str]] = {
    Assurance.CONFIRMED: ("delivered, confirmed by the vendor", "green"),
    Assurance.VERIFIED: ("delivered, read back and found equal", "green"),
    Assurance.ACCEPTED: ("accepted: queued, no result reported", "cyan"),
    Status.UNCHANGED: ("unchanged, not sent again", "green"),
    Status.REJECTED: ("rejected", "red"),
    Status.WITHHELD: ("withheld: good, but not delivered", "yellow"),
    EXCLUDED: ("left out on purpose", "yellow"),
    Status.UNKNOWN: ("unknown: no result known yet", "red"),
}
"""The words for each count, and the colour of its numbers. Accepted and confirmed never share a row."""

ALWAYS = (Assurance.CONFIRMED, Status.REJECTED)
"""Counts that are shown even if all of them are 0."""

LABEL = max(len(words) for words, _ in COUNTS.values())
DRY = "dry_run"
"""The reason why a record that would be sent is withheld."""
DRY_RUN: dict[Assurance | Status | str, tuple[str, str]] = {
    DRY: ("would be sent", "green"),
    Status.UNCHANGED: COUNTS[Status.UNCHANGED],
    Status.REJECTED: ("would be rejected", "red"),
    Status.WITHHELD: ("would be withheld", "yellow"),
    EXCLUDED: ("would be left out on purpose", "yellow"),
}


NOTHING = "There was nothing to deliver."
ABOVE = "something is missing: see above."


def print_report(report: RunReport, *, problems_file: str | None = None) -> None:
    dry = " (dry run: nothing was sent)" if report.dry_run else ""
    show(f"{report.mode} of {report.kind}, run {report.run_id}{dry}", bold=True)
    for source in report.sources:
        show(f"{source.input}: {records(source.read)} read", "  ")
        for line in left_out(source.skipped):
            show(line, "    ")
        if source.warning:
            show(source.warning, "    ", fg="yellow")
        if source.incomplete:
            show(f"not read to its end: {source.incomplete}", "    ", fg="yellow")
    for name, unmatched in report.unmatched.items():
        if unmatched.is_news:
            style = {"fg": "yellow"} if unmatched.lost else {"dim": True}
            show(f"{name}: {unmatched}", "  ", hanging="    ", **style)
    destinations = list(report.destinations.values())
    print_counts(destinations, DRY_RUN if report.dry_run else COUNTS)
    for destination in destinations:
        remarks = list(remarks_on(destination))
        if remarks:
            show(f"\n{destination.name}", bold=True)
        for remark in remarks:
            show(remark, "  ")
    print_problems(destinations, problems_file)
    for note in report.notes:
        show(f"\n{note}", fg="yellow")
    show(f"\n{verdict(report)}", bold=True, fg="green" if report.exit_code is Exit.OK else "red")


def verdict(report: RunReport) -> str:
    """The last line: how the run ended, and what a person has to do."""
    destinations, code = list(report.destinations.values()), report.exit_code
    at = listing([each.name for each in destinations if each.exit is code])
    if code is Exit.BLOCKED:
        needs = "needs" if sum(each.exit is code for each in destinations) == 1 else "need"
        again = "Push again then" if report.dry_run else f"Then push again with --resume {report.run_id}"
        return f"{at} {needs} you: do what is said above. {again}."
    if code is Exit.GUARD:
        begin = "A push would not be" if report.dry_run else "Not"
        refuses = "would refuse" if report.dry_run else "refused"
        return f"{begin} completed: the guard {refuses} what would disappear (see {at}). Check the source first."
    if code is Exit.USAGE:
        return f"{at} could not take this as asked."
    if report.dry_run:
        return "Nothing was sent. " + " ".join(map(_would, destinations))
    if code is Exit.OK:
        return " ".join(map(_was, destinations)) if any(each.input for each in destinations) else NOTHING
    if all(each.tally.status[Status.DELIVERED] == each.input for each in destinations):
        cut = any(each.incomplete for each in report.sources)
        return "Every record that was read is delivered, but " + ("a source was not read to its end." if cut else ABOVE)
    return "Not every record was delivered. " + " ".join(map(_was, destinations))


def _was(destination: DestinationReport) -> str:
    """One sentence about a destination, with the counts that are not 0."""
    tally, name = destination.tally, destination.name
    good = {
        "confirmed {}": tally.assurance[Assurance.CONFIRMED],
        "shows {} as sent": tally.assurance[Assurance.VERIFIED],
        "queued {} and reports no result": tally.assurance[Assurance.ACCEPTED],
        "had {} unchanged": tally.status[Status.UNCHANGED],
    }
    counts = _counts(destination)
    bad = {each.value: counts[each] for each in (Status.REJECTED, Status.WITHHELD, Status.UNKNOWN)}
    bad["left out on purpose"] = counts[EXCLUDED]
    has = [words.format(f"{count:,}") for words, count in good.items() if count]
    lacks = [f"{count:,} {word}" for word, count in bad.items() if count]
    nothing = "gave no answer" if tally.status[Status.UNKNOWN] else "got nothing"
    return "; ".join(filter(None, [f"{name} {listing(has) or nothing}", listing(lacks)])) + "."


def _would(destination: DestinationReport) -> str:
    counts = _counts(destination)
    left = {each.value: counts[each] for each in (Status.UNCHANGED, Status.REJECTED, Status.WITHHELD)}
    left["left out on purpose"] = counts[EXCLUDED]
    rest = [f"{count:,} {word}" for word, count in left.items() if count]
    return "; ".join(filter(None, [f"{destination.name} would get {counts[DRY]:,}", listing(rest)])) + "."


def print_counts(
    destinations: Sequence[DestinationReport], words_of: Mapping[Assurance | Status | str, tuple[str, str]] = COUNTS
) -> None:
    """Print a column for each destination, as many side by side as fit. Most rows of zeros are left out."""
    columns = [(each, max(len(each.name), len(f"{each.input:,}")) + 2) for each in destinations]
    widest = max((width for _, width in columns), default=1)
    abreast = max(1, (shutil.get_terminal_size().columns - LABEL) // widest)
    for some in (columns[at : at + abreast] for at in range(0, len(columns), abreast)):
        names = "".join(f"{each.name:>{width}}" for each, width in some)
        echo(click.style(f"\n{'':{LABEL}}{names}", bold=True))
        echo(f"{'records':{LABEL}}{''.join(f'{each.input:>{width},}' for each, width in some)}")
        counts = [(_counts(each), width) for each, width in some]
        for what, (words, colour) in words_of.items():
            numbers = [(count[what], width) for count, width in counts]
            if what in ALWAYS or any(number for number, _ in numbers):
                cells = (click.style(f"{n:>{width},}", fg=colour if n else None, dim=not n) for n, width in numbers)
                echo(f"{words:{LABEL}}{''.join(cells)}")


def _fate(destination: DestinationReport) -> str:
    nothing = "missing from this set, and nothing was done about them"
    if destination.tally.status[Status.UNKNOWN]:
        nothing = "missing from this set, of which it is not known if it arrived"
    return destination.gone_became or nothing


def _counts(destination: DestinationReport) -> Counter[Assurance | Status | str]:
    tally, found = destination.tally, Counter[Assurance | Status | str]()
    found.update(tally.status)
    found.update(tally.assurance)
    found[DRY] = tally.reasons[DRY]
    found[EXCLUDED] = destination.excluded.count
    found[Status.WITHHELD] -= found[DRY] + found[EXCLUDED]
    return found


def remarks_on(destination: DestinationReport) -> Iterator[str]:
    """Everything that concerns the whole set at one destination."""
    yield from destination.notes
    yield from left_out(destination.skipped)
    fate, by_rules = _fate(destination), destination.gone_skipped
    all_by_rules = sum(found.count for found in by_rules.values()) == destination.gone.count
    sets = {
        **({} if all_by_rules else {f"{fate[0].upper()}{fate[1:]}": destination.gone}),
        **{f"Left out by “{why}”: {fate}": found for why, found in by_rules.items()},
        "Of these uploaded directly": destination.outside,
        "Rejected, and sent as they were last": destination.kept_last,
        "Dropped, although nobody knows that they are gone": destination.dropped,
        "Taken as removed at the vendor, whose list does not show them": destination.taken_as_removed,
        "Left out on purpose, without a value that the vendor requires": destination.excluded,
        "Not known here, and not seen at the vendor": destination.not_known,
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
    large = [(each, group) for each in destinations for group in each.problem_groups if group.count > EXAMPLES]
    print_groups(large, of=len(destinations))
    said = {(each.name, (group.outcome, group.reason, group.field, group.expected)) for each, group in large}
    together: dict[RecordProblem, list[str]] = {}
    for destination in destinations:
        for problem in destination.problems:
            if (destination.name, key_of(problem.outcome)) not in said:
                together.setdefault(problem, []).append(destination.name)
    for problem in sorted(together, key=_place)[:SHOWN]:
        names = together[problem]
        print_problem(problem, [] if len({*names}) == len(destinations) > 1 else names)
    hidden = max(0, len(together) - SHOWN) + max((d.problem_count - len(d.problems) for d in destinations), default=0)
    if large:
        shown = len(together) - max(0, len(together) - SHOWN)
        counted = {each.name: sum(group.count for of, group in large if of is each) for each in destinations}
        hidden = max(0, max(each.problem_count - counted[each.name] for each in destinations) - shown)
    if hidden or large:
        where = f"{file} has all of them" if file else "--problems FILE writes all of them to a file"
        words = f"… and {hidden:,} more; {where}." if hidden else f"{where[0].upper()}{where[1:]}."
        show(f"\n{words}", bold=True)


def print_groups(large: Sequence[tuple[DestinationReport, ProblemGroup]], *, of: int) -> None:
    """Print equal problems in one paragraph each. `of`: the number of destinations, all of which are not named."""
    alike: dict[tuple[int, str, str], list[tuple[str, ProblemGroup]]] = {}
    for destination, group in large:
        alike.setdefault((group.count, group.outcome, group.words), []).append((destination.name, group))
    for (count, outcome, words), found in alike.items():
        names, group = [name for name, _ in found], found[0][1]
        at = "" if len(names) == of > 1 else f" at {', '.join(names)}"
        show(f"\n{count:,} x {words}", bold=True, fg="red")
        show(f"{outcome}{at}; for example", "  ")
        for example in group.examples:
            record = f"  {example.id}" if example.id else ""
            found_there = f"  found {example.found}" if example.found else ""
            show(f"{example.position}{record}{found_there}", "    ", hanging="      ")
        if group.vendor_message:
            show(f"the vendor says: {group.vendor_message}", "  ")
        if group.hint:
            show(group.hint, "  ", fg="cyan")


def _place(problem: RecordProblem) -> list[tuple[int, str]]:
    """A sort key: files by name, their lines by number."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", problem.position)]


def print_problem(problem: RecordProblem, names: Iterable[str] = ()) -> None:
    """Print one record's problem: its position, what was found, what was expected."""
    outcome, detail = problem.outcome, problem.outcome.problem
    at = f" at {', '.join(dict.fromkeys(names))}" if names else ""
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
