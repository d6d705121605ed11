"""The layout of the tour: headings, commands, paragraphs, and what only the tour prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from proofport.accounting import Assurance, Status
from proofport.cli.push.report import line
from proofport.delivery.report import RunReport
from proofport.testing import Running

NAMED = 3
"""At most this many ids of a vendor's object are named."""

ANSWER_HEADERS = ("Location", "Idempotent-Replayed")


class Narrator:
    """Prints the tour. `vendors` are the emulators that run."""

    def __init__(self, out: Console, vendors: Mapping[str, Running]) -> None:
        self.out = out
        self.vendors = vendors

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

    def overview(self, reports: Sequence[RunReport]) -> None:
        """Print one line for each kind and destination."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("")
        table.add_column("", style="bold")
        for words, style in (("records", "bold"), ("confirmed", "green"), ("accepted", "green"), ("rejected", "red")):
            table.add_column(words, justify="right", style=style)
        for report in reports:
            for number, destination in enumerate(report.destinations.values()):
                level, status = destination.tally.assurance, destination.tally.status
                numbers = (level[Assurance.CONFIRMED], level[Assurance.ACCEPTED], status[Status.REJECTED])
                table.add_row("" if number else report.kind, destination.name, *map(str, (destination.input, *numbers)))
        self.out.print(table)

    async def holdings(self) -> None:
        """Print what each vendor has, by its ids."""
        for name, vendor in self.vendors.items():
            self.say(name, "bold")
            for each in await vendor.holdings():
                ids = ", ".join(str(record.get("id")) for record in each["records"][:NAMED])
                if each["count"]:
                    more = ", …" if each["count"] > NAMED else ""
                    self.say(f"{each['title']}: {each['count']} records: {ids}{more}", indent=2)

    async def who_has(self, record_id: str, yes: str, no: str) -> None:
        """Print for each vendor, in the words given, if it has a record."""
        for name, vendor in self.vendors.items():
            has = any(record["id"] == record_id for each in await vendor.holdings() for record in each["records"])
            self.say(f"{name} {yes if has else no} {record_id}.", "bold")

    def answer(self, status: str, headers: Mapping[str, str]) -> None:
        """Print what `curl -i` shows of an answer, in short."""
        self.say(status, "bold")
        for name in ANSWER_HEADERS:
            if name in headers:
                self.say(f"{name}: {headers[name]}", "dim")
