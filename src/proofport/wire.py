"""HTTP as plain values: what an adapter asks for, what it gets back. No I/O here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `path` begins with a slash and is already percent-encoded.

    `lost` says what a missing answer means: "repeat" when sending the same again converges, "ask" when the adapter
    must look first (`OutcomeUnknown` is thrown into its flow). Before a `destructive` call the engine asks the guard.
    """

    operation: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = field(default=None, repr=False)
    content_type: str = "application/json"
    lost: Literal["repeat", "ask"] = "repeat"
    destructive: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The decoded body, or None when it is empty or not JSON: vendors answer errors with HTML, too."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None
