"""What a benchmark reports: one goal, what it asks, what was reached."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Goal:
    """`base` is the bar, as text beside `reached`; `detail` says how it was measured; `met` whether it was reached."""

    number: int
    name: str
    base: str
    reached: str
    detail: str
    met: bool = True


def peak_of_this_process() -> float:
    """MB. Not `ru_maxrss`: that one is inherited from the process that started this one."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))
