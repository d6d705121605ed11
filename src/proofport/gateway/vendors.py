"""The part of the gateway that asks vendors: their own calls, their objects, and what they show."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from proofport import operations
from proofport.adapter import Answer, Checks, Finding, Operation, Provisioned, Provisions, Schema
from proofport.delivery.lane.lease import new_owner
from proofport.errors import JournalError, UnsupportedFeature
from proofport.gateway import doctor
from proofport.gateway.opened import Opened
from proofport.gateway.schemas import confirmed, findings, schemas_of
from proofport.gateway.shared_objects import refuse_any_shared
from proofport.gateway.verify import Look, Verification, verified
from proofport.http.clock import checked
from proofport.http.flow import allow_destruction, lead


class Vendors(Opened):
    """Calls the vendors of a configuration on behalf of a person, outside any run."""

    async def call(self, destination: str, operation: str, /, **parameters: Any) -> Answer:
        """One of the vendor's own calls. Whoever calls a destructive one means it: nothing is asked here.

        Raises UsageError before anything is sent. Look at the answer's `problems`: a success may hold failures.
        """
        adapter = self.config.adapter(destination)
        found = operations.find(adapter, operation)
        async with await self.sender(adapter) as sender:
            return await operations.perform(found, parameters, sender)

    def operations(self, destination: str) -> Sequence[Operation]:
        """The vendor's own calls that `call` carries out."""
        return operations.of(self.config.adapter(destination))

    async def provision(self, destination: str, *, kind: str | None = None) -> dict[str, Provisioned]:
        """Find or make the vendor's objects for `kind`, or for every kind that has a mapping or is configured."""
        adapter = self.config.adapter(destination)
        kinds = [kind] if kind else self._targets.kinds_to_provision(adapter)
        provisioned = {}
        async with await self.sender(adapter) as sender:
            for each in kinds:
                blueprint = self._targets.blueprint(adapter, each)
                resource = adapter.resource(each)
                if not isinstance(resource, Provisions):
                    raise UnsupportedFeature(
                        f"{adapter.name} has no API to create the object that {each} is delivered to"
                    )
                provisioned[each] = await lead(resource.provision(blueprint), sender, gate=allow_destruction)
        return provisioned

    async def verify(
        self,
        destination: str,
        *,
        kind: str,
        within: float = 0.0,
        on_look: Callable[[Look], None] | None = None,
        on_rows: Callable[[int], None] | None = None,
    ) -> Verification:
        """Read back what was delivered of `kind`, again and again for `within` seconds, and compare.

        What is seen as it was sent is `verified` from then on in the report of its run. `on_rows` is given the number
        of rows that the vendor has shown so far, after each page.
        """
        adapter = self.config.adapter(destination)
        resource = adapter.resource(kind)
        async with await self.sender(adapter) as sender:
            journal = await self.journal()
            return await verified(
                destination, resource, journal, sender, within=within, on_look=on_look, on_rows=on_rows
            )

    async def schemas(self, destination: str) -> list[Schema]:
        """The schemas that the vendor made, or will make, from what it is sent."""
        return await schemas_of(destination, self.config.adapter(destination), await self.journal())

    async def confirm_schema(self, destination: str, *, kind: str) -> Schema:
        """Take note that a person has completed the schema of `kind` at the vendor. Then push everything again."""
        return await confirmed(destination, self.config.adapter(destination).resource(kind), await self.journal())

    async def check(self, destination: str) -> list[Finding]:
        """The findings of `doctor` about one destination: credentials, objects, clock, proxy, and the age of keys."""
        adapter = self.config.adapter(destination)
        self._targets.check_skips(destination, adapter.settings.objects)
        refuse_any_shared(self.config, destination, adapter)
        found: list[Finding] = []
        if isinstance(adapter, Checks):
            async with await self.sender(adapter) as sender:
                found = await checked(adapter.check(), sender)
        found += findings(adapter, await self.schemas(destination))
        return [*found, *doctor.here(self.config, adapter, destination)]

    async def check_journal(self) -> list[Finding]:
        """The findings of `doctor` about the journal and what else belongs to no destination."""
        try:
            journal = await self.journal()
        except JournalError as error:
            return [Finding(False, "journal", error.message, error.hint)]
        is_database = not isinstance(self.config.journal, Path)
        return [
            *await doctor.journal_findings(self.config, journal),
            *(await doctor.clock_findings(journal, new_owner(), time.time()) if is_database else ()),
            *await doctor.own_findings(self.config, journal),
            *await self.receipts.stamps.findings(),
        ]
