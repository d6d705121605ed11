"""Snapshots that come in parts, and who delivers those that were committed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Literal

from proofport.errors import LaneLost
from proofport.journal.contract import Commit, NewSnapshot, OtherNumber, SnapshotState, SnapshotView
from proofport.journal.contract import Part as SnapshotPart
from proofport.journal.sql.access import names
from proofport.journal.sql.steps import Change, Part, Query, Row, Steps, Values, shown


class SnapshotsPart(Part):
    async def open_snapshot(self, new: NewSnapshot) -> None:
        await self._store.change("open_snapshot", {**asdict(new), "destinations": list(new.destinations)})

    async def snapshot(self, snapshot: str) -> SnapshotView | None:
        rows = await self._store.rows("snapshot", {"id": snapshot})
        return _view(rows[0]) if rows else None

    async def snapshots(
        self, *, tenant: str | None = None, state: SnapshotState | None = None, limit: int = 100
    ) -> list[SnapshotView]:
        rows = await self._store.rows("snapshots", {"tenant": tenant, "state": state, "limit": limit})
        return [_view(row) for row in rows]

    async def put_part(self, snapshot: str, part: SnapshotPart) -> bool:
        values = {**asdict(part), "id": snapshot, "pages": shown(part.pages)}
        return await self._store.write(_put, values)

    async def parts(self, snapshot: str, *, after: str = "", limit: int = 10) -> list[SnapshotPart]:
        rows = await self._store.rows("parts", {"id": snapshot, "after": after, "limit": limit})
        return [SnapshotPart(*row) for row in rows]

    async def abort_snapshot(self, snapshot: str) -> bool:
        return await self._store.write(_abort, {"id": snapshot})

    async def expire_snapshots(self) -> int:
        return await self._store.write(_expire)

    # ------------------------------------------------------------------ commits
    async def commit_snapshot(
        self,
        snapshot: str,
        *,
        run_id: str,
        override: str | None = None,
        without: Sequence[str] = (),
        expected: int | None = None,
    ) -> bool:
        left_out = [shown(each) for each in without]
        values = {"id": snapshot, "run_id": run_id, "override": shown(override), "left_out": left_out}
        return await self._store.write(_commit, values, expected)

    async def claim_commit(
        self, *, owner: str, lease: float, snapshot: str | None = None, full: Sequence[str] = ()
    ) -> Commit | None:
        values = {"owner": owner, "lease": lease, "id": snapshot, "full": list(full)}
        return await self._store.write(_claim, values)

    async def renew_commit(self, commit: Commit, *, lease: float) -> None:
        if not await self._store.change("renew_commit", {**_of(commit), "lease": lease}):
            raise _lost(commit)

    async def end_commit(self, commit: Commit, state: Literal["delivered", "open"], report: str) -> None:
        await self._store.write(_end, commit, state, report)

    async def release_commit(self, commit: Commit) -> None:
        await self._store.change("release_commit", _of(commit))


def _view(row: Row) -> SnapshotView:
    identity, tenant, kind, destinations, *rest = row
    return SnapshotView(identity, tenant, kind, names(destinations) or [], *rest)


def _put(values: Values) -> Steps[bool]:
    rows = yield Query("locked_open_snapshot", values)
    if not rows:
        return False
    [(number,)] = rows
    yield Change("put_part", {**values, "number": number})
    yield Change("count_parts", {"number": number})
    return True


def _abort(values: Values) -> Steps[bool]:
    aborted = bool((yield Change("abort_snapshot", values)))
    if aborted:
        yield Change("drop_parts", values)
    return aborted


def _expire() -> Steps[int]:
    over = yield Query("locked_expired_snapshots", {})
    for (identity,) in over:
        yield Change("expire_snapshot", {"id": identity})
        yield Change("drop_parts", {"id": identity})
    return len(over)


def _commit(values: Values, expected: int | None) -> Steps[bool]:
    rows = yield Query("locked_open_snapshot", values)
    if not rows:
        return False
    if expected is not None:
        [(number,)] = rows
        [(parts, found)] = yield Query("records_in_parts", {"number": number})
        if found != expected:
            raise OtherNumber(found, expected, parts)
    yield Change("commit_snapshot", values)
    return True


def _claim(values: Values) -> Steps[Commit | None]:
    rows = yield Query("claimable_commit", values)
    if not rows:
        return None
    [(*row, run_id, override, left_out, epoch, before, breakdowns)] = rows
    commit = Commit(_view(row), run_id, override, names(left_out) or [], epoch + 1, breakdowns, before)
    yield Change("take_commit", {**values, **_of(commit), "breakdowns": breakdowns})
    return commit


def _end(commit: Commit, state: str, report: str) -> Steps[None]:
    if not (yield Change("end_commit", {**_of(commit), "state": state, "report": shown(report)})):
        raise _lost(commit)
    if state == "delivered":
        yield Change("drop_parts", _of(commit))


def _of(commit: Commit) -> Values:
    return {"id": commit.snapshot.id, "epoch": commit.epoch}


def _lost(commit: Commit) -> LaneLost:
    return LaneLost(f"the commit of the snapshot {commit.snapshot.id} was taken over, or has ended")
