"""The layout of the tour: headings, commands, paragraphs, and the tables that only the tour has."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from proofport.accounting import Assurance, Status
from proofport.cli.push.report import by_problem, counts, line, print_problems, print_remarks
from proofport.delivery.report import RunReport
from proofport.testing import Running

NAMED = 3
"""At most this many ids of a vendor's object are named."""

ANSWER_HEADERS = ("Location", "Idempotent-Replayed")


class Narrator:
    """Prints the tour."""

    def __init__(self, out: Console) -> None:
        self.out = out

    def step(self, title: str, *commands: str) -> None:
        """Begin a part of the tour. `commands` are what a person would type for it."""
        self.out.print()
        self.out.print(Rule(Text(f" {title} ", style="bold"), align="left", style="cyan"))
        for each in commands:
            self.command(each)

    def command(self, words: str) -> None:
        self.say(f"$ {words}", "cyan")

    def say(self, words: str, style: str = "", *, indent: int = 0) -> None:
        line(self.out, words, style, indent=indent)

    def conclude(self, words: str) -> None:
        self.out.print()
        self.say(words, "bold")

    def document(self, document: Mapping[str, Any]) -> None:
        self.say(json.dumps(document), "dim", indent=2)

    def report(self, report: RunReport) -> None:
        """Print the report of a push, without its first and last line."""
        destinations = list(report.destinations.values())
        self.out.print(counts(destinations))
        for destination in destinations:
            print_remarks(self.out, destination)
        print_problems(self.out, destinations, None)

    def overview(self, reports: Sequence[RunReport]) -> None:
        """Print one line for each kind and destination."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("")
        table.add_column("", style="bold")
        for words, style in (("records", "bold"), ("confirmed", "green"), ("accepted", "green"), ("rejected", "red")):
            table.add_column(words, justify="right", style=style)
        for report in reports:
            for number, destination in enumerate(report.destinations.values()):
                tally = destination.tally
                delivered = (tally.assurance[level] for level in (Assurance.CONFIRMED, Assurance.ACCEPTED))
                numbers = (destination.input, *delivered, tally.status[Status.REJECTED])
                table.add_row("" if number else report.kind, destination.name, *(f"{count:,}" for count in numbers))
        self.out.print(table)

    def reasons(self, report: RunReport) -> None:
        """Print in short why records were rejected, with the destinations that reject what others take."""
        self.out.print()
        for problem, names in by_problem(list(report.destinations.values())).items():
            detail = problem.outcome.problem
            if detail is None:
                continue
            only = f" (only {', '.join(names)})" if len(names) < len(report.destinations) else ""
            text = Text(f"{problem.position}{only}", style="bold", overflow="fold")
            self.out.print(text.append(f"  {detail.field}: found {detail.found}", style="not bold red"))
            if detail.hint:
                self.say(detail.hint, "cyan", indent=2)

    def holdings(self, name: str, objects: Sequence[Mapping[str, Any]]) -> None:
        """Print what a vendor has, by its ids. `objects` is the overview of its emulator."""
        self.say(name, "bold")
        for each in objects:
            if each["count"]:
                ids = [str(record.get("id")) for record in each["records"][:NAMED]]
                more = f" and {each['count'] - len(ids)} more" if each["count"] > len(ids) else ""
                self.say(f"{each['title']}: {each['count']} records: {', '.join(ids)}{more}", indent=2)

    async def who_has(self, record_id: str, vendors: Mapping[str, Running], yes: str, no: str) -> None:
        """Print for each vendor, in the words given, if it has a record."""
        for name, vendor in vendors.items():
            has = any(record["id"] == record_id for each in await vendor.holdings() for record in each["records"])
            self.say(f"{name} {yes if has else no} {record_id}.", "bold")

    def answer(self, status: str, headers: Mapping[str, str]) -> None:
        """Print what `curl -i` shows of an answer, in short."""
        self.say(status, "bold")
        for name in ANSWER_HEADERS:
            if name in headers:
                self.say(f"{name}: {headers[name]}", "dim")
