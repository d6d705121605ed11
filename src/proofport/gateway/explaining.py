"""Explains records that were delivered: reads the receipt, the inputs and the mappings again, and compares."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from proofport.accounting import LeftOut
from proofport.adapter import Batch, Job, Memory, Mode, Replaces
from proofport.audit import explain
from proofport.audit.explain import Explanation, FieldTold, Whereabouts, how_of, is_listed, reading
from proofport.config import Config
from proofport.delivery.observed import seconds_of
from proofport.delivery.payload import batch_digest, digests_of
from proofport.delivery.reading import RecordStream, place_in
from proofport.delivery.target import Target
from proofport.errors import ProofportError, Rejected, UsageError
from proofport.evidence import Neutral
from proofport.gateway.audit import signing_key
from proofport.gateway.inputs import Input, open_input
from proofport.gateway.preview import Remembering
from proofport.gateway.targets import Targets
from proofport.journal.contract import Journal, ReceiptView
from proofport.mapping.language.nodes import MappingFile
from proofport.mapping.language.syntax import load_file

NO_RAW = object()
WHAT_BECAME = "what became of the record"


@dataclass(slots=True)
class _Again:
    """The inputs, read again."""

    #: The record as evidence and as it was read, and the mapping between the two. None: no input holds it.
    record: Neutral | None = None
    raw: object = NO_RAW
    source: MappingFile | None = None
    #: The reason of the source mapping that leaves it out, where no input holds it otherwise.
    left: LeftOut | None = None
    #: All records of all inputs, with their positions.
    everything: list[tuple[int, Neutral]] = field(default_factory=list)


class Explainer:
    """Explains records of one receipt."""

    def __init__(
        self, journal: Journal, targets: Targets, receipt: ReceiptView, values: Mapping[str, str], workbook_bytes: int
    ) -> None:
        from proofport.audit.export import predicate_of, subjects_of

        self._journal = journal
        self._targets = targets
        self._receipt = receipt
        self._values = values
        self._workbook_bytes = workbook_bytes
        self._told: dict[str, Any] = predicate_of(receipt)
        self._subjects = subjects_of(receipt)

    async def explain(self, record_id: str, blinded: str | None) -> Explanation:
        """`blinded`: the record's id as the list of refused records has it. None: there is no key to tell."""
        told = explain.Explanation(self._told["destination"], self._receipt.name, record_id)
        listed = await self._listed(blinded)
        told.outcome = listed or None
        kind, mode = self._told["kind"], self._told["mode"]
        try:
            target = self._targets.find(self._told["destination"], kind, mode, offline=True)
        except ProofportError as error:
            told.missing.append(f"the destination cannot be made any more: {error.message}")
            if not listed:
                told.missing.append(f"{WHAT_BECAME}: the destination may leave it out")
            return told
        again = self._read_again(record_id, told)
        if not listed and self._became(target, again, told, is_listed=listed is not None):
            if again.record is not None:
                self._tell_evidence(again, told)
            return told
        vendor = await self._file(target.mapping_name, told)
        if again.record is None:
            await self._from_kept(target, record_id, vendor, told)
            return told
        neutral = self._tell_evidence(again, told)
        body = target.body_of(neutral)
        if not isinstance(body, dict):
            told.missing.append(f"no body: {body}")
            return told
        if vendor is None:
            told.body = explain.as_it_is(body)
        else:
            told.body = explain.fields_told(vendor, neutral, body, _fields_of(target))
        await self._request(target, record_id, again.everything, told)
        return told

    def _tell_evidence(self, again: _Again, told: Explanation) -> Neutral:
        assert again.record is not None
        if again.source is not None and again.raw is not NO_RAW:
            told.evidence = explain.fields_told(again.source, again.raw, again.record)
        else:
            told.evidence = explain.as_it_is(again.record)
        return again.record

    # ------------------------------------------------------------------ the outcome
    async def _listed(self, blinded: str | None) -> str | None:
        """The outcome in the list of the records that were not delivered. Empty: it is not in that. None: no list, or
        no key."""
        if self._told["from_journal"]:
            return None
        content = await self._journal.receipt_file(self._receipt.place, "ids")
        if content is None:
            return ""
        if blinded is None:
            return None
        for row in map(orjson.loads, content.splitlines()):
            if row["hmac"] == blinded:
                return f"{row['outcome']}" + (f": {row['reason']}" if row["reason"] else "")
        return ""

    def _became(self, target: Target, again: _Again, told: Explanation, *, is_listed: bool) -> bool:
        """Tell the outcome of a record that is not in the list, as far as it can be known. True if it is left out.

        `is_listed`: there is a list, and it would be there.
        """
        mappings = {each["mapping"] for each in self._told["inputs"]["list"] if each.get("mapping")}
        if again.record is None and again.left is None:
            told.missing.append(f"{WHAT_BECAME}: no input that can be read again holds it")
        elif changed := [name for name in (*mappings, target.mapping_name) if name and self._changed(name)]:
            told.missing.append(f"{WHAT_BECAME}: {changed[0]} was changed since, and may have left it out or not")
        else:
            try:
                left = again.left if again.record is None else _left_out(target, again.record, self._told["mode"])
            except Rejected as error:
                told.missing.append(f"{WHAT_BECAME}: whether the destination leaves it out is not known: {error}")
                return False
            if left is not None:
                told.outcome = f"left out: {left.reason}"
                return True
            if is_listed:
                told.outcome = "delivered, or unchanged: it is not among the records that were not"
            else:
                told.missing.append(f"{WHAT_BECAME}: the list beside the receipt, or the key, is lacking")
        return False

    # ------------------------------------------------------------------ the input
    def _read_again(self, record_id: str, told: Explanation) -> _Again:
        from proofport.delivery.books import POSITION_BITS

        again = _Again()
        inputs = self._told["inputs"]
        if len(inputs["list"]) < inputs["count"]:
            told.missing.append("the receipt does not list its inputs: there are too many")
        for number, each in enumerate(inputs["list"]):
            path = Path(each["name"])
            if not each.get("sha256"):
                told.missing.append(f"the receipt has no digest of the input {each['name']}")
                continue
            if not path.is_file() or sha256(path.read_bytes()).hexdigest() != each["sha256"]:
                gone = "was changed" if path.is_file() else "is not there any more"
                told.missing.append(f"the input {each['name']} {gone}")
                continue
            try:
                self._read_input(number << POSITION_BITS, each, record_id, again, told)
            except ProofportError as error:
                told.missing.append(f"the input {each['name']} cannot be read as it was: {error.message}")
        if again.record is None and again.left is None:
            told.missing.append("no input that can be read again holds the record as evidence")
            return again
        for name in {each["mapping"] for each in inputs["list"] if each.get("mapping")}:
            self._check_texts(name, told)
        return again

    def _read_input(self, base: int, each: Mapping[str, Any], record_id: str, again: _Again, told: Explanation) -> None:
        file = self._targets.library.find(each["mapping"]) if each.get("mapping") else None
        item = Input(each["name"], each.get("mapping"), values=_values_in(each.get("source") or "", file))
        _, [decoder] = self._targets.decoders([item], self._told["kind"], self._told["mode"], self._values)
        remembering = Remembering(decoder)
        with open_input(item, self._told["kind"], self._workbook_bytes) as reader:
            for place, record, read_id in RecordStream(reader, remembering):
                raw, remembering.last = remembering.last, NO_RAW
                if isinstance(record, dict):
                    again.everything.append((base + place, record))
                if read_id != record_id or again.record is not None:
                    continue
                if isinstance(record, dict):
                    again.record, again.raw, again.source = record, raw, file
                    told.place = place_in(reader, place)
                elif isinstance(record, LeftOut) and again.left is None:
                    again.left, told.place = record, place_in(reader, place)

    def _check_texts(self, name: str, told: Explanation) -> bool:
        """True if the files of a mapping are those of the receipt."""
        if what := self._changed(name):
            told.missing.append(f"{what} was changed since: what it makes now may not be what was sent")
        return what is None

    def _changed(self, name: str) -> str | None:
        """The first file of a mapping that is not that of the receipt."""
        texts = self._targets.library.texts(name).items()
        digests = ((what, sha256(text.encode()).hexdigest()) for what, text in texts)
        return next((what for what, digest in digests if self._subjects.get(what) != digest), None)

    async def _file(self, name: str | None, told: Explanation) -> MappingFile | None:
        """The vendor mapping as the receipt knows it, from the kept text where the file was changed."""
        if name is None:
            return None
        file = self._targets.library.find(name)
        if self._check_texts(name, told):
            return file
        text = await self._journal.kept_text(self._subjects.get(f"mapping:{file.name}", ""))
        if text is None or file.included:
            return file
        with tempfile.TemporaryDirectory() as folder:
            kept = Path(folder) / Path(file.path).name
            kept.write_text(text, encoding="utf-8")
            return next((each for each in load_file(kept) if each.name == file.name), file)

    async def _from_kept(self, target: Target, record_id: str, vendor: MappingFile | None, told: Explanation) -> None:
        """Explain from the body that was kept, as far as that goes: the rules, without the places in the input."""
        [body] = await self._journal.bodies(target.lane, self._told["kind"], [record_id])
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
    async def _request(
        self, target: Target, record_id: str, everything: Sequence[tuple[int, Neutral]], told: Explanation
    ) -> None:
        """Make the request that carried the record again, and look for its digest in the receipt."""
        run = await self._journal.run(self._told["run"], target.name)
        exchanges = await self._journal.receipt_file(self._receipt.place, "exchanges")
        if run is None or exchanges is None:
            told.missing.append("the journal does not hold the run's batches, or its exchanges")
            return
        position = next(at for at, record in everything if record["id"] == record_id)
        for done in run.batches:
            if not done.first <= position <= done.last:
                continue
            within = [(at, record) for at, record in everything if done.first <= at <= done.last]
            encode = target.encoder(run.mode)
            sendable = [(at, record) for at, record in within if _is_sent(target, record, run.mode)]
            sent = [(at, record, encode([record])[0]) for at, record in sendable]
            observed = [seconds_of(record.get("observed_at")) for _, record, _ in sent]
            batch = Batch(
                [record["id"] for _, record, _ in sent],
                [body for *_, body in sent],
                [at for at, *_ in sent],
                observed if any(observed) else (),
                any("extras" in record for _, record, _ in sent),
            )
            if batch_digest(batch, digests_of(batch)) != done.digest:
                told.missing.append("the batch cannot be made again: its records or bodies are not those of then")
                return
            job = target.job(run.run_id, self._told["instance"], run.kind, run.mode, run.started)
            body = _first_request(target, batch, job, run.memory)
            if body is None:
                told.missing.append("the batch is the one that was sent; its request needs the vendor's answers")
            elif is_listed(body, exchanges):
                told.request = sha256(body).hexdigest()
            else:
                told.missing.append("the batch is the one that was sent; its request is not among the exchanges")
            return
        told.missing.append("no batch of the run carried the record")


def _values_in(source: str, file: MappingFile | None) -> dict[str, str]:
    """The values that a receipt has with the source of an input: `aws.ec2.vpcs[region=eu-west-1]`. A label has none."""
    start = f"{file.name.removeprefix('sources/')}[" if file is not None else ""
    if file is None or not source.startswith(start) or not source.endswith("]"):
        return {}
    names = "|".join(map(re.escape, file.context))
    _, *found = re.split(rf"(?:^|,)({names})=", source[len(start) : -1])
    return dict(zip(found[::2], found[1::2], strict=True))


def _left_out(target: Target, record: Neutral, mode: Mode) -> LeftOut | None:
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
        return _left_out(target, record, mode) is None and isinstance(target.body_of(record), dict)
    except Rejected:
        return False


def _fields_of(target: Target) -> list[str]:
    model = getattr(target.mapping, "model", None)
    return [] if model is None else [info.alias or name for name, info in model.model_fields.items()]


def _first_request(target: Target, batch: Batch, job: Job, memory: Memory) -> bytes | None:
    """The body of the first request that sends a batch. None: the adapter asks the vendor something before."""
    resource = target.resource
    if job.mode == "snapshot" and isinstance(resource, Replaces):
        flow = resource.replace(job, memory, batch, tombstones=[])
    else:
        flow = resource.send(job, memory, batch)
    try:
        call = next(flow)
    except (StopIteration, ProofportError):
        return None
    finally:
        flow.close()
    return None if call.method == "GET" else call.body


async def explained(
    journal: Journal,
    targets: Targets,
    receipts: Sequence[ReceiptView],
    record: str,
    config: Config,
    values: Mapping[str, str],
) -> list[Explanation]:
    """A record, by every receipt of a run. Raises UsageError for what no run has a receipt of."""
    of_runs = [each for each in receipts if each.run_id and not each.run_id.startswith("deliveries-")]
    if not of_runs:
        raise UsageError("this is no receipt of a run", hint="The evidence of queued deliveries is in the journal.")
    blinded = signing_key(config).blinded(record) if config.receipts is not None else None
    explainers = [Explainer(journal, targets, each, values, config.workbook_bytes) for each in of_runs]
    return [await each.explain(record, blinded) for each in explainers]


def whereabouts(targets: Targets, config: Config, pointer: str, kind: str, source: str | None) -> list[Whereabouts]:
    """Where a value of the source ends up. Raises UsageError."""
    if not pointer.startswith("/"):
        raise UsageError(f"found {pointer!r}, expected a JSON pointer such as /Account/Id")
    names = (
        [pointer.split("/")[1]]
        if source is None
        else [name for name, _ in reading(targets.library.find(source), pointer)]
    )
    found = []
    for destination in config.destinations:
        try:
            target = targets.in_any_mode(destination, kind)
        except ProofportError:
            continue
        file = targets.library.find(target.mapping_name) if target.mapping_name else None
        for name in names:
            if file is None:
                found.append(Whereabouts(destination, name, name, "copied", None))
                continue
            found += [
                Whereabouts(destination, name, wire, how_of(wire, rule), f"{rule.at.file}:{rule.at.line}")
                for wire, rule in reading(file, f"/{name}")
            ]
    return found
