"""Takes the journal's file away from everybody else: to move it, and to put a backup in its place."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from proofport.errors import ConfigError, JournalError, UsageError
from proofport.journal.copying import AWAY, in_use
from proofport.journal.sql.receipts import new_branch
from proofport.journal.sqlite.database import BESIDE, REPLACED, connect, create, explained, is_busy, sync_folder
from proofport.journal.sqlite.integrity import structural_damage
from proofport.journal.sqlite.store import SQL

SHARED_FIRST, SHARED_SIZE = 0x40000002, 510
"""The bytes that whoever has the file open holds a lock on: https://www.sqlite.org/lockingv3.html"""


@dataclass(frozen=True, slots=True)
class Restored:
    """The journal after a backup took its place."""

    #: When something was last written to it before the backup was made, in seconds since 1970. None: it is empty.
    last_entry: float | None
    #: Deliveries that wait, their records, and their lanes. They are sent again if they were sent after the backup.
    deliveries: int
    records: int
    lanes: int
    #: Runs that were open, by `run_id`.
    open_runs: list[str]
    #: Where the file that was there before is now. None: there was none.
    replaced: Path | None


@contextmanager
def alone(path: Path) -> Iterator[sqlite3.Connection]:
    """The journal, which no other process has open, within a transaction. All of it is in the one file.

    Whoever waits for it meanwhile gets it when the block ends, so the block must mark a file that is not to be used
    any more. Raises ConfigError when the file is in use.
    """
    with closing(connect(path)) as db:
        db.execute("PRAGMA busy_timeout = 0")
        try:
            db.execute("PRAGMA journal_mode = DELETE")  # needs a lock that nobody gets who is not alone
            db.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            raise in_use(str(path), "another process has the file open") from None
        yield db
        if db.in_transaction:
            db.execute("ROLLBACK")


def restore(path: Path, backup: Path) -> Restored:
    """Put a copy of `backup` in the place of the journal, in one step. The journal before is kept beside it.

    Raises UsageError when the backup is no whole journal, ConfigError when the journal is in use. Then nothing has
    changed.
    """
    draft = path.with_name(f".{path.name}.restoring")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _copy(backup, draft)
        _check(draft, backup)
        with closing(connect(draft)) as db:
            db.execute(SQL["doubt_all"])
            db.execute(SQL["begin_branch"], {"branch": new_branch(), "now": time.time()})
            restored = _look(db, _swap(path))
            db.execute("PRAGMA journal_mode = DELETE")
        draft.replace(path)
        sync_folder(path.parent)
    except sqlite3.Error as error:
        raise explained(error) from error
    except OSError as error:
        raise UsageError(f"the backup {backup} cannot be restored to {path}: {error.strerror or error}") from error
    finally:
        for name in ("", *BESIDE):
            draft.with_name(draft.name + name).unlink(missing_ok=True)
    return restored


def _copy(backup: Path, draft: Path) -> None:
    """A backup that was copied by hand may have a part of it in the file beside it."""
    for name in ("", "-wal"):
        source, target = (file.with_name(file.name + name) for file in (backup, draft))
        target.unlink(missing_ok=True)
        if not name or source.exists():
            shutil.copyfile(source, target)
            target.chmod(0o600)


def _check(draft: Path, backup: Path) -> None:
    """Raises UsageError unless it is an undamaged journal that may be used."""
    hint = f"Nothing was changed. Look at it with `sqlite3 {backup}`, or give another backup."
    try:
        with closing(connect(draft)) as db:
            tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            found = structural_damage(db)
        if not tables:
            raise UsageError(f"{backup} is empty", hint=hint)
        if found:
            raise UsageError(f"{backup} is damaged: {found[0]}", hint=hint)
        _make_usable(draft)
        create(draft)
    except sqlite3.Error as error:
        raise UsageError(f"{backup} is damaged, or no journal: {error}", hint=hint) from error
    except ConfigError as error:
        raise UsageError(error.message.replace(str(draft), str(backup)), hint=hint) from error


def _make_usable(draft: Path) -> None:
    """A journal that a backup had replaced may be taken back."""
    with closing(connect(draft)) as db, suppress(sqlite3.OperationalError):  # an old version has no such table
        db.execute(SQL["undo_replaced"], {"lane": AWAY, "replaced": REPLACED})


def _look(db: sqlite3.Connection, replaced: Path | None) -> Restored:
    last_entry, deliveries, records, lanes = db.execute(SQL["restored"]).fetchone()
    open_runs = [run for (run,) in db.execute(SQL["open_runs"])]
    return Restored(last_entry, deliveries, records or 0, lanes, open_runs, replaced)


def _swap(path: Path) -> Path | None:
    """Make way for the backup: the journal is kept under another name, and nobody opens it any more."""
    if not path.exists():
        return None
    kept = path.with_name(f"{path.name}.replaced-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    try:
        with alone(path) as db:
            with suppress(sqlite3.OperationalError):  # it is of a version that has no such table
                db.execute(SQL["note"], {"lane": AWAY, "counted": REPLACED})
            db.execute("COMMIT")
            os.link(path, kept)
    except (sqlite3.DatabaseError, JournalError):
        _keep_damaged(path, kept)
    return kept


def _keep_damaged(path: Path, kept: Path) -> None:
    with path.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, SHARED_SIZE, SHARED_FIRST)
        except OSError:
            raise in_use(str(path), "another process has the file open") from None
        os.link(path, kept)
        for name in BESIDE:
            beside = path.with_name(path.name + name)
            if beside.exists():
                beside.replace(kept.with_name(kept.name + name))
