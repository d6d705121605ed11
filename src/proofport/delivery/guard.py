"""Decides whether a set may take the place of the one before. The share of ids that would be gone counts, not sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from proofport.delivery.left_out import SourcesBefore, WantedSources
from proofport.delivery.whole import require_read_to_end
from proofport.errors import GuardRefused


@dataclass(frozen=True, slots=True)
class Change:
    """The effect of a snapshot on the set before."""

    #: Ids in the set before.
    previous: int
    #: Those of them that are not in the new set.
    gone: int
    #: Records in the new set.
    new: int

    @property
    def share(self) -> float:
        return self.gone / self.previous if self.previous else 0.0


@dataclass(frozen=True, slots=True)
class Terms:
    """The conditions under which a snapshot may take the place of the last one."""

    #: The largest share of the previous ids that may be gone.
    max_gone: float
    #: The largest number of rejected records.
    max_rejected: int
    #: A person's reason to let any change through.
    override: str | None = None
    sources: WantedSources = field(default_factory=WantedSources)  #: Those of the run.

    def allow(
        self,
        change: Change,
        incomplete: Sequence[str],
        before: SourcesBefore | None = None,
        *,
        may_be_empty: bool = False,
    ) -> None:
        """Raise GuardRefused, with the reason, unless the new set may take the place of the one before.

        `incomplete` says of each input that was not read to its end, why; `before` is where the set before came
        from, where that is known. An override lets everything through but an
        empty set, which no vendor can take.
        """
        if self.override is None:
            require_read_to_end(incomplete)
            if before is not None:
                before.require_all()
        if change.new == 0 and not may_be_empty:
            raise GuardRefused(
                "the new set is empty", hint="An empty set usually means a failed export; remove records by id instead."
            )
        if self.override is None and change.share > self.max_gone:
            raise GuardRefused(
                f"{change.gone} of {change.previous} records held now would be gone ({change.share:.0%}, "
                f"allowed {self.max_gone:.0%})",
                hint='If they are really gone, push again with --override-guard "why".',
            )
        if self.override is None and before is not None and not may_be_empty:
            before.require_most(self.max_gone)
