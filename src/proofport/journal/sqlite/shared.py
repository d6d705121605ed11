"""What the journal and its lane runs work with."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from proofport.journal.sqlite.known import KnownSets
from proofport.journal.sqlite.reader import Reader
from proofport.journal.sqlite.writer import Writer


@dataclass(frozen=True, slots=True)
class Shared:
    """An open journal: one writer, readers for lane heads and for everything else, and a watch for what is due."""

    writer: Writer
    heads: Reader
    looks: Reader
    watch: sqlite3.Connection
    known: KnownSets
    news: asyncio.Event
    clock: Callable[[], float]

    async def close(self) -> None:
        await self.writer.close()
        await self.heads.close()
        await self.looks.close()
        self.watch.close()
