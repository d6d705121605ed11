"""The library as a program uses it: one destination or several, records of any iterator, and kinds that objects say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import Cli

from proofport import (
    Custom,
    Delivery,
    Device,
    Gateway,
    Input,
    Outcome,
    Person,
    Progress,
    Rejected,
    Status,
    TrainingRecord,
    UsageError,
)
from proofport.gateway.records import BLOCK
from proofport.journal.contract import Failure, Filter

COUNT = BLOCK * 2 + 5


@pytest.fixture
async def gateway(cli: Cli) -> AsyncIterator[Gateway]:
    async with Gateway.from_file(cli.folder / "proofport.yaml") as opened:
        yield opened


def training(number: int) -> TrainingRecord:
    return TrainingRecord(id=f"t-{number}", email="ana@example.com", course="privacy")


def trainings() -> list[TrainingRecord]:
    return [training(number) for number in range(COUNT)]


async def later(records: Iterable[Any]) -> AsyncIterator[Any]:
    for record in records:
        await asyncio.sleep(0)
        yield record


class Listed:
    """An object that is iterated over, as often as one likes."""

    def __iter__(self) -> Iterator[TrainingRecord]:
        return iter(trainings())


# ---------------------------------------------------------------------- records from anywhere
@pytest.mark.parametrize("given", [trainings, lambda: iter(trainings()), Listed, lambda: later(trainings())])
async def test_objects_of_the_model_say_their_kind(gateway: Gateway, cli: Cli, given: Callable[[], Any]) -> None:
    report = await gateway.push(given(), to="drata", mode="snapshot")
    assert (report.kind, report.exit_code, report.sources[0].read) == ("training_record", 0, COUNT)
    assert cli.held("drata", "training_record") == {each.id for each in trainings()}


async def test_places_count_on_through_an_asynchronous_iterator(gateway: Gateway) -> None:
    records = [each.neutral() for each in trainings()]
    records[BLOCK + 2]["course"] = 7
    report = await gateway.push(later(records), to="drata", kind="training_record")
    books = report.destinations["drata"]
    assert [each.position for each in books.problems] == [f"records#{BLOCK + 3}"]
    assert books.tally.status == {"delivered": COUNT - 1, "rejected": 1}


async def test_a_source_mapping_reads_documents_of_an_asynchronous_iterator(gateway: Gateway) -> None:
    documents = [{"Reservations": [{"OwnerId": "123456789012", "Instances": [{"InstanceId": "i-1"}]}]}]
    report = await gateway.push(Input(later(documents), source="aws.ec2.instances"), to="drata")
    assert (report.kind, report.destinations["drata"].tally.status) == ("cloud_resource", {"delivered": 1})


async def test_an_error_in_the_callers_own_iterator_is_the_callers(gateway: Gateway) -> None:
    async def failing() -> AsyncIterator[Any]:
        yield training(1)
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await gateway.push(failing(), to="drata")


async def test_preview_and_plan_take_them_too(gateway: Gateway) -> None:
    shown = await gateway.preview(later(trainings()), to="drata", limit=BLOCK + 1)
    assert ([each.id for each in shown], list(shown[0].bodies)) == ([f"t-{n}" for n in range(BLOCK + 1)], ["drata"])
    plan = await gateway.plan(later(trainings()), to="drata")
    assert plan.destinations["drata"].difference.added.count == COUNT


# ---------------------------------------------------------------------- kinds
DEVICE, PERSON = Device(id="d-1"), Person(id="p-1", email="ana@example.com")


@pytest.mark.parametrize("records", [[DEVICE, PERSON], [DEVICE, Custom(id="c-1")]])
async def test_objects_of_several_kinds_are_refused_before_anything_is_sent(gateway: Gateway, records: Any) -> None:
    for use in (gateway.push, gateway.plan, gateway.preview, gateway.submit):
        with pytest.raises(UsageError, match=r"the records are of several kinds: .*device"):
            await use(records, to="drata")


async def test_objects_of_another_kind_than_the_run_are_refused(gateway: Gateway) -> None:
    with pytest.raises(UsageError, match="several kinds: device, person"):
        await gateway.push([DEVICE], kind="person", to="drata")
    with pytest.raises(UsageError, match="several kinds: device, person"):
        await gateway.push([Input([DEVICE]), Input([PERSON])], to="drata")


async def test_an_object_of_another_kind_that_comes_later_is_a_rejected_record(gateway: Gateway, cli: Cli) -> None:
    """What came before it is on its way, and each record has one outcome."""
    report = await gateway.push(later([training(1), PERSON, training(2)]), to="drata")
    [problem] = report.destinations["drata"].problems
    assert (problem.position, problem.id, problem.outcome.status) == ("records#2", "p-1", "rejected")
    assert problem.outcome.problem is not None
    assert problem.outcome.problem.found == "a Person"
    assert cli.held("drata", "training_record") == {"t-1", "t-2"}


async def test_custom_records_need_their_type(gateway: Gateway) -> None:
    with pytest.raises(UsageError, match="do not say their type") as caught:
        await gateway.push([Custom(id="c-1")], to="drata")
    assert 'kind="custom:<type>"' in str(caught.value.hint)


async def test_plain_records_need_a_kind(gateway: Gateway) -> None:
    for records in ([], [{"id": "1"}]):
        with pytest.raises(UsageError, match="the kind of evidence is not known"):
            await gateway.push(records, to="drata")


@pytest.mark.parametrize("given", [DEVICE, {"id": "1"}, "people.csv", Path("people.csv"), b"people", None])
async def test_one_record_or_a_path_is_no_list_of_records(gateway: Gateway, given: Any) -> None:
    for use in (gateway.push, gateway.submit):
        with pytest.raises(UsageError, match=r"expected (several|records)") as caught:
            await use(given, kind="device", to="drata")
        assert caught.value.hint


# ---------------------------------------------------------------------- progress
async def test_progress_says_how_much_of_a_vendors_list_is_read(gateway: Gateway) -> None:
    await gateway.push(trainings(), to="drata", mode="snapshot")
    told: list[Progress] = []
    await gateway.plan(trainings(), to="drata", on_progress=told.append)
    first, last = told[0], told[-1]
    assert (first.read, 0 < first.destinations["drata"].listed <= COUNT) == (0, True)
    assert (last.destinations["drata"].listed, last.destinations["drata"].done) == (COUNT, COUNT)
    await gateway.push(trainings(), to="drata", mode="snapshot", on_progress=told.append)
    assert told[-1].destinations["drata"].listed == COUNT, "a snapshot asks what would be gone"


async def test_verify_says_how_many_rows_it_has_read(gateway: Gateway, cli: Cli) -> None:
    accounts = [{"id": f"a-{number}", "email": f"a{number}@example.com"} for number in range(COUNT)]
    await gateway.push(accounts, kind="personnel_account", to="secureframe")
    cli.emulators.state("secureframe")
    rows: list[int] = []
    found = await gateway.verify("secureframe", kind="personnel_account", on_rows=rows.append)
    assert (found.seen, len(rows) > 1, rows == sorted(rows)) == (COUNT, True, True)


# ---------------------------------------------------------------------- the queue
async def test_a_delivery_tells_the_outcome_of_each_record(gateway: Gateway) -> None:
    [accepted] = await gateway.submit(later([training(1), training(2)]), to="drata")
    queued = await gateway.delivery(accepted.id)
    assert (queued.state, queued.kind, queued.destination) == ("queued", "training_record", "drata")
    assert [(each.id, each.outcome) for each in queued.records] == [("t-1", None), ("t-2", None)]
    await worked(gateway)
    done = await gateway.delivery(accepted.id)
    assert (done.state, done.attempts, done.finished is not None) == ("done", 1, True)
    assert [each.outcome.status for each in done.records if each.outcome] == [Status.DELIVERED, Status.DELIVERED]


async def test_a_dead_letter_says_why(gateway: Gateway, cli: Cli) -> None:
    [accepted] = await gateway.submit([training(1)], to="drata")
    await (await gateway.journal()).set_aside(Filter(ids=[accepted.id]), Failure("set_aside", "not now"))
    letter = await gateway.delivery(accepted.id)
    assert (letter.state, letter.reason) == ("dead", "set_aside: not now")
    [again] = await gateway.replay([accepted.id])
    assert (await gateway.delivery(accepted.id)).replayed_as == again.id


async def test_a_delivery_that_is_not_there_is_a_usage_error(gateway: Gateway) -> None:
    with pytest.raises(UsageError, match="there is no delivery 7"):
        await gateway.delivery(7)


async def test_a_record_that_is_no_evidence_is_not_accepted(gateway: Gateway) -> None:
    with pytest.raises(Rejected):
        await gateway.submit([{"id": "1", "course": 5}], kind="training_record", to="drata")


class Stopping:
    """Stops the work when a delivery has ended."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()

    def settled(self, delivery: Delivery, outcomes: Sequence[Outcome]) -> None:
        self.stop.set()

    def attempted(self, destination: str, attempts: object) -> None:
        """Do nothing: an attempt is no end."""


async def worked(gateway: Gateway) -> None:
    """Deliver one delivery."""
    watch = Stopping()
    await gateway.work(watch.stop, watch=watch)
