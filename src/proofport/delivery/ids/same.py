"""Decides what is the same: two ids; a record body and what the vendor holds, was sent last, or shows of the record.

Ids are compared by their keys. `ids` finds two records with one key, `gone` a key without a record.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from proofport.adapter import Batch, Observed
from proofport.journal.contract import Known

_ADDRESS = re.compile(r"""[^\s@/\\:;,|"()<>\[\]]+@[^\s@/\\:;,|"()<>\[\]]+\.[^\W\d_]{2,}""")
"""An e-mail address. It ends in letters, so that the name and version of a package (`left-pad@1.3.0`) is none."""


AZURE = "/subscriptions/"
"""Begins the resource ids of Azure. Its answers may change the case of names, which are always compared without it:
https://learn.microsoft.com/en-us/azure/azure-resource-manager/management/resource-name-rules"""


# ------------------------------------------------------------------ ids
def key_of(record_id: str, *, fold: bool = False) -> str:
    """The text that an id is compared by, the same for every spelling of the id.

    Blanks around an id do not count, nor does the case of an e-mail address that is the id, or a part of it between
    slashes, nor the case of a resource id of Azure. `fold`: the source mapping says that case never counts. A blank
    id has no key: it is empty.
    """
    text = record_id.strip()
    if "@" in text:
        text = "/".join(map(_address_key, text.split("/")))
    return text.casefold() if fold or _is_azure(text) else text


def _is_azure(text: str) -> bool:
    return text[: len(AZURE)].casefold() == AZURE


def _address_key(text: str) -> str:
    bare = text.strip()
    return bare.casefold() if _ADDRESS.fullmatch(bare) else text


def keys_of(ids: Sequence[str], *, fold: bool = False) -> Sequence[str]:
    """The key of each id; `ids` itself where all of them are their own keys, which is found out for all at once."""
    text = "\n".join(ids)
    if not fold and "@" not in text and AZURE not in text.casefold():
        keys = list(map(str.strip, ids))
        return ids if keys == ids else keys
    if text.casefold() == text and "\n".join(text.split()) == text and text.count("\n") == len(ids) - 1:
        return ids
    keys = [key_of(each, fold=fold) for each in ids]
    return ids if keys == ids else keys


def keys_in(batch: Batch) -> Sequence[str]:
    """The key of each record of a batch."""
    return batch.keys or batch.ids


def spellings_of(batch: Batch) -> Sequence[str | None]:
    """The id of each record where it is not the key, else None. Empty: all are their keys."""
    if not batch.keys:
        return ()
    return [None if each == key else each for each, key in zip(batch.ids, batch.keys, strict=True)]


# ------------------------------------------------------------------ what was sent last
def was_sent(last: Known | None, digest: int) -> bool:
    """True if the body with this digest is the last that was sent of the record, and is known to have arrived."""
    return last is not None and last.body == digest


# ------------------------------------------------------------------ what a list shows
def changes(record: Observed, body: Mapping[str, Any], *, partial: bool, sent: bool) -> list[str]:
    """The fields of a held record that sending `body` would change, or may change.

    Where the vendor does not show every field, those that it hides count as the same only if this very body was the
    last one `sent`. The id is not named beside others, and what is shown and not in the body any more is.
    """
    names = _differing(body, record.fields, whole=record.whole, partial=partial)
    if names or record.whole or sent:
        return names
    hidden = [name for name in body if name not in record.fields]
    dropped = [name for name, shown in record.fields.items() if name not in body and shown is not None and not partial]
    return dropped + [name for name in hidden if body[name] != record.id] or hidden


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
