"""Explains records that were delivered: reads the receipt, the inputs and the mappings again, and compares."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path
from typing import Any

import orjson

from proofport.accounting import LeftOut, Status
from proofport.adapter import Batch, Mode
from proofport.audit import explain
from proofport.audit.explain import Explanation, FieldTold, how_of
from proofport.delivery.books import NOWHERE, POSITION_BITS
from proofport.delivery.ids.collisions import Collisions
from proofport.delivery.ids.same import keys_of
from proofport.delivery.ids.spellings import Spellings
from proofport.delivery.lane.payload import batch_digest, decode_outcomes, digests_of
from proofport.delivery.reading.observed import seconds_of
from proofport.delivery.reading.reading import RecordStream, place_in
from proofport.delivery.target import Target
from proofport.errors import Problem, ProofportError, Rejected
from proofport.evidence import Neutral
from proofport.gateway.explain.carried import MAYBE_NOT_SENT, Carrier, NotCarried
from proofport.gateway.explain.certified import Certified, in_words, target_of
from proofport.gateway.inputs import Input, open_input
from proofport.gateway.preview import Remembering
from proofport.gateway.targets import Targets
from proofport.journal.contract import BatchDone, Journal, RunView
from proofport.mapping.language.nodes import MappingFile
from proofport.sources.located import line_of

NO_RAW = object()
WHAT_BECAME = "what became of the record"
NOT_REMADE = "the batch cannot be made again: its records or bodies are not those of then"
KEPT_LAST = "the batch cannot be made again: the last bodies of refused records went with it"
CAME_FIRST = "another record with this id came first"
NOT_SENT = Status.WITHHELD, Status.REJECTED

Placed = tuple[int, Neutral]
"""A record, and its position among all inputs."""


@dataclass(slots=True)
class _Again:
    """The inputs, read again."""

    #: The record as evidence and as it was read, and the mapping between the two. None: no input holds it.
    record: Neutral | None = None
    raw: object = NO_RAW
    source: MappingFile | None = None
    #: Where no input holds it otherwise: why the source mapping leaves it out, or why it is no evidence.
    instead: LeftOut | Problem | None = None
    #: The records of all inputs, of each id the first.
    everything: list[Placed] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    #: Ids of some input compare without case.
    folds: bool = False
    #: An id that differs from the wanted one only in case, or in blanks around it.
    alike: str | None = None

    def add(self, position: int, record: Neutral, *, fold: bool) -> None:
        [key] = keys_of([record["id"]], fold=fold)
        if key not in self.keys:
            self.keys.add(key)
            self.everything.append((position, record))
        self.folds = self.folds or fold


class RunExplainer:
    """Explains records of one receipt of a run."""

    def __init__(
        self, journal: Journal, targets: Targets, certified: Certified, values: Mapping[str, str], workbook_bytes: int
    ) -> None:
        self._journal = journal
        self._targets = targets
        self._certified = certified
        self._values = values
        self._workbook_bytes = workbook_bytes
        self._told: dict[str, Any] = certified.told
        self._kind: str = self._told["kind"]
        self._mode: Mode = self._told["mode"]

    async def explain(self, record_id: str, blinded: str | None) -> Explanation:
        """`blinded`: the record's id as the list of refused records has it. None: there is no key to tell."""
        told = Explanation(self._told["destination"], self._certified.receipt.name, record_id)
        listed = await self._certified.listed(blinded)
        told.outcome = listed or None
        target = target_of(self._targets, self._told["destination"], self._kind, self._mode, told)
        if target is None:
            if not listed:
                told.missing.append(f"{WHAT_BECAME}: the destination may leave it out")
            return told
        again = self._read_again(record_id, told)
        if not listed and self._became(target, again, told, is_listed=listed is not None):
            if again.record is not None:
                self._tell_evidence(again, told)
            return told
        if again.record is None:
            if listed and isinstance(again.instead, Problem):
                told.outcome = f"{listed}: {again.instead}"
            else:
                await self._from_kept(target, record_id, told)
            return told
        record = self._tell_evidence(again, told)
        if await self._certified.tell_body(target, self._mode, record, told):
            await self._request(target, record_id, again, told)
        return told

    def _tell_evidence(self, again: _Again, told: Explanation) -> Neutral:
        assert again.record is not None
        if again.source is not None and again.raw is not NO_RAW:
            told.evidence = explain.fields_told(again.source, again.raw, again.record)
        else:
            told.evidence = explain.as_it_is(again.record)
        return again.record

    def _became(self, target: Target, again: _Again, told: Explanation, *, is_listed: bool) -> bool:
        """Tell the outcome of a record that is not in the list, as far as it can be known. True if it is left out.

        `is_listed`: there is a list, and it would be there.
        """
        names = filter(None, (*self._mappings(), target.mapping_name))
        changed = next(filter(None, map(self._certified.changed, names)), None)
        if again.record is None and not isinstance(again.instead, LeftOut):
            told.missing.append(f"{WHAT_BECAME}: no input that can be read again holds it")
        elif changed is not None:
            told.missing.append(f"{WHAT_BECAME}: {changed} was changed since, and may have left it out or not")
        else:
            try:
                left = again.instead if again.record is None else left_out(target, again.record, self._mode)
            except Rejected as error:
                told.missing.append(f"{WHAT_BECAME}: whether the destination leaves it out is not known: {error}")
                return False
            if isinstance(left, LeftOut):
                told.outcome = f"left out: {left.reason}"
                return True
            if is_listed:
                told.outcome = "delivered, or unchanged: it is not among the records that were not"
            else:
                told.missing.append(f"{WHAT_BECAME}: the list beside the receipt, or the key, is lacking")
        return False

    # ------------------------------------------------------------------ the input
    def _mappings(self) -> list[str]:
        """The names of the source mappings of the run's inputs."""
        return list(dict.fromkeys(each["mapping"] for each in self._told["inputs"]["list"] if each.get("mapping")))

    def _read_again(self, record_id: str, told: Explanation) -> _Again:
        again = _Again()
        inputs = self._told["inputs"]
        if len(inputs["list"]) < inputs["count"]:
            told.missing.append("the receipt does not list its inputs: there are too many")
        for number, each in enumerate(inputs["list"]):
            path = Path(each["name"])
            if not each.get("sha256"):
                told.missing.append(f"the receipt has no digest of the input {each['name']}")
                continue
            if not path.is_file() or _digest(path) != each["sha256"]:
                gone = "was changed" if path.is_file() else f"is not there: looked for {path.absolute()}"
                told.missing.append(f"the input {each['name']} {gone}")
                continue
            try:
                self._read_input(number << POSITION_BITS, each, record_id, again, told)
            except ProofportError as error:
                told.missing.append(f"the input {each['name']} cannot be read as it was: {error.message}")
        if again.record is None and again.instead is None:
            alike = f", but {again.alike!r}: give the id as it is written there" if again.alike is not None else ""
            told.missing.append(f"no input that can be read again holds the record as evidence{alike}")
            return again
        for name in self._mappings():
            self._certified.check_texts(name, told)
        return again

    def _read_input(self, base: int, each: Mapping[str, Any], record_id: str, again: _Again, told: Explanation) -> None:
        file = self._targets.library.find(each["mapping"]) if each.get("mapping") else None
        item = Input(each["name"], each.get("mapping"), values=_values_in(each.get("source") or "", file))
        _, [decoder] = self._targets.decoders([item], self._kind, self._mode, self._values)
        remembering, found = Remembering(decoder), 0
        with open_input(item, self._kind, self._workbook_bytes) as reader:
            for place, record, read_id in RecordStream(reader, remembering):
                raw, remembering.last = remembering.last, NO_RAW
                if isinstance(record, dict):
                    again.add(base + place, record, fold=remembering.folds)
                if read_id != record_id or again.record is not None:
                    again.alike = again.alike or _alike(read_id, record_id)
                    continue
                if isinstance(record, dict):
                    again.record, again.raw, again.source = record, raw, file
                elif again.instead is None:
                    again.instead = record
                else:
                    continue
                found, told.place = place, place_in(reader, place)
        if found and (line := line_of(reader, Path(each["name"]), remembering.records, found)) is not None:
            told.place = f"{each['name']}:{line}"

    async def _from_kept(self, target: Target, record_id: str, told: Explanation) -> None:
        """Explain from the body that was kept, as far as that goes: the rules, without the places in the input."""
        vendor = await self._certified.vendor_file(target, told)
        [body] = await self._journal.bodies(target.lane, self._kind, [record_id])
        if not body:
            told.missing.append("no body of the record is kept")
            return
        told.missing.append("what follows is the body that was sent last, which may be that of a later run")
        rules = vendor.fields if vendor is not None else {}
        for name, value in orjson.loads(body).items():
            rule = rules.get(name)
            place = f"{rule.at.file}:{rule.at.line}" if rule else None
            told.body.append(FieldTold(name, how_of(name, rule) if rule else "kept", value, rule=place))

    # ------------------------------------------------------------------ the request
    async def _request(self, target: Target, record_id: str, again: _Again, told: Explanation) -> None:
        """Make the request that carried the record again, and look for its digest in the receipt."""
        run = await self._journal.run(self._told["run"], target.name)
        exchanges = await self._certified.exchanges()
        if run is None or exchanges is None:
            told.missing.append("the journal does not hold the run's batches, or its exchanges")
            return
        position = next((at for at, record in again.everything if record["id"] == record_id), None)
        if position is None:
            _tell_the_first_counts(told)
            return
        done = next((each for each in run.batches if _holds(each, position)), None)
        batch = None if done is None else await self._batch(target, run, done, again)
        if done is None or (batch is not None and position not in batch.positions):
            if not (told.outcome or "").startswith(NOT_SENT):
                told.missing.append("no batch of the run carried the record")
            return
        if batch is None:
            told.missing.append(KEPT_LAST if done.last == NOWHERE else NOT_REMADE)
            return
        index, outcomes = batch.positions.index(position), decode_outcomes(done.outcomes)
        told.outcome = in_words(outcomes[index])
        told.missing = [each for each in told.missing if not each.startswith(WHAT_BECAME)]
        if outcomes[index].status is Status.WITHHELD:
            return
        job = target.job(run.run_id, self._told["instance"], run.kind, run.mode, run.started)
        try:
            told.request = await Carrier(self._journal, target, job, run.memory, exchanges).request_of(
                index, batch, outcomes
            )
        except NotCarried as error:
            if outcomes[index].status not in MAYBE_NOT_SENT:
                told.missing.append(f"the batch is the one that was sent; {error}")

    async def _batch(self, target: Target, run: RunView, done: BatchDone, again: _Again) -> Batch | None:
        """The batch of then, with the ids as they are written now or as they were written first. None: it is not."""
        sendable = [each for each in again.everything if _is_sent(target, each[1], run.mode)]
        spellings = Spellings(self._journal, target.lane, run.kind, None)
        try:
            for spelled in (False, True):
                if spelled:
                    records = [record for _, record in sendable]
                    keys = keys_of([record["id"] for record in records], fold=again.folds)
                    records = list((await spellings.sent_as(records, keys, fold=again.folds))[0])
                    sendable = [(at, record) for (at, _), record in zip(sendable, records, strict=True)]
                batch = _made(target, run, done, sendable)
                if batch_digest(batch, digests_of(batch)) == done.digest:
                    return batch
        finally:
            spellings.close()
        return None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _alike(read: object, wanted: str) -> str | None:
    """An id that is read, if it differs from the wanted one only in case, or in blanks around it."""
    if not isinstance(read, str) or len(read.strip()) != len(wanted.strip()):
        return None
    return read if len(set(keys_of([read.strip(), wanted.strip()], fold=True))) == 1 else None


def _tell_the_first_counts(told: Explanation) -> None:
    """Tell of a record whose id another one has that came first, written in another case."""
    if (told.outcome or "").startswith(NOT_SENT):
        told.outcome = f"{told.outcome}: {CAME_FIRST}"
    else:
        told.missing.append(f"no batch of the run carried the record: {CAME_FIRST}")


def _holds(done: BatchDone, position: int) -> bool:
    """True if a position is one of a batch. The last bodies of refused records, which stand nowhere, follow all."""
    return done.first <= position and (position <= done.last or done.last == NOWHERE)


def _made(target: Target, run: RunView, done: BatchDone, sendable: Sequence[Placed]) -> Batch:
    """The records of a batch, of those that may be sent, with their bodies."""
    encode, collisions = target.encoder(run.mode), Collisions(target.resource, run.mode, str)
    sent = [(at, record, encode([record])[0]) for at, record in sendable]
    try:
        met = collisions.refused(
            [each["id"] for _, each, _ in sent], [each for *_, each in sent], [at for at, *_ in sent]
        )
    finally:
        collisions.close()
    sent = [each for index, each in enumerate(sent) if index not in met and _holds(done, each[0])]
    observed = [seconds_of(record.get("observed_at")) for _, record, _ in sent]
    return Batch(
        [record["id"] for _, record, _ in sent],
        [body for *_, body in sent],
        [at for at, *_ in sent],
        observed if any(observed) else (),
        any("extras" in record for _, record, _ in sent),
    )


def _values_in(source: str, file: MappingFile | None) -> dict[str, str]:
    """The values that a receipt has with the source of an input: `aws.ec2.vpcs[region=eu-west-1]`. A label has none."""
    start = f"{file.name.removeprefix('sources/')}[" if file is not None else ""
    if file is None or not source.startswith(start) or not source.endswith("]"):
        return {}
    names = "|".join(map(re.escape, file.context))
    _, *found = re.split(rf"(?:^|,)({names})=", source[len(start) : -1])
    return dict(zip(found[::2], found[1::2], strict=True))


def left_out(target: Target, record: Neutral, mode: Mode) -> LeftOut | None:
    """Why the destination leaves a record out. Raises Rejected where that cannot be told."""
    leave_out = target.leaves_out(mode)
    try:
        if leave_out is not None:
            leave_out(record)
    except LeftOut as left:
        return left
    return None


def _is_sent(target: Target, record: Neutral, mode: Mode) -> bool:
    try:
        is_left = left_out(target, record, mode) is not None
    except Rejected:
        return False
    return not is_left and (mode == "remove" or isinstance(target.body_of(record), dict))
