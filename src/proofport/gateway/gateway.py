"""Gateway: the async facade that library, CLI and relay use."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import orjson

from proofport.adapter import Mode
from proofport.audit.explain import Explanation, Whereabouts
from proofport.delivery.books import require_resumable
from proofport.delivery.lane.lease import alongside
from proofport.delivery.order import Order, Progress
from proofport.delivery.plan import Plan
from proofport.delivery.queue.books import Watch
from proofport.delivery.queue.deliveries import accepted, letter_of, new_deliveries, replayed
from proofport.delivery.queue.shown import DeliveryReport, report_of
from proofport.delivery.queue.worker import SLOTS, Worker
from proofport.delivery.reading.decoder import Decoder
from proofport.delivery.report.report import Exit, RecordProblem, RunReport
from proofport.delivery.run import Run
from proofport.delivery.snapshot.guard import Terms
from proofport.delivery.snapshot.left_out import WantedSources
from proofport.delivery.target import Target
from proofport.errors import ConfigError, UsageError
from proofport.evidence import Evidence
from proofport.gateway.inputs import Input, inputs_of, open_input, require_young, typed
from proofport.gateway.portability import Portability, portability
from proofport.gateway.preview import Preview, previews_of
from proofport.gateway.records import Records, all_of, kind_of
from proofport.gateway.targets import names_of
from proofport.gateway.upkeep.retention import keeping_pruned
from proofport.gateway.vendors import Vendors
from proofport.http.configured import Caller
from proofport.journal import is_there, open_journal, opened
from proofport.journal.contract import Accepted, Commit, Delivery, Filter
from proofport.logs import get_logger

HEARTBEAT_SECONDS = 5.0
"""For the whole call: a run has ended, and its caller waits for the report."""

log = get_logger("gateway")


class Gateway(Vendors):
    """Delivers evidence to the destinations of a configuration. Use it as an async context manager."""

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
        without: str | Sequence[str] = (),
        max_input_age: float | None = None,
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
        `max_input_age`: a file that was last modified more seconds ago is refused; None: what the configuration says.
        `on_begin` is given the id of the run. The webhooks of `notices:` are told what is wrong after it, and after a
        UsageError.
        """
        if override_guard is not None and not override_guard.strip():
            raise UsageError("overriding the guard needs a reason", hint="Say why; it stays in the report.")
        teller = await self._teller() if self.config.notices and not dry_run else None
        try:
            report = await self._run(
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
                max_input_age=max_input_age,
                on_progress=on_progress,
                on_problem=on_problem,
            )
        except UsageError:  # an input that is too old, night after night: the set grows stale
            if teller is not None:
                await teller.look_once()
            raise
        if teller is not None:
            await teller.look_once()
        return report

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
        without: str | Sequence[str] = (),
        max_input_age: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Plan:
        """Say what a push of the same records would do to what the vendors hold now. Nothing is written."""
        how: dict[str, Any] = {"without": without, "max_input_age": max_input_age, "on_progress": on_progress}
        run = await self._run(records, to, kind, mode, values, plan=True, **how)
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
        without: str | Sequence[str] = (),
        max_input_age: float | None = None,
        **how: Any,
    ) -> RunReport:
        async with AsyncExitStack() as stack:
            inputs, kind = await typed(inputs_of(records), kind)
            named = [item.source for item in inputs]
            kind, decoders = self._targets.decoders(inputs, kind, mode, values or {})
            targets = self._targets.several(to, kind, mode, delete_gone=delete_gone, offline=dry_run)
            if dry_run and not self._remembers():
                journal = await stack.enter_async_context(opened(open_journal("memory:")))
            else:
                journal = await self.journal()
            run_id = run_id or secrets.token_hex(6)
            if resume and must_be_open:
                await require_resumable(journal, run_id, [target.name for target in targets], kind, mode)
            opening = partial(open_input, kind=kind, workbook_bytes=self.config.workbook_bytes)
            sends = not dry_run and not how.get("plan")
            witness = await self.receipts.witnesses(self.library, named) if sends else None
            readers = [stack.enter_context(opening(item, hashed=witness is not None)) for item in inputs]
            limit = self.config.max_input_age if max_input_age is None else max_input_age
            notes = require_young(readers, limit, time.time())
            guard = self.config.guard
            read = [item.label or decoder.source for item, decoder in zip(inputs, decoders, strict=True)]
            sources = WantedSources(read, self.config.sources.get(kind), names_of(without))
            order = Order(
                run_id=run_id,
                instance=self.config.instance,
                kind=kind,
                mode=mode,
                inputs=list(zip(readers, decoders, strict=True)),
                values_of_run=self._targets.values_of_run(inputs, values or {}),
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
            report = await Run(order).execute()
            if witness is not None and (unstamped := await self.receipts.stamps.ask()):
                notes.append(unstamped)
            if sends and report.exit_code is Exit.OK:
                notes += await self._beat(report)
            return replace(report, notes=notes)

    async def _beat(self, report: RunReport) -> list[str]:
        """Call the heartbeat's address. Returns what went wrong, which never makes the run fail."""
        try:
            url, heartbeat = self.config.heartbeat_url(), self.config.heartbeat
        except ConfigError as error:
            return [f"The heartbeat was not called: {error.message}."]
        if url is None or heartbeat is None:
            return []
        about = {"instance": self.config.instance, "run_id": report.run_id, "kind": report.kind, "mode": report.mode}
        body = orjson.dumps({**about, "destinations": list(report.destinations)})
        async with Caller(HEARTBEAT_SECONDS) as caller:
            given = body if heartbeat.method == "POST" else None
            problem = await caller.call(url, method=heartbeat.method, body=given)
        return [f"The heartbeat was not heard: {problem}."] if problem else []

    def _remembers(self) -> bool:
        """True if the journal may know what a push would refuse: what was delivered, and the schemas of vendors."""
        return self._journal is not None or is_there(self.config.journal)

    async def preview(
        self,
        records: Input | Records,
        *,
        to: str | Sequence[str] | None = None,
        kind: str | None = None,
        mode: Mode = "upsert",
        values: Mapping[str, str] | None = None,
        limit: int = 1,
    ) -> list[Preview]:
        """The first `limit` records as every destination (all that are configured, unless named) would get them."""
        inputs, kind = await typed(inputs_of(records), kind)
        if len(inputs) != 1:
            raise UsageError(f"a preview shows one input, and {len(inputs)} were given")
        [item] = inputs
        kind, [decoder] = self._targets.decoders([item], kind, mode, values or {})
        targets = {name: self._targets.previewed(name, kind, mode) for name in names_of(to or self.config.destinations)}
        previews: list[Preview] = []
        with open_input(item, kind, self.config.workbook_bytes) as reader:
            more = True
            while more and len(previews) < limit:
                more = await reader.fetch()
                previews += islice(previews_of(reader, decoder, targets), limit - len(previews))
        return previews

    async def explain(self, run: str, record: str, *, values: Mapping[str, str] | None = None) -> list[Explanation]:
        """Where each field of a record comes from that a run has delivered, for each destination of the run.

        `run`: a run, a receipt, or the number of a queued delivery. `values`: those that were set for the run. Raises
        UsageError where there is no receipt of it.
        """
        from proofport.gateway.explain.explaining import explained

        journal, (receipts, delivery) = await self.journal(), await self.receipts.of(run)
        return await explained(journal, self._targets, receipts, record, self.config, values or {}, delivery)

    def whereabouts(self, pointer: str, kind: str, source: str | None = None) -> list[Whereabouts]:
        """Where the value at a JSON pointer of an input ends up at each destination, by the rules of the mappings.

        `source`: the source mapping that reads the input. None: the pointer is one into the evidence itself.
        """
        from proofport.gateway.explain.explaining import whereabouts

        return whereabouts(self._targets, self.config, pointer, kind, source)

    async def portability(self, kind: str, records: Input | None = None) -> Portability:
        """Say what of a kind arrives at each destination, field by field, by the rules of the mappings.

        With records: how many of them have each field.
        """
        return await portability(self._targets, self.config, kind, records)

    # ------------------------------------------------------------------ the queue
    async def submit(
        self,
        records: Records,
        *,
        to: str | Sequence[str],
        kind: str | None = None,
        mode: Mode = "upsert",
        key: str | None = None,
    ) -> list[Accepted]:
        """Accept records for later delivery: durable when it returns, and all of them or none.

        The same `key` again gives the deliveries that were accepted then. Raises Rejected for a record that is no
        evidence of its kind, and UsageError for a snapshot, which has an end that a queue does not know.
        """
        if mode == "snapshot":
            raise UsageError("a snapshot cannot be queued", hint="Push it, or submit upserts and removals.")
        given = await all_of(records)
        kind, read = self.reading(kind_of(given, kind), None, mode, {})
        neutral = [read(record.neutral() if isinstance(record, Evidence) else record, ()) for record in given]
        journal = await self.journal()
        targets = [self._targets.find(name, kind, mode) for name in names_of(to)]
        new = [each for target in targets for each in new_deliveries(target, kind, mode, neutral)]
        return await accepted(journal, new, key)

    async def delivery(self, number: int) -> DeliveryReport:
        """The state of a delivery that `submit` accepted, and the outcome of each of its records."""
        for found in await (await self.journal()).find(Filter(ids=[number])):
            return report_of(found)
        raise UsageError(f"there is no delivery {number}", hint="`submit` returns the ids of what it accepts.")

    async def work(
        self, stop: asyncio.Event, *, slots: int = SLOTS, grace: float | None = None, watch: Watch | None = None
    ) -> None:
        """Deliver what is queued, by this process or any other on the journal, until `stop` is set.

        What is in flight then is brought to its end, for at most `grace` seconds. `watch` hears what becomes of it.
        Meanwhile the webhooks of `notices:` are told what is wrong. Raises ConfigError.
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
            witness=await self.receipts.of_lanes(self.library),
        )
        teller = await self._teller()
        pruning, stamping = keeping_pruned(journal, self.config.retention), self.receipts.stamps.kept_up()
        async with alongside(teller.run(stop)), pruning, stamping:
            await worker.run(stop)

    def target(self, destination: str, kind: str, mode: Mode) -> Target:
        """How a destination takes a kind, made once for those who ask again and again. Raises UsageError."""
        return self._targets.known(destination, kind, mode)

    def read_keys(self) -> None:
        """Read the vendors' keys that stand in files again, for all that is under way. The log says what changed."""
        for name, result in self._targets.renew().items():
            if isinstance(result, ConfigError):
                log.error("keys_not_read", destination=name, error=result.message)
            elif result:
                log.info("keys_read", destination=name)

    def reading(
        self, kind: str | None, source: str | None, mode: Mode, values: Mapping[str, str]
    ) -> tuple[str, Decoder]:
        """The kind of evidence that an input gives, and how it is read. Raises UsageError, MappingError."""
        found, [decoder] = self._targets.decoders([Input((), source)], kind, mode, values)
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
