"""The shapes of values: addresses, times, numbers, and words that mean yes, no, or one of a few."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

EMAIL = re.compile(r"[^@\s,;:<>]+@[^@\s,;:<>]+\.[A-Za-z]{2,}")
MAC = re.compile(r"(?i)[0-9a-f]{2}([:-]?[0-9a-f]{2}){5}|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}")
UUID = re.compile(r"(?i)\{?[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\}?")
IP = re.compile(r"\d{1,3}(\.\d{1,3}){3}|(?=.*:.*:)[0-9A-Fa-f:]{3,39}")
URL = re.compile(r"https?://\S+")
ARN = re.compile(r"arn:[a-z-]+:[a-z0-9-]*:[a-z0-9-]*:\d*:.+", re.DOTALL)
ACCOUNT_NUMBER = re.compile(r"\d{12}")
ZONE = re.compile(r"\b[a-z]{2,}(-[a-z]+)+(-\d[a-z]|\d-[a-z])\b")
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
RESOURCE = re.compile(r"/{0,2}[\w.-]+(/[\w.@:~+%-]+)+")
"""A name of which each part says what the next one names: `projects/acme/topics/orders`."""
_HUGE = 2**64
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")

NOTHING = (
    *("", "-", "--", "n/a", "null", "nil", "none", "undefined", "unknown", "never", "(none)", "not set"),
    *("no_information", "no information", "not available", "not applicable", "not specified"),
    *("to be filled by o.e.m.", "default string", "02:00:00:00:00:00", "020000000000", "000000000000"),
)
NEVER = (
    *("0000-00-00", "0001-01-01"),
    *("1601-01-01T00:00:00", "1601-01-01 00:00:00", "1900-01-01T00:00:00", "1900-01-01 00:00:00"),
)
"""How a time begins that stands for no time."""
EPOCHS = ("1970-01-01T00:00:00", "1970-01-01 00:00:00", "2000-01-01T00:00:00", "2000-01-01 00:00:00")
"""How a time begins that stands for no time in many tools, and may be a real date in others."""
_OF_DAY = re.compile(r"\d{4}-\d{2}-\d{2}[T ](?!00:00(:00)?(\.0+)?(?![.:\d]))\d{2}:\d{2}")
"""How a time begins that is no midnight."""

YES = ("yes", "true", "y", "1", "on", "enabled", "active", "ja", "wahr", "oui", "vrai")
NO = ("no", "false", "n", "0", "off", "disabled", "inactive", "nein", "falsch", "non", "faux")
COUNTERPART = {**dict(zip(YES, NO, strict=True)), **dict(zip(NO, YES, strict=True))}
MEANINGS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "active": (
        ("active", "enabled"),
        (
            "inactive",
            "disabled",
            "suspended",
            "deactivated",
            "deprovisioned",
            "terminated",
            "archived",
        ),
    ),
    "public": (("public", "internet-facing"), ("private", "internal")),
    **dict.fromkeys(
        ("encrypted", "disk_encrypted", "filevault_enabled"),
        (("encrypted", "fully encrypted"), ("unencrypted", "not encrypted", "decrypted", "notencrypted")),
    ),
    "managed": (("managed", "enrolled"), ("unmanaged", "not enrolled", "unenrolled")),
    "is_contractor": (
        ("contractor", "contingent", "contingent worker", "freelancer", "external", "consultant"),
        (
            "employee",
            "regular",
            "full-time",
            "full time",
            "fulltime",
            "part-time",
            "part time",
            "permanent",
            "internal",
            "intern",
        ),
    ),
}
"""Words that mean true and false of one field, beside yes and no."""
OPPOSITE = {
    "active": ("suspended", "disabled", "deactivated", "locked", "archived", "deleted", "blocked"),
    "public": (),
}
"""Names of columns that say the opposite of the field."""

CHOICES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "platform": (
        ("ios", r"\bi(pad|phone|pod)?\s?os\b|iphone|ipad"),
        ("macos", r"mac|darwin|os x|osx"),
        ("windows", r"\bwin"),
        ("chromeos", r"chrom"),
        ("android", r"android"),
        ("linux", r"linux|ubuntu|debian|fedora|centos|rhel|red hat|suse|arch\b|amzn|mint"),
        ("unix", r"bsd|solaris|aix|unix"),
    ),
    "auth_method": (("sso", r"sso|saml|oidc|federat"), ("password", r"password"), ("token", r"token")),
    "permission_level": (("admin", r"admin|owner"), ("editor", r"edit|write"), ("base", r"view|read|member|user")),
    "mfa_methods": (
        ("sms", r"sms|text"),
        ("email", r"mail"),
        ("otp", r"otp|authenticator|software|\bapp\b"),
        ("hardware_token", r"webauthn|u2f|fido|hardware|key"),
        ("push", r"push"),
    ),
    "browser": (),
}
"""Words of evidence that has only a few, and what their spellings have in common; the first that is found counts."""


def all_match(pattern: re.Pattern[str], values: Iterable[Any]) -> bool:
    """True if there are values, and all are text of a shape."""
    given = list(values)
    return bool(given) and all(isinstance(value, str) and pattern.fullmatch(value.strip()) for value in given)


def share(pattern: re.Pattern[str], values: Sequence[Any]) -> float:
    """How many of the values are text of a shape, from 0 to 1."""
    matched = sum(isinstance(value, str) and pattern.fullmatch(value.strip()) is not None for value in values)
    return matched / len(values) if values else 0.0


def stands_for_nothing(value: Any) -> bool:
    """True for a text that tools write where they know nothing."""
    return isinstance(value, str) and (value.strip().lower() in NOTHING or value.strip().startswith(NEVER))


def nothings(values: Iterable[Any]) -> list[Any]:
    """Those of the values that stand for nothing, as `nothing:` takes them."""
    found = dict.fromkeys(value.strip() for value in values if stands_for_nothing(value))
    begun = [begin for begin in NEVER if any(text.startswith(begin) for text in found)]
    return [*(text for text in found if not text.startswith(NEVER)), *({"starts": begin} for begin in begun)]


def no_times(columns: Iterable[Iterable[Any]]) -> tuple[str, ...]:
    """Those of EPOCHS that stand for no time: each column that has one has times of the day, and not dates."""
    texts = [[value.strip() for value in values if isinstance(value, str)] for values in columns]
    held = {begin: [each for each in texts if any(text.startswith(begin) for text in each)] for begin in EPOCHS}
    return tuple(begin for begin, those in held.items() if those and all(_stands_out(begin, each) for each in those))


def _stands_out(begin: str, texts: Sequence[str]) -> bool:
    others = [text for text in texts if not text.startswith(begin) and not stands_for_nothing(text)]
    return any(map(_OF_DAY.match, others))


def number_shape(values: Iterable[Any]) -> bool:
    """True if all values are numbers of at most 64 bits, or text of numbers."""
    given = list(values)
    return bool(given) and all(
        (isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _HUGE)
        or (isinstance(value, str) and _NUMBER.fullmatch(value.strip()) is not None)
        for value in given
    )


def truth(field: str, names: Sequence[str], value: Any) -> bool | None:
    """True or false for a word or number that surely means it in a column; None otherwise."""
    meant = _meant(field, value)
    return None if meant is None else meant != is_opposite(field, names)


def is_opposite(field: str, names: Sequence[str]) -> bool:
    """True if a column's name says the opposite of the field: `suspended` of `active`."""
    last = names[-1].lower().replace("_", "").removeprefix("is") if names else ""
    return last in OPPOSITE.get(field, ())


def _meant(field: str, value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    word = _word(value)
    yes, no = MEANINGS.get(field, ((), ()))
    if word in yes or word in YES:
        return True
    return False if word in no or word in NO else None


def tells(field: str, value: Any) -> bool:
    """True for a word that means yes or no of this field alone."""
    yes, no = MEANINGS.get(field, ((), ()))
    return isinstance(value, str) and _word(value) in (*yes, *no)


def _word(value: Any) -> str:
    return re.sub(r"[\s_]+", " ", str(value).strip().lower())


def choice(field: str, value: Any) -> str | None:
    """The word of evidence that a spelling stands for."""
    text = str(value).strip().lower()
    words = CHOICES.get(field, ())
    exact = next((word for word, _ in words if word == text), None)
    return exact or next((word for word, pattern in words if re.search(pattern, text)), None)


def separators(values: Iterable[Any]) -> list[str]:
    """The marks that may stand between several values in one text, where any text has one."""
    texts = [value for value in values if isinstance(value, str)]
    return [mark for mark in ";|," if any(mark in text for text in texts)]
