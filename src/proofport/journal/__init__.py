"""What proofport remembers between runs."""

from __future__ import annotations

from pathlib import Path

from proofport.errors import ConfigError
from proofport.journal.contract import Journal


def open_journal(where: str | Path) -> Journal:
    """The journal at a path, or `memory:` for one that ends with the process. It still has to be opened.

    Raises ConfigError for a URL of a kind that is not known.
    """
    text = str(where)
    if text == "memory:":
        from proofport.journal.memory import MemoryJournal

        return MemoryJournal()
    if "://" in text:
        kind = text.partition("://")[0]
        raise ConfigError(
            f"a journal cannot be kept at {kind}://", hint="Give `journal:` the path of a file on a local disk."
        )
    from proofport.journal.sqlite import SqliteJournal

    return SqliteJournal(where)
