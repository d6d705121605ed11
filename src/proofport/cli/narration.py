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
from proofport.delivery.report import RunReport


def step(out: Console, title: str, command: str | None = None) -> None:
    """Begin a part of the tour; `command` is what a person would type for it."""
    out.print()
    out.print(Rule(Text(f" {title} ", style="bold"), align="left", style="cyan"))
    if command:
        out.print(Text(f"$ {command}", style="cyan"))


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
    line(out, "On this tour each compliance product is imitated on this machine. Nothing leaves it:")
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
        "A set with mistakes never replaces the one a vendor holds: where the vendor can swap whole sets, nothing "
        "was swapped. Where it takes records one by one, the good ones are there.",
        "bold",
    )


def before_everything(out: Console, tolerated: int) -> None:
    line(out, f"How many bad records a set survives is yours to say: `guard: {{max_rejected: {tolerated}}}`.")
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


def holdings(out: Console, name: str, objects: Sequence[Mapping[str, Any]]) -> None:
    """What a vendor's emulator holds, by the ids; `objects` is its overview."""
    line(out, name, "bold")
    for each in objects:
        if each["count"]:
            ids = ", ".join(str(record.get("id")) for record in each["records"])
            text = Text(f"{each['title']}: ", overflow="fold").append(f"{each['count']} records: ").append(ids, "dim")
            out.print(Padding(text, (0, 0, 0, 2)))


def closing(out: Console) -> None:
    step(out, "That was all")
    line(out, "Nothing was kept. Your own evidence: `proofport init`, `proofport doctor`, `proofport push`.")
