"""Values that stand in tests for those of a sample: of the same shape, and nobody's."""

from __future__ import annotations

import re
from typing import Any

from proofport.mapping.draft import values as shapes

LONGEST = 40
KEPT = {
    "state", "region", "platform", "os_name", "os_version", "make", "model", "cpu", "memory", "auth_method",
    "permission_level", "provider", "type", "mfa_methods",
}  # fmt: skip
"""Fields whose words say nothing of anybody."""
FIRST = ("Ana", "Bo", "Chi", "Dee", "Eli", "Fay")
LAST = ("Berg", "Ek", "Lund", "Moe", "Nys", "Oja")
ACCOUNTS = ("123456789012", "210987654321")


class StandIns:
    """Gives each value of a sample one other, the same wherever the value stands."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, Any], Any] = {}
        self._counts: dict[str, int] = {}

    def of(self, value: Any, field: str, *, kept: bool) -> Any:
        """Another value for that of a column that is read for a field. `kept`: a rule compares its words."""
        if value is None or value == "" or isinstance(value, bool | float):
            return value
        if isinstance(value, str) and (known := self._shaped(value.strip(), field)) is not None:
            return known
        if kept or field in KEPT or shapes.stands_for_nothing(value):
            return value[:LONGEST] if isinstance(value, str) else value
        if isinstance(value, int):
            return 1_000 + self._number("id", value) if field == "id" else value
        mark = next(iter(shapes.separators([value])), None)
        if field in ("roles", "frameworks") and mark is not None:
            return mark.join(self._text(part, field) for part in value.split(mark))
        return self._text(value, field)

    def _shaped(self, text: str, field: str) -> str | None:
        """For a value that is told by its shape."""
        if field == "mac_address" and shapes.MAC.fullmatch(text):
            return f"02:00:5e:00:53:{self._number('mac', text) % 256:02x}"
        if shapes.EMAIL.fullmatch(text):
            return f"{self._one_of(FIRST, 'person', text).lower()}@example.com"
        if shapes.ARN.fullmatch(text):
            return self._arn(text)
        if shapes.ACCOUNT_NUMBER.fullmatch(text):
            return self._one_of(ACCOUNTS, "account", text)
        if shapes.URL.fullmatch(text):
            return self._address(text)
        if shapes.UUID.fullmatch(text):
            return f"00000000-0000-4000-8000-{self._number('uuid', text):012}"
        if text.startswith("/") and text.count("/") > 3:
            return self._path(text)
        return f"192.0.2.{self._number('ip', text) % 256}" if shapes.IP.fullmatch(text) else None

    def _arn(self, text: str) -> str:
        *front, account, what = text.split(":", 5)
        kind = re.match(r"[a-z-]+[/:]", what)
        name = f"{kind[0] if kind else ''}example-{self._number('arn', text)}"
        return ":".join([*front, self._one_of(ACCOUNTS, "account", account) if account else "", name])

    def _path(self, text: str) -> str:
        """Of an id made of names: `/subscriptions/…/resourceGroups/…/…`. What stands after a name is somebody's own."""
        parts = text.split("/")
        own = {2, 4, len(parts) - 1}
        return "/".join(
            part if n not in own else self._shaped(part, "uuid") or f"example-{self._number('name', part)}"
            for n, part in enumerate(parts)
        )

    def _address(self, text: str) -> str:
        scheme, _, host, *parts = text.split("/")
        if not any(shapes.REGION.fullmatch(label) for label in host.split(".")):
            return f"https://example.com/{self._number('address', text)}"
        safe = [
            self._one_of(ACCOUNTS, "account", part) if shapes.ACCOUNT_NUMBER.fullmatch(part) else part for part in parts
        ]
        return "/".join([scheme, "", host, *safe[:-1], f"example-{self._number('address', text)}"])

    def _text(self, text: str, field: str) -> str:
        if field in ("first_name", "preferred_first_name"):
            return self._one_of(FIRST, "first", text)
        if field == "last_name":
            return self._one_of(LAST, "last", text)
        if field in ("full_name", "manager_name"):
            return f"{self._one_of(FIRST, 'full', text)} {self._one_of(LAST, 'full', text)}"
        if field == "username":
            return self._one_of(FIRST, "person", text).lower()
        word = {"serial_number": "SN-EXAMPLE", "owner_id": "id", "manager_id": "id"}.get(field, field.replace("_", "-"))
        return f"{word}-{self._number(word, text)}"

    def _one_of(self, words: tuple[str, ...], what: str, value: str) -> str:
        number = self._number(what, value)
        again = (number - 1) // len(words)
        return words[(number - 1) % len(words)] + (str(again + 1) if again else "")

    def _number(self, what: str, value: Any) -> int:
        if (what, value) not in self._made:
            self._counts[what] = self._counts.get(what, 0) + 1
            self._made[what, value] = self._counts[what]
        number: int = self._made[what, value]
        return number
