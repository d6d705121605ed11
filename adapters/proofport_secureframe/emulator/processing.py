"""The processing of publications after their 202. Each connection works through its queue, one at a time, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeAlias

from proofport.testing import Switches
from proofport_secureframe.emulator.mapping import mapping_problem
from proofport_secureframe.emulator.model import Company, Connection, Publication, Schema, now

Process: TypeAlias = Callable[[Connection, Publication], None]


class Workers:
    """One task for each connection that has something in its queue. No connection waits for another."""

    def __init__(self, process: Process, delay_ms: Callable[[], float]) -> None:
        self._process = process
        self._delay_ms = delay_ms
        self._tasks: set[asyncio.Task[None]] = set()
        self._hurry = asyncio.Event()

    def enqueue(self, connection: Connection, publication: Publication) -> None:
        connection.queue.append(publication)
        if connection.worker is None or connection.worker.done():
            connection.worker = asyncio.create_task(self._drain(connection))
            self._tasks.add(connection.worker)
            connection.worker.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Work through all queues now, without a delay."""
        self._hurry.set()
        while self._tasks:
            await asyncio.wait(self._tasks)
        self._hurry.clear()

    def abandon(self) -> None:
        """Leave the queued publications unprocessed."""
        for task in self._tasks:
            task.cancel()

    async def stop(self) -> None:
        self.abandon()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._hurry = asyncio.Event()

    async def _drain(self, connection: Connection) -> None:
        while connection.queue:
            await self._pause()
            self._process(connection, connection.queue[0])
            connection.queue.popleft()

    async def _pause(self) -> None:
        """Wait at least one turn of the event loop: the 202 is answered before anything is processed."""
        await asyncio.sleep(0)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._delay_ms() / 1000):
                await self._hurry.wait()


class Processor:
    """Applies publications to schemas. A failure is seen only by the operator, in `failures`."""

    def __init__(self, company: Company, switches: Switches) -> None:
        self._company = company
        self._switches = switches

    def process(self, connection: Connection, publication: Publication) -> None:
        schema = connection.schemas.get(publication.slug)
        if schema is None and not publication.items:
            return
        if schema is None:
            schema = Schema(publication.slug, fields=inferred_fields(publication.items))
            connection.schemas[publication.slug] = schema
        connection.updated_at = now()
        self._company.version += 1
        if not schema.defined and self._switches["before_definition"] == "held":
            schema.held.append(publication)
        elif not schema.defined:
            schema.dropped += len(publication.items)
        else:
            self._apply(schema, publication)

    def release(self, schema: Schema) -> None:
        """Process the publications that were held until the schema was defined."""
        held, schema.held = schema.held, []
        for publication in held:
            self._apply(schema, publication)

    def problem(self, schema: Schema, item: dict[str, Any], *, partial: bool) -> str | None:
        """The reason why an item of a defined schema would fail. None: it would not."""
        key, data = self._resolved(schema, item, partial=partial)
        if key is None:
            return f"missing primary ID {schema.primary_id}"
        if data is None:
            return "partial update of an unknown resource"
        return mapping_problem(schema, data, self._switches)

    def _apply(self, schema: Schema, publication: Publication) -> None:
        for position, item in enumerate(publication.items):
            reason = self.problem(schema, item, partial=publication.partial)
            if position in publication.doomed:
                reason = "the emulator was told to let this item fail"
            key, data = self._resolved(schema, item, partial=publication.partial)
            if reason is None and key is not None and data is not None:
                self._company.store(schema, key, data)
            else:
                schema.failures.append({"id": key, "reason": reason})

    def _resolved(
        self, schema: Schema, item: dict[str, Any], *, partial: bool
    ) -> tuple[str | None, dict[str, Any] | None]:
        """The primary ID, and the new state of the resource. No state: a partial of an unknown resource."""
        if schema.fields is not None and self._switches["late_fields"] == "ignored":
            item = {name: value for name, value in item.items() if name in schema.fields}
        key = item.get(schema.primary_id or "")
        if not isinstance(key, str | int | float) or isinstance(key, bool) or key == "":
            return None, None
        former = schema.resources.get(str(key))
        if not partial:
            drops_nulls = self._switches["null_in_full"] == "absent"
            return str(key), {n: v for n, v in item.items() if v is not None} if drops_nulls else item
        if former is None and self._switches["partial_of_unknown"] == "fails":
            return str(key), None
        return str(key), self._merged(former.data if former else {}, item)

    def _merged(self, former: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
        """Named fields are set, null deletes, the others stay."""
        merged, merge = dict(former), self._switches["partial_nested"] == "merge"
        for name, value in item.items():
            if value is None:
                merged.pop(name, None)
            elif merge and isinstance(value, dict) and isinstance(merged.get(name), dict):
                merged[name] = self._merged(merged[name], value)
            else:
                merged[name] = value
        return merged


def inferred_fields(items: list[dict[str, Any]]) -> frozenset[str]:
    """The fields of a new schema: those of the first object that are not null."""
    return frozenset(name for name, value in items[0].items() if value is not None)


def without_arrays(value: dict[str, Any]) -> dict[str, Any]:
    """An object as it is stored: arrays are ignored at every level."""
    return {
        name: without_arrays(part) if isinstance(part, dict) else part
        for name, part in value.items()
        if not isinstance(part, list)
    }
