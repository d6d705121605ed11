"""The records that were not delivered, as a receipt tells of them: how many, and why. Their ids stand beside it."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from typing import IO, Any

from proofport.accounting import Outcome
from proofport.audit.envelope import canonical
from proofport.audit.keys import SigningKey

PLAIN = "ids.plain"
"""The list of plain ids beside a receipt, which holds no digest of it: a short list could be guessed from that."""

MOST_IDS = 100
"""Ids that are listed in a receipt with `ids: plain`. All of them are in the list beside it."""

MOST_PROBLEMS = 50
"""Kinds of problems that a receipt counts. The others are counted together."""

OTHERS = "", "others"
LONGEST_NAME = 120
"""Characters of a field's name, and of what was expected of it."""


class Refused:
    """Collects records that were neither delivered nor unchanged. Whoever makes it closes it."""

    def __init__(self, key: SigningKey, *, plain: bool) -> None:
        """`plain`: the first ids stand in the receipt."""
        self._key = key
        self._plain = plain
        self._lists: dict[str, IO[bytes]] = {}
        self._count = 0
        #: How often each field was refused, with what was expected of it. What was found is the record's content.
        self._problems: Counter[tuple[str, str]] = Counter()
        self._first_ids: list[dict[str, str | None]] = []

    def add(self, record_id: str | None, outcome: Outcome) -> None:
        if (problem := outcome.problem) is not None:
            kind = (problem.field or "")[:LONGEST_NAME], problem.expected[:LONGEST_NAME]
            self._problems[kind if kind in self._problems or len(self._problems) < MOST_PROBLEMS else OTHERS] += 1
        row: dict[str, str | None] = {"outcome": outcome.status.value, "reason": outcome.reason}
        self._write("ids", row | {"hmac": None if record_id is None else self._key.blinded(record_id)})
        self._write(PLAIN, row | {"id": record_id})
        self._count += 1
        if len(self._first_ids) < MOST_IDS:
            self._first_ids.append(row | {"id": record_id})

    def _write(self, name: str, row: Mapping[str, str | None]) -> None:
        if name not in self._lists:
            self._lists[name] = tempfile.TemporaryFile(prefix="proofport-")  # noqa: SIM115 - `close` closes it
        self._lists[name].write(canonical(row) + b"\n")

    def files(self) -> dict[str, bytes]:
        """The lists that are kept beside the receipt, by name."""
        found = {}
        for name, kept in self._lists.items():
            kept.seek(0)
            found[name] = kept.read()
        return found

    def told(self) -> dict[str, Any]:
        """As it stands in the receipt. No id is in it, unless that was wanted."""
        return {
            "form": "hmac-sha256",
            "count": self._count,
            "problems": [
                {"field": field, "expected": expected, "count": count}
                for (field, expected), count in self._problems.most_common()
            ],
            **({"first": self._first_ids} if self._plain else {}),
        }

    def close(self) -> None:
        for kept in self._lists.values():
            kept.close()
