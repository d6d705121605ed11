"""Snapshots that come in parts, in dictionaries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from proofport.journal.snapshots import NewSnapshot, Part, SnapshotState, SnapshotView


@dataclass(slots=True)
class _Held:
    view: SnapshotView
    lifetime: float
    parts: dict[str, Part] = field(default_factory=dict)


class MemorySnapshots:
    clock: Callable[[], float]

    def __init__(self) -> None:
        self._snapshots: dict[str, _Held] = {}

    async def open_snapshot(self, new: NewSnapshot) -> None:
        now = self.clock()
        view = SnapshotView(new.id, new.tenant, new.kind, list(new.destinations), "open", now, now + new.lifetime, 0, 0)
        self._snapshots[new.id] = _Held(view, new.lifetime)

    async def snapshot(self, snapshot: str) -> SnapshotView | None:
        held = self._snapshots.get(snapshot)
        return self._seen(held) if held is not None else None

    def _seen(self, held: _Held) -> SnapshotView:
        over = held.view.state == "open" and held.view.expires <= self.clock()
        return replace(held.view, state="expired") if over else held.view

    async def snapshots(
        self, *, tenant: str | None = None, state: SnapshotState | None = None, limit: int = 100
    ) -> list[SnapshotView]:
        seen = [self._seen(held) for held in reversed(self._snapshots.values())]
        return [view for view in seen if tenant in (None, view.tenant) and state in (None, view.state)][:limit]

    async def put_part(self, snapshot: str, part: Part) -> bool:
        held = self._snapshots.get(snapshot)
        if held is None or self._seen(held).state != "open":
            return False
        held.parts[part.name] = part
        records = sum(each.records for each in held.parts.values())
        expires = self.clock() + held.lifetime
        held.view = replace(held.view, parts=len(held.parts), records=records, expires=expires)
        return True

    async def parts(self, snapshot: str, *, after: str = "", limit: int = 10) -> list[Part]:
        held = self._snapshots.get(snapshot)
        names = sorted(name for name in held.parts if name > after) if held is not None else []
        return [held.parts[name] for name in names[:limit]] if held is not None else []

    async def move_snapshot(
        self, snapshot: str, before: SnapshotState, after: SnapshotState, *, report: str | None = None
    ) -> bool:
        held = self._snapshots.get(snapshot)
        if held is None or held.view.state != before or self._seen(held).state != before:
            return False
        expires = self.clock() + held.lifetime
        held.view = replace(held.view, state=after, expires=expires, report=report or held.view.report)
        if after in ("delivered", "aborted"):
            held.parts.clear()
        return True

    async def expire_snapshots(self) -> int:
        over = [held for held in self._snapshots.values() if held.view.state != self._seen(held).state]
        for held in over:
            held.view = self._seen(held)
            held.parts.clear()
        return len(over)
