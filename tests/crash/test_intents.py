"""A process is killed while records are on the wire: they are known afterwards, though nobody noted their arrival."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.crash.program import BATCH
from tests.crash.scene import KIND, Scene, accounts, killed_on_the_wire, scene

from proofport.journal.contract import Filter

CONTRACTOR = BATCH


async def is_active(at: Scene) -> dict[str, Any]:
    return {each: body["active"] for each, body in (await at.held()).items()}


async def snapshot_of(at: Scene, file: str, *more: str) -> tuple[int, dict[str, Any], str]:
    async with at.process(*at.snapshot(file, *more)) as process:
        return await at.finish(process)


@pytest.mark.parametrize("how", ["snapshot", "upsert"])
async def test_what_only_a_killed_push_has_sent_is_ended_once_it_is_gone(tmp_path: Path, how: str) -> None:
    async with scene(tmp_path, "secureframe") as at:
        at.change(vendor_name=None)  # what the vendor holds cannot be listed then: a plan asks the journal
        people = accounts(range(CONTRACTOR + 1), "a")
        at.write("before.ndjson", *people[:-1])
        at.write("with.ndjson", *people)
        assert (await snapshot_of(at, "before.ndjson"))[0] == 0
        push = (
            at.snapshot("with.ndjson")
            if how == "snapshot"
            else ("push", "with.ndjson", "--kind", KIND, "--to", at.vendor)
        )
        async with at.process(*push) as process:
            await killed_on_the_wire(at, process, number=1)
        assert (await is_active(at))[f"a{CONTRACTOR}"] is True

        plan = await at.plan("before.ndjson")
        code, books, said = await snapshot_of(at, "before.ndjson")
        assert (code, books["gone"]) == (0, {"count": 1, "ids": [f"a{CONTRACTOR}"]}), said
        assert plan["gone"] == books["gone"]
        assert (await is_active(at))[f"a{CONTRACTOR}"] is False
        _, books, _ = await snapshot_of(at, "before.ndjson")
        assert books["gone"]["count"] == 0


async def test_what_a_killed_push_has_sent_is_not_taken_for_unchanged(tmp_path: Path) -> None:
    async with scene(tmp_path, "secureframe") as at:
        at.write("people.ndjson", *accounts(range(2 * BATCH), "a"))
        async with at.process(*at.snapshot("people.ndjson")) as process:
            await killed_on_the_wire(at, process, number=1)
        plan = await at.plan("people.ndjson")
        assert (plan["added"]["count"], plan["changed"]["count"], plan["unchanged"]["count"]) == (0, 2 * BATCH, 0)
        code, books, said = await snapshot_of(at, "people.ndjson", "--skip-unchanged")
        assert (code, books["delivered"], books["unchanged"]) == (0, 2 * BATCH, 0), said
        assert books["gone"]["count"] == 0
        assert set((await is_active(at)).values()) == {True}


async def test_what_only_a_killed_worker_has_sent_is_ended_once_it_is_gone(tmp_path: Path) -> None:
    async with scene(tmp_path, "secureframe") as at:
        at.change(vendor_name=None)
        people = accounts(range(3), "a")
        at.write("before.ndjson", *people[:-1])
        assert (await snapshot_of(at, "before.ndjson"))[0] == 0
        async with at.gateway() as gateway:
            [queued] = await gateway.submit(people[-1:], kind=KIND, to=[at.vendor])
        async with at.process("work") as process:
            await killed_on_the_wire(at, process)
        assert (await is_active(at))["a2"] is True

        async with at.journal() as journal:
            assert await journal.cancel(Filter(ids=[queued.id]), "not ours") == 1
        plan = await at.plan("before.ndjson")
        code, books, said = await snapshot_of(at, "before.ndjson")
        assert (code, books["gone"]) == (0, {"count": 1, "ids": ["a2"]}), said
        assert plan["gone"] == books["gone"]
        assert (await is_active(at))["a2"] is False


async def test_a_staged_set_that_was_never_completed_leaves_nothing_behind(tmp_path: Path) -> None:
    """Nothing of it became visible: it is neither known nor gone."""
    async with scene(tmp_path, "drata") as at:
        at.write("before.ndjson", *accounts(range(BATCH), "a"))
        at.write("more.ndjson", *accounts(range(2 * BATCH), "a"))
        assert (await snapshot_of(at, "before.ndjson"))[0] == 0
        async with at.process(*at.snapshot("more.ndjson")) as process:
            await killed_on_the_wire(at, process, number=1)
        code, books, said = await snapshot_of(at, "before.ndjson")
        assert (code, books["delivered"], books["gone"]["count"]) == (0, BATCH, 0), said
        async with at.journal() as journal:
            [lane] = [each.lane for each in await journal.lanes()]
            assert await journal.known_count(lane, KIND) == BATCH


@pytest.mark.parametrize("vendor", ["drata", "secureframe"])
async def test_a_killed_snapshot_is_not_resumed_over_another_input(tmp_path: Path, vendor: str) -> None:
    """One record has left a batch that was on the wire; the run is refused before anything is sent."""
    async with scene(tmp_path, vendor) as at:
        removed = 2 * BATCH - 1
        at.write("people.ndjson", *accounts(range(3 * BATCH), "a"))
        assert (await snapshot_of(at, "people.ndjson"))[0] == 0
        before = await at.held()
        async with at.process(*at.snapshot("people.ndjson")) as process:
            await killed_on_the_wire(at, process, number=1 + (vendor == "drata"))
        [run] = await at.open_runs()
        at.write("people.ndjson", *accounts([n for n in range(3 * BATCH) if n != removed], "a"))
        sent = len(at.emulator.log)
        code, books, said = await snapshot_of(at, "people.ndjson", "--resume", run.run_id)
        assert (code, books["input"]) == (1, 3 * BATCH - 1), said
        assert books["delivered"] in ((0, BATCH) if vendor == "secureframe" else (0,)), (
            "the batch that was acknowledged"
        )
        assert "Push again without --resume." in " ".join(books["notes"])
        assert [path for path in at.changed_since(sent) if not path.endswith("/actions")] == []
        assert await at.held() == before
        assert "IN_PROGRESS" not in at.statuses()

        code, books, said = await snapshot_of(at, "people.ndjson")
        assert (code, books["gone"]) == (0, {"count": 1, "ids": [f"a{removed}"]}), said
        live = {each for each, body in (await at.held()).items() if body.get("active", True)}
        assert live == {f"a{n}" for n in range(3 * BATCH) if n != removed}
