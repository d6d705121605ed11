"""Leading one flow: calls out, answers in, lost answers thrown in, harm stopped, and no crash of an adapter spreads."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any, cast

import pytest
from tests.unit.delivery.support import OK, ScriptedSender, reply

from proofport.adapter import Flow, Observed, Page
from proofport.errors import (
    AdapterFault,
    Blocked,
    GuardRefused,
    OutcomeUnknown,
    ProofportError,
    Retryable,
    UnsupportedFeature,
)
from proofport.http.flow import allow_destruction, lead, pages
from proofport.wire import Call, Reply

LOOK = Call("look", "GET", "/x")
WRITE = Call("write", "POST", "/x")
DESTROY = Call("destroy", "POST", "/x", lost="ask", destructive=True)


FAILURES = [
    Blocked("blocked"),
    GuardRefused("guard"),
    OutcomeUnknown("unknown"),
    Retryable("later", after=1e9),
    AdapterFault("fault"),
    UnsupportedFeature("unsupported"),
]


async def test_a_flow_gets_the_answer_to_each_of_its_calls_and_its_result_comes_back() -> None:
    def flow() -> Flow[int]:
        first = yield LOOK
        second = yield WRITE
        return int(first.json()) + int(second.json())

    sender = ScriptedSender(look=reply(40), write=reply(2))
    assert await lead(flow(), sender) == 42
    assert sender.calls == [LOOK, WRITE]


async def test_a_flow_may_end_without_a_call() -> None:
    def flow() -> Flow[str]:
        yield from ()
        return "nothing to do"

    assert await lead(flow(), ScriptedSender()) == "nothing to do"


async def test_a_lost_answer_is_thrown_in_and_the_flow_looks() -> None:
    def flow() -> Flow[str]:
        try:
            yield DESTROY
        except OutcomeUnknown:
            seen = yield LOOK
            return str(seen.json())
        return "answered"

    sender = ScriptedSender(destroy=OutcomeUnknown("lost"), look=reply("done"))
    assert await lead(flow(), sender, gate=allow_destruction) == "done"
    assert sender.operations == ["destroy", "look"]


async def test_a_flow_may_end_on_a_lost_answer_and_one_that_does_not_look_passes_it_on() -> None:
    def content() -> Flow[str]:
        try:
            yield DESTROY
        except OutcomeUnknown:
            return "never mind"
        return "answered"

    def careless() -> Flow[None]:
        yield DESTROY

    sender = ScriptedSender(destroy=OutcomeUnknown("lost"))
    assert await lead(content(), sender, gate=allow_destruction) == "never mind"
    with pytest.raises(OutcomeUnknown, match="lost"):
        await lead(careless(), sender, gate=allow_destruction)


@pytest.mark.parametrize("error", [Retryable("away", after=1e9), OutcomeUnknown("lost")])
async def test_a_flow_goes_on_without_the_answer_to_a_call_that_it_can_skip(error: ProofportError) -> None:
    def flow() -> Flow[str]:
        yield WRITE
        try:
            yield Call("look", "GET", "/x", lost="skip")
        except OutcomeUnknown:
            return "not seen"
        return "seen"

    sender = ScriptedSender(write=reply(1), look=error)
    assert await lead(flow(), sender) == "not seen"
    assert sender.operations == ["write", "look"]


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
async def test_other_errors_end_the_flow_and_reach_the_caller_as_they_are(error: ProofportError) -> None:
    closed = []

    def flow() -> Flow[None]:
        try:
            yield LOOK
        finally:
            closed.append(True)

    with pytest.raises(type(error)) as caught:
        await lead(flow(), ScriptedSender(look=error))
    assert caught.value is error
    assert closed == [True]


async def test_a_destructive_call_is_stopped_before_it_is_sent() -> None:
    def flow() -> Flow[None]:
        yield LOOK
        yield DESTROY

    sender = ScriptedSender()
    with pytest.raises(GuardRefused, match="destroy"):
        await lead(flow(), sender)
    assert sender.operations == ["look"]


async def test_a_destructive_call_that_was_cleared_goes_through() -> None:
    def flow() -> Flow[int]:
        return (yield DESTROY).status

    sender = ScriptedSender()
    assert await lead(flow(), sender, gate=allow_destruction) == 200
    assert sender.operations == ["destroy"]


async def test_a_destructive_call_after_a_lost_answer_is_stopped_too() -> None:
    def flow() -> Flow[None]:
        try:
            yield WRITE
        except OutcomeUnknown:
            yield DESTROY

    sender = ScriptedSender(write=OutcomeUnknown("lost"))
    with pytest.raises(GuardRefused):
        await lead(flow(), sender)
    assert sender.operations == ["write"]


def crashes() -> Flow[None]:
    answer = yield LOOK
    answer.json()["no such key"]


def crashes_at_once() -> Flow[None]:
    yield from ()
    raise KeyError("no such setting")


def crashes_over_a_lost_answer() -> Flow[None]:
    try:
        yield LOOK
    except OutcomeUnknown as error:
        raise ValueError("did not expect that") from error


def yields_nonsense() -> Flow[None]:
    yield cast(Call, "GET /x")


def will_not_end() -> Flow[None]:
    try:
        answer = yield LOOK
        answer.json()["no such key"]
    finally:
        yield WRITE


def is_no_generator() -> Flow[None]:
    return cast(Flow[None], [1, 2])


@pytest.mark.parametrize(
    ("flow", "answer"),
    [
        (crashes, reply({})),
        (crashes_at_once, OK),
        (crashes_over_a_lost_answer, OutcomeUnknown("lost")),
        (yields_nonsense, OK),
        (is_no_generator, OK),
    ],
)
async def test_an_adapter_that_breaks_down_is_reported_as_that(flow: Any, answer: Reply | ProofportError) -> None:
    with pytest.raises(AdapterFault) as caught:
        await lead(flow(), ScriptedSender(look=answer))
    assert "bug in the adapter" in str(caught.value)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("answer", [Blocked("blocked"), Retryable("later")])
async def test_a_flow_that_will_not_end_is_reported_as_a_fault_of_the_adapter(answer: ProofportError) -> None:
    with pytest.raises(AdapterFault, match="will_not_end"):
        await lead(will_not_end(), ScriptedSender(look=answer))


async def test_the_fault_names_the_flow_and_what_went_wrong() -> None:
    with pytest.raises(AdapterFault, match="broke down in crashes: KeyError: 'no such key'"):
        await lead(crashes(), ScriptedSender(look=reply({})))


async def test_what_a_flow_did_before_it_failed_may_have_taken_effect() -> None:
    def flow() -> Flow[None]:
        yield WRITE
        yield LOOK

    for error in (Retryable("later"), Blocked("blocked")):
        with pytest.raises(type(error)) as caught:
            await lead(flow(), ScriptedSender(look=error))
        assert caught.value.lost, "the vendor took the first call"


async def test_what_was_lost_before_the_flow_failed_may_have_taken_effect() -> None:
    def flow() -> Flow[None]:
        try:
            yield WRITE
        except OutcomeUnknown:
            yield LOOK

    with pytest.raises(Retryable) as caught:
        await lead(flow(), ScriptedSender(write=OutcomeUnknown("lost"), look=Retryable("later")))
    assert caught.value.lost


@pytest.mark.parametrize(
    ("first", "answer"), [(LOOK, OK), (WRITE, Reply(409)), (WRITE, Reply(301))], ids=["read", "refused", "moved"]
)
async def test_what_a_flow_only_read_or_was_refused_has_no_effect(first: Call, answer: Reply) -> None:
    def flow() -> Iterator[Any]:
        yield first
        yield Call("last", "POST", "/x")

    with pytest.raises(Retryable) as caught:
        await lead(cast(Flow[None], flow()), ScriptedSender(look=answer, write=answer, last=Retryable("later")))
    assert not caught.value.lost


# ---------------------------------------------------------------------- lists
async def walked(*pages_given: Page) -> list[str]:
    """The ids of a list whose pages come in this order, again and again."""
    left = cycle(pages_given)

    async def read(cursor: str | None) -> Page:
        return next(left)

    return [record.id async for page in pages(read) for record in page.records]


def page_of(*ids: str, cursor: str | None = None, **more: Any) -> Page:
    return Page([Observed(each) for each in ids], cursor, **more)


async def test_a_list_is_read_to_its_end() -> None:
    assert await walked(page_of("a", cursor="2", total=3), page_of(cursor="3"), page_of("b", "c")) == ["a", "b", "c"]
    rows = [{"id": "a"}, {"id": "somebody else's"}]
    assert await walked(page_of("a", total=2, rows=rows)) == ["a"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([page_of("a", cursor="2"), page_of("b", cursor="3"), page_of("c", cursor="2")], "repeats a cursor"),
        ([page_of("a", cursor=str(number)) for number in range(9)], "repeats a page"),
        ([page_of(cursor=str(number), rows=["foreign"]) for number in range(9)], "repeats a page"),
        ([page_of(cursor=str(number)) for number in range(200)], "are empty"),
        ([page_of("a", cursor="2", total=200), page_of("b", "c", "d")], "4 of 200"),
    ],
)
async def test_a_list_that_goes_round_or_ends_early_ends_with_an_error(given: list[Page], words: str) -> None:
    with pytest.raises(Retryable, match=words):
        await walked(*given)
