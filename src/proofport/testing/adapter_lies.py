"""Answers that read as success and are not, or are about something else. No adapter may believe them.

Each is given in place of the vendor's own answer, which is that of `accept`: so `accept` gives documented answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Protocol

from proofport.accounting import ACCEPTED, Status
from proofport.adapter import Adapter, Blueprint, Flow, Job, Page, Provisions, TokenFlow, Walk
from proofport.errors import OutcomeUnknown, ProofportError
from proofport.testing.adapter_flows import AdapterFlows, Vendor, drive, json_reply
from proofport.wire import Call, Reply

PAGE = Reply(200, {"content-type": "text/html"}, b"<!DOCTYPE html><html>Sign in</html>")
ERROR = json_reply({"statusCode": 500, "status": "failed", "message": "failed", "error": {"message": "failed"}})
LIES: Mapping[str, Reply] = {
    "a proxy's page": PAGE,
    "an error under a success": ERROR,
    "nothing": Reply(200),
    "an empty object": json_reply({}),
    "an empty list": json_reply([]),
    "results without ids": json_reply([{"statusCode": 200}, {"statusCode": 200}]),
}
MOST_CALLS = 1_000
SENDING, ACTING, READING = ("send", "replace", "end"), ("complete", "cancel"), ("page", "rows")

Liar = Callable[[Call], Reply | None]


class Reads(Protocol):
    def __call__(self, cursor: str | None) -> Flow[Page]: ...


class AdapterLies(AdapterFlows):
    """The part of the contract about answers that cannot be believed."""

    def unbelievable_lists(self, call: Call) -> Sequence[Reply]:
        """Answers to a call for a list: the same page for ever, each with a next one; fewer rows than it says it has.

        Empty: the call asks for no list, or the vendor has neither pages nor a total.
        """
        return ()

    def unconfigured(self) -> Adapter | None:
        """An adapter whose objects are still to be made by `provision`. None: no API makes them."""
        return None

    # ------------------------------------------------------------------ records
    def test_a_record_is_delivered_only_by_the_answer_about_it(self) -> None:
        """Unless the adapter looks afterwards. `ACCEPTED` is a delivery, too."""
        for job, name, operation in self._told_by(SENDING):
            for lie, liar in self._lies(job, name, operation):
                end, calls = self._told(job, name, liar)
                if isinstance(end, ProofportError) or _looked(calls, operation):
                    continue
                done = [each for each in end if each.status in (Status.DELIVERED, Status.UNCHANGED)]
                assert not done, f"{job}: {name} believes {lie} to {operation}"

    def test_an_answer_that_names_no_record_confirms_none_of_several(self) -> None:
        """The documented answer about a whole batch says that it was taken: that is `ACCEPTED`."""
        for job, name, operation in self._told_by(SENDING):
            batch = self._batch(self.adapter().resource(job.kind), job)
            end, calls = self._told(job, name, lambda _: None)
            writes = [call for call in calls if call.method != "GET"]
            named = any(_renamed(self.accept(call).json(), batch.ids) != self.accept(call).json() for call in calls)
            if len(writes) < len(batch) and not named and not isinstance(end, ProofportError):
                sure = [each for each in end if each.status is Status.DELIVERED and each != ACCEPTED]
                assert not sure, f"{job}: {name} confirms records that the answer to {operation} does not name"

    # ------------------------------------------------------------------ acts
    def test_a_set_is_ended_only_by_the_answer_that_says_so(self) -> None:
        """A completion or cancellation that is not answered for is looked into, and not repeated before."""
        for job, name, operation in self._told_by(ACTING):
            for lie, liar in self._lies(job, name, operation):
                end, calls = self._told(job, name, liar)
                done = not isinstance(end, ProofportError)
                assert not done or _looked(calls, operation), f"{job}: {name} believes {lie} to {operation}"
                assert not _repeated_blindly(calls, operation), f"{job}: {name} repeats {operation} after {lie}"

    def test_an_object_is_looked_up_before_it_is_made_and_after_a_doubtful_answer(self) -> None:
        if (adapter := self.unconfigured()) is None:
            return
        for resource in map(adapter.resource, self.supported):
            if not isinstance(resource, Provisions):
                continue
            kind = resource.kind
            made = Vendor(self.accept)
            drive(resource.provision(self._blueprint(kind)), made)
            writes = [index for index, call in enumerate(made.calls) if call.method != "GET"]
            assert writes, f"{kind}: `provision` of an adapter without objects makes none"
            assert made.calls[0].method == "GET", f"{kind}: an object is made without looking for it first"
            for write in (made.calls[index] for index in writes):
                assert write.lost == "ask", f"{kind}: {write.operation} would be repeated, and make another object"
                for lie, liar in self._doubts(write):
                    flow = partial(resource.provision, self._blueprint(kind))
                    end, calls = self._led(f"{kind}: provision", flow, liar)
                    known = isinstance(end, ProofportError) or _looked(calls, write.operation)
                    assert known, f"{kind}: `provision` believes {lie} to {write.operation}"
                    assert not _repeated_blindly(calls, write.operation), f"{kind}: repeats {write.operation}"

    # ------------------------------------------------------------------ reading
    def test_a_list_ends_only_where_the_vendor_says_so(self) -> None:
        for job, name, operation in self._told_by(READING):
            for lie, liar in self._lies(job, name, operation):
                end, _ = self._told(job, name, liar)
                assert isinstance(end, ProofportError), f"{job}: {name} takes {lie} for a page"

    def test_a_list_that_goes_round_or_is_short_ends_with_an_error(self) -> None:
        for job in self._jobs():
            for name in self._names(job):
                calls = self._told(job, name, lambda _: None)[1]
                for operation in {call.operation for call in calls if self.unbelievable_lists(call)}:
                    for number in range(len(self._lists_for(calls, operation))):
                        end, _ = self._told(job, name, partial(self._listed, operation, number))
                        told = isinstance(end, ProofportError) or name == "check"
                        assert told, f"{job}: {name} believes a list that goes round or is short ({number})"

    def test_no_answer_breaks_a_flow(self) -> None:
        """It ends with a result, or an error that says what to do: never with a KeyError."""
        for job in self._jobs():
            for name in self._names(job):
                for operation in {call.operation for call in self._told(job, name, lambda _: None)[1]}:
                    for _, liar in self._lies(job, name, operation):
                        self._told(job, name, liar)

    def test_a_token_is_taken_only_from_the_answer_that_holds_one(self) -> None:
        if not isinstance(auth := self.adapter().auth, TokenFlow):
            return
        asking = Vendor(self.accept)
        drive(auth.mint(), asking)
        for lie, liar in self._about(asking.calls[-1]):
            end, _ = self._led("mint", auth.mint, liar)
            assert isinstance(end, ProofportError), f"{lie} is taken for a token"

    # ------------------------------------------------------------------ leading
    def _told_by(self, names: Sequence[str]) -> Iterator[tuple[Job, str, str]]:
        """The flows of these names, with each operation that decides: a list's reads, and the writes of the others."""
        for job in self._jobs():
            for name in self._names(job, names):
                calls = self._told(job, name, lambda _: None)[1]
                deciding = [call.operation for call in calls if (call.method == "GET") == (name in READING)]
                for operation in dict.fromkeys(deciding):
                    yield job, name, operation

    def _told(self, job: Job, name: str, liar: Liar) -> tuple[Any, Sequence[Call]]:
        """Lead one flow of a run, a list to its end. Where `liar` has an answer, it is given for the vendor's."""
        adapter = self.adapter()
        memory, resource = self._open(adapter, job, self.accept), adapter.resource(job.kind)
        flow = self._flows(adapter, job, memory)[name]
        if name in READING:
            flow = partial(_read, getattr(resource, name))
        return self._led(f"{job}: {name}", flow, liar)

    def _led(self, what: str, flow: Callable[[], Flow[Any]], liar: Liar) -> tuple[Any, Sequence[Call]]:
        """The result of a flow or the error that ends it, and its calls."""

        def answer(call: Call) -> Reply:
            assert len(vendor.calls) < MOST_CALLS, f"{what} asks for ever"
            return liar(call) or self.accept(call)

        vendor = Vendor(answer)
        try:
            return drive(flow(), vendor), vendor.calls
        except ProofportError as error:
            return error, vendor.calls
        except AssertionError:
            raise
        except Exception as error:
            raise AssertionError(f"{what} breaks down on an answer: {error!r}") from error

    # ------------------------------------------------------------------ lies
    def _lies(self, job: Job, name: str, operation: str) -> Iterator[tuple[str, Liar]]:
        """Lies that may be told in place of the answer to an operation of a flow."""
        calls = self._told(job, name, lambda _: None)[1]
        asked = next(call for call in calls if call.operation == operation)
        yield from self._about(asked)
        batch = self._batch(self.adapter().resource(job.kind), job)
        said = self.accept(asked)
        other = _renamed(said.json(), batch.ids)
        if other != said.json() and asked.method != "GET":
            yield "an answer about another record", partial(_instead, operation, json_reply(other, said.status))

    def _about(self, asked: Call) -> Iterator[tuple[str, Liar]]:
        """The lies that differ from the documented answer to a call."""
        said = self.accept(asked)
        status = 200 if said.status == 204 else said.status
        for lie, reply in LIES.items():
            undocumented = not said.body and lie not in ("a proxy's page", "an error under a success")
            empty_list = isinstance(said.json(), list) and asked.method == "GET" and lie == "an empty list"
            if undocumented or empty_list or (reply.json() == said.json() and lie != "a proxy's page"):
                continue
            yield lie, partial(_instead, asked.operation, Reply(status, reply.headers, reply.body))

    def _doubts(self, asked: Call) -> Iterator[tuple[str, Liar]]:
        """The lies, and a lost answer."""

        def lose(call: Call) -> Reply | None:
            if call.operation == asked.operation:
                raise OutcomeUnknown("the answer was lost")
            return None

        yield "a lost answer", lose
        yield from self._about(asked)

    def _listed(self, operation: str, number: int, call: Call) -> Reply | None:
        return self.unbelievable_lists(call)[number] if call.operation == operation else None

    def _lists_for(self, calls: Sequence[Call], operation: str) -> Sequence[Reply]:
        return next(self.unbelievable_lists(call) for call in calls if call.operation == operation)

    def _blueprint(self, kind: str) -> Blueprint:
        fields = list(self.record(kind, "a"))
        properties: dict[str, Any] = {field: {"type": "string"} for field in fields}
        return Blueprint(kind, {"type": "object", "properties": properties, "required": []}, fields[0], fields)


def _instead(operation: str, reply: Reply, call: Call) -> Reply | None:
    return reply if call.operation == operation else None


def _read(read: Reads) -> Flow[None]:
    """A list to its end, as the engine reads it."""
    walk, cursor = Walk("the list"), None
    while True:
        page = yield from read(cursor)
        cursor = page.cursor
        walk.step(page.records if page.rows is None else page.rows, cursor, total=page.total)
        if cursor is None:
            return


def _looked(calls: Sequence[Call], operation: str) -> bool:
    """True: the last call of the operation was followed by one that reads."""
    last = max(index for index, call in enumerate(calls) if call.operation == operation)
    return any(call.method == "GET" for call in calls[last + 1 :])


def _repeated_blindly(calls: Sequence[Call], operation: str) -> bool:
    return any(one.operation == operation == other.operation for one, other in pairwise(calls))


def _renamed(said: Any, ids: Sequence[str]) -> Any:
    """An answer in which these ids are those of other records."""
    if isinstance(said, dict):
        return {_renamed(name, ids): _renamed(value, ids) for name, value in said.items()}
    if isinstance(said, list):
        return [_renamed(value, ids) for value in said]
    return f"other-than-{said}" if said in ids else said
