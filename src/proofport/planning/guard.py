"""May this set replace the one before? The share of ids that would be gone decides, not the size of the set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofport.errors import GuardRefused


@dataclass(frozen=True, slots=True)
class Change:
    """What a snapshot would make disappear: `gone` of the `previous` ids are not in the new set."""

    previous: int
    gone: int
    new: int

    @property
    def share(self) -> float:
        return self.gone / self.previous if self.previous else 0.0


def judge(change: Change, *, max_gone: float, incomplete: Sequence[str], may_be_empty: bool = False) -> None:
    """Raise GuardRefused, saying why, unless the set may replace the one before."""
    if incomplete:
        raise GuardRefused(
            f"the source was not read to its end: {'; '.join(incomplete)}",
            hint="Fetch the rest and push all parts in one snapshot; what is missing would look deleted.",
        )
    if change.new == 0 and not may_be_empty:
        raise GuardRefused(
            "the new set is empty", hint="An empty set usually means a failed export; remove records by id instead."
        )
    if change.share > max_gone:
        raise GuardRefused(
            f"{change.gone} of {change.previous} records held now would be gone ({change.share:.0%}, "
            f"allowed {max_gone:.0%})",
            hint='If they are really gone, push again with --override-guard "why".',
        )
