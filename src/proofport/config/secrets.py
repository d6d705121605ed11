"""References to secrets (`env:NAME`, `file:PATH`), and the journal's URL, which may hold a password."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr

from proofport.config.lines import FileLines, described
from proofport.journal import ALMOST_POSTGRES, POSTGRES
from proofport.wire import is_loopback

WITH_PASSWORD = re.compile(r"\w+://[^/?#]*:[^/?#]*@|.*[?&]password=", re.IGNORECASE)


VARIABLE = re.compile(r"[A-Z]+(_[A-Z0-9]+)+")
"""A usual name of a variable. An error repeats no other: somebody may write the secret itself after `env:`."""


def secret_fields(settings: type[BaseModel]) -> list[str]:
    """The fields of a Settings model that hold a secret."""
    return [
        name
        for name, field in settings.model_fields.items()
        if field.annotation is SecretStr or SecretStr in get_args(field.annotation)
    ]


def resolve_secrets(
    settings: dict[str, Any],
    model: type[BaseModel],
    lines: FileLines,
    here: tuple[str | int, ...],
    folder: Path,
    *,
    offline: bool = False,
) -> list[str]:
    """Replace references to secrets by SecretStr, in place. Returns the fields that held the secret itself.

    `offline`: references are not followed, and each stands for itself.
    """
    literal = []
    for name in secret_fields(model):
        given = settings.get(name)
        if not isinstance(given, str):
            if given is not None and not isinstance(given, SecretStr):
                lines.refuse((*here, name), found="a value that is not text", expected="env:NAME or file:PATH")
            continue
        is_reference = given.startswith(("env:", "file:"))
        value = given if offline and is_reference else _referenced(given, lines, (*here, name), folder)
        if value is None:
            literal.append(name)
            value = given
            if not value.strip():
                lines.refuse((*here, name), found="an empty text", expected="a secret")
        settings[name] = SecretStr(value.strip())
    return literal


def journal_of(given: object, lines: FileLines, folder: Path) -> Path | SecretStr:
    """The journal: a path in `folder`, or the masked URL of a database."""
    here = ("journal",)
    if not isinstance(given, str):
        lines.refuse(here, found=described(given), expected="a path, postgresql://ROLE@HOST/DATABASE or env:NAME")
    value = _referenced(given, lines, here, folder)
    text = value or given
    if not text.startswith(POSTGRES):
        if ALMOST_POSTGRES.match(text):
            found = "what looks like the address of a database"
            lines.refuse(here, found=found, expected="a path, or a URL: postgresql://ROLE@HOST/DATABASE")
        if "://" in text:
            lines.refuse(here, found=f"{text.partition('://')[0]}://", expected="a path or postgresql://")
        return folder / text
    if value is None and WITH_PASSWORD.match(text) and not is_loopback(text):
        lines.refuse(
            here,
            found="a password written into the file",
            expected="a reference to the whole URL: env:NAME or file:PATH",
            hint="Put the URL into a variable and write `journal: env:PROOFPORT_JOURNAL`, "
            "or leave the password to PGPASSFILE and write postgresql://ROLE@HOST/DATABASE.",
        )
    return SecretStr(text)


def url_of(given: str, lines: FileLines, here: tuple[str, ...], folder: Path) -> str:
    """A URL that is given, or that a reference stands for. Raises ConfigError, which does not repeat it."""
    found = _referenced(given, lines, here, folder) or given
    if not found.startswith(("https://", "http://")):
        lines.refuse(here, found="a reference to something else", expected="a URL with https:// or http://")
    return found


def file_of(reference: str, folder: Path) -> Path:
    """The file of a reference `file:PATH`. A relative one is in `folder`."""
    return folder / Path(reference.removeprefix("file:")).expanduser()


def text_of(reference: str, lines: FileLines, here: tuple[str, ...], folder: Path) -> str:
    """The text that a reference stands for. Raises ConfigError where it is none, or leads nowhere."""
    found = _referenced(reference, lines, here, folder)
    if found is None:
        lines.refuse(here, found="no reference", expected="env:NAME or file:PATH")
    return found


def _referenced(given: str, lines: FileLines, here: tuple[str | int, ...], folder: Path) -> str | None:
    """The value that `env:NAME` or `file:PATH` stands for, or None where `given` is not a reference."""
    scheme, _, reference = given.partition(":")
    if scheme == "env":
        name = reference if VARIABLE.fullmatch(reference) else "that it names"
        value, missing = os.environ.get(reference, ""), f"the environment variable {name}, which is not set"
        hint = f"Set it before running proofport: export {name if name == reference else 'NAME'}=…"
    elif scheme == "file":
        value = _text_of(file_of(given, folder))
        missing = "a reference to a file that is missing, empty or unreadable"
        hint = "Write the secret, and nothing else, into that file."
    else:
        return None
    if not value.strip():
        lines.refuse(here, found=missing, expected="a secret", hint=hint)
    return value.strip()


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
