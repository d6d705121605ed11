"""The receipts of a gateway: who signs them, and what is read of them."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from proofport.config import Config
from proofport.config.configuration import Receipts as ReceiptSettings
from proofport.delivery.target import Target
from proofport.delivery.witness import LaneWitness, Witness
from proofport.errors import ConfigError, UsageError
from proofport.gateway.stamping import Stamping
from proofport.journal.contract import Filter, Journal, ReceiptView, all_receipts
from proofport.mapping import MappingLibrary

if TYPE_CHECKING:
    from proofport.audit.keys import SigningKey
    from proofport.audit.log import ReceiptLog

LONGEST_NUMBER = 19
"""Digits of the number of a delivery."""


class Receipts:
    """The receipts of a gateway: `gateway.receipts`."""

    def __init__(self, config: Config, journal: Callable[[], Awaitable[Journal]]) -> None:
        self._config = config
        self.journal = journal
        self.stamps = Stamping(config, journal, self.log)

    async def log(self) -> tuple[ReceiptLog, SigningKey]:
        """The log, and the key that signs it. Raises ConfigError."""
        from proofport.audit.log import ReceiptLog

        key = signing_key(self._config)
        return ReceiptLog(await self.journal(), key, self._config.instance), key

    async def named(self, name: str) -> list[ReceiptView]:
        """The receipts of a run, or the one of this number. Raises UsageError where there is none."""
        journal = await self.journal()
        if found := await journal.receipts(run_id=name):
            return found
        async for each in all_receipts(journal):
            if each.name == name:
                return [each]
        raise UsageError(f"there is no receipt of {name}", hint="`proofport receipt list` lists them.")

    async def of(self, name: str) -> tuple[list[ReceiptView], int | None]:
        """The receipts of a run, the one of this number, or that of a queued delivery, with the delivery's number.

        Raises UsageError where there is none.
        """
        journal = await self.journal()
        if not name.isdecimal() or len(name) > LONGEST_NUMBER or await journal.receipts(run_id=name):
            return await self.named(name), None
        number = int(name)
        delivery = next(iter(await journal.find(Filter(ids=[number]))), None)
        if delivery is None or delivery.receipt is None:
            why = f"is {delivery.state}, and in no receipt" if delivery else "is not in the journal"
            raise UsageError(
                f"delivery {name} {why}",
                hint="A worker writes the receipt of a lane at the latest after an hour, and when it stops.",
            )
        return await self.named(delivery.receipt), number

    async def complete_due(self) -> list[str]:
        """Write the receipts of runs that have ended without one, because their process died. Their numbers."""
        if self._config.receipts is None:
            return []
        from proofport.audit.due import complete_due

        journal, (log, _) = await self.journal(), await self.log()
        return await complete_due(journal, log, self._config.instance, before=time.time() - self._config.lease)

    async def witnesses(
        self, library: MappingLibrary, sources: Sequence[str | None]
    ) -> Callable[[Target], Witness] | None:
        """Makes those who write the receipts of a run. None: no receipts are wanted.

        Raises ConfigError for a key that cannot be used.
        """
        if self._config.receipts is None:
            return None
        await self.complete_due()
        log, key = await self.log()
        return _witnesses(self._config, self._config.receipts, log, key, library, sources)

    async def of_lanes(self, library: MappingLibrary) -> LaneWitness | None:
        """Writes the receipts of a worker. None: no receipts are wanted. Raises ConfigError."""
        if self._config.receipts is None:
            return None
        from proofport.audit.lanes import LaneReceipts

        def texts(target: Target) -> dict[str, str]:
            return library.texts(target.mapping_name) if target.mapping_name else {}

        (log, key), wanted = await self.log(), self._config.receipts
        instance, lease = self._config.instance, self._config.lease
        return LaneReceipts(await self.journal(), log, key, texts, instance=instance, lease=lease, ids=wanted.ids)


def signing_key(config: Config) -> SigningKey:
    """The key that `receipts:` names. Raises ConfigError."""
    from proofport.audit.keys import SigningKey, key_in_file

    found = config.receipt_key()
    if found is None:
        raise ConfigError(
            "the configuration has no `receipts:`",
            hint="Make a key with `proofport receipt key create`, and name it there: `receipts: {key: file:PATH}`.",
        )
    if isinstance(found, Path):
        return key_in_file(found)
    return SigningKey.from_text(found, "the variable that `receipts.key` names")


def _who() -> str:
    """The user of this process, as the operating system calls it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _witnesses(
    config: Config,
    wanted: ReceiptSettings,
    log: ReceiptLog,
    key: SigningKey,
    library: MappingLibrary,
    sources: Sequence[str | None],
) -> Callable[[Target], Witness]:
    """Makes a witness for each destination of a run over inputs with these source mappings."""
    from proofport.audit.receipt import RunWitness, Texts

    read = {what: text for name in dict.fromkeys(sources) if name for what, text in library.texts(name).items()}

    def witness(target: Target) -> Witness:
        texts = Texts(read, library.texts(target.mapping_name) if target.mapping_name else {})
        by = _who()
        return RunWitness(log, key, target, texts, instance=config.instance, by=by, ids=wanted.ids, mappings=sources)

    return witness
