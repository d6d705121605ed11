"""The contract that every adapter must keep, as a test class to inherit from. Pure: no network, no clock, no files.

class TestAcme(AdapterContract):
    supported = {"cloud_resource": ("upsert", "snapshot")}
    secrets = ("s3cret",)

    def adapter(self): return AcmeAdapter(AcmeSettings(api_key="s3cret", ...))
    def accept(self, call): return json_reply([{"id": each["id"]} for each in json.loads(call.body)])
"""

from __future__ import annotations

import json
from inspect import getattr_static
from typing import get_args

from proofport.accounting import NOT_HELD, Status
from proofport.adapter import Limits, Memory, Mode, TokenFlow, optional
from proofport.errors import Blocked, OutcomeUnknown, ProofportError, TooLarge, UsageError
from proofport.evidence import KINDS
from proofport.testing.adapter_flows import Server, Vendor, drive, failure, json_reply, recorded
from proofport.testing.adapter_lies import AdapterLies
from proofport.wire import Reply, checked_origin

__all__ = ["AdapterContract", "Server", "Vendor", "drive", "json_reply", "recorded"]

MODES: tuple[Mode, ...] = get_args(Mode)
DESTROYING = ("replace", "complete", "end")
"""The flows of a snapshot that the guard is asked about."""
OF_RESOURCES = (
    optional.Opens,
    optional.Stages,
    optional.Replaces,
    optional.Splits,
    optional.Ends,
    optional.Matches,
    optional.Lists,
    optional.ListsWhole,
    optional.ReadsBack,
    optional.MakesSchema,
    optional.Provisions,
)
OF_ADAPTERS = (optional.Checks, optional.HasOperations)


class AdapterContract(AdapterLies):
    """Inherit from it in a class whose name begins with `Test`."""

    # ------------------------------------------------------------------ settings
    def test_settings_hide_their_secrets(self) -> None:
        settings = self.adapter().settings
        for shown in (repr(settings), str(settings), settings.model_dump_json()):
            assert not any(secret in shown for secret in self.secrets), "the settings show a secret"

    def test_the_origin_is_scheme_and_host(self) -> None:
        origin = self.adapter().origin
        assert checked_origin(origin) == origin, f"{origin} is not a bare origin"

    # ------------------------------------------------------------------ what is supported
    def test_every_supported_mode_has_a_lane_limits_and_a_body(self) -> None:
        for job in self._jobs():
            adapter = self.adapter()
            resource = adapter.resource(job.kind)
            limits, body = resource.limits(job.mode), resource.body(job.mode)
            assert resource.kind == job.kind, f"{job}: the resource is one of {resource.kind}"
            assert resource.lane == self.adapter().resource(job.kind).lane != "", f"{job.kind} has no stable lane"
            assert min(limits.max_records, limits.max_bytes, limits.parallel) > 0, f"{job}: limits"
            assert body.name in [each.name for each in adapter.bodies(job.kind)], f"{job}: `bodies` lacks {body.name!r}"
            assert body.partial == (job.mode == "patch"), f"{job}: a patch, and nothing else, has a partial body"

    def test_a_set_that_is_refused_as_empty_has_a_way_that_works(self) -> None:
        for kind, modes in self.supported.items():
            resource = self.adapter().resource(kind)
            if isinstance(resource, optional.Replaces) and "snapshot" in modes and "remove" not in modes:
                hint = resource.limits("snapshot").empty
                assert hint != Limits().empty, f"{kind}: `Limits.empty` names a mode that the resource does not have"

    def test_everything_else_is_refused_in_words(self) -> None:
        adapter = self.adapter()
        for kind in {*KINDS, *self.supported}:
            for mode in MODES:
                if mode in self.supported.get(kind, ()):
                    continue
                error = failure(lambda kind=kind, mode=mode: adapter.resource(kind).limits(mode))  # type: ignore[misc]
                assert isinstance(error, UsageError), f"{kind}, {mode}: expected UnsupportedFeature, got {error!r}"
                assert error.hint, f"{kind}, {mode}: the refusal does not say what to do instead"

    def test_an_optional_protocol_is_there_as_a_whole(self) -> None:
        """The engine would take half of a protocol for none, or call a method that does nothing."""
        adapter = self.adapter()
        pairs = [(adapter.resource(kind), protocol) for kind in self.supported for protocol in OF_RESOURCES]
        for thing, protocol in [*pairs, *((adapter, protocol) for protocol in OF_ADAPTERS)]:
            members = {name: member for name, member in vars(protocol).items() if not name.startswith("_")}
            own = {name for name, member in members.items() if getattr_static(thing, name, member) is not member}
            meant = protocol in type(thing).__mro__ or any(callable(members[name]) for name in own)
            assert own == set(members) or not meant, f"{thing}: {protocol.__name__} needs {', '.join(members)}"

    # ------------------------------------------------------------------ credentials
    def test_a_token_can_be_asked_for(self) -> None:
        auth, again = self.adapter().auth, self.adapter().auth
        if not isinstance(auth, TokenFlow):
            return
        assert isinstance(again, TokenFlow), "credentials change their kind"
        assert auth.scope == again.scope != "", "the owner of a token has the same name in every process"
        assert not any(secret in auth.scope for secret in self.secrets), "the name of a token's owner holds a secret"
        vendor = Vendor(self.accept)
        token = drive(auth.mint(), vendor)
        assert token.lifetime > 0, "a token is good for some time"
        assert token.headers, "a token travels in headers"
        assert not any(call.destructive for call in vendor.calls), "asking for a token destroys nothing"
        refused = failure(lambda: drive(auth.mint(), lambda _: Reply(401)))
        assert isinstance(refused, Blocked), f"status 401 became {refused!r}"

    def test_calls_are_plain_and_hold_no_secret(self) -> None:
        """Only the body of a call that asks for a token may hold one."""
        adapter, hidden = self._with_token()
        asking, vendor = Vendor(self.accept), Vendor(self.accept)
        if isinstance(adapter.auth, TokenFlow):
            drive(adapter.auth.mint(), asking)
        for job in self._jobs():
            self._run(job, vendor, adapter)
        for call in [*asking.calls, *vendor.calls]:
            shown = repr(call) if call in asking.calls else f"{call!r} {call.body!r}"
            assert call.path.startswith("/"), f"{call} needs a path"
            assert not any(secret in shown for secret in hidden), f"{call.operation} holds a secret"

    def test_memory_and_names_hold_no_secret(self) -> None:
        adapter, hidden = self._with_token()
        for job in self._jobs():
            memory = self._run(job, self.accept, adapter)
            shown = f"{memory} {adapter!r} {adapter.auth!r} {adapter.resource(job.kind)!r}"
            assert not any(secret in shown for secret in hidden), f"{job}: memory, or a repr, holds a secret"

    def test_errors_hold_no_secret(self) -> None:
        adapter, hidden = self._with_token()
        for words in [*self._words_about_tokens(adapter), *self._words_of_refusals(adapter)]:
            assert not any(secret in words for secret in hidden), "an error, or a problem, holds a secret"

    # ------------------------------------------------------------------ calls
    def test_calls_that_destroy_say_so(self) -> None:
        for job in self._jobs():
            destroying = ("send",) if job.mode == "remove" else DESTROYING if job.mode == "snapshot" else ()
            for name in self._names(job, destroying):
                calls = self._calls_of(job, name)
                assert any(call.destructive for call in calls), f"{job}: `{name}` marks no call destructive"
                unmarked = [call.operation for call in calls if call.method == "DELETE" and not call.destructive]
                assert not unmarked, f"{job}: {', '.join(unmarked)} is not marked destructive"

    def test_nothing_else_destroys(self) -> None:
        """In a snapshot the guard agrees to `complete`, `replace` and `end` only. A removal a person has named."""
        for job in self._jobs():
            allowed = ("send",) if job.mode == "remove" else DESTROYING if job.mode == "snapshot" else ()
            for name in set(self._names(job)) - {*allowed}:
                wrong = [call.operation for call in self._calls_of(job, name) if call.destructive]
                assert not wrong, f"{job}: `{name}` destroys unasked, by {', '.join(wrong)}"

    def test_sending_changes_nothing_outside_the_batch(self) -> None:
        for job in self._jobs():
            others = [self.record(job.kind, record_id) for record_id in ("x", "y")]
            server = self.server(job.kind, others)
            if server is None or "send" not in self._names(job):
                continue
            before = dict(server.live(job.kind))
            assert len(before) == len(others), "the server does not hold the records that it was given"
            self._run(job, server, steps=("send",))
            after = server.live(job.kind)
            wrong = [record_id for record_id, held in before.items() if after.get(record_id) != held]
            assert not wrong, f"{job}: sending other records changes {', '.join(wrong)}"

    def test_a_lost_answer_is_looked_into_before_repeating(self) -> None:
        """A call with `lost="ask"` is followed by another one that looks, or the flow gives up as OutcomeUnknown."""
        for job in self._jobs():
            for operation in [call.operation for call in self._calls(job) if call.lost == "ask"]:
                calls, error = self._lose(job, operation)
                at = next(index for index, call in enumerate(calls) if call.operation == operation)
                looked = at + 1 < len(calls) and calls[at + 1].method == "GET"
                assert looked or isinstance(error, OutcomeUnknown), f"{operation} is repeated blindly"

    # ------------------------------------------------------------------ outcomes
    def test_every_record_gets_an_outcome(self) -> None:
        for job in self._jobs():
            for name in self._names(job, ("send", "replace", "end")):
                outcomes = self._outcomes(job, self.accept, name)
                expected = len(self._batch(self.adapter().resource(job.kind), job))
                assert len(outcomes) == expected, f"{job}: {name} gives {len(outcomes)} outcomes"
                assert all(outcome.status is Status.DELIVERED for outcome in outcomes), f"{job}: {outcomes}"
                assert all(outcome.assurance for outcome in outcomes), f"{job}: a delivery says how sure it is"

    def test_tombstones_have_a_body_and_no_outcome(self) -> None:
        for job in self._jobs():
            resource = self.adapter().resource(job.kind)
            if not isinstance(resource, optional.Replaces) or not resource.keeps_gone or job.mode != "snapshot":
                continue
            assert resource.keeps_bodies, f"{job}: `keeps_gone` needs the last body of each record (`keeps_bodies`)"
            outcomes, batch = self._outcomes(job, self.accept, "replace"), self._batch(resource, job)
            assert len(outcomes) == len(batch), f"{job}: `replace` gives an outcome for a tombstone"

    def test_a_refused_record_is_rejected_alone(self) -> None:
        for job in self._jobs():
            outcomes = self._outcomes_with(self.reject_first, job)
            if outcomes is not None:
                expected = [Status.REJECTED] + [Status.DELIVERED] * (len(outcomes) - 1)
                assert [outcome.status for outcome in outcomes] == expected, f"{job}: {outcomes}"
                assert outcomes[0].problem is not None, f"{job}: a rejection says why"

    def test_a_record_without_a_verdict_is_unknown(self) -> None:
        for job in self._jobs():
            outcomes = self._outcomes_with(self.say_nothing, job)
            if outcomes is not None:
                assert all(outcome.status is Status.UNKNOWN for outcome in outcomes), f"{job}: {outcomes}"

    def test_a_removal_of_what_is_not_there_is_not_confirmed(self) -> None:
        """The engine knows if the record was delivered from here; the adapter says what the vendor holds."""
        for job in self._jobs():
            outcomes = self._outcomes_with(self.hold_nothing, job) if job.mode == "remove" else None
            if outcomes is not None:
                assert all(outcome == NOT_HELD for outcome in outcomes), f"{job}: {outcomes}"

    def test_an_id_of_the_vendor_is_text(self) -> None:
        for job in self._jobs():
            for name in self._names(job, ("send", "replace")):
                ids = [outcome.vendor_id for outcome in self._outcomes(job, self.accept, name)]
                given = [each for each in ids if each is not None]
                assert all(isinstance(each, str) and each for each in given), f"{job}: {ids}"
                assert len(set(given)) == len(given), f"{job}: one id for two records: {ids}"

    def test_values_that_are_matched_on_are_found_and_empty_ones_are_none(self) -> None:
        for kind in self.supported:
            resource = self.adapter().resource(kind)
            if not isinstance(resource, optional.Matches):
                continue
            body = self.matching(kind, "a")
            found = resource.matched_on(json.dumps(body).encode())
            assert found, f"{kind}: nothing in {body} is matched on; give `matching` a body with all of it"
            assert all(field in body and value for field, value in found), f"{kind}: {found}"
            for field in dict(found):
                for missing in ({}, {field: None}, {field: ""}, {field: "  "}, {field: "N/A"}, {field: "000000"}):
                    rest = {name: value for name, value in body.items() if name != field} | missing
                    left = dict(resource.matched_on(json.dumps(rest).encode()))
                    assert field not in left, f"{kind}: {rest} is matched on {field}"

    def test_refusals_are_sorted_by_what_to_do(self) -> None:
        """The engine handles 408, 429 and 5xx before an adapter sees them."""
        expected: dict[int, type[ProofportError]] = {401: Blocked, 413: TooLarge}
        for job in self._jobs():
            for status, kind_of_error in expected.items():
                refusal = Reply(status, body=b"<html>")
                error = failure(lambda job=job, refusal=refusal: self._outcomes(job, lambda _: refusal))  # type: ignore[misc]
                assert isinstance(error, kind_of_error), f"{job}: status {status} became {error!r}"

    def test_memory_survives_the_journal(self) -> None:
        for job in self._jobs():
            memory = self._run(job, self.accept, steps=())
            again: Memory = json.loads(json.dumps(memory))
            assert again == memory, f"{job}: memory is plain JSON data"

    def test_a_schema_takes_or_refuses_every_record(self) -> None:
        for job in self._jobs():
            resource = self.adapter().resource(job.kind)
            if isinstance(resource, optional.MakesSchema) and job.mode != "remove":
                batch = self._batch(resource, job)
                admission = resource.admit(job, batch)
                assert sorted([*admission.order, *admission.refused]) == list(range(len(batch))), f"{job}: {admission}"
                kept = json.loads(json.dumps(admission.freezes))
                assert kept == (list(admission.freezes) if admission.freezes else None), f"{job}: no plain JSON data"
