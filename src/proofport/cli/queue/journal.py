"""`proofport journal`: look at the journal, make it smaller, back it up, restore and migrate it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from proofport.cli import options
from proofport.cli.connect import connect
from proofport.cli.output import echo, plain, show, show_result, when, wrapped
from proofport.cli.queue.forget import forget_command
from proofport.cli.queue.retention import prune_command, rebuild_command, size_command
from proofport.errors import UsageError

if TYPE_CHECKING:
    from proofport.journal.postgres import PostgresJournal
    from proofport.journal.sqlite import SqliteJournal
    from proofport.journal.sqlite.alone import Restored


RESENT = (
    "Every record is sent once more before it counts as unchanged. A record that was first delivered after the "
    "backup is not known here: where the vendor can be listed, `proofport journal rebuild DEST` gets it back."
)


@click.group("journal")
def journal() -> None:
    """Check, measure, prune, back up, restore, rebuild and move the journal."""


journal.add_command(size_command)
journal.add_command(prune_command)
journal.add_command(forget_command)
journal.add_command(rebuild_command)


@journal.command("check")
@options.json_option
@options.config_option
def check_command(config_path: str | None, *, as_json: bool) -> int:
    """Read the whole journal, and list what is damaged. It may be in use.

    The exit code is 1 when something is damaged. Of a journal that an older proofport made, the file alone is checked.
    """
    from proofport.gateway.upkeep.check import damage_in
    from proofport.journal import is_there, opened
    from proofport.journal.sqlite import SqliteJournal

    configured = _configured(config_path)
    if not is_there(connect(config_path).config.journal):
        raise UsageError(f"there is no journal {configured.label} yet", hint="The first push or relay makes it.")

    async def look() -> tuple[list[str], int | None]:
        if found := await configured.damage():
            return found, None  # what is read from it means nothing then
        if isinstance(configured, SqliteJournal) and (older := configured.older_version()):
            return [], older  # opening would change it
        async with opened(configured):
            return [each async for each in damage_in(configured)], None

    found, older = asyncio.run(look())
    lines = [f"damaged: {each}" for each in found] or [_whole(older)]
    result = {"damage": found} if older is None else {"damage": found, "older_version": older}
    show_result(result, (wrapped(line, hanging="  ") for line in lines), as_json=as_json)
    return 1 if found else 0


def _whole(older: int | None) -> str:
    """A sentence for a journal in which nothing is damaged. `older`: its version, where that is not the newest."""
    if older is None:
        return "Nothing is damaged."
    return (
        f"The file is not damaged. An older proofport made it (version {older} of the journal), so what it holds was "
        "not checked. `proofport status` brings it up to date; then check it again."
    )


@journal.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@options.config_option
def backup_command(file: Path, config_path: str | None) -> int:
    """Write a consistent copy of the journal to FILE, while it is in use.

    `proofport journal restore FILE` puts it in the place of the journal. A journal on PostgreSQL is backed up and
    restored with the tools of its database.
    """
    from proofport.journal import opened

    configured = _file(
        config_path,
        "Back it up while it is in use with `pg_dump --format=custom --file=FILE DATABASE`, "
        "or continuously with the tools of your PostgreSQL.",
    )

    async def copy() -> None:
        async with opened(configured):
            await configured.backup(file)

    asyncio.run(copy())
    echo(f"{file}: {file.stat().st_size:,} bytes")
    return 0


@journal.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@options.config_option
def restore_command(file: Path, config_path: str | None) -> int:
    """Put the backup FILE in the place of the journal, and say what will be sent again.

    Stop everything that uses the journal first. FILE is checked, and stays where it is. The journal that is replaced
    is kept beside the new one.
    """
    configured = _file(
        config_path,
        "Restore it with `pg_restore --clean --dbname=DATABASE FILE`, then run `proofport journal restored`.",
    )
    restored = asyncio.run(configured.restore(file))
    show(f"{configured.label} is the journal of {file} again.")
    for line in _consequences(restored):
        show(line)
    return 0


@journal.command("restored")
@options.config_option
def restored_command(config_path: str | None) -> int:
    """Note that the tools of PostgreSQL have put a backup in the place of the journal, before anything else starts.

    Its receipts get numbers that nobody has given before, and every record is sent once more before it counts as
    unchanged. `proofport journal restore` does the same for a journal in a file.
    """
    from proofport.journal import opened
    from proofport.journal.sqlite import SqliteJournal

    configured = _configured(config_path)
    if isinstance(configured, SqliteJournal):
        raise UsageError("this journal is a file", hint="`proofport journal restore FILE` restores it, and notes it.")

    async def note() -> None:
        async with opened(configured):
            await configured.restored()

    asyncio.run(note())
    show(f"{configured.label} is noted as restored.")
    show(RESENT)
    return 0


def _consequences(restored: Restored) -> Iterator[str]:
    """The effects of a restore, for a person."""
    if restored.replaced is not None:
        yield f"The one before is kept as {restored.replaced}."
    if restored.last_entry is not None:
        yield f"Its last entry is of {when(restored.last_entry)}."
    if restored.deliveries:
        yield (
            f"Queued: {restored.deliveries:,} deliveries ({restored.records:,} records) in {restored.lanes:,} lanes. "
            "The next relay or worker sends them, also those that were delivered after the backup was made."
        )
    if restored.open_runs:
        yield f"Interrupted runs: {', '.join(restored.open_runs)}. Push their inputs again."
    yield RESENT


@journal.command("migrate")
@click.option(
    "--from",
    "source",
    metavar="FILE|URL",
    help="A journal to move into the configured one. If it is interrupted, run it again to continue.",
)
@options.config_option
def migrate_command(source: str | None, config_path: str | None) -> int:
    """Create the tables of the configured journal on PostgreSQL, or bring them up to date.

    Run it as the role that owns the database, before the first start and after every upgrade. With --from, move the
    journal in FILE, or on PostgreSQL at URL, to the configured place; stop everything that uses either of them first.
    """
    from proofport.journal import open_journal
    from proofport.journal.copying import move
    from proofport.journal.sqlite import SqliteJournal

    configured = _configured(config_path)
    if not isinstance(configured, SqliteJournal):
        applied = asyncio.run(configured.migrate())
        echo(f"{configured.label}: {f'{len(applied)} scripts applied' if applied else 'up to date'}")
    elif source is None:
        raise UsageError(
            "the configured journal is a file, which is migrated whenever it is opened",
            hint="To move to PostgreSQL, set `journal:` to postgresql://ROLE@HOST/DATABASE first.",
        )
    if source is not None:
        old = cast("SqliteJournal | PostgresJournal", open_journal(source))
        became = asyncio.run(move(old, configured, _announce))
        echo(f"{old.label} has been moved to {configured.label}, and {became}.")
    return 0


def _file(config_path: str | None, hint: str) -> SqliteJournal:
    """The configured journal in a file. Raises UsageError, with the hint, for one on PostgreSQL."""
    from proofport.journal.sqlite import SqliteJournal

    configured = _configured(config_path)
    if not isinstance(configured, SqliteJournal):
        raise UsageError("this journal is a database, not a file", hint=hint)
    return configured


def _configured(config_path: str | None) -> SqliteJournal | PostgresJournal:
    """The journal of the configuration, not opened."""
    from proofport.journal import open_journal

    return cast("SqliteJournal | PostgresJournal", open_journal(connect(config_path).config.journal))


def _announce(lane: str, number: int, count: int) -> None:
    echo(plain(f"{number} of {count}: {lane}"), err=True)
