"""The goals of `make bench`: one row has one or several, each with the base that must hold and the figure reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SUITES: Mapping[str, Sequence[int]] = {
    "mapping": (1, 2, 3, 4),
    "end_to_end": (6, 7),
    "memory": (10,),
    "relay": (11, 12),
    "startup": (13,),
    "journal": (15,),
    "postgres": (16,),
    "requests": (20,),
    "budget": (21,),
    "coalesced": (22,),
    "growth": (23,),
    "receipts": (24, 25),
    "hostile": (26,),
}
"""The module of each suite, and the numbers of its rows."""

_FORMATS = {"x": "{:.3g}x", "%": "{:.3g} %", "MB": "{:.0f} MB", "ms": "{:.0f} ms", "": "{:,.0f}"}


@dataclass(frozen=True, slots=True)
class Goal:
    """One line of the result."""

    number: int
    name: str
    #: What is asked, as text. Empty: nothing, the figure is for comparison.
    base: str
    reached: str
    #: How it was measured, and the figures behind the ratio.
    detail: str
    met: bool = True


@dataclass(frozen=True, slots=True)
class Base:
    """What must hold. Percentages are given as numbers: 65 is 65 %."""

    number: int
    limit: float
    unit: Literal["x", "%", "MB", "ms", ""] = "x"
    at_most: bool = False

    def goal(self, name: str, figure: float, detail: str) -> Goal:
        """The figure beside the base."""
        met = figure <= self.limit if self.at_most else figure >= self.limit
        show = _FORMATS[self.unit].format
        return Goal(self.number, name, self._text, show(figure), detail, met)

    def skipped(self, name: str, why: str) -> Goal:
        """A row that cannot be measured on this machine. It does not count as missed."""
        return Goal(self.number, name, self._text, "skipped", why)

    @property
    def _text(self) -> str:
        return f"{'<=' if self.at_most else '>='} {self.limit:g}{' ' * (self.unit in ('%', 'MB', 'ms'))}{self.unit}"


FIND, HAND_WRITTEN = Base(1, 15), Base(2, 65, "%")
DIFFERENCES = Base(3, 0, "", at_most=True)
LINE_TO_BODY = Base(4, 40, "%")
PUSH = Base(6, 40, "%")
DLT, JQ, NODE = Base(7, 7), Base(7, 3), Base(7, 0.7)
PEAK, PEAK_GROWTH = Base(10, 80, "MB", at_most=True), Base(10, 5, "%", at_most=True)
UNSTORED = Base(11, 50, "%")
PLAIN_HANDLER, TAIL = Base(12, 1.8), Base(12, 5, at_most=True)
VERSION, HELP = Base(13, 1.5, at_most=True), Base(13, 6, at_most=True)
EMBEDDED, POSTGRES = Base(15, 0.75), Base(16, 0.75)
REQUESTS = Base(20, 0, "", at_most=True)
BUDGET_TIME, REFUSED = Base(21, 1.25, at_most=True), Base(21, 0, "", at_most=True)
WAITING, WAITING_TAIL = Base(22, 2, at_most=True), Base(22, 5, at_most=True)
GROWTH, GROWTH_MEMORY = Base(23, 1.3, at_most=True), Base(23, 10, "%", at_most=True)
GROWTH_PEAK = Base(23, 200, "MB", at_most=True)
FOUND, ADDED = Base(24, 100, "%"), Base(25, 5, "%", at_most=True)
DELAY = Base(26, 100, "ms", at_most=True)


def peak_of_this_process() -> float:
    """MB. Not `ru_maxrss`: that one is inherited from the process that started this one."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))
