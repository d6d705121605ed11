"""Rows 1 to 4: mapping against jsonpath-ng, against hand-written Python, against the bytes that go in and come out.

Contenders run in turn, round by round, and are timed by their processor time. A figure is the median of the rounds'
ratios.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

import orjson
from tests.property.mapping.hostile import Hostile
from tests.property.mapping.test_paths import differences_of

from benchmarks.data import Record, Shape, shapes
from benchmarks.goals import DIFFERENCES, FIND, HAND_WRITTEN, LINE_TO_BODY, Goal
from proofport.adapter import Body
from proofport.mapping import SourceMapping, compile_source, compile_vendor

ROUNDS = 25
CASES = 8_400
COMPARISONS_OF_A_CASE = 12


def run() -> list[Goal]:
    goals = []
    for shape in shapes():
        goals += _mapping_alone(shape)
    goals.append(_differences())
    goals += [_line_to_body(shape) for shape in shapes()]
    return goals


def _mapping_alone(shape: Shape) -> list[Goal]:
    mapping = compile_source(shape.mapping)
    _require_equal(shape, mapping)
    few = shape.records[:200]
    times = _interleaved(
        {
            "ours": lambda: _each(mapping.convert, shape.records),
            "hand": lambda: _each(shape.by_hand, shape.records),
            "few": lambda: _each(mapping.convert, few),
            "find": lambda: _each(shape.by_find, few),
        }
    )
    against_find, against_hand = _ratio(times["find"], times["few"]), _ratio(times["hand"], times["ours"])
    ours = statistics.median(times["ours"]) / len(shape.records) * 1e6
    detail = f"12 fields, checked against the evidence model; {ours:.2f} us a record"
    return [
        FIND.goal(f"{shape.name}: mapping against jsonpath-ng find", against_find, detail),
        HAND_WRITTEN.goal(
            f"{shape.name}: mapping against hand-written Python",
            against_hand * 100,
            "the hand-written function checks no types",
        ),
    ]


def _differences() -> Goal:
    found = sum(len(differences_of(Hostile(seed))) for seed in range(CASES))
    asked = CASES * COMPARISONS_OF_A_CASE
    detail = f"of {asked:,}: random paths of every kind of step on hostile documents, asked for one, all and any"
    return DIFFERENCES.goal("differences to jsonpath-ng find", found, detail)


def _line_to_body(shape: Shape) -> Goal:
    source = compile_source(shape.mapping)
    to_evidence, kind = source.convert, source.kind
    to_body = compile_vendor(shape.body, Body(name="record", mapping=None), kind, "bench").convert
    ready = [to_evidence(record) for record in shape.records]
    loads, dumps = orjson.loads, orjson.dumps

    def floor() -> None:
        batch = bytearray()
        for line, record in zip(shape.lines, ready, strict=True):
            loads(line)
            batch += dumps(record)

    def one_mapping() -> None:
        batch = bytearray()
        for line in shape.lines:
            batch += dumps(to_evidence(loads(line)))

    def both_mappings() -> None:
        batch = bytearray()
        for line in shape.lines:
            batch += dumps(to_body(to_evidence(loads(line))))

    times = _interleaved({"floor": floor, "one": one_mapping, "both": both_mappings})
    reached, both = _ratio(times["floor"], times["one"]), _ratio(times["floor"], times["both"])
    detail = f"one mapping of 12 fields, checked; with a second one of 12 fields, to a vendor's body: {both:.0%}"
    return LINE_TO_BODY.goal(f"{shape.name}: line to body bytes, against decoding and encoding", reached * 100, detail)


def _require_equal(shape: Shape, mapping: SourceMapping) -> None:
    for record in shape.records:
        assert mapping(record) == shape.by_hand(record) == shape.by_find(record), record


def _each(function: Callable[[Record], object], records: list[Record]) -> None:
    for record in records:
        function(record)


def _interleaved(contenders: Mapping[str, Callable[[], None]]) -> dict[str, list[float]]:
    """CPU seconds of each contender in each round."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, run in contenders.items():
            started = time.process_time()
            run()
            times[name].append(time.process_time() - started)
    return times


def _ratio(over: list[float], under: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(over, under, strict=True))
