"""The last delivered state: which record makes a schema, what fits it, what may be removed, which bodies are kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import pytest
from proofport.delivery.last_state import LastState
from tests.journals import MemoryJournal
from tests.unit.delivery.support import TinyAdapter, memory_journal

from proofport.accounting import ACCEPTED, UNCHANGED, Outcome, Status, rejected, unknown
from proofport.adapter import ANY, Batch, Capability, Declared, Job, Mode, Schema
from proofport.errors import Problem, UsageError
from proofport.journal.contract import BatchDone, LaneRun, NewRun, Sent

KIND = "device"
LANE = f"tiny/{KIND}"
NO = rejected(Problem("bad", "good"))


class Freezing(TinyAdapter):
    """Its schema begins with the first record that is `fit`."""

    def __init__(self, declared: Declared | None = None, **capabilities: Capability) -> None:
        super().__init__(None, **capabilities)
        self.declared = declared
        self.seen: list[Sequence[str]] = []

    def schema(self, kind: str) -> Declared | None:
        return self.declared

    def freeze(self, job: Job, batch: Batch) -> tuple[int, Schema] | None:
        self.seen.append(batch.ids)
        bodies = [json.loads(item) for item in batch.items]
        for index, body in enumerate(bodies):
            if body.get("fit"):
                types = Schema.of("things", job.kind, body).fields
                return index, Schema("things", job.kind, {**types, **dict.fromkeys(job.fields, ANY), **types})
        raise UsageError("none is fit")


def batch(*bodies: Mapping[str, Any], observed: Sequence[float] = (), extras: bool = False) -> Batch:
    items = [json.dumps(body).encode() for body in bodies]
    return Batch([body["id"] for body in bodies], items, range(len(bodies)), observed, extras)


class Scene:
    def __init__(self, journal: MemoryJournal, run: LaneRun, adapter: Freezing) -> None:
        self.journal, self.run, self.adapter = journal, run, adapter
        self.numbers = iter(range(1, 99))

    async def last(
        self, mode: Mode = "upsert", *, types: Mapping[str, str] | None = None, fields: tuple[str, ...] = ()
    ) -> LastState:
        job = Job("run", "test", KIND, mode, fields)
        last = LastState(self.journal, self.adapter, self.adapter.capability(KIND, mode), job, types)
        await last.load()
        return last

    async def sift(self, given: Batch, mode: Mode = "upsert", **how: Any) -> tuple[list[int], dict[int, Status]]:
        """The order, and the outcomes of what is not sent."""
        last = await self.last(mode, **how)
        order, decided = await last.sift(given, range(10, 10 + len(given)), skip_unchanged=False)
        return list(order), {index: outcome.status for index, outcome in decided.items()}

    async def push(self, sent: Sent, mode: Mode = "upsert") -> None:
        run_id = f"r{next(self.numbers)}"
        await self.run.begin(NewRun(run_id, "here", KIND, mode))
        await self.run.batch_done(run_id, BatchDone(1, 1, 1, len(sent.ids), b"", "[]", sent))


@pytest.fixture
async def scene() -> Scene:
    journal = await memory_journal()
    assert isinstance(journal, MemoryJournal)
    run = await journal.claim(LANE, owner="me", lease=60)
    assert run is not None
    keeping = Capability(keeps_bodies=True)
    patching = Capability(keeps_bodies=True, known_only=True)
    return Scene(journal, run, Freezing(Declared("things"), upsert=keeping, remove=keeping, patch=patching))


async def noted(scene: Scene, schema: Schema) -> None:
    value = asdict(replace(schema, fields=dict(schema.fields)))
    await scene.run.keep_adapter_memory(schema.slug, value, doubts=schema.kind)


FIT = {"id": "fit", "fit": True, "n": 1}


# ---------------------------------------------------------------------- what makes a schema
async def test_the_record_that_makes_the_schema_goes_first(scene: Scene) -> None:
    assert await scene.sift(batch({"id": "poor"}, FIT, {"id": "z"})) == ([1, 0, 2], {})


async def test_what_is_not_sent_makes_no_schema(scene: Scene) -> None:
    await scene.push(Sent(["fit"], [5], [100.0]))
    given = batch(FIT, {"id": "poor"}, {**FIT, "id": "b"}, observed=[50.0, 0.0, 0.0])
    assert await scene.sift(given) == ([2, 1], {0: Status.REJECTED})
    assert scene.adapter.seen == [["poor", "b"]]
    await scene.sift(batch(FIT, observed=[50.0]))
    assert len(scene.adapter.seen) == 1, "nothing is left to make it of"


@pytest.mark.parametrize("mode", ["patch", "remove"])
async def test_only_whole_records_make_one(scene: Scene, mode: Mode) -> None:
    await scene.sift(batch(FIT), mode)
    assert scene.adapter.seen == []


async def test_it_is_noted_once_the_vendor_may_have_it(scene: Scene) -> None:
    for outcome, noted in ((NO, 0), (unknown("lost"), 1), (ACCEPTED, 1)):
        last = await scene.last()
        await last.sift(batch(FIT), [10], skip_unchanged=False)
        job = await last.note(scene.run, [outcome])
        assert len(await scene.journal.adapter_memory(LANE)) == noted
        assert (job.schema is not None) == bool(noted)


async def test_while_it_is_made_nothing_counts_as_unchanged(scene: Scene) -> None:
    await scene.push(Sent(["fit"], [10]))
    order, decided = await (await scene.last()).sift(batch(FIT), [10], skip_unchanged=True)
    assert (list(order), decided) == ([0], {})
    await noted(scene, Schema("things", KIND, {"id": "string", "fit": "boolean", "n": "number"}))
    await scene.push(Sent(["fit"], [10]))
    order, decided = await (await scene.last()).sift(batch(FIT), [10], skip_unchanged=True)
    assert (list(order), decided) == ([], {0: UNCHANGED})


# ---------------------------------------------------------------------- what fits it
@pytest.mark.parametrize(
    ("record", "fits"),
    [
        ({"n": 2.5}, True),
        ({"n": None}, True),
        ({}, True),
        ({"n": "2"}, False),
        ({"n": True}, False),
        ({"more": 1}, False),
        ({"more": None}, False),
        ({"open": {"any": 1}}, True),
    ],
)
async def test_a_record_fits_by_its_fields_and_their_types(scene: Scene, record: dict[str, Any], fits: bool) -> None:
    await noted(scene, Schema("things", KIND, {"id": "string", "n": "number", "open": ANY}))
    order, decided = await scene.sift(batch({"id": "a", **record}))
    assert (order, decided) == (([0], {}) if fits else ([], {0: Status.REJECTED}))


async def test_another_slug_is_another_schema(scene: Scene) -> None:
    await noted(scene, Schema("things", KIND, {"id": "string"}))
    scene.adapter.declared = Declared("others")
    assert (await scene.last()).job.schema is None


async def test_declared_fields_replace_the_noted_ones(scene: Scene) -> None:
    await noted(scene, Schema("things", KIND, {"id": "string"}))
    scene.adapter.declared = Declared("things", True, {"id": "string", "n": "number"})
    assert await scene.sift(batch({"id": "a", "n": 1}, {"id": "b", "m": 1})) == ([0], {1: Status.REJECTED})


async def test_what_the_mapping_proves_is_not_looked_at_again(scene: Scene) -> None:
    types = {"id": "string", "n": "number"}
    await noted(scene, Schema("things", KIND, {**types, "n": ANY}))
    unread = Batch(["a"], [b"not even JSON"], [1])
    assert await scene.sift(unread, types=types) == ([0], {})
    with_extras = batch({"id": "a", "more": 1}, extras=True)
    assert await scene.sift(with_extras, types=types) == ([], {0: Status.REJECTED})
    wider = {**types, "late": "string"}
    assert await scene.sift(batch({"id": "a", "late": "x"}), types=wider) == ([], {0: Status.REJECTED})


async def test_a_field_that_no_record_has_filled_has_the_type_that_the_mapping_proves(scene: Scene) -> None:
    last = await scene.last(types={"late": "string"}, fields=("late", "free"))
    await last.sift(batch(FIT), [10], skip_unchanged=False)
    assert last.frozen is not None
    assert (last.frozen.fields["late"], last.frozen.fields["free"]) == ("string", ANY)


# ---------------------------------------------------------------------- patches and removals
async def test_a_patch_reaches_what_was_delivered_whole(scene: Scene) -> None:
    await scene.push(Sent(["a", "doubt"], [5, 1]))
    found = await scene.sift(batch({"id": "a"}, {"id": "doubt"}, {"id": "never"}), "patch")
    assert found == ([0], {1: Status.REJECTED, 2: Status.REJECTED})


async def test_a_removal_needs_a_last_state_and_happens_once(scene: Scene) -> None:
    await scene.push(Sent(["here", "gone", "bare"], [5, 6, 7], items=[b"{h}", b"{g}", b""]))
    await scene.push(Sent(["gone"]), "remove")
    given = Batch(["here", "gone", "never", "bare"], [b""] * 4, range(4))
    refused = {1: Status.UNCHANGED, 2: Status.REJECTED, 3: Status.REJECTED}
    assert await scene.sift(given, "remove") == ([0], refused)
    assert (await (await scene.last("remove")).with_bodies(given)).items == [b"{h}", b"", b"", b""]


# ---------------------------------------------------------------------- what is kept
@pytest.mark.parametrize(
    ("outcome", "kept"), [(ACCEPTED, True), (unknown("lost"), True), (NO, False), (UNCHANGED, False)]
)
async def test_the_bodies_of_what_was_sent_are_kept(scene: Scene, outcome: Outcome, kept: bool) -> None:
    given = batch({"id": "a"})
    assert await (await scene.last()).kept(given, [outcome]) == [given.items[0] if kept else b""]


async def test_of_a_patch_the_patched_body_is_kept(scene: Scene) -> None:
    await scene.push(Sent(["a"], [5], items=[b'{"id":"a","x":1,"y":2}']))
    (kept,) = await (await scene.last("patch")).kept(batch({"id": "a", "x": None, "z": 3}), [ACCEPTED])
    assert json.loads(kept) == {"id": "a", "y": 2, "z": 3}


async def test_where_bodies_are_not_needed_none_is_kept(scene: Scene) -> None:
    assert await (await scene.last("snapshot")).kept(batch(FIT), [ACCEPTED]) == ()
    assert await (await scene.last("remove")).kept(batch(FIT), [ACCEPTED]) == ()
