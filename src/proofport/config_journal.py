"""Where the configuration says that the journal is: a path, or a database whose URL may hold a password."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from proofport.config_errors import Places, described
from proofport.journal import POSTGRES
from proofport.wire import is_loopback

HERE = ("journal",)
WITH_PASSWORD = re.compile(r"\w+://[^/?#]*:[^/?#]*@|.*[?&]password=", re.IGNORECASE)


def journal_of(given: object, value: str | None, places: Places) -> Path | SecretStr:
    """The journal as a path, or as a URL that is masked. `value`: what a reference (env:, file:) stands for."""
    if not isinstance(given, str):
        places.refuse(HERE, found=described(given), expected="a path, postgresql://ROLE@HOST/DATABASE or env:NAME")
    text = value or given
    if not text.startswith(POSTGRES):
        if "://" in text:
            places.refuse(HERE, found=f"{text.partition('://')[0]}://", expected="a path or postgresql://")
        return Path(text)
    if value is None and WITH_PASSWORD.match(text) and not _is_local(text):
        places.refuse(
            HERE,
            found="a password written into the file",
            expected="a reference to the whole URL: env:NAME or file:PATH",
            hint="Put the URL into a variable and write `journal: env:PROOFPORT_JOURNAL`, "
            "or leave the password to PGPASSFILE and write postgresql://ROLE@HOST/DATABASE.",
        )
    return SecretStr(text)


def _is_local(url: str) -> bool:
    try:
        return is_loopback(f"http://{urlsplit(url).hostname}")
    except ValueError:
        return False
