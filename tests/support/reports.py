"""Short words for what a report of a push says. A destination need not be named where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofport.accounting import Status
from proofport.delivery.report.report import DestinationReport, RunReport

FIVE = tuple(status.value for status in Status)


def of(report: RunReport, name: str | None = None) -> DestinationReport:
    if name is not None:
        return report.destinations[name]
    [only] = report.destinations.values()
    return only


def counts(report: RunReport, name: str | None = None) -> dict[str, int]:
    """How many records have which outcome, without zeros. They sum to the input."""
    books = of(report, name).as_dict()
    assert sum(books[word] for word in FIVE) == books["input"]
    return {word: books[word] for word in FIVE if books[word]}


def problems(report: RunReport, name: str | None = None) -> list[str]:
    return [f"{row.id}: {row.outcome.problem}" for row in of(report, name).problems]


def notes(report: RunReport, name: str | None = None) -> str:
    return " ".join(of(report, name).notes)


def balanced(report: Mapping[str, Any]) -> None:
    """Check the books of a report that was printed as JSON."""
    for books in report["destinations"].values():
        assert sum(books[word] for word in FIVE) == books["input"]
        left = [books.get("skipped", {}), *(source.get("skipped", {}) for source in report["sources"])]
        read = sum(source["read"] for source in report["sources"])
        assert books["input"] + sum(sum(each.values()) for each in left) == read
        assert sum(books["assurance"].values()) == books["delivered"]
