"""The layout of the tour: headings, commands, paragraphs, and what only the tour prints."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import click

from proofport.accounting import Assurance, Status
from proofport.cli.output import echo, show
from proofport.delivery.report.report import RunReport
from proofport.testing import Running

NAMED = 3
"""At most this many ids of a vendor's object are named."""

ANSWER_HEADERS = ("Location", "Idempotent-Replayed")


class Narrator:
    """Prints the tour. `vendors` are the emulators that run."""

    def __init__(self, vendors: Mapping[str, Running]) -> None:
        self.vendors = vendors

    def step(self, title: str, *commands: str) -> None:
        """Begin a part of the tour. `commands` are what a person would type for it."""
        echo(f"\n{click.style('──', fg='cyan')} {click.style(title, bold=True)} {click.style('──', fg='cyan')}")
        for each in commands:
            self.command(each)

    def command(self, words: str) -> None:
        show(f"$ {words}", fg="cyan")

    def overview(self, reports: Sequence[RunReport]) -> None:
        """Print one line for each kind and destination."""
        kinds, names = max(len(report.kind) for report in reports) + 2, max(map(len, self.vendors)) + 2
        titles = f"{'records':>8}{'confirmed':>10}{'accepted':>9}{'withheld':>9}{'rejected':>9}"
        echo(click.style(f"{'':{kinds + names}}{titles}", bold=True))
        for report in reports:
            for number, each in enumerate(report.destinations.values()):
                level, status = each.tally.assurance, each.tally.status
                delivered = f"{level[Assurance.CONFIRMED]:>10}{level[Assurance.ACCEPTED]:>9}"
                place = f"{'' if number else report.kind:{kinds}}{each.name:{names}}"
                rest = f"{status[Status.WITHHELD]:>9}{status[Status.REJECTED]:>9}"
                echo(f"{place}{each.input:>8}{delivered}{rest}")

    async def holdings(self) -> None:
        """Print what each vendor has, by its ids."""
        for name, vendor in self.vendors.items():
            show(name, bold=True)
            for each in await vendor.holdings():
                ids = ", ".join(str(record.get("id")) for record in each["records"][:NAMED])
                if each["count"]:
                    more = ", …" if each["count"] > NAMED else ""
                    show(f"{each['title']}: {each['count']} records: {ids}{more}", "  ")

    async def who_has(self, record_id: str, yes: str, no: str, *, of: Collection[str] = ()) -> None:
        """Print for each vendor, or those `of` these names, in the words given, if it has a record."""
        for name, vendor in self.vendors.items():
            if of and name not in of:
                continue
            has = any(record["id"] == record_id for each in await vendor.holdings() for record in each["records"])
            show(f"{name} {yes if has else no} {record_id}.", bold=True)

    def answer(self, status: str, headers: Mapping[str, str]) -> None:
        """Print what `curl -i` shows of an answer, in short."""
        show(status, bold=True)
        for name in ANSWER_HEADERS:
            if name in headers:
                show(f"{name}: {headers[name]}", dim=True)
