"""The facade: what may be pushed, what is refused before anything is sent, and what a preview shows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from importlib.metadata import EntryPoint, EntryPoints
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from tests.unit.delivery.support import SECRET, ScriptedSender, Tiny, TinyAdapter, all_ok, reply

from proofport import registry
from proofport.adapter import Blueprint, Checks, Finding, Flow, Limits, Mode, Provisioned, Provisions
from proofport.config import Config
from proofport.delivery.report.report import Exit
from proofport.errors import ConfigError, Problem, ProofportError, UnsupportedFeature, UsageError
from proofport.evidence import CloudResource, Custom
from proofport.gateway import Gateway, Input
from proofport.gateway import opened as module
from proofport.gateway.commits import BREAKDOWNS, Commits
from proofport.journal.contract import NewSnapshot
from proofport.wire import Call, Reply

KIND = "custom:thing"
MAPPINGS = """
mapping: sources/things
to: {evidence: "custom:thing"}
records: $.things[*]
context: [colour]
incomplete_when: $.pages[*].next
fields: {id: $.name, colour: $.colour}
---
mapping: sources/courses
to: {evidence: training_record}
fields: {id: $.id, email: $.email, course: $.course}
---
mapping: tiny/cloud_resource
from: cloud_resource
to: {vendor: tiny, body: anything, display_name: name}
fields: {id: $.id, name: $.name}
"""


class Made(Tiny, Provisions):
    """Is made when it is asked for."""

    def provision(self, blueprint: Blueprint) -> Flow[Provisioned]:
        made = yield Call("make", "POST", f"/objects/{blueprint.kind}", destructive=True)
        return Provisioned({"number": made.json()}, created=True)


class Maker(TinyAdapter, Checks):
    """Can look at itself."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings, Made, settings.base_url)

    def check(self) -> Flow[list[Finding]]:
        answer = yield Call("look", "GET", "/me")
        return [Finding(answer.ok, "key", "accepted")]


@pytest.fixture
def senders(monkeypatch: pytest.MonkeyPatch) -> dict[str, ScriptedSender]:
    """The vendors behind the destinations, by origin."""
    held = reply({"ids": [], "next": None})
    origins = ("http://127.0.0.1:1", "http://127.0.0.1:2")
    vendors = {origin: ScriptedSender(send_records=all_ok, list_records=held, make=reply(7)) for origin in origins}
    monkeypatch.setattr(module, "Sender", lambda adapter, journal, tokens, **_: vendors[adapter.origin])
    return vendors


@pytest.fixture
def here(senders: dict[str, ScriptedSender]) -> ScriptedSender:
    return senders["http://127.0.0.1:1"]


@pytest.fixture
async def gateway(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, senders: dict[str, ScriptedSender]
) -> AsyncIterator[Gateway]:
    installed = EntryPoints([EntryPoint("tiny", f"{__name__}:Maker", registry.ADAPTERS)])
    monkeypatch.setattr(registry, "installed", lambda group: installed.select(group=group))
    monkeypatch.setattr(EntryPoint, "load", lambda entry: Maker)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "mappings"
    folder.mkdir()
    (folder / "ours.yaml").write_text(MAPPINGS)
    config = Config.model_validate(
        {
            "instance": "test",
            "journal": tmp_path / "journal.sqlite3",
            "mappings": folder,
            "patience": 0,
            "destinations": {
                "here": {"adapter": "tiny", "base_url": "http://127.0.0.1:1", "key": SECRET},
                "there": {"adapter": "tiny", "base_url": "http://127.0.0.1:2", "key": SECRET},
            },
        }
    )
    async with Gateway(config) as opened:
        yield opened


def sent(vendor: ScriptedSender) -> list[Any]:
    return [row for call in vendor.calls if call.operation == "send_records" for row in _rows(call)]


def _rows(call: Call) -> list[Any]:
    import json

    rows: list[Any] = json.loads(call.body or b"[]")
    return rows


# ---------------------------------------------------------------------- what may be pushed
async def test_evidence_and_plain_data_are_pushed_alike(gateway: Gateway, here: ScriptedSender) -> None:
    records: Any = [Custom.model_validate({"id": "1", "size": None}), {"id": "2", "on": False}]
    report = await gateway.push(records, kind=KIND, to=["here"])
    assert report.exit_code is Exit.OK
    assert sent(here) == [{"id": "1", "size": None}, {"id": "2", "on": False}]
    assert (report.sources[0].input, report.sources[0].read) == ("records", 2)


async def test_records_may_come_one_by_one_from_a_generator(gateway: Gateway, here: ScriptedSender) -> None:
    report = await gateway.push(({"id": str(n)} for n in range(200)), kind=KIND, to="here")
    assert (report.exit_code, len(sent(here))) == (Exit.OK, 200)


async def test_files_streams_and_records_make_one_run(gateway: Gateway, here: ScriptedSender, tmp_path: Path) -> None:
    file = tmp_path / "a.ndjson"
    file.write_text('{"id": "1"}\n')
    inputs = [Input(file), Input(BytesIO(b'[{"id": "2"}]')), Input([{"id": "3"}]), Input([{"id": "1"}])]
    report = await gateway.push(inputs, kind=KIND, to=["here"])
    assert [row["id"] for row in sent(here)] == ["1", "2", "3"]
    [problem] = report.destinations["here"].problems
    assert problem.position == "records#1"
    assert "a.ndjson:1" in str(problem.outcome.problem)


async def test_a_source_mapping_says_the_kind_and_takes_values(gateway: Gateway, here: ScriptedSender) -> None:
    raw = {"things": [{"name": "a", "colour": "red"}, {"name": "b"}]}
    report = await gateway.push(Input([raw], "things"), to=["here"], values={"colour": "blue"})
    assert (report.kind, report.exit_code) == (KIND, Exit.OK)
    assert sent(here) == [{"id": "a", "colour": "red"}, {"id": "b", "colour": "blue"}]


@pytest.mark.parametrize("pages", [[{"next": "x"}], [{"next": "x"}, {"next": "y"}]])
async def test_a_source_that_goes_on_in_one_place_or_several_is_incomplete(gateway: Gateway, pages: list[Any]) -> None:
    raw = {"things": [{"name": "a"}], "pages": pages}
    report = await gateway.push(Input([raw], "things"), to=["here"], mode="snapshot")
    assert report.exit_code is Exit.GUARD
    assert "$.pages[*].next" in (report.sources[0].incomplete or "")


async def test_each_run_has_its_own_id(gateway: Gateway) -> None:
    runs = [await gateway.push([{"id": "1"}], kind=KIND, to=["here"]) for _ in range(2)]
    assert runs[0].run_id != runs[1].run_id


async def test_a_destination_that_is_named_twice_gets_everything_once(gateway: Gateway, here: ScriptedSender) -> None:
    await gateway.push([{"id": "1"}], kind=KIND, to=["here", "here"])
    assert len(sent(here)) == 1


async def test_an_error_in_the_callers_own_generator_is_the_callers(gateway: Gateway) -> None:
    def failing() -> Iterator[dict[str, Any]]:
        yield {"id": "1"}
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await gateway.push(failing(), kind=KIND, to=["here"])


# ---------------------------------------------------------------------- what is refused before anything is sent
@pytest.mark.parametrize(
    ("records", "how", "error", "words"),
    [
        ([], {"to": ["here"]}, UsageError, "kind of evidence is not known"),
        ([], {"kind": "cloud_resources", "to": ["here"]}, UsageError, "no kind 'cloud_resources'"),
        ([], {"kind": KIND, "to": []}, UsageError, "no destination"),
        ([], {"kind": KIND, "to": ["heer"]}, ConfigError, "no destination 'heer'"),
        ([], {"kind": KIND, "to": ["here", "nowhere"]}, ConfigError, "no destination 'nowhere'"),
        (Input([], "thing"), {"to": ["here"]}, UsageError, "thing"),
        (Input([], "things"), {"to": ["here"], "values": {"color": "red"}}, UsageError, "color"),
        (Input([], "things"), {"to": ["here"], "kind": "training_record"}, UsageError, "several kinds"),
        ([Input([], "things"), Input([], "courses")], {"to": ["here"]}, UsageError, "several kinds"),
        (Input("no-such-file.json"), {"kind": KIND, "to": ["here"]}, UsageError, "no-such-file.json"),
        ([], {"kind": KIND, "to": ["here"], "override_guard": "  "}, UsageError, "needs a reason"),
    ],
)
async def test_what_cannot_be_done_as_asked_is_said_before_anything_is_sent(
    gateway: Gateway,
    senders: dict[str, ScriptedSender],
    records: Any,
    how: dict[str, Any],
    error: type[ProofportError],
    words: str,
) -> None:
    with pytest.raises(error, match=words) as caught:
        await gateway.push(records, **how)
    assert caught.value.hint
    assert not any(vendor.calls for vendor in senders.values())


async def test_a_mode_that_one_of_the_vendors_lacks_is_refused_for_all(
    gateway: Gateway, senders: dict[str, ScriptedSender], monkeypatch: pytest.MonkeyPatch
) -> None:
    def limits(self: Tiny, mode: Mode) -> Limits:
        if ":2/" in self.lane and mode == "remove":
            raise UnsupportedFeature("nothing can be removed there")
        return Limits()

    monkeypatch.setattr(Made, "limits", limits)
    with pytest.raises(UnsupportedFeature, match="nothing can be removed there"):
        await gateway.push([{"id": "1"}], kind=KIND, to=["here", "there"], mode="remove")
    assert not any(vendor.calls for vendor in senders.values())


async def test_a_journal_that_cannot_be_written_is_said_before_anything_is_sent(
    gateway: Gateway, here: ScriptedSender, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    gateway.config = gateway.config.model_copy(update={"journal": tmp_path / "file" / "journal.sqlite3"})
    with pytest.raises(ConfigError, match="journal"):
        await gateway.push([{"id": "1"}], kind=KIND, to=["here"], mode="snapshot")
    assert here.calls == []


async def test_two_destinations_that_are_one_object_at_the_vendor_are_not_pushed_to_at_once(
    gateway: Gateway, senders: dict[str, ScriptedSender], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Made, "lane", "tiny/one-object")
    with pytest.raises(UsageError, match="here and there are the same object"):
        await gateway.push([{"id": "1"}], kind=KIND, to=["here", "there"])
    assert not any(vendor.calls for vendor in senders.values())


# ---------------------------------------------------------------------- what is remembered between runs
def names_in(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


async def test_a_dry_run_and_a_preview_leave_no_journal(gateway: Gateway, tmp_path: Path) -> None:
    await gateway.push([{"id": "1"}], kind=KIND, to=["here"], dry_run=True)
    await gateway.preview([{"id": "1"}], kind=KIND)
    assert names_in(tmp_path) == ["mappings"]


async def test_what_was_delivered_by_one_process_is_unchanged_for_the_next(
    gateway: Gateway, here: ScriptedSender
) -> None:
    await gateway.push([{"id": "1"}, {"id": "2"}], kind=KIND, to=["here"])
    async with Gateway(gateway.config) as later:
        records: list[dict[str, Any]] = [{"id": "1"}, {"id": "2", "on": True}]
        report = await later.push(records, kind=KIND, to=["here"], skip_unchanged=True)
    assert report.destinations["here"].tally.status == {"unchanged": 1, "delivered": 1}
    assert sent(here)[2:] == [{"id": "2", "on": True}]


async def test_a_run_that_was_blocked_is_resumed_by_its_id(gateway: Gateway, here: ScriptedSender) -> None:
    here.answers["send_records"] = [Reply(403), all_ok]
    blocked = await gateway.push([{"id": "1"}], kind=KIND, to=["here"])
    assert blocked.exit_code is Exit.BLOCKED
    resumed = await gateway.push([{"id": "1"}], kind=KIND, to=["here"], resume=blocked.run_id)
    assert (resumed.run_id, resumed.exit_code) == (blocked.run_id, Exit.OK)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"to": ["there"]}, "there is no run"),
        ({"mode": "snapshot"}, "is a upsert of custom:thing"),
        ({"kind": "training_record"}, "is a upsert of custom:thing"),
        ({}, "has ended"),
    ],
)
async def test_what_cannot_be_resumed_is_said_before_anything_is_sent(
    gateway: Gateway, senders: dict[str, ScriptedSender], how: dict[str, Any], words: str
) -> None:
    run = await gateway.push([{"id": "1"}], kind=KIND, to=["here"])
    before = sum(vendor.requests for vendor in senders.values())
    with pytest.raises(UsageError, match=words):
        await gateway.push([{"id": "1"}], **{"kind": KIND, "to": ["here"], "resume": run.run_id, **how})
    assert sum(vendor.requests for vendor in senders.values()) == before


# ---------------------------------------------------------------------- the guard's terms
async def test_the_guard_keeps_to_the_configuration(gateway: Gateway) -> None:
    ten = [{"id": str(n)} for n in range(10)]
    assert (await gateway.push(ten, kind=KIND, to=["here"], mode="snapshot")).exit_code is Exit.OK
    assert (await gateway.push(ten[:7], kind=KIND, to=["here"], mode="snapshot")).exit_code is Exit.GUARD
    gateway.config = gateway.config.model_copy(update={"guard": type(gateway.config.guard)(max_gone=0.3)})
    assert (await gateway.push(ten[:7], kind=KIND, to=["here"], mode="snapshot")).exit_code is Exit.OK


async def test_an_override_goes_through_with_its_reason(gateway: Gateway) -> None:
    ten = [{"id": str(n)} for n in range(10)]
    await gateway.push(ten, kind=KIND, to=["here"], mode="snapshot")
    report = await gateway.push(ten[:1], kind=KIND, to="here", mode="snapshot", override_guard="sold")
    assert report.exit_code is Exit.OK
    assert "The guard was overridden: sold" in report.destinations["here"].notes


# ---------------------------------------------------------------------- preview
async def test_a_preview_is_of_one_input(gateway: Gateway) -> None:
    with pytest.raises(UsageError, match="one input, and 2 were given"):
        await gateway.preview([Input([]), Input([])], kind=KIND)  # type: ignore[list-item]


async def test_a_preview_shows_every_destinations_body_and_sends_nothing(
    gateway: Gateway, senders: dict[str, ScriptedSender]
) -> None:
    records: Any = [{"id": "1", "size": None}, {"id": "2"}]
    [shown] = await gateway.preview(records, kind=KIND)
    assert (shown.position, shown.id, shown.neutral) == ("records#1", "1", {"id": "1", "size": None})
    assert shown.bodies == {"here": {"id": "1", "size": None}, "there": {"id": "1", "size": None}}
    assert len(await gateway.preview(records, kind=KIND, to=["here"], limit=5)) == 2
    assert not any(vendor.calls for vendor in senders.values())


async def test_a_preview_shows_why_there_is_no_body(gateway: Gateway, tmp_path: Path) -> None:
    file = tmp_path / "a.ndjson"
    file.write_text('{broken\n{"name": "no id"}\n{"id": "1", "n": 1e400}\n')
    shown = await gateway.preview(Input(file), kind=KIND, to=["here"], limit=5)
    assert [preview.position.rpartition("/")[2] for preview in shown] == ["a.ndjson:1", "a.ndjson:2", "a.ndjson:3"]
    for preview in shown:
        assert preview.neutral is None
        assert isinstance(preview.bodies["here"], Problem)


async def test_a_preview_uses_the_vendor_mapping_of_the_destination(gateway: Gateway) -> None:
    gateway.config.destinations["here"]["objects"] = {"cloud_resource": {"mapping": "tiny/cloud_resource"}}
    record = CloudResource.model_validate({"id": "i-1", "type": "aws.ec2.instance", "name": "web", "region": "eu"})
    [shown] = await gateway.preview([record], kind="cloud_resource", to=["here"])
    assert shown.bodies == {"here": {"id": "i-1", "name": "web"}}


# ---------------------------------------------------------------------- the vendor's objects
async def test_the_vendors_object_of_a_kind_is_made(gateway: Gateway, here: ScriptedSender) -> None:
    made = await gateway.provision("here", kind=KIND)
    assert made == {KIND: Provisioned({"number": 7}, created=True)}
    assert here.operations == ["make"]


async def test_without_a_kind_every_kind_that_has_a_mapping_is_provisioned(gateway: Gateway) -> None:
    assert list(await gateway.provision("here")) == ["cloud_resource"]


async def test_doctor_asks_the_adapter(gateway: Gateway) -> None:
    found = await gateway.check("here")
    assert found[0] == Finding(True, "key", "accepted")
    assert (found[1].ok, found[1].subject) == (False, "objects"), "nothing can be delivered without one"


async def test_it_is_used_as_a_context_and_reads_its_file(tmp_path: Path) -> None:
    file = tmp_path / "proofport.yaml"
    file.write_text("instance: prod\ndestinations: {}\n")
    async with Gateway.from_file(file) as opened:
        assert opened.config.instance == "prod"


# ---------------------------------------------------------------------- plan
async def test_a_plan_compares_with_what_was_delivered_and_sends_nothing(
    gateway: Gateway, senders: dict[str, ScriptedSender]
) -> None:
    await gateway.push([{"id": "1"}, {"id": "2"}], kind=KIND, to=["here"], mode="snapshot")
    before = [vendor.requests for vendor in senders.values()]
    plan = await gateway.plan([{"id": "1"}, {"id": "3"}], kind=KIND, to=["here", "there"], mode="snapshot")
    here, there = plan.destinations["here"], plan.destinations["there"]
    assert (here.difference.unchanged, here.difference.added.ids, here.gone.ids) == (1, ["3"], ["2"])
    assert (there.difference.added.count, there.refusal, plan.exit_code) == (2, None, Exit.GUARD)
    assert [vendor.requests for vendor in senders.values()] == before


async def test_a_commit_that_kills_each_relay_ends_with_the_reason(gateway: Gateway, here: ScriptedSender) -> None:
    journal = await gateway.journal()
    await journal.open_snapshot(NewSnapshot("s1", "default", KIND, ["here"], 60.0))
    await journal.commit_snapshot("s1", run_id="r1")
    for _ in range(BREAKDOWNS):
        assert await journal.claim_commit(owner="died", lease=0) is not None
    commits = Commits(gateway)
    await commits.begin("s1", "default")
    await commits.ended("s1", 5)
    view = await journal.snapshot("s1")
    assert view is not None
    assert (view.state, "5 times in a row" in str(view.report), here.calls) == ("open", True, [])


async def test_a_dry_run_rejects_what_is_older_as_the_push_does(gateway: Gateway) -> None:
    old, new = ({"id": "1", "observed_at": f"2026-0{month}-01T00:00:00Z"} for month in (1, 2))
    await gateway.push([new], kind=KIND, to=["here"])
    async with Gateway(gateway.config) as later:
        looked = await later.push([old], kind=KIND, to=["here"], dry_run=True)
        pushed = await later.push([old], kind=KIND, to=["here"])
    for report in (looked, pushed):
        assert report.destinations["here"].tally.status == {"rejected": 1}
