"""The journal and the connections that a gateway opens at their first use, and closes at its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from proofport.adapter import Adapter
from proofport.config import Config
from proofport.config.names import tenant_of
from proofport.delivery.lane.lease import new_owner
from proofport.delivery.target import Target
from proofport.gateway.audit import Receipts
from proofport.gateway.places import Places
from proofport.gateway.standing import freshness, stale
from proofport.gateway.targets import Targets
from proofport.http.auth import Tokens
from proofport.http.pacer import Turns
from proofport.http.sender import Sender
from proofport.journal import open_journal
from proofport.journal.contract import Journal, NewCause
from proofport.logs import name_lanes
from proofport.mapping import MappingLibrary
from proofport.notices import causes
from proofport.notices.teller import Teller


class Opened:
    """One configuration, with all that is open for it. Use it as an async context manager."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._targets = Targets(config)
        self._journal: Journal | None = None
        self._tokens: Tokens | None = None
        #: Two that begin together must not open two journals, with tokens of their own that revoke each other.
        self._opening = asyncio.Lock()
        self._turns = Turns()
        self.places = Places(config)  #: The configured names of lanes.
        self.receipts = Receipts(config, self.journal)  #: What was signed about runs, and the log of it.

    @classmethod
    def from_file(cls, path: str | Path | None = None) -> Self:
        """The configuration at `path`, else PROOFPORT_CONFIG, else the nearest proofport.yaml upward."""
        return cls(Config.load(path))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._tokens is not None:
            await self._tokens.close()
            self._tokens = None
        if self._journal is not None:
            await self._journal.close()
            self._journal = None

    async def journal(self) -> Journal:
        """The configured journal, opened at its first use. What is logged of its lanes has their names from then on."""
        name_lanes(self.places.names)
        async with self._opening:
            if self._journal is None:
                journal = open_journal(self.config.journal)
                await journal.open()
                self._journal = journal
                self._tokens = Tokens(journal, owner=new_owner(), lease=self.config.lease)
        return self._journal

    @property
    def library(self) -> MappingLibrary:
        """The mapping files that are found, built in or in the configured folder."""
        return self._targets.library

    async def _teller(self) -> Teller:
        """Tells the webhooks of `notices:` what is wrong. Raises ConfigError."""
        journal = await self.journal()

        async def found() -> list[NewCause]:
            aged = stale(freshness(self.places, await journal.arrivals()), time.time())
            return [
                causes.stale(each.destination or "", each.kind or "", each.lane or "", each.detail) for each in aged
            ]

        return Teller(self.config, journal, new_owner(), stale=found)

    async def sender(self, adapter: Adapter) -> Sender:
        """A connection to an adapter's vendor. All connections of a gateway share its tokens."""
        journal = await self.journal()
        return Sender(adapter, journal, self._tokens, token_seconds=self.config.patience)

    def _senders(self, journal: Journal) -> Callable[[Target], Sender]:
        return lambda target: Sender(
            target.adapter, journal, self._tokens, turn=self._turns.of(tenant_of(target.name), target.adapter.origin)
        )
