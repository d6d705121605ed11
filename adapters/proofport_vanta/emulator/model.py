"""The state of the emulated Vanta: applications, their resources with all rows, and their tokens."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

Definition: TypeAlias = dict[str, Any]
"""In JSON Type Definition: the own properties of a custom resource."""


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """One record that was sent, once or often."""

    body: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    #: None: it was in the last set.
    deleted_at: datetime | None = None


Rows: TypeAlias = Mapping[str, Row]
"""By uniqueId."""


@dataclass(slots=True)
class Resource:
    """One resource of an application, made by hand in the web application."""

    id: str
    base_type: str
    slug: str | None = None
    #: The kind of evidence that the seed makes it for. Not a thing of the vendor.
    kind: str | None = None
    #: None: the base type has no own properties.
    definition: Definition | None = None
    rows: Rows = field(default_factory=dict)
    #: What lists still show, and how many more of them.
    former: Rows = field(default_factory=dict)
    stale: int = 0
    #: What the pages of the last list are cut from.
    listed: Rows = field(default_factory=dict)

    def sync(self, bodies: Iterable[dict[str, Any]], *, restores: bool, stale: int) -> None:
        """Replace all rows. What is missing is gone; `restores`: what was gone before, and is sent again, is not."""
        when, rows = now(), dict(self.rows)
        for body in bodies:
            before = self.rows.get(body["uniqueId"])
            gone = before.deleted_at if before and not restores else None
            rows[body["uniqueId"]] = Row(body, before.created_at if before else when, when, gone)
        for key, row in self.rows.items():
            if rows[key] is row and row.deleted_at is None:
                rows[key] = replace(row, deleted_at=when)
        if stale and not self.stale:
            self.former = self.rows
        self.rows, self.stale = rows, stale

    def show(self) -> Rows:
        """The rows that a list shows from its first page on."""
        self.listed = self.former if self.stale else self.rows
        self.stale -= bool(self.stale)
        return self.listed

    def live(self) -> list[dict[str, Any]]:
        return [row.body for row in self.rows.values() if row.deleted_at is None]


@dataclass(slots=True)
class Application:
    """One application of the developer console."""

    client_id: str
    client_secret: str
    name: str = ""
    #: Only a token of `build` may use resources.
    type: Literal["build", "manage"] = "build"
    resources: dict[str, Resource] = field(default_factory=dict)

    def find(self, base_type: str, resource_id: str) -> Resource | None:
        """The resource with this id or slug."""
        for each in self.resources.values():
            if resource_id in (each.id, each.slug) and each.base_type == base_type:
                return each
        return None


@dataclass(frozen=True, slots=True)
class Token:
    application: Application
    scopes: frozenset[str]
    #: In the seconds of the emulator's clock.
    ends: float


class Company:
    """Everything behind one emulator."""

    def __init__(self) -> None:
        #: By client id.
        self.applications: dict[str, Application] = {}
        self.tokens: dict[str, Token] = {}

    def mint(self, token: Token, *, revokes: bool) -> str:
        """A new token. `revokes`: no other of its application lives on."""
        if revokes:
            others = {text: each for text, each in self.tokens.items() if each.application is not token.application}
            self.tokens = others
        text = f"vat_{secrets.token_urlsafe(24)}"
        self.tokens[text] = token
        return text
