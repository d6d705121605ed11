"""Whole runs over files in the working directory, against tiny vendors with scripts."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

from tests.unit.delivery.support import (
    KIND,
    LEASE,
    Plain,
    ScriptedSender,
    Tiny,
    TinyAdapter,
    all_ok,
    memory_journal,
    reply,
)

from proofport.accounting import Status
from proofport.adapter import Mode
from proofport.delivery.order import Order
from proofport.delivery.reading.decoder import Decoder
from proofport.delivery.report.report import RunReport
from proofport.delivery.run import Run
from proofport.delivery.snapshot.guard import Terms
from proofport.delivery.target import Target
from proofport.errors import Problem, Rejected
from proofport.evidence import Neutral
from proofport.journal.contract import Journal
from proofport.sources import open_source
from proofport.sources.pages import Pages

_numbers = itertools.count(1)


class AsIs:
    """Reads what is evidence already. `{"bad": …}` is not; a last `{"more": …}` says that the source goes on."""

    quick = None
    of_lines = None
    folds = False
    source = "evidence"
    optional = ()

    def records(self, document: object) -> Iterable[tuple[Any, Any]]:
        return [(record, ()) for record in document["all"]] if _has(document, "all") else [(document, ())]  # type: ignore[index]

    def __call__(self, record: Any, parents: Any) -> Neutral:
        if not isinstance(record, dict) or "bad" in record:
            raise Rejected(Problem("a bad record", "a good one", field="bad"))
        return dict(record)

    def id_of(self, record: Any, parents: Any = ()) -> str | None:
        return record["id"] if isinstance(record, dict) and isinstance(record.get("id"), str) else None

    def page(self, document: object, place: str, records: int) -> Pages:
        return Pages("as it is", place, records, more="there is a next page" if _has(document, "more") else None)

    def unread(self, record: object) -> Sequence[str]:
        return []

    def lacks(self, header: Sequence[str]) -> Mapping[str, Sequence[str]]:
        return {}


def _has(document: object, key: str) -> bool:
    return isinstance(document, dict) and key in document


class Vendor(TinyAdapter):
    """A tiny vendor with its own script, and with a lane of its own for each destination."""

    def __init__(self, sender: ScriptedSender | None = None, made: type[Tiny] = Tiny, **options: Any) -> None:
        super().__init__(None, made, "here", **options)
        self.sender = sender or ScriptedSender(send_records=all_ok, list_records=reply({"ids": [], "next": None}))

    def received(self) -> list[Any]:
        return [
            row
            for call in self.sender.calls
            if call.operation == "send_records"
            for row in json.loads(call.body or b"")
        ]


def write(name: str, *records: object) -> str:
    """A file of these lines; a text stands for itself."""
    Path(name).write_text("".join(r + "\n" if isinstance(r, str) else json.dumps(r) + "\n" for r in records))
    return name


async def push(
    files: str | Sequence[str],
    *,
    mode: Mode = "upsert",
    terms: Terms | None = None,
    run_id: str | None = None,
    journal: Journal | None = None,
    decoder: Decoder | None = None,
    decoders: Sequence[Decoder] = (),
    leave_out: Callable[[Neutral], None] | None = None,
    **how: Any,
) -> RunReport:
    """Deliver `files` to the vendors given by name. Runs of one journal know of each other."""
    vendors = {name: value for name, value in how.items() if isinstance(value, Vendor)}
    options = {name: value for name, value in how.items() if name not in vendors}
    for name, vendor in vendors.items():
        vendor.host = name
    with ExitStack() as stack:
        readers = [stack.enter_context(open_source(file)) for file in ([files] if isinstance(files, str) else files)]
        order = Order(
            run_id=run_id or f"run-{next(_numbers)}",
            instance="test",
            kind=KIND,
            mode=mode,
            inputs=list(zip(readers, decoders or [decoder or AsIs()] * len(readers), strict=True)),
            targets=[
                Target(name, vendor, vendor.resource(KIND), Plain(), leave_out=leave_out)
                for name, vendor in vendors.items()
            ],
            terms=terms or Terms(0.2, 0),
            retry_seconds=0.0,
            lease=LEASE,
            journal=journal or await memory_journal(),
            sender=lambda target: cast(Any, target.adapter).sender,
            **options,
        )
        return await Run(order).execute()


def counts(report: RunReport, name: str = "here") -> dict[str, int]:
    shown = report.as_dict()["destinations"][name]
    assert sum(shown[status] for status in Status) == shown["input"]
    return {status: shown[status] for status in Status if shown[status]}


def problems(report: RunReport, name: str = "here") -> list[tuple[str, str | None, str]]:
    return [(row.position, row.id, str(row.outcome.problem)) for row in report.destinations[name].problems]
