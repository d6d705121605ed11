"""Receipts, the log that they are in, and the keys that have signed them."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Mapping
from dataclasses import asdict

from proofport.journal.contract import Branch, LogHead, NewReceipt, ReceiptKey, ReceiptView, Stamp
from proofport.journal.sql.access import names
from proofport.journal.sql.steps import Change, Many, Part, Query, Steps


class ReceiptsPart(Part):
    async def log_head(self) -> LogHead:
        while not (rows := await self._store.rows("log_head", {})):
            await self._store.change("begin_first_branch", {"branch": new_branch()})
        [(size, branch, sequence, digest)] = rows
        return LogHead(size, branch, sequence, bytes(digest or b""))

    async def add_receipt(self, new: NewReceipt, *, after: int) -> bool:
        return await self._store.write(adding, new, after)

    async def receipts(self, *, run_id: str | None = None, first: int = 0, limit: int = 100) -> list[ReceiptView]:
        where = ["receipt_of_run"] if run_id is not None else []
        rows = await self._store.rows("receipts", {"run_id": run_id, "first": first, "limit": limit}, where)
        return [
            ReceiptView(place, branch, sequence, run, destination, at, bytes(envelope), names(files) or [])
            for place, branch, sequence, run, destination, at, envelope, files in rows
        ]

    async def receipt_file(self, place: int, name: str) -> bytes | None:
        rows = await self._store.rows("receipt_file", {"place": place, "name": name})
        return zlib.decompress(rows[0][0]) if rows else None

    async def leaves(self, *, first: int = 0, limit: int = 10_000) -> list[bytes]:
        return [bytes(leaf) for (leaf,) in await self._store.rows("leaves", {"first": first, "limit": limit})]

    async def branches(self) -> list[Branch]:
        return [Branch(*row) for row in await self._store.rows("branches", {})]

    async def due(self, *, limit: int = 1_000) -> list[tuple[str, str]]:
        return [(run_id, destination) for run_id, destination in await self._store.rows("due_runs", {"limit": limit})]

    async def due_lanes(self) -> list[tuple[str, int, float]]:
        return [(lane, count, since) for lane, count, since in await self._store.rows("due_lanes", {})]

    async def receipt_keys(self) -> list[ReceiptKey]:
        rows = await self._store.rows("receipt_keys", {})
        return [ReceiptKey(bytes(public), since, until, bytes(rotation)) for public, since, until, rotation in rows]

    async def add_receipt_key(self, key: ReceiptKey) -> None:
        await self._store.write(_add_key, key)

    async def add_stamp(self, stamp: Stamp) -> None:
        await self._store.change("add_stamp", asdict(stamp))

    async def stamps(self, *, after: int = 0, limit: int = 100) -> list[Stamp]:
        rows = await self._store.rows("stamps", {"after": after, "limit": limit})
        return [Stamp(size, at, bytes(note), bytes(answer)) for size, at, note, answer in rows]

    async def stamped(self) -> int:
        [(size,)] = await self._store.rows("stamped", {})
        return int(size)

    async def keep_texts(self, texts: Mapping[str, str]) -> None:
        await self._store.write(_keep_texts, texts)

    async def kept_text(self, digest: str) -> str | None:
        rows = await self._store.rows("kept_text", {"digest": digest})
        return zlib.decompress(rows[0][0]).decode() if rows else None


def new_branch() -> str:
    """A name that no other branch has, so that a number is never given twice."""
    return secrets.token_hex(4)


def adding(new: NewReceipt, after: int) -> Steps[bool]:
    """Add a receipt. False: another process was quicker, or the run has its receipt."""
    values = {"run_id": new.run_id, "destination": new.destination}
    if new.run_id and (yield Query("receipt_of", values)):
        return False
    added = yield Change("add_receipt", {**asdict(new), "place": after})
    if not added:
        return False
    rows = [{"place": after, "name": name, "content": zlib.compress(text)} for name, text in new.files.items()]
    yield Many("add_receipt_file", rows)
    yield Change("not_due", values)
    return True


def _add_key(key: ReceiptKey) -> Steps[None]:
    last = yield Query("last_receipt_key", {})
    if last and bytes(last[0][0]) == key.public:
        return
    yield Change("end_receipt_keys", {"at": key.since})
    yield Change("add_receipt_key", asdict(key))


def _keep_texts(texts: Mapping[str, str]) -> Steps[None]:
    rows = [{"digest": digest, "content": zlib.compress(text.encode())} for digest, text in sorted(texts.items())]
    yield Many("keep_text", rows)
