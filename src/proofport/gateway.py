"""Gateway: the async facade that library, CLI and relay use."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Self, TypeAlias, cast

from proofport import mapping
from proofport.adapter import Adapter, Blueprint, Body, Finding, Mode, Provisioned
from proofport.config import Config
from proofport.delivery import clock
from proofport.delivery.closing import Terms
from proofport.delivery.conversation import allow_destruction, converse
from proofport.delivery.engine import Order, Progress, Run, Target
from proofport.delivery.pipeline import Reads
from proofport.delivery.report import RecordProblem, RunReport
from proofport.delivery.sender import Sender
from proofport.errors import Problem, Rejected, UsageError
from proofport.evidence import Evidence, Neutral, model_of
from proofport.journal.delivered import DeliveredSets
from proofport.sources import Malformed, Reader, open_source

Records: TypeAlias = Iterable[Evidence | Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Input:
    """What to read: a path ("-" is standard input), a binary file, or records; and the source mapping to apply."""

    data: str | Path | BinaryIO | Records
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """One record as every destination would get it: the exact body, or why there is none."""

    position: str
    id: str | None
    neutral: Neutral | None
    bodies: Mapping[str, dict[str, Any] | Problem] = field(default_factory=dict)


class Gateway:
    """Delivers evidence to the destinations of a configuration. Use it as an async context manager."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.library = mapping.MappingLibrary([config.mappings] if config.mappings else [])

    @classmethod
    def from_file(cls, path: str | Path | None = None) -> Self:
        """The configuration at `path`, else PROOFPORT_CONFIG, else the nearest proofport.yaml upward."""
        return cls(Config.load(path))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

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
        on_progress: Callable[[Progress], None] | None = None,
        on_problem: Callable[[str, RecordProblem], None] | None = None,
    ) -> RunReport:
        """Deliver records and say what became of each. In `snapshot` mode all inputs together are the whole set.

        Raises UsageError (ConfigError, MappingError, UnsupportedFeature) before anything is sent; what goes wrong
        later is in the report.
        """
        if override_guard is not None and not override_guard.strip():
            raise UsageError("overriding the guard needs a reason", hint="Say why; it stays in the report.")
        inputs = _inputs(records)
        kind, readings = self._readings(inputs, kind, mode, values or {})
        targets = [self._target(name, kind, mode) for name in dict.fromkeys([to] if isinstance(to, str) else to)]
        if not targets:
            raise UsageError("no destination was named", hint="Name one or more of the configured destinations.")
        guard = self.config.guard
        with ExitStack() as stack:
            readers = [stack.enter_context(_open(item)) for item in inputs]
            order = Order(
                run_id=secrets.token_hex(6),
                instance=self.config.instance,
                kind=kind,
                mode=mode,
                inputs=list(zip(readers, readings, strict=True)),
                targets=targets,
                terms=Terms(guard.max_gone, guard.max_rejected, override_guard),
                patience=self.config.patience,
                dry_run=dry_run,
                assume_unique=assume_unique,
                open_sets=lambda: DeliveredSets(self.config.journal),
                on_progress=on_progress,
                on_problem=on_problem,
            )
            return await Run(order).execute()

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
        [item] = _inputs(records)
        kind, [reads] = self._readings([item], kind, mode, values or {})
        targets = [self._target(name, kind, mode) for name in (to or self.config.destinations)]
        previews: list[Preview] = []
        with _open(item) as reader:
            for position, record in _each_record(reader, reads):
                previews.append(_preview(position, record, targets))
                if len(previews) >= limit:
                    break
        return previews

    async def provision(self, destination: str, *, kind: str | None = None) -> dict[str, Provisioned]:
        """Find or make the vendor's objects for `kind`, or for every kind that has a built-in mapping."""
        adapter = self.config.adapter(destination)
        kinds = [kind] if kind else self._kinds_with_mapping(adapter)
        provisioned = {}
        async with Sender(adapter) as sender:
            for each in kinds:
                blueprint = self._blueprint(adapter, each)
                provisioned[each] = await converse(adapter.provision(blueprint), sender, gate=allow_destruction)
        return provisioned

    async def check(self, destination: str) -> list[Finding]:
        """What `doctor` finds about one destination: credentials, objects, permissions, and how the clocks differ."""
        adapter = self.config.adapter(destination)
        async with Sender(adapter) as sender:
            return await converse(clock.compared(adapter.check()), sender)

    # ------------------------------------------------------------------ mappings
    def _readings(
        self, inputs: Sequence[Input], kind: str | None, mode: Mode, values: Mapping[str, str]
    ) -> tuple[str, list[Reads]]:
        """How each input is read, and the one kind of evidence that all of them give."""
        compiled = [
            mapping.compile_source(self.library.find(item.source), values, mode) if item.source else None
            for item in inputs
        ]
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
        return Target(name, adapter, self._vendor_mapping(adapter, kind, adapter.body(kind, mode)))

    def _vendor_mapping(self, adapter: Adapter, kind: str, body: Body) -> mapping.VendorMapping:
        objects: Mapping[str, Any] = getattr(adapter.settings, "objects", {})
        own = objects[kind].mapping if kind in objects else None
        chosen = own or body.mapping
        return mapping.compile_vendor(self.library.find(chosen) if chosen else None, body, kind, adapter.name)

    def _blueprint(self, adapter: Adapter, kind: str) -> Blueprint:
        vendor = self._vendor_mapping(adapter, kind, adapter.body(kind, "upsert"))
        return Blueprint(kind, vendor.json_schema(), vendor.display_name)

    def _kinds_with_mapping(self, adapter: Adapter) -> list[str]:
        prefix = f"{adapter.name}/"
        return [name.removeprefix(prefix) for name in self.library.names() if name.startswith(prefix)]


class AlreadyEvidence:
    """Reads input that is evidence as it stands: each document is one record."""

    single = True

    def __init__(self, kind: str, mode: Mode) -> None:
        self._check = mapping.compile_kind(kind, mode)

    def records(self, document: object) -> Iterable[tuple[object, object]]:
        return ((document, ()),)

    def __call__(self, record: object, parents: object) -> Neutral:
        return self._check(record)

    def incomplete(self, document: object) -> str | None:
        return None


class GivenRecords(Reader):
    """Records that a caller of the library holds."""

    numbered_by = "#"

    def __init__(self, records: Records) -> None:
        self.name = "records"
        self.incomplete = None
        self._records = records

    def _documents(self) -> Iterator[tuple[int, object]]:
        for number, record in enumerate(self._records, 1):
            yield number, record.neutral() if isinstance(record, Evidence) else record

    def close(self) -> None:
        """The records belong to the caller."""


def _inputs(records: Input | Sequence[Input] | Records) -> list[Input]:
    if isinstance(records, Input):
        return [records]
    if isinstance(records, Sequence) and records and all(isinstance(item, Input) for item in records):
        return [item for item in records if isinstance(item, Input)]
    return [Input(records)]  # type: ignore[arg-type]


def _open(item: Input) -> Reader:
    data = item.data
    if isinstance(data, str | Path):
        return open_source(data)
    return open_source(cast(BinaryIO, data)) if hasattr(data, "read") else GivenRecords(data)


def _each_record(reader: Reader, reads: Reads) -> Iterator[tuple[str, Neutral | Problem]]:
    for number, document in reader:
        if isinstance(document, Malformed):
            yield reader.position(number), document.problem
            continue
        for index, (record, parents) in enumerate(reads.records(document), 1):
            position = f"{reader.name}#{index}" if reader.whole else reader.position(number)
            try:
                yield position, reads(record, parents)
            except Rejected as error:
                yield position, error.problem


def _preview(position: str, record: Neutral | Problem, targets: Sequence[Target]) -> Preview:
    if isinstance(record, Problem):
        return Preview(position, None, None, {target.name: record for target in targets})
    bodies: dict[str, dict[str, Any] | Problem] = {}
    for target in targets:
        try:
            bodies[target.name] = target.render(record)
        except Rejected as error:
            bodies[target.name] = error.problem
    return Preview(position, record["id"], record, bodies)
