"""Taking one id out of a journal."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

from proofport.journal.contract.erasing import Standing
from proofport.journal.contract.last_state import Sent
from proofport.journal.contract.queue import Delivery
from proofport.journal.sql.intents import unpacked
from proofport.journal.sql.last_state import RANGE
from proofport.journal.sql.steps import Change, Many, Part, Query, Steps, Values, text_of


class ErasingPart(Part):
    async def standing(self, keys: Sequence[str]) -> list[Standing]:
        rows = await self._store.rows("places_of", {"keys": [self._store.id_of(key) for key in keys]})
        return [
            Standing(lane, kind, text_of(key), body % RANGE, bool(has_body), bool(is_gone))
            for lane, kind, key, body, has_body, is_gone in rows
        ]

    async def intended(self) -> list[Sent]:
        found = []
        for (content,) in await self._store.rows("all_intents", {}):
            try:
                found.append(unpacked(bytes(content)))
            except ValueError:  # `journal check` says that it is damaged
                continue
        return found

    async def erase_bodies(self, places: Sequence[Standing]) -> None:
        rows = [{"lane": each.lane, "kind": each.kind, "id": self._store.id_of(each.id)} for each in places]
        await self._store.write(_erase_bodies, rows)

    async def erase_records(self, old: Delivery, new: Delivery) -> bool:
        values = {"id": old.id, "state": old.state, "records": old.records, "becomes": new.state, "left": new.records}
        content = {"payload": new.payload, "bodies": new.bodies, "outcome": new.outcome}
        detail = new.failure.detail if new.failure else None
        return bool(await self._store.change("erase_records", {**values, **content, "detail": detail}))

    async def erase_attempts(self, deliveries: Sequence[int], says: str, is_it: Callable[[str], bool]) -> int:
        return await self._store.write(_erase_attempts, list(deliveries), says, is_it)

    async def erase_words(self, says: str, change: Callable[[str], str]) -> int:
        return await self._store.write(_erase_words, says, change)

    async def put_receipt_file(self, place: int, name: str, content: bytes) -> None:
        values = {"place": place, "name": name, "content": zlib.compress(content)}
        await self._store.change("put_receipt_file", values)


def _erase_bodies(rows: Sequence[Values]) -> Steps[None]:
    for name in ("erase_body", "erase_missing", "erase_known"):
        yield Many(name, rows)


def _erase_attempts(deliveries: list[int], says: str, is_it: Callable[[str], bool]) -> Steps[int]:
    count: int = yield Change("erase_attempts", {"ids": deliveries})
    numbers = [number for number, message in (yield Query("attempts_that_say", {"says": says})) if is_it(message)]
    count += yield Change("prune_attempts", {"ids": numbers})
    return count


def _erase_words(says: str, change: Callable[[str], str]) -> Steps[int]:
    count = 0
    for find, put in (("reports_that_say", "put_report"), ("snapshots_that_say", "put_snapshot_report")):
        rows = [(number, text, change(text)) for number, text in (yield Query(find, {"says": says}))]
        changed = [{"number": number, "text": new} for number, old, new in rows if new != old]
        yield Many(put, changed)
        count += len(changed)
    batches = [
        (run, number, old, change(old)) for run, number, old in (yield Query("batches_that_say", {"says": says}))
    ]
    changed = [{"run": run, "number": number, "text": new} for run, number, old, new in batches if new != old]
    yield Many("put_outcomes", changed)
    found = yield Query("answers_that_say", {"says": says})
    answers = [(tenant, key, bytes(old), change(bytes(old).decode()).encode()) for tenant, key, old in found]
    replaced = [{"tenant": tenant, "key": key, "answer": new} for tenant, key, old, new in answers if new != old]
    yield Many("put_answer", replaced)
    return count + len(changed) + len(replaced)
