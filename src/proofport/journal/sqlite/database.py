"""The journal's file: where it may lie, how it is opened, what version it has."""

from __future__ import annotations

import os
import re
import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from proofport.errors import ConfigError, JournalError
from proofport.journal.copying import AWAY
from proofport.journal.sqlite.integrity import quick_look

APPLICATION_ID = 0x70706A31
"""Marks a SQLite file as ours: https://www.sqlite.org/pragma.html#pragma_application_id"""

MIGRATIONS: Sequence[str] = ("schema.sql", *(f"schema_{version}.sql" for version in range(2, 16)))
"""The script at index n brings a journal of version n (`user_version`) to version n + 1."""

MOVED = ".moved"
"""Ends the name of a file whose journal was moved elsewhere."""

REPLACED = "a backup that was restored"
"""Noted instead of a place in a journal that a backup has replaced."""

BESIDE = ("-wal", "-shm")
"""Endings of the files that SQLite keeps beside a journal: https://www.sqlite.org/walformat.html"""

BUSY_SECONDS = 30.0
MOUNTS = Path("/proc/self/mountinfo")
NETWORK_FILE_SYSTEMS = re.compile(
    r"9p|afs|beegfs|ceph|cifs|coda|davfs|drvfs|gfs2|glusterfs|gpfs|lustre|ncpfs|nfs|nfs4|ocfs2|orangefs|smb2|smb3|smbfs|"
    r"fuse\.(ceph|davfs2|gcsfuse|glusterfs|goofys|juicefs|mount-s3|rclone|s3fs|smbnetfs|sshfs)"
)


def create(path: Path, *, durable: bool = True) -> None:
    """Make the file, or bring it to the newest version. Raises ConfigError when it cannot hold a journal."""
    refuse_network(path, MOUNTS)
    _refuse_to_begin_anew(path)
    _refuse_without_its_file(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(path):
            _begin(path, durable=durable)
        _refuse_emptied(path)
        with closing(connect(path, durable=durable)) as db:
            if found := quick_look(db):
                raise damaged(path, found)
            _migrate(db, path)
            refuse_away(db, path)
    except (OSError, sqlite3.Error) as error:
        raise unusable(path, error) from error


def _begin(path: Path, *, durable: bool) -> None:
    """Make a new journal. It gets its name when it is whole, so a file that is empty was emptied by somebody."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(connect(draft, durable=durable)) as db:
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # for new files alone: https://www.sqlite.org/pragma.html
            _migrate(db, draft)
        with suppress(FileExistsError):  # another process was quicker
            _name(draft, path)
        if durable:
            sync_folder(path.parent)
    finally:
        for ending in ("", *BESIDE):
            draft.with_name(draft.name + ending).unlink(missing_ok=True)


def _name(draft: Path, path: Path) -> None:
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        path.touch(0o600, exist_ok=False)
        path.write_bytes(draft.read_bytes())


def _refuse_emptied(path: Path) -> None:
    """An empty file in the place of a journal must not become a new one: what was delivered would be forgotten."""
    if path.is_file() and not path.stat().st_size:
        raise ConfigError(
            f"the journal {path} is an empty file, and proofport leaves none",
            hint="If something has emptied it, put a backup in its place: `proofport journal restore FILE`. To begin a "
            "new journal, remove the file.",
        )


def sync_folder(folder: Path) -> None:
    """Make the new name survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def damaged(path: Path, found: str) -> ConfigError:
    return ConfigError(
        f"the journal {path} is damaged: {found}",
        hint="`proofport journal check` lists the damage. Put a backup in its place: `proofport journal restore FILE`.",
    )


def unusable(path: Path, error: OSError | sqlite3.Error) -> ConfigError:
    hint = explained(error).hint if isinstance(error, sqlite3.Error) else None
    return ConfigError(
        f"the journal {path} cannot be used: {error}",
        hint=hint or "Give `journal:` a path on a local, writable disk.",
    )


def _refuse_without_its_file(path: Path) -> None:
    """A new file in the place of one that is away would take its log, and with it what was acknowledged."""
    log = path.with_name(path.name + BESIDE[0])
    if not path.exists() and log.exists() and log.stat().st_size:
        raise ConfigError(
            f"the journal {path} is not there, and {log.name} beside it holds what was written last",
            hint=f"Put the file back. If it is lost, take {log.name} away to begin anew: what it holds is lost, too.",
        )


def _refuse_to_begin_anew(path: Path) -> None:
    """A configuration that still names the old place must not get an empty journal there."""
    moved = path.with_name(path.name + MOVED)
    if moved.exists() and not path.exists():
        with closing(connect(moved, query_only=True)) as db:
            refuse_away(db, path)
        raise ConfigError(
            f"the journal {path} was moved away",
            hint=f"Name its new place in `journal:`. To begin a new one here, move {moved} elsewhere.",
        )


def refuse_away(db: sqlite3.Connection, path: Path) -> None:
    """Raises ConfigError when the journal was moved to another place, or replaced by a backup."""
    if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'moved'").fetchone():
        return  # a version that could not be moved
    row = db.execute("SELECT counted FROM moved WHERE lane = ?", (AWAY,)).fetchone()
    if row is None:
        return
    if row[0] == REPLACED:
        raise ConfigError(
            f"the journal {path} was replaced by a backup",
            hint="Start again. If that does not help, run the same `proofport journal restore` once more.",
        )
    raise ConfigError(f"the journal {path} was moved to {row[0]}", hint="Name that in `journal:`.")


def connect(
    path: Path, *, query_only: bool = False, durable: bool = True, wait: float | None = None
) -> sqlite3.Connection:
    """A connection to a file that exists, used by one thread at a time. `durable`: its commits survive a power cut.

    `wait`: seconds for another to let go of the file. https://www.sqlite.org/pragma.html#pragma_synchronous
    """
    address = f"{path.absolute().as_uri()}?mode=rw"  # a file that was deleted meanwhile is not begun anew
    timeout = BUSY_SECONDS if wait is None else wait
    db = sqlite3.connect(address, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
        db.execute("PRAGMA cache_size = -512")
        if query_only:
            db.execute("PRAGMA query_only = ON")
    except sqlite3.Error:
        db.close()
        raise
    return db


def refuse_network(path: Path, mounts: Path) -> None:
    """WAL needs memory that all processes share, which network file systems lack: https://www.sqlite.org/wal.html

    Raises ConfigError. Where the mounts cannot be listed, nothing is refused.
    """
    kind = _file_system(path.absolute().resolve(), mounts)
    if kind and NETWORK_FILE_SYSTEMS.fullmatch(kind):
        raise ConfigError(
            f"the journal {path} lies on a network file system ({kind}), where locks cannot be relied on",
            hint="Give `journal:` a path on a local disk.",
        )


def _file_system(path: Path, mounts: Path) -> str | None:
    """The type of the last mount over the longest prefix of `path`. The format: proc_pid_mountinfo(5)."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    found: tuple[int, str] | None = None
    for line in lines:
        mount, _, about = line.partition(" - ")
        point = Path(mount.split(" ")[4].encode("latin-1", "replace").decode("unicode_escape"))
        if path.is_relative_to(point) and (found is None or len(point.parts) >= found[0]):
            found = len(point.parts), about.split(" ")[0]
    return found[1] if found else None


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    """All processes may open a new journal at once: the first one to get the lock migrates."""
    if (mode := _pragma(db, "journal_mode = WAL")) != "wal":
        raise sqlite3.OperationalError(f"write-ahead logging is not available here (journal mode {mode})")
    if _version(db, path) == len(MIGRATIONS):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        for name in MIGRATIONS[_version(db, path) :]:
            for statement in _statements((files(__package__) / name).read_text(encoding="utf-8")):
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _version(db: sqlite3.Connection, path: Path) -> int:
    version = int(_pragma(db, "user_version"))
    tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if tables and _pragma(db, "application_id") != APPLICATION_ID:
        raise ConfigError(f"{path} is a SQLite file, but not a journal", hint="Give `journal:` another path.")
    if version > len(MIGRATIONS):
        raise ConfigError(
            f"the journal {path} was written by a newer proofport (its version is {version}, "
            f"this one knows {len(MIGRATIONS)})",
            hint="Upgrade proofport, or give `journal:` another path.",
        )
    return version


def older_version(db: sqlite3.Connection) -> int | None:
    """The version of a journal that opening brings up to date. None: it has the newest, or none at all."""
    version = int(_pragma(db, "user_version"))
    return version if 0 < version < len(MIGRATIONS) else None


def _pragma(db: sqlite3.Connection, text: str) -> Any:
    return db.execute(f"PRAGMA {text}").fetchone()[0]


def _statements(script: str) -> list[str]:
    """Cut a script into statements: `executescript` would commit the transaction that makes migrating atomic."""
    statements, begun = [], ""
    for line in script.splitlines(keepends=True):
        begun += line
        if sqlite3.complete_statement(begun):
            statements.append(begun)
            begun = ""
    return statements


def is_busy(error: sqlite3.Error) -> bool:
    """True if another process holds a lock that is needed."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def is_for_all(error: sqlite3.Error) -> bool:
    """True if it is no request's own fault, so that doing the others again is of no use.

    After an I/O error it would even do harm: a commit may have reached the disk that was said to have failed.
    """
    return is_busy(error) or getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_IOERR


def explained(error: sqlite3.Error) -> JournalError:
    """The advice for a person about an error of the store."""
    name = getattr(error, "sqlite_errorname", "")
    for prefix, message, hint in _EXPLANATIONS:
        if name.startswith(prefix):
            return JournalError(f"{message} ({error})", hint=hint)
    return JournalError(f"the journal cannot be used: {error}")


_EXPLANATIONS = (
    ("SQLITE_FULL", "the journal's disk is full", "Make room, then try again. What was acknowledged is kept."),
    ("SQLITE_READONLY", "the journal is read-only", "Make the file and its folder writable."),
    ("SQLITE_PERM", "the journal may not be opened", "Make the file and its folder readable and writable."),
    ("SQLITE_CANTOPEN", "the journal cannot be opened", "Make the file and its folder readable and writable."),
    ("SQLITE_BUSY", "another process keeps the journal locked", "End the process that does not let go of it."),
    ("SQLITE_IOERR", "the journal's disk fails", "Check the disk and its free space."),
    (
        "SQLITE_CORRUPT",
        "the journal is damaged",
        "`proofport journal check` lists the damage. Put a backup in its place: `proofport journal restore FILE`.",
    ),
    ("SQLITE_NOTADB", "this is no journal", "`proofport journal restore FILE`, or give `journal:` another path."),
)
