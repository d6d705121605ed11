"""What is the same: a record body, and what the vendor holds of the record, was sent last, or shows.

Ids are compared as they are, letter by letter: `ids` finds two records with one id, `gone` an id without a record.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from proofport.adapter import Observed
from proofport.journal.contract import Known


def was_sent(last: Known | None, digest: int) -> bool:
    """True if the body with this digest is the last that was sent of the record, and is known to have arrived."""
    return last is not None and last.body == digest


# ------------------------------------------------------------------ what a list shows
def changes(record: Observed, body: Mapping[str, Any], *, partial: bool, sent: bool) -> list[str]:
    """The fields of a held record that sending `body` would change, or may change.

    Where the vendor does not show every field, those that it hides count as the same only if this very body was the
    last one `sent`.
    """
    names = _differing(body, record.fields, whole=record.whole, partial=partial)
    if names or record.whole or sent:
        return names
    return [name for name in body if name not in record.fields]


def _differing(body: Mapping[str, Any], held: Mapping[str, Any], *, whole: bool, partial: bool) -> list[str]:
    """The fields that are seen to differ.

    With `whole`, a field that is not seen is not there. A field that a body leaves out goes away then, unless the body
    is `partial`.
    """
    names = [name for name, value in body.items() if (name in held or whole) and not _same(value, held.get(name, ...))]
    return names + ([name for name in held if name not in body] if whole and not partial else [])


def _same(one: object, other: object) -> bool:
    """Equal as JSON: true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other


# ------------------------------------------------------------------ what can be read back
def differences(sent: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The fields that are shown otherwise than they were sent, with both values."""
    return {name: (value, shown.get(name)) for name, value in sent.items() if not _shown_as(value, shown.get(name))}


def _shown_as(sent: Any, shown: Any) -> bool:
    """Compare two values. Vendors give numbers as text, and times in other forms."""
    if isinstance(sent, bool) or isinstance(shown, bool):
        return sent is shown
    if sent == shown or None in (sent, shown):
        return bool(sent == shown)
    return str(sent) == str(shown) or (_moment(sent) is not None and _moment(sent) == _moment(shown))


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
