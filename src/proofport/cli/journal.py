"""`proofport journal`: look after the durable state."""

from __future__ import annotations

from pathlib import Path

import click

from proofport.cli import options


@click.group("journal")
def command() -> None:
    """Look after the journal."""


@command.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@options.config_option
def backup_command(file: Path, config_path: str | None) -> int:
    """Write a consistent copy of the journal to FILE, while it is in use.

    To restore, stop everything that uses the journal and put FILE in its place.
    """
    import asyncio

    from proofport.cli.connect import connect
    from proofport.errors import UsageError
    from proofport.journal.sqlite import SqliteJournal

    async def copy() -> None:
        async with connect(config_path) as gateway:
            journal = await gateway.journal()
            if not isinstance(journal, SqliteJournal):
                raise UsageError("this journal is not a file", hint="Back it up with the tools of its database.")
            await journal.backup(file)

    asyncio.run(copy())
    click.echo(f"{file}: {file.stat().st_size:,} bytes")
    return 0
