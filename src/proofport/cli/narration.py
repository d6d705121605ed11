"""The words of the tour, and how they are set: headings, paragraphs, the two tables that only the tour has."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from proofport.accounting import Assurance, Status
from proofport.cli.report import by_problem
from proofport.delivery.report import RunReport

SHOWN = 3
ANSWER_HEADERS = ("Location", "Idempotent-Replayed")


def step(out: Console, title: str, *commands: str) -> None:
    """Begin a part of the tour; `commands` are what a person would type for it."""
    out.print()
    out.print(Rule(Text(f" {title} ", style="bold"), align="left", style="cyan"))
    for each in commands:
        command(out, each)


def command(out: Console, words: str) -> None:
    out.print(Text(f"$ {words}", style="cyan"))


def line(out: Console, words: str, style: str = "") -> None:
    out.print(Text(words, style=style, overflow="fold"))


def opening(out: Console, origins: Mapping[str, str]) -> None:
    line(
        out,
        "Auditors ask for evidence: which machines run, who has an account, who did the training. Your tools know. "
        "Compliance products want to be told, each in a form of its own. proofport takes what your tools print, "
        "delivers it to all of them, and accounts for every record.",
    )
    out.print()
    line(out, "On this tour the products are imitated on this machine, and nothing leaves it:")
    for name, origin in origins.items():
        line(out, f"  {name}  {origin}", "bold")


def before_one_record(out: Console, record: Mapping[str, Any]) -> None:
    line(out, "The cloud's own tool describes a machine like this:")
    out.print(Padding(Text(json.dumps(record), style="dim", overflow="fold"), (0, 0, 0, 2)))
    line(out, "Each vendor is sent exactly this; what the tool did not say is not made up:")


def after_a_first_push(out: Console) -> None:
    out.print()
    line(
        out,
        "Where a vendor swaps whole sets, a set with mistakes in it does not replace the one it holds. Where a vendor "
        "takes records one by one, the good ones are there. Every bad record is named, with what would be right.",
        "bold",
    )


def before_everything(out: Console, tolerated: int) -> None:
    line(
        out,
        f"How many bad records a set survives is yours to say, in proofport.yaml: guard: {{max_rejected: {tolerated}}}",
    )
    out.print()


def overview(reports: Sequence[RunReport]) -> Table:
    """One line a kind and destination."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    table.add_column("")
    for words in ("records", "confirmed", "accepted", "rejected"):
        table.add_column(words, justify="right")
    for report in reports:
        for number, destination in enumerate(report.destinations.values()):
            tally = destination.tally
            numbers = (
                (destination.input, "bold"),
                (tally.assurance[Assurance.CONFIRMED], "green"),
                (tally.assurance[Assurance.ACCEPTED], "green"),
                (tally.status[Status.REJECTED], "red"),
            )
            cells = [Text(f"{count:,}", style=style if count else "dim") for count, style in numbers]
            table.add_row("" if number else report.kind, Text(destination.name, style="bold"), *cells)
    return table


def reasons(out: Console, reports: Sequence[RunReport]) -> None:
    """Why records were refused, in short; with the destinations that refuse what others take."""
    for report in reports:
        out.print()
        for problem, names in by_problem(list(report.destinations.values())).items():
            detail = problem.outcome.problem
            if detail is None:
                continue
            only = f" (only {', '.join(names)})" if len(names) < len(report.destinations) else ""
            text = Text(f"{problem.position}{only}", style="bold", overflow="fold")
            out.print(text.append(f"  {detail.field}: found {detail.found}", style="not bold red"))
            if detail.hint:
                out.print(Padding(Text(detail.hint, style="cyan", overflow="fold"), (0, 0, 0, 2)))


def holdings(out: Console, name: str, objects: Sequence[Mapping[str, Any]]) -> None:
    """What a vendor's emulator holds, by the ids; `objects` is its overview."""
    line(out, name, "bold")
    for each in objects:
        if each["count"]:
            text = Text(f"{each['title']}: {each['count']} records: ", overflow="fold")
            ids = [str(record.get("id")) for record in each["records"][:SHOWN]]
            more = f" and {each['count'] - len(ids)} more" if each["count"] > len(ids) else ""
            out.print(Padding(text.append(", ".join(ids) + more, "dim"), (0, 0, 0, 2)))


def after_a_leaver(out: Console) -> None:
    out.print()
    line(
        out,
        "Where a vendor swaps whole sets, who is not in the new one is gone. Where it has no call to take a record "
        "away, proofport says so, and whom it concerns.",
        "bold",
    )


def before_a_post(out: Console, origin: str, post: str) -> None:
    line(out, f"listening on {origin}")
    line(
        out,
        "A webhook or a cron job posts to it. Evidence is accepted once it is durable, and delivered after that. Just "
        "now the vendors do not answer:",
    )
    command(out, f"RELAY={origin}")
    command(out, post)


def answered(out: Console, status: str, headers: Mapping[str, str]) -> None:
    """What `curl -i` shows of an answer, in short."""
    line(out, status, "bold")
    for name in ANSWER_HEADERS:
        if name in headers:
            line(out, f"{name}: {headers[name]}", "dim")


def before_a_repeat(out: Console) -> None:
    out.print()
    line(out, "Whoever saw no answer posts the same again, under the same key. It gets the first answer:")


def after_a_post(out: Console) -> None:
    out.print()
    line(
        out,
        "What the relay has said yes to is delivered, whatever becomes of the relay; what is posted twice under one "
        "key is accepted once.",
        "bold",
    )


def closing(out: Console) -> None:
    step(out, "That was all")
    line(out, "Nothing was kept. Your own evidence: `proofport init`, `proofport doctor`, `proofport push`.")
