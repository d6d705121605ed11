"""Rules of a source mapping that match nothing: counted in finished evidence, and never in all of a large input."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import contains
from typing import Any

from proofport.evidence import Neutral
from proofport.text.wording import listing

ALL_OF_THE_FIRST, ONE_BLOCK_OF = 1_000, 8
"""Looking costs half a microsecond a record where five rules match nothing: of what follows the first records, an
eighth is looked at."""


class Unmatched:
    """The fields of one source that no record has had yet, of those that were looked at."""

    def __init__(self, fields: Iterable[str], before: Iterable[str] = ()) -> None:
        self.fields = set(fields)
        #: The fields that had values in the last complete run.
        self._before = frozenset(before)
        #: All that could have matched.
        self._all = frozenset(self.fields)
        #: Those of which more is said elsewhere.
        self.told = set[str]()
        #: The records that the mapping has made evidence of.
        self.records = 0
        self.looked_at = 0
        self._blocks = 0

    def look(self, block: Sequence[Neutral]) -> None:
        """Take out the fields that a record of a block has."""
        self.records += len(block)
        if not self.fields:
            return
        self._blocks += 1
        if self.looked_at < ALL_OF_THE_FIRST or not self._blocks % ONE_BLOCK_OF:
            self.looked_at += len(block)
            self.fields -= {field for field in self.fields if any(map(contains, block, repeat(field)))}

    def joined(self, other: Unmatched) -> Unmatched:
        """Both as one: the fields that no record of either has had."""
        found = Unmatched(self._all | other._all, self._before | other._before)
        found.fields, found.told = self.fields & other.fields, self.told | other.told
        found.records, found.looked_at = self.records + other.records, self.looked_at + other.looked_at
        return found

    @property
    def matched(self) -> list[str] | None:
        """The fields that some record has. None where no field was looked for, or there was no record."""
        return sorted(self._all - self.fields) if self._all and self.records else None

    def __bool__(self) -> bool:
        return bool(self.records and self.fields)

    @property
    def lost(self) -> list[str]:
        """The fields that had values in the last complete run, and have none now."""
        return sorted(self.fields & self._before) if self.records else []

    @property
    def is_news(self) -> bool:
        return bool(self and self.fields - self.told)

    def __str__(self) -> str:
        rest = sorted(self.fields - self.told)
        others = "" if self.looked_at == self.records else " (the others were not looked at)"
        lost = [field for field in self.lost if field in rest]
        last = f". {listing(lost)} had values in the last complete run" if lost else ""
        return f"{listing(rest)}: matched nothing in {self.looked_at:,} of {self.records:,}{others}{last}"

    def as_dict(self) -> dict[str, Any]:
        lost = {"lost": self.lost} if self.lost else {}
        return {"fields": sorted(self.fields), "looked_at": self.looked_at, "records": self.records, **lost}
