"""What a benchmark reports: one goal, what it asks, what was reached."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """`base` is the bar, as text beside `reached`; `detail` says how it was measured; `met` whether it was reached."""

    number: int
    name: str
    base: str
    reached: str
    detail: str
    met: bool = True
