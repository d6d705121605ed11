"""Gateway: the async facade that library, CLI and relay use."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

from proofport import mapping, operations
from proofport.adapter import Adapter, Answer, Blueprint, Body, Finding, Mode, Operation, Provisioned, Schema
from proofport.config import Config
from proofport.delivery import clock
from proofport.delivery.closing import Terms
from proofport.delivery.conversation import allow_destruction, converse
from proofport.delivery.engine import Order, Progress, Run, Target
from proofport.delivery.pacer import Pacer
from proofport.delivery.pipeline import Reads
from proofport.delivery.report import RecordProblem, RunReport
from proofport.delivery.sender import Sender
from proofport.delivery.worker import Watch, Worker
from proofport.errors import UnsupportedFeature, UsageError
from proofport.evidence import Evidence, model_of
from proofport.gateway.inputs import AlreadyEvidence, Input, Records, each_record, inputs_of, open_input
from proofport.gateway.planning import Plan, planned
from proofport.gateway.preview import Preview, preview_of
from proofport.gateway.queue import accepted, letter_of, new_deliveries, replayed
from proofport.gateway.schemas import SchemaView, confirmed, findings, schemas_of
from proofport.gateway.verify import Look, Verification, verified
from proofport.journal import open_journal, opened
from proofport.journal.contract import Accepted, Delivery, Filter, Journal


class Gateway:
    """Delivers evidence to the destinations of a configuration. Use it as an async context manager."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._journal: Journal | None = None
        self._targets: dict[tuple[str, str, Mode], Target] = {}
        self.library = mapping.MappingLibrary([config.mappings] if config.mappings else [])

    @classmethod
    def from_file(cls, path: str | Path | None = None) -> Self:
        """The configuration at `path`, else PROOFPORT_CONFIG, else the nearest proofport.yaml upward."""
        return cls(Config.load(path))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._journal is not None:
            await self._journal.close()
            self._journal = None

    async def journal(self) -> Journal:
        """The configured journal, opened at its first use."""
        if self._journal is None:
            journal = open_journal(self.config.journal)
            await journal.open()
            self._journal = journal
        return self._journal

    async def push(
        self,
        records: Input | Sequence[Input] | Records,
        *,
        to: str | Sequence[str],
        kind: str | None = None,
        mode: Mode = "upsert",
        values: Mapping[str, str] | None = None,
        dry_run: bool = False,
        override_guard: str | None = None,
        assume_unique: bool = False,
        skip_unchanged: bool = False,
        delete_gone: bool = False,
        require_verified: bool = False,
        resume: str | None = None,
        on_begin: Callable[[str], None] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_problem: Callable[[str, RecordProblem], None] | None = None,
    ) -> RunReport:
        """Deliver records and say what became of each. In `snapshot` mode all inputs together are the whole set.

        Raises UsageError (ConfigError, MappingError, UnsupportedFeature) before anything is sent; what goes wrong
        later is in the report. `skip_unchanged` spares what the vendor holds with the same body; `resume` goes on
        with an interrupted run over the same inputs. `require_verified`: what a vendor only queued counts as unknown,
        until `verify` has seen it. `on_begin` is told the id of the run.
        """
        if override_guard is not None and not override_guard.strip():
            raise UsageError("overriding the guard needs a reason", hint="Say why; it stays in the report.")
        inputs = inputs_of(records)
        kind, readings = self._readings(inputs, kind, mode, values or {})
        targets = [self._target(name, kind, mode) for name in dict.fromkeys([to] if isinstance(to, str) else to)]
        if not targets:
            raise UsageError("no destination was named", hint="Name one or more of the configured destinations.")
        _refuse_shared_lanes(targets, kind)
        if delete_gone:
            _require_deletion(targets, kind, mode)
        guard = self.config.guard
        async with AsyncExitStack() as stack:
            journal = (
                await stack.enter_async_context(opened(open_journal("memory:"))) if dry_run else await self.journal()
            )
            if resume is not None:
                await _check_resumable(journal, resume, targets, kind, mode)
            readers = [stack.enter_context(open_input(item)) for item in inputs]
            order = Order(
                run_id=resume or secrets.token_hex(6),
                instance=self.config.instance,
                kind=kind,
                mode=mode,
                inputs=list(zip(readers, readings, strict=True)),
                targets=targets,
                terms=Terms(guard.max_gone, guard.max_rejected, override_guard),
                patience=self.config.patience,
                lease=self.config.lease,
                dry_run=dry_run,
                assume_unique=assume_unique,
                journal=journal,
                skip_unchanged=skip_unchanged,
                delete_gone=delete_gone,
                require_verified=require_verified,
                resume=resume is not None,
                on_progress=on_progress,
                on_problem=on_problem,
            )
            if on_begin is not None:
                on_begin(order.run_id)
            return await Run(order).execute()

    async def plan(
        self,
        records: Input | Sequence[Input] | Records,
        *,
        to: str | Sequence[str],
        kind: str | None = None,
        mode: Mode = "upsert",
        values: Mapping[str, str] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Plan:
        """What a push of the same would do, against what the vendors hold now. Nothing is written."""
        inputs = inputs_of(records)
        kind, readings = self._readings(inputs, kind, mode, values or {})
        targets = [self._target(name, kind, mode) for name in dict.fromkeys([to] if isinstance(to, str) else to)]
        terms = Terms(self.config.guard.max_gone, self.config.guard.max_rejected)
        return await planned(
            list(zip(inputs, readings, strict=True)),
            targets,
            kind,
            mode,
            terms,
            await self.journal(),
            patience=self.config.patience,
            on_progress=on_progress,
        )

    # ------------------------------------------------------------------ the queue
    async def submit(
        self, records: Records, *, kind: str, to: Sequence[str], mode: Mode = "upsert", key: str | None = None
    ) -> list[Accepted]:
        """Accept records for later delivery: durable when it returns, and all of them or none.

        The same `key` again gives the deliveries that were accepted then. Raises Rejected for a record that is no
        evidence of `kind`, and UsageError for a snapshot, which has an end that a queue does not know.
        """
        if mode == "snapshot":
            raise UsageError("a snapshot cannot be queued", hint="Push it, or submit upserts and removals.")
        check = mapping.compile_kind(kind, mode)
        neutral = [check(record.neutral() if isinstance(record, Evidence) else record) for record in records]
        journal = await self.journal()
        targets = [self._target(name, kind, mode) for name in dict.fromkeys(to)]
        new = [each for target in targets for each in new_deliveries(target, kind, mode, neutral)]
        return await accepted(journal, new, key)

    async def work(
        self, stop: asyncio.Event, *, slots: int = 8, grace: float | None = None, watch: Watch | None = None
    ) -> None:
        """Deliver what is queued, by this process or any other on the journal, until `stop` is set.

        What is in flight then is brought to its end, for at most `grace` seconds. `watch` is told what becomes of it.
        """
        worker = Worker(
            await self.journal(),
            self.target,
            instance=self.config.instance,
            lease=self.config.lease,
            slots=slots,
            grace=grace,
            watch=watch,
        )
        await worker.run(stop)

    def target(self, destination: str, kind: str, mode: Mode) -> Target:
        """How a destination takes a kind, made once for those who ask again and again. Raises UsageError."""
        known = destination, kind, mode
        if known not in self._targets:
            self._targets[known] = self._target(*known)
        return self._targets[known]

    def reading(self, kind: str | None, source: str | None, mode: Mode, values: Mapping[str, str]) -> tuple[str, Reads]:
        """The kind of evidence that an input gives, and how it is read. Raises UsageError, MappingError."""
        found, [reads] = self._readings([Input((), source)], kind, mode, values)
        return found, reads

    async def replay(self, letters: Sequence[int], *, as_it_was: bool = False) -> list[Accepted]:
        """Queue dead letters again, at the end of their lanes; ids that are none of a dead letter are left out.

        Their evidence is mapped again, or `as_it_was` the bodies go out that were sent. Raises UsageError, and queues
        none, where a record never had a body.
        """
        return await replayed(await self.journal(), Filter(ids=letters, state="dead"), as_it_was=as_it_was)

    def letter(self, delivery: Delivery) -> list[dict[str, Any]]:
        """The records of a dead letter, each with its problem, the body that was `sent`, and the `body` that its
        destination would get now."""
        return letter_of(delivery, self._target(delivery.destination, delivery.kind, delivery.mode))

    async def preview(
        self,
        records: Input | Records,
        *,
        to: Sequence[str] | None = None,
        kind: str | None = None,
        mode: Mode = "upsert",
        values: Mapping[str, str] | None = None,
        limit: int = 1,
    ) -> list[Preview]:
        """The first `limit` records as every destination (all that are configured, unless named) would get them."""
        inputs = inputs_of(records)
        if len(inputs) != 1:
            raise UsageError(f"a preview shows one input, and {len(inputs)} were given")
        [item] = inputs
        kind, [reads] = self._readings([item], kind, mode, values or {})
        targets = [self._target(name, kind, mode) for name in (to or self.config.destinations)]
        previews: list[Preview] = []
        with open_input(item) as reader:
            for position, record in each_record(reader, reads):
                previews.append(preview_of(position, record, targets))
                if len(previews) >= limit:
                    break
        return previews

    async def call(self, destination: str, operation: str, /, **parameters: Any) -> Answer:
        """One of the vendor's own calls. Whoever calls a destructive one means it: nothing is asked here.

        Raises UsageError before anything is sent. Look at the answer's `problems`: a success may hold failures.
        """
        adapter = self.config.adapter(destination)
        found = operations.find(adapter, operation)
        async with Sender(adapter, Pacer(await self.journal(), adapter)) as sender:
            return await operations.perform(found, parameters, sender)

    def operations(self, destination: str) -> Sequence[Operation]:
        """The vendor's own calls that `call` carries out."""
        return self.config.adapter(destination).operations()

    async def provision(self, destination: str, *, kind: str | None = None) -> dict[str, Provisioned]:
        """Find or make the vendor's objects for `kind`, or for every kind that has a mapping or is configured."""
        adapter = self.config.adapter(destination)
        kinds = [kind] if kind else self._kinds_to_provision(adapter)
        provisioned = {}
        async with Sender(adapter, Pacer(await self.journal(), adapter)) as sender:
            for each in kinds:
                blueprint = self._blueprint(adapter, each)
                provisioned[each] = await converse(adapter.provision(blueprint), sender, gate=allow_destruction)
        return provisioned

    async def verify(
        self, destination: str, *, kind: str, within: float = 0.0, on_look: Callable[[Look], None] | None = None
    ) -> Verification:
        """Read back what was delivered of `kind`, again and again for `within` seconds, and compare.

        What is seen as it was sent is `verified` from then on in the report of its run.
        """
        adapter = self.config.adapter(destination)
        adapter.capability(kind, "upsert")
        journal = await self.journal()
        async with Sender(adapter, Pacer(journal, adapter)) as sender:
            return await verified(destination, adapter, kind, journal, sender, within=within, on_look=on_look)

    async def schemas(self, destination: str) -> list[SchemaView]:
        """The schemas that the vendor made, or will make, from what it is sent."""
        adapter = self.config.adapter(destination)
        kinds = list(getattr(adapter.settings, "objects", {}))
        return await schemas_of(adapter, kinds, await self.journal())

    async def confirm_schema(self, destination: str, *, kind: str) -> Schema:
        """Take note that a person has completed the schema of `kind` at the vendor. Then push everything again."""
        return await confirmed(self.config.adapter(destination), kind, await self.journal())

    async def check(self, destination: str) -> list[Finding]:
        """What `doctor` finds about one destination: credentials, objects, permissions, and how the clocks differ."""
        adapter = self.config.adapter(destination)
        async with Sender(adapter, Pacer(await self.journal(), adapter)) as sender:
            found = await converse(clock.compared(adapter.check()), sender)
        return [*found, *findings(await self.schemas(destination))]

    # ------------------------------------------------------------------ mappings
    def _readings(
        self, inputs: Sequence[Input], kind: str | None, mode: Mode, values: Mapping[str, str]
    ) -> tuple[str, list[Reads]]:
        """How each input is read, and the one kind of evidence that all of them give."""
        files = [self.library.find(item.source) if item.source else None for item in inputs]
        compiled = [file and mapping.compile_source(file, given, mode) for file, given in _shared(files, values)]
        kinds = {source.kind for source in compiled if source} | ({kind} if kind else set())
        if not kinds:
            raise UsageError("the kind of evidence is not known", hint="Give --kind, or a source mapping that says it.")
        if len(kinds) > 1:
            raise UsageError(
                f"the inputs are of several kinds: {', '.join(sorted(kinds))}",
                hint="Push each kind in a run of its own.",
            )
        [found] = kinds
        model_of(found)
        return found, [source or AlreadyEvidence(found, mode) for source in compiled]

    def _target(self, name: str, kind: str, mode: Mode) -> Target:
        adapter = self.config.adapter(name)
        adapter.capability(kind, mode)
        render = self._vendor_mapping(adapter, kind, adapter.body(kind, mode))
        return Target(name, adapter, render, render.types if adapter.schema(kind) is not None else None)

    def _vendor_mapping(self, adapter: Adapter, kind: str, body: Body) -> mapping.VendorMapping:
        objects: Mapping[str, Any] = getattr(adapter.settings, "objects", {})
        own = objects[kind].mapping if kind in objects else None
        chosen = own or body.mapping
        return mapping.compile_vendor(self.library.find(chosen) if chosen else None, body, kind, adapter.name)

    def _blueprint(self, adapter: Adapter, kind: str) -> Blueprint:
        vendor = self._vendor_mapping(adapter, kind, adapter.body(kind, "upsert"))
        return Blueprint(kind, vendor.json_schema(), vendor.display_name, vendor.fields)

    def _kinds_to_provision(self, adapter: Adapter) -> list[str]:
        """Those that the adapter's mappings are for, and those that are configured."""
        files = (self.library.find(name) for name in self.library.names() if name.startswith(f"{adapter.name}/"))
        configured: Mapping[str, Any] = getattr(adapter.settings, "objects", {})
        return list(dict.fromkeys([*(file.from_kind for file in files if file.from_kind), *configured]))


def _shared(
    files: Sequence[mapping.MappingFile | None], values: Mapping[str, str]
) -> list[tuple[mapping.MappingFile | None, dict[str, str]]]:
    """Each source mapping with those values that it has a place for. One that no mapping takes is a mistake."""
    taken = {name for file in files if file for name in file.context}
    for name in values:
        if name not in taken:
            known = ", ".join(sorted(taken)) or "nothing"
            raise UsageError(f"no source mapping of this run takes {name!r}", hint=f"They take {known}.")
    return [(file, {name: values[name] for name in values if file and name in file.context}) for file in files]


def _require_deletion(targets: Sequence[Target], kind: str, mode: Mode) -> None:
    """Raises UsageError where nothing could be gone, or the vendor would keep it."""
    if mode != "snapshot":
        raise UsageError("only a snapshot tells what is gone", hint="Add `--mode snapshot`, or push removals.")
    for target in targets:
        capability = target.adapter.capability(kind, mode)
        if capability.gone == "kept" and not capability.replaces:
            raise UnsupportedFeature(
                f"the vendor of {target.name} has no call that deletes {kind}",
                hint="Push there without --delete-gone: what is gone is listed in the report.",
            )


def _refuse_shared_lanes(targets: Sequence[Target], kind: str) -> None:
    """Two destinations on one vendor object in one run would be two writers of one set."""
    taken: dict[str, str] = {}
    for target in targets:
        lane = target.adapter.lane(kind)
        if lane in taken:
            raise UsageError(
                f"{taken[lane]} and {target.name} are the same object at the vendor ({lane})",
                hint="Push to one of them.",
            )
        taken[lane] = target.name


async def _check_resumable(journal: Journal, run_id: str, targets: Sequence[Target], kind: str, mode: Mode) -> None:
    """Raises UsageError unless the run is there, open, and was asked for the same."""
    runs = [run for target in targets if (run := await journal.run(run_id, target.name)) is not None]
    if not runs:
        raise UsageError(f"there is no run {run_id} to these destinations", hint="`proofport status` lists the runs.")
    if any((run.kind, run.mode) != (kind, mode) for run in runs):
        raise UsageError(f"run {run_id} is a {runs[0].mode} of {runs[0].kind}", hint="Resume it with the same options.")
    if all(run.state != "open" for run in runs):
        raise UsageError(f"run {run_id} has ended; there is nothing to go on with")
