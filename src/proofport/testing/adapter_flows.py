"""Leads the flows of an adapter as the engine does, with answers that a test gives. Pure: no network, no clock."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Protocol, TypeVar

from proofport.accounting import ACCEPTED, Outcome, Tally
from proofport.adapter import Adapter, Batch, Flow, Job, LastDelivered, Memory, Mode, Resource, TokenFlow, optional
from proofport.errors import OutcomeUnknown, ProofportError
from proofport.wire import Call, Reply

T = TypeVar("T")
Answer = Callable[[Call], Reply]

RUN = ("send", "replace", "complete", "end")
"""The flows of a run after its opening."""
REFUSALS = (400, 401, 403, 404, 409, 413, 422)
WORD = 8
"""Shorter words of a token's headers, such as `Bearer`, are no secret."""


class Vendor:
    """Answers by a function, and remembers what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.calls: list[Call] = []
        self._answer = answer

    def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        return self._answer(call)


class Server(Protocol):
    """A small vendor in memory, which holds records."""

    def __call__(self, call: Call) -> Reply: ...

    def live(self, kind: str) -> Mapping[str, object]:
        """The live records of a kind, by id."""


def json_reply(body: object, status: int = 200, **headers: str) -> Reply:
    """A reply with a JSON body. Underscores in header names stand for hyphens."""
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body).encode())


def recorded(*replies: Reply | OutcomeUnknown) -> Vendor:
    """A vendor that gives these replies in their order; an `OutcomeUnknown` is a lost one."""
    left = iter(replies)

    def answer(call: Call) -> Reply:
        reply = next(left, None)
        assert reply is not None, f"there is no reply left for {call}"
        if isinstance(reply, OutcomeUnknown):
            raise reply
        return reply

    return Vendor(answer)


def drive(flow: Flow[T], answer: Answer) -> T:
    """Lead a flow to its end as the engine does; an `OutcomeUnknown` from `answer` is thrown into it."""
    try:
        call = next(flow)
        while True:
            assert isinstance(call, Call), f"a flow yields Call, not {call!r}"
            try:
                reply = answer(call)
            except OutcomeUnknown as error:
                call = flow.throw(error)
            else:
                call = flow.send(reply)
    except StopIteration as end:
        result: T = end.value
        return result


class AdapterFlows(ABC):
    """An adapter, its vendor's answers, and the flows between them."""

    #: The kinds that `adapter()` is configured for, with their modes. Everything else must be refused.
    supported: ClassVar[Mapping[str, Sequence[Mode]]]
    secrets: ClassVar[Sequence[str]]  #: The values of the secrets that `adapter()` holds.

    @abstractmethod
    def adapter(self) -> Adapter:
        """An adapter for every supported kind."""

    @abstractmethod
    def accept(self, call: Call) -> Reply:
        """The answer of a vendor where everything goes well, as it documents it: with the ids of records, for example.

        With a `TokenFlow`, to the call for a token as well.
        """

    def reject_first(self, call: Call) -> Reply | None:
        """The answer to a sent batch that refuses its first record only. None: the vendor gives no such answer."""
        return None

    def say_nothing(self, call: Call) -> Reply | None:
        """A success that says nothing about the records. None: the vendor never says anything about them."""
        return None

    def hold_nothing(self, call: Call) -> Reply | None:
        """The answer of a vendor that holds no record, to what a removal asks. None: it always accepts a removal."""
        return None

    def matching(self, kind: str, record_id: str) -> dict[str, Any]:
        """A body that the vendor accepts, with every field that it matches on (`Matches`)."""
        return self.record(kind, record_id)

    def server(self, kind: str, records: Sequence[Mapping[str, Any]]) -> Server | None:
        """A vendor whose live records of `kind` are these. None: what `send` changes is not looked at."""
        return None

    def record(self, kind: str, record_id: str) -> dict[str, Any]:
        """A body that the vendor accepts."""
        return {"id": record_id}

    # ------------------------------------------------------------------ the run
    def _jobs(self) -> Iterator[Job]:
        for kind, modes in self.supported.items():
            for mode in modes:
                yield Job("run-1", "contract", kind, mode, tuple(self.record(kind, "a")))

    def _batch(self, resource: Resource, job: Job, *, gone: bool = False) -> Batch:
        """The records of a job; `gone`: those that a snapshot lacks, as `end` gets them."""
        ids = ["a", "b"][: resource.limits(job.mode).max_records]
        whole = [json.dumps(self.record(job.kind, each)).encode() for each in ids]
        last = [LastDelivered(body if resource.keeps_bodies else b"") for body in whole]
        bodies = [json.dumps({"id": each}).encode() for each in ids] if job.mode == "remove" else whole
        needs_last = gone or job.mode in ("patch", "remove")
        return Batch(ids, [b""] * len(ids) if gone else bodies, range(1, len(ids) + 1), last=last if needs_last else ())

    def _flows(self, adapter: Adapter, job: Job, memory: Memory) -> dict[str, Callable[[], Flow[Any]]]:
        """The flows that the engine can lead for this job, by the name of their method, in the order of a run."""
        resource, tally = adapter.resource(job.kind), Tally()
        batch = self._batch(resource, job)
        tally.add([ACCEPTED] * len(batch))
        flows: dict[str, Callable[[], Flow[Any]]] = {}
        if isinstance(resource, optional.Opens):
            flows["open"] = partial(resource.open, job, {})
        if job.mode == "snapshot" and isinstance(resource, optional.Replaces):
            last = json.dumps(self.record(job.kind, "z")).encode()
            gone = [optional.Tombstone("z", last, 0.0)] if resource.keeps_gone else []
            flows["replace"] = partial(resource.replace, job, memory, batch, gone)
        else:
            flows["send"] = partial(resource.send, job, memory, batch)
        if job.mode == "snapshot" and isinstance(resource, optional.Stages):
            flows["complete"] = partial(resource.complete, job, memory, tally)
            flows["cancel"] = partial(resource.cancel, job, memory)
        never_ends = isinstance(resource, optional.Stages) and resource.empty_set == "refuse"
        if job.mode == "snapshot" and isinstance(resource, optional.Ends) and not never_ends:
            flows["end"] = partial(resource.end, job, memory, self._batch(resource, job, gone=True))
        if isinstance(resource, optional.Lists):
            flows["page"] = partial(resource.page, None)
        if isinstance(resource, optional.ReadsBack):
            flows["rows"] = partial(resource.rows, None)
        if isinstance(adapter, optional.Checks):
            flows["check"] = adapter.check
        return flows

    def _names(self, job: Job, wanted: Collection[str] | None = None) -> list[str]:
        """The names of the flows of this job, or those of them that are wanted."""
        names = self._flows(self.adapter(), job, {})
        return [name for name in names if wanted is None or name in wanted]

    def _run(self, job: Job, answer: Answer, adapter: Adapter | None = None, steps: Collection[str] = RUN) -> Memory:
        """Lead the opening and these flows, and return the memory."""
        adapter = adapter or self.adapter()
        memory = self._open(adapter, job, answer)
        for name, flow in self._flows(adapter, job, memory).items():
            if name in steps:
                drive(flow(), answer)
        return memory

    def _calls(self, job: Job) -> list[Call]:
        """The calls of a whole run."""
        vendor = Vendor(self.accept)
        self._run(job, vendor)
        return vendor.calls

    def _calls_of(self, job: Job, name: str) -> list[Call]:
        """The calls of one flow."""
        adapter, vendor = self.adapter(), Vendor(self.accept)
        drive(self._flows(adapter, job, self._open(adapter, job, self.accept))[name](), vendor)
        return vendor.calls

    def _open(self, adapter: Adapter, job: Job, answer: Answer) -> Memory:
        resource = adapter.resource(job.kind)
        return drive(resource.open(job, {}), answer) if isinstance(resource, optional.Opens) else {}

    def _outcomes(self, job: Job, answer: Answer, name: str | None = None) -> list[Outcome]:
        """The outcomes of `send` or `replace`, or of the flow of this name."""
        adapter = self.adapter()
        flows = self._flows(adapter, job, self._open(adapter, job, self.accept))
        outcomes: list[Outcome] = drive(flows[name or ("send" if "send" in flows else "replace")](), answer)
        return outcomes

    def _outcomes_with(self, answer: Callable[[Call], Reply | None], job: Job) -> list[Outcome] | None:
        """The outcomes when `answer` replies wherever it has a reply. None: it has none to any call."""
        given: list[Reply | None] = []

        def replying(call: Call) -> Reply:
            given.append(answer(call))
            return given[-1] or self.accept(call)

        outcomes = self._outcomes(job, replying)
        return outcomes if any(given) else None

    def _lose(self, job: Job, operation: str) -> tuple[list[Call], ProofportError | None]:
        """A run in which the first answer to `operation` is lost."""

        def answer(call: Call) -> Reply:
            if call.operation == operation and [each.operation for each in vendor.calls].count(operation) == 1:
                raise OutcomeUnknown("the answer was lost")
            return self.accept(call)

        vendor = Vendor(answer)
        return vendor.calls, failure(lambda: self._run(job, vendor))

    # ------------------------------------------------------------------ secrets
    def _with_token(self) -> tuple[Adapter, list[str]]:
        """An adapter that has got a token, where it uses one, and the words that must stand nowhere."""
        adapter = self.adapter()
        if not isinstance(auth := adapter.auth, TokenFlow):
            return adapter, [*self.secrets]
        token = drive(auth.mint(), self.accept)
        words = [word for value in token.headers.values() for word in value.split() if len(word) >= WORD]
        assert words, f"give the token in `accept` {WORD} letters or more, so that it can be recognised"
        assert not any(word in repr(token) for word in words), "the repr of a token shows it"
        return adapter, [*self.secrets, *words]

    def _words_about_tokens(self, adapter: Adapter) -> Iterator[str]:
        """The errors of asking for a token: it is refused, or the answer lacks a field."""
        if not isinstance(auth := adapter.auth, TokenFlow):
            return
        vendor = Vendor(self.accept)
        drive(auth.mint(), vendor)
        said = self.accept(vendor.calls[-1]).json()
        fields = said if isinstance(said, dict) else {}
        halves = [json_reply({name: fields[name] for name in fields if name != left}) for left in fields]
        for reply in [*halves, *(Reply(status, body=b"<html>") for status in REFUSALS)]:
            yield _words(auth.mint(), lambda _, reply=reply: reply)  # type: ignore[misc]

    def _words_of_refusals(self, adapter: Adapter) -> Iterator[str]:
        """The errors and problems of each flow when its first, second, third … call is refused."""
        for job in self._jobs():
            memory = self._open(adapter, job, self.accept)
            for flow in self._flows(adapter, job, memory).values():
                vendor = Vendor(self.accept)
                drive(flow(), vendor)
                for accepted in range(len(vendor.calls)):
                    for status in REFUSALS:
                        yield _words(flow(), self._refusing(accepted, status))

    def _refusing(self, accepted: int, status: int) -> Answer:
        """Accept so many calls, and refuse those after them."""

        def answer(call: Call) -> Reply:
            return self.accept(call) if len(vendor.calls) <= accepted else Reply(status, body=b"<html>")

        vendor = Vendor(answer)
        return vendor


def _words(flow: Flow[Any], answer: Answer) -> str:
    """The result of a flow, or the error that ends it, as text."""
    try:
        return repr(drive(flow, answer))
    except Exception as error:  # every error is shown to somebody
        return f"{error} {error!r}"


def failure(attempt: Callable[[], object]) -> ProofportError | None:
    try:
        attempt()
    except ProofportError as error:
        return error
    return None
