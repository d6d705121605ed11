"""`proofport explain`: where each field of a delivered record comes from, and where a field of a source ends up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from proofport.cli import options
from proofport.cli.connect import uses_gateway
from proofport.cli.output import plain, show_result
from proofport.errors import UsageError

if TYPE_CHECKING:
    from proofport.audit.explain import Explanation, FieldTold, Whereabouts
    from proofport.gateway import Gateway

OK, INCOMPLETE = 0, 2


@click.command()
@click.argument("run", required=False)
@click.argument("record", required=False)
@click.argument("field", required=False)
@click.option("--source", "pointer", metavar="POINTER", help="List where the value at this JSON pointer ends up.")
@click.option("--kind", metavar="KIND", help="With --source: the kind of evidence.")
@click.option("--mapping", metavar="SOURCE", help="With --source: the source mapping. Without it: of the evidence.")
@options.set_option
@options.json_option
@uses_gateway
async def explain(
    gateway: Gateway,
    run: str | None,
    record: str | None,
    field: str | None,
    pointer: str | None,
    kind: str | None,
    mapping: str | None,
    values: Mapping[str, str],
    as_json: bool,
) -> int:
    """Show where each FIELD of a RECORD comes from that a RUN has delivered: the rule, and the place in the input.

    RUN is a run, a receipt, or the number of a queued delivery. FIELD is a name of the vendor, or of the evidence.

    Exit codes: 0 shown and equal to what was sent, 2 something of it cannot be proven, or there is no such receipt.
    """
    if pointer is not None:
        if kind is None or run is not None:
            raise UsageError("--source needs --kind, and no RUN")
        rows = gateway.whereabouts(pointer, kind, mapping)
        lines = [_ends_up(row) for row in rows] or ["No rule reads it."]
        show_result([asdict(row) for row in rows], map(plain, lines), as_json=as_json)
        return OK
    if run is None or record is None:
        raise UsageError("RUN and RECORD are missing", hint="`proofport receipt list` lists the runs.")
    found = [_only(each, field) for each in await gateway.explain(run, record, values=values)]
    if field is not None and not any(each.body or each.missing for each in found):
        raise UsageError(f"the record has no field {field!r}, and no rule makes one or reads one of that name")
    show_result([asdict(each) for each in found], map(plain, _lines(found)), as_json=as_json)
    return INCOMPLETE if any(each.missing for each in found) else OK


def _only(each: Explanation, name: str | None) -> Explanation:
    """`name`: of a field at the vendor, else of the evidence that it is made of."""
    if name is None:
        return each
    found = [told for told in each.body if told.name == name]
    return replace(each, body=found or [told for told in each.body if name in map(_first_name, told.paths)])


def _first_name(path: str) -> str:
    return path.removeprefix("$.").partition(".")[0].partition("[")[0]


def _lines(found: Sequence[Explanation]) -> Iterator[str]:
    for each in found:
        yield f"{each.record} at {each.destination}, receipt {each.receipt}"
        if each.place:
            yield f"  from {each.place}"
        if each.outcome:
            yield f"  outcome: {each.outcome}"
        if each.request:
            yield f"  the request that carried it is the one in the receipt: SHA-256 {each.request}"
        by_name = {told.name: told for told in each.evidence}
        for told in each.body:
            yield from _told(told, "  ")
            for name in map(_first_name, told.paths):
                if name in by_name:
                    yield from _told(by_name[name], "      from ")
        yield from (f"  not proven: {missing}" for missing in each.missing)


def _told(told: FieldTold, before: str) -> Iterator[str]:
    value = told.why if told.how == "absent" else json.dumps(told.value, ensure_ascii=False)
    places = ", ".join(told.pointers)
    yield f"{before}{told.name}: {told.how}: {value}" + (f"  at {places}" if places else "")
    if told.rule:
        yield f"{' ' * len(before)}  {told.rule}"


def _ends_up(row: Whereabouts) -> str:
    return f"{row.destination}  {row.field}: {row.how}, by {row.evidence}" + (f"  {row.rule}" if row.rule else "")
