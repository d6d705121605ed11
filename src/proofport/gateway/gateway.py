"""Gateway: the async facade that library, CLI and relay use."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

from proofport import mapping, operations
from proofport.adapter import (
    Adapter,
    Answer,
    Checks,
    Finding,
    Mode,
    Operation,
    Provisioned,
    Provisions,
    Schema,
)
from proofport.config import Config
from proofport.delivery.books import require_resumable
from proofport.delivery.guard import Terms
from proofport.delivery.lease import new_owner
from proofport.delivery.left_out import WantedSources
from proofport.delivery.order import Order, Progress
from proofport.delivery.plan import Plan
from proofport.delivery.queue.books import Watch
from proofport.delivery.queue.deliveries import accepted, letter_of, new_deliveries, replayed
from proofport.delivery.queue.worker import SLOTS, Worker
from proofport.delivery.reading import Decoder, RecordStream, place_in
from proofport.delivery.report import RecordProblem, RunReport
from proofport.delivery.run import Run
from proofport.delivery.target import Target
from proofport.errors import UnsupportedFeature, UsageError
from proofport.evidence import Evidence
from proofport.gateway.audit import Receipts
from proofport.gateway.inputs import Input, Records, inputs_of, open_input
from proofport.gateway.retention import keeping_pruned
from proofport.gateway.schemas import confirmed, findings, schemas_of
from proofport.gateway.targets import Preview, Targets, preview_of
from proofport.gateway.verify import Look, Verification, verified
from proofport.http.auth import Tokens
from proofport.http.clock import checked
from proofport.http.flow import allow_destruction, lead
from proofport.http.sender import Sender
from proofport.journal import is_there, open_journal, opened
from proofport.journal.contract import Accepted, Commit, Delivery, Filter, Journal


class Gateway:
    """Delivers evidence to the destinations of a configuration. Use it as an async context manager."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._targets = Targets(config)
        self._journal: Journal | None = None
        self._tokens: Tokens | None = None
        #: Two that begin together must not open two journals, with tokens of their own that revoke each other.
        self._opening = asyncio.Lock()
        self.receipts = Receipts(config, self.journal)  #: What was signed about runs, and the log of it.

    @classmethod
    def from_file(cls, path: str | Path | None = None) -> Self:
        """The configuration at `path`, else PROOFPORT_CONFIG, else the nearest proofport.yaml upward."""
        return cls(Config.load(path))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._tokens is not None:
            await self._tokens.close()
            self._tokens = None
        if self._journal is not None:
            await self._journal.close()
            self._journal = None

    async def journal(self) -> Journal:
        """The configured journal, opened at its first use."""
        async with self._opening:
            if self._journal is None:
                journal = open_journal(self.config.journal)
                await journal.open()
                self._journal = journal
                self._tokens = Tokens(journal, owner=new_owner(), lease=self.config.lease)
        return self._journal

    @property
    def library(self) -> mapping.MappingLibrary:
        """The mapping files that are found, built in or in the configured folder."""
        return self._targets.library

    async def sender(self, adapter: Adapter) -> Sender:
        """A connection to an adapter's vendor. All connections of a gateway share its tokens."""
        journal = await self.journal()
        return Sender(adapter, journal, self._tokens, token_seconds=self.config.patience)

    def _senders(self, journal: Journal) -> Callable[[Adapter], Sender]:
        return lambda adapter: Sender(adapter, journal, self._tokens)

    # ------------------------------------------------------------------ delivering
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
        without: Sequence[str] = (),
        resume: str | None = None,
        on_begin: Callable[[str], None] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_problem: Callable[[str, RecordProblem], None] | None = None,
    ) -> RunReport:
        """Deliver records and say what became of each. In `snapshot` mode all inputs together are the whole set.

        Raises UsageError (ConfigError, MappingError, UnsupportedFeature) before anything is sent; what goes wrong
        later is in the report. `skip_unchanged` spares what the vendor holds with the same body; `resume` goes on
        with an interrupted run over the same inputs. `require_verified`: what a vendor only queued counts as unknown,
        until `verify` has seen it. `without` names sources that the last set had and that are left out on purpose.
        `on_begin` is given the id of the run.
        """
        if override_guard is not None and not override_guard.strip():
            raise UsageError("overriding the guard needs a reason", hint="Say why; it stays in the report.")
        return await self._run(
            records,
            to,
            kind,
            mode,
            values,
            run_id=resume,
            resume=resume is not None,
            must_be_open=True,
            on_begin=on_begin,
            override=override_guard,
            dry_run=dry_run,
            assume_unique=assume_unique,
            skip_unchanged=skip_unchanged,
            delete_gone=delete_gone,
            require_verified=require_verified,
            without=without,
            on_progress=on_progress,
            on_problem=on_problem,
        )

    async def deliver_snapshot(self, records: Sequence[Input], commit: Commit, *, resume: bool) -> RunReport:
        """Deliver a committed snapshot as the run that its commit names; `resume` what was begun of it.

        A relay that has died may still hold a lane, for a lease at most.
        """
        return await self._run(
            records,
            commit.snapshot.destinations,
            commit.snapshot.kind,
            "snapshot",
            run_id=commit.run_id,
            resume=resume,
            override=commit.override,
            without=commit.without,
            lane_seconds=max(self.config.patience, self.config.lease),
        )

    async def plan(
        self,
        records: Input | Sequence[Input] | Records,
        *,
        to: str | Sequence[str],
        kind: str | None = None,
        mode: Mode = "upsert",
        values: Mapping[str, str] | None = None,
        without: Sequence[str] = (),
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Plan:
        """Say what a push of the same records would do to what the vendors hold now. Nothing is written."""
        run = await self._run(records, to, kind, mode, values, without=without, plan=True, on_progress=on_progress)
        return Plan.of(run)

    async def _run(
        self,
        records: Input | Sequence[Input] | Records,
        to: str | Sequence[str],
        kind: str | None,
        mode: Mode,
        values: Mapping[str, str] | None = None,
        *,
        run_id: str | None = None,
        resume: bool = False,
        must_be_open: bool = False,
        override: str | None = None,
        on_begin: Callable[[str], None] | None = None,
        dry_run: bool = False,
        delete_gone: bool = False,
        without: Sequence[str] = (),
        **how: Any,
    ) -> RunReport:
        async with AsyncExitStack() as stack:
            inputs = inputs_of(records)
            named, folds = [item.source for item in inputs], [item.folds for item in inputs]
            kind, decoders = self._targets.decoders(named, kind, mode, values or {}, folds)
            targets = self._targets.several(to, kind, mode, delete_gone=delete_gone, offline=dry_run)
            if dry_run and not self._remembers():
                journal = await stack.enter_async_context(opened(open_journal("memory:")))
            else:
                journal = await self.journal()
            run_id = run_id or secrets.token_hex(6)
            if resume and must_be_open:
                await require_resumable(journal, run_id, [target.name for target in targets], kind, mode)
            readers = [stack.enter_context(open_input(item)) for item in inputs]
            sends = not dry_run and not how.get("plan")
            witness = await self.receipts.witnesses(self.library, named, readers) if sends else None
            guard = self.config.guard
            read = [item.label or decoder.source for item, decoder in zip(inputs, decoders, strict=True)]
            sources = WantedSources(read, self.config.sources.get(kind), without)
            order = Order(
                run_id=run_id,
                instance=self.config.instance,
                kind=kind,
                mode=mode,
                inputs=list(zip(readers, decoders, strict=True)),
                targets=targets,
                terms=Terms(guard.max_gone, guard.max_rejected, override, sources, guard.refused == "keep_last"),
                retry_seconds=self.config.patience,
                lease=self.config.lease,
                journal=journal,
                sender=self._senders(journal),
                dry_run=dry_run,
                delete_gone=delete_gone,
                resume=resume,
                witness=witness,
                **how,
            )
            if on_begin is not None:
                on_begin(run_id)
            return await Run(order).execute()

    def _remembers(self) -> bool:
        """True if the journal may know what a push would refuse: what was delivered, and the schemas of vendors."""
        return self._journal is not None or is_there(self.config.journal)

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
        kind, [decoder] = self._targets.decoders([item.source], kind, mode, values or {})
        targets = {name: self._targets.previewed(name, kind, mode) for name in to or self.config.destinations}
        previews: list[Preview] = []
        with open_input(item) as reader:
            for place, record, _ in RecordStream(reader, decoder):
                previews.append(preview_of(place_in(reader, place), record, targets))
                if len(previews) >= limit:
                    break
        return previews

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
        _, read = self.reading(kind, None, mode, {})
        neutral = [read(record.neutral() if isinstance(record, Evidence) else record, ()) for record in records]
        journal = await self.journal()
        targets = [self._targets.find(name, kind, mode) for name in dict.fromkeys(to)]
        new = [each for target in targets for each in new_deliveries(target, kind, mode, neutral)]
        return await accepted(journal, new, key)

    async def work(
        self, stop: asyncio.Event, *, slots: int = SLOTS, grace: float | None = None, watch: Watch | None = None
    ) -> None:
        """Deliver what is queued, by this process or any other on the journal, until `stop` is set.

        What is in flight then is brought to its end, for at most `grace` seconds. `watch` hears what becomes of it.
        """
        journal = await self.journal()
        worker = Worker(
            journal,
            self.target,
            self._senders(journal),
            instance=self.config.instance,
            lease=self.config.lease,
            slots=slots,
            shared=len(self.config.served()) > 1,
            grace=grace,
            watch=watch,
        )
        async with keeping_pruned(journal, self.config.retention):
            await worker.run(stop)

    def target(self, destination: str, kind: str, mode: Mode) -> Target:
        """How a destination takes a kind, made once for those who ask again and again. Raises UsageError."""
        return self._targets.known(destination, kind, mode)

    def reading(
        self, kind: str | None, source: str | None, mode: Mode, values: Mapping[str, str]
    ) -> tuple[str, Decoder]:
        """The kind of evidence that an input gives, and how it is read. Raises UsageError, MappingError."""
        found, [decoder] = self._targets.decoders([source], kind, mode, values)
        return found, decoder

    async def replay(self, letters: Sequence[int], *, as_it_was: bool = False) -> list[Accepted]:
        """Queue dead letters again, at the end of their lanes; ids that are none of a dead letter are left out.

        Their evidence is mapped again, or `as_it_was` the bodies go out that were sent. Raises UsageError, and queues
        none, where a record never had a body.
        """
        return await replayed(await self.journal(), Filter(ids=letters, state="dead"), as_it_was=as_it_was)

    def letter(self, delivery: Delivery) -> list[dict[str, Any]]:
        """The records of a dead letter, each with its problem, the body that was `sent`, and the `body` that its
        destination would get now."""
        return letter_of(delivery, self._targets.find(delivery.destination, delivery.kind, delivery.mode))

    # ------------------------------------------------------------------ the vendor
    async def call(self, destination: str, operation: str, /, **parameters: Any) -> Answer:
        """One of the vendor's own calls. Whoever calls a destructive one means it: nothing is asked here.

        Raises UsageError before anything is sent. Look at the answer's `problems`: a success may hold failures.
        """
        adapter = self.config.adapter(destination)
        found = operations.find(adapter, operation)
        async with await self.sender(adapter) as sender:
            return await operations.perform(found, parameters, sender)

    def operations(self, destination: str) -> Sequence[Operation]:
        """The vendor's own calls that `call` carries out."""
        return operations.of(self.config.adapter(destination))

    async def provision(self, destination: str, *, kind: str | None = None) -> dict[str, Provisioned]:
        """Find or make the vendor's objects for `kind`, or for every kind that has a mapping or is configured."""
        adapter = self.config.adapter(destination)
        kinds = [kind] if kind else self._targets.kinds_to_provision(adapter)
        provisioned = {}
        async with await self.sender(adapter) as sender:
            for each in kinds:
                blueprint = self._targets.blueprint(adapter, each)
                resource = adapter.resource(each)
                if not isinstance(resource, Provisions):
                    raise UnsupportedFeature(
                        f"{adapter.name} has no API to create the object that {each} is delivered to"
                    )
                provisioned[each] = await lead(resource.provision(blueprint), sender, gate=allow_destruction)
        return provisioned

    async def verify(
        self, destination: str, *, kind: str, within: float = 0.0, on_look: Callable[[Look], None] | None = None
    ) -> Verification:
        """Read back what was delivered of `kind`, again and again for `within` seconds, and compare.

        What is seen as it was sent is `verified` from then on in the report of its run.
        """
        adapter = self.config.adapter(destination)
        resource = adapter.resource(kind)
        async with await self.sender(adapter) as sender:
            return await verified(destination, resource, await self.journal(), sender, within=within, on_look=on_look)

    async def schemas(self, destination: str) -> list[Schema]:
        """The schemas that the vendor made, or will make, from what it is sent."""
        return await schemas_of(destination, self.config.adapter(destination), await self.journal())

    async def confirm_schema(self, destination: str, *, kind: str) -> Schema:
        """Take note that a person has completed the schema of `kind` at the vendor. Then push everything again."""
        return await confirmed(destination, self.config.adapter(destination).resource(kind), await self.journal())

    async def check(self, destination: str) -> list[Finding]:
        """The findings of `doctor` about one destination: credentials, objects, permissions, and the clock."""
        adapter = self.config.adapter(destination)
        found: list[Finding] = []
        if isinstance(adapter, Checks):
            async with await self.sender(adapter) as sender:
                found = await checked(adapter.check(), sender)
        return [*found, *findings(adapter, await self.schemas(destination))]
