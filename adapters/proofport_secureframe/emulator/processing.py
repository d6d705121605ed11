"""What happens to a publication after its 202: each connection works through its queue, in order, one at a time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from proofport_secureframe.emulator.mapping import mapping_problem
from proofport_secureframe.emulator.model import Connection, Publication, Schema, now

if TYPE_CHECKING:
    from proofport_secureframe.emulator.emulator import SecureframeEmulator


class Workers:
    """One task for each connection that has something in its queue; none waits for another."""

    def __init__(self, emulator: SecureframeEmulator) -> None:
        self._emulator = emulator
        self._tasks: set[asyncio.Task[None]] = set()
        self._hurry = asyncio.Event()

    def enqueue(self, connection: Connection, publication: Publication) -> None:
        connection.queue.append(publication)
        if connection.worker is None or connection.worker.done():
            connection.worker = asyncio.create_task(self._drain(connection))
            self._tasks.add(connection.worker)
            connection.worker.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Work through all queues now, whatever `processing_ms` says."""
        self._hurry.set()
        while self._tasks:
            await asyncio.wait(self._tasks)
        self._hurry.clear()

    def abandon(self) -> None:
        """Leave what is queued undone."""
        for task in self._tasks:
            task.cancel()

    async def stop(self) -> None:
        self.abandon()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._hurry = asyncio.Event()

    async def _drain(self, connection: Connection) -> None:
        while connection.queue:
            await self._pause()
            self._emulator.process(connection, connection.queue[0])
            connection.queue.popleft()

    async def _pause(self) -> None:
        """Always at least one turn of the event loop: the 202 is answered before anything is processed."""
        await asyncio.sleep(0)
        with suppress(TimeoutError):
            slow = self._emulator.faults.processing_ms + self._emulator.switches["slow_processing"]
            async with asyncio.timeout(slow / 1000):
                await self._hurry.wait()


class Processor:
    """Applies publications to schemas. What fails is seen by nobody but the operator, in `failures`."""

    def __init__(self, emulator: SecureframeEmulator) -> None:
        self._emulator = emulator
        self._switches = emulator.switches

    def process(self, connection: Connection, publication: Publication) -> None:
        schema = connection.schemas.get(publication.slug)
        if schema is None:
            schema = Schema(publication.slug, fields=inferred_fields(publication.items))
            connection.schemas[publication.slug] = schema
        connection.updated_at = now()
        if not schema.defined and self._switches["before_definition"] == "held":
            schema.held.append(publication)
        elif not schema.defined:
            schema.dropped += len(publication.items)
        else:
            self._apply(schema, publication)

    def release(self, schema: Schema) -> None:
        """Process what was held until the schema was defined."""
        held, schema.held = schema.held, []
        for publication in held:
            self._apply(schema, publication)

    def problem(self, schema: Schema, item: dict[str, Any], *, partial: bool) -> str | None:
        """Why an item of a defined schema would fail, or None."""
        key, data = self._resolved(schema, item, partial=partial)
        if key is None:
            return f"missing primary ID {schema.primary_id}"
        if data is None:
            return "partial update of an unknown resource"
        return mapping_problem(schema.model, data, self._switches)

    def _apply(self, schema: Schema, publication: Publication) -> None:
        for position, item in enumerate(publication.items):
            reason = self.problem(schema, item, partial=publication.partial)
            if position in publication.doomed:
                reason = "the emulator was told to let this item fail"
            key, data = self._resolved(schema, item, partial=publication.partial)
            if reason is None and key is not None and data is not None:
                self._emulator.company.store(schema, key, data)
            else:
                schema.failures.append({"id": key, "reason": reason})

    def _resolved(
        self, schema: Schema, item: dict[str, Any], *, partial: bool
    ) -> tuple[str | None, dict[str, Any] | None]:
        """The primary ID, and what the resource would hold afterwards (None: a partial of an unknown one)."""
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
        merged = dict(former)
        for name, value in item.items():
            if value is None:
                merged.pop(name, None)
            elif self._merges(merged.get(name), value):
                merged[name] = self._merged(merged[name], value)
            else:
                merged[name] = value
        return merged

    def _merges(self, former: Any, value: Any) -> bool:
        nested = isinstance(former, dict) and isinstance(value, dict)
        return nested and self._switches["partial_nested"] == "merge"


def inferred_fields(items: list[dict[str, Any]]) -> frozenset[str]:
    """The fields of a new schema: those of the first object that say something."""
    return frozenset(name for name, value in items[0].items() if value is not None) if items else frozenset()


def without_arrays(value: dict[str, Any]) -> dict[str, Any]:
    """Arrays are ignored, wherever they stand."""
    return {
        name: without_arrays(part) if isinstance(part, dict) else part
        for name, part in value.items()
        if not isinstance(part, list)
    }
