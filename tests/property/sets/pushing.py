"""One installation that pushes snapshots: its vendor, its mappings, its journal, and processes that are killed."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from tests.property.sets.files import inputs_of, sample, write_mappings
from tests.property.sets.nights import SOURCES, Night, plain
from tests.property.sets.vendors import Vendor
from tests.support.destination import configuration

from proofport.adapter import Ends, Replaces, Stages
from proofport.delivery.report.report import DestinationReport
from proofport.errors import UsageError
from proofport.gateway import Gateway


class Office:
    """`keep_last`: the last body of a refused record stands in for it, where the set would drop it."""

    def __init__(self, vendor: Vendor, name: str, kind: str, folder: Path, *, keep_last: bool) -> None:
        self.vendor = vendor
        self.name, self.kind = name, kind
        self.keep_last = keep_last
        #: The run that was killed last, if no other was begun since.
        self.killed: str | None = None
        self._folder = folder
        self._journals = 0

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Serve the vendor, and write the mappings.

        To be refused by the vendor mapping, a record has an object in each field of its body.
        """
        async with self.vendor.served() as origin:
            block, mappings = self.vendor.block(origin), self._folder / "mappings/sources"
            config = configuration(self._folder, {self.name: block})
            self.resource = config.adapter(self.name).resource(self.kind)
            #: The vendor drops whatever a set lacks.
            self.drops = isinstance(self.resource, Stages | Replaces)
            [preview] = await Gateway(config).preview([sample(self.kind)], kind=self.kind, mode="snapshot")
            body = preview.bodies[self.name]
            assert isinstance(body, dict), body
            unfit = {name: {"un": "fit"} for name in body if name != self.resource.body("snapshot").id_field}
            write_mappings(mappings, self.kind, {block["adapter"]: unfit})
            guard = {"max_gone": 1.0, "max_rejected": 99, **({"refused": "keep_last"} if self.keep_last else {})}
            self._config = configuration(self._folder, {self.name: block}, mappings=mappings.parent, guard=guard)
            self._gateway = self._new_gateway()
            try:
                yield
            finally:
                await self._gateway.__aexit__()

    @property
    def _journal(self) -> Path:
        return self._folder / f"journal-{self._journals}"

    def _new_gateway(self) -> Gateway:
        return Gateway(self._config.model_copy(update={"journal": str(self._journal)}))

    async def live(self) -> set[str]:
        """The ids that the vendor shows as present, as they are compared."""
        return {plain(each) for each in await self.vendor.live(self.kind)}

    async def gone(self) -> set[str]:
        """The ids that the vendor's set has as gone."""
        return {plain(each) for each in await self.vendor.gone(self.kind)}

    async def push(self, night: Night) -> DestinationReport | None:
        """Push what the sources hold. None: the push was killed, or what was to be resumed had ended."""
        begun = list[str]()
        resume, self.killed = self.killed if night.resume else None, None
        self.vendor.refuses = night.refused("vendor")
        self.vendor.wire.stop_at(night.kill, arrives=night.arrives)
        how = {
            "override_guard": "they were sold" if night.override else None,
            "skip_unchanged": night.skip_unchanged,
            "delete_gone": not self.drops and isinstance(self.resource, Ends) and self.resource.ends == "on_request",
            "without": [each for each in SOURCES if each not in night.sources] if night.without else [],
            "resume": resume,
            "on_begin": begun.append,
        }
        inputs = inputs_of(night, self._folder, self.kind)
        pushing = asyncio.create_task(
            self._gateway.push(inputs, kind=self.kind, to=self.name, mode="snapshot", **how)  # type: ignore[arg-type]
        )
        stopped = asyncio.create_task(self.vendor.wire.stopped.wait())
        await asyncio.wait([pushing, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not pushing.done():
            [self.killed] = begun
            await self._kill(pushing)
        self.vendor.wire.let_go()
        if self.killed is not None:
            return None
        try:
            return pushing.result().destinations[self.name]
        except UsageError:
            if resume is None:
                raise
            return None

    async def _kill(self, pushing: asyncio.Task[Any]) -> None:
        """Go on with the journal as it is at this moment, once the leases have run out. What is noted later is lost."""
        before, killed = self._journal, self._gateway
        self._journals += 1
        with closing(sqlite3.connect(before)) as old, closing(sqlite3.connect(self._journal)) as new:
            old.backup(new)
            new.execute("UPDATE lanes SET lease_until = 0, due = 0 WHERE owner IS NOT NULL")
            new.execute("UPDATE leases SET until = 0")
            new.commit()
        pushing.cancel()
        await asyncio.wait([pushing])
        await killed.__aexit__()
        self._gateway = self._new_gateway()
