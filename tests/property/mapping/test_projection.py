"""The quick way from a line against the whole one: it declines, or gives the same bytes.

It does not see a key that stands twice in one object. Whoever feeds it looks for such lines and declines them.
"""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest

from proofport.errors import Rejected
from proofport.mapping import SourceMapping
from proofport.sources.decoding import decode
from proofport.sources.ndjson import NdjsonReader
from proofport.sources.stream import Stream

from .hostile import Hostile, seeds
from .test_rules import as_yaml, compiled, written

SPOILED = [b"\xff", b"\xed\xa0\x80", b'"', b"\\", b"\\ud800", b"\\u00e9", b",", b"]", b"}", b"0", b"-", b"\n", b"\x00"]
HUGE = [b"123456789012345678901234567890", b"18446744073709551615", b"18446744073709551616", b"NaN"]


def line_of(case: Hostile) -> bytes:
    """A record as some tool prints it, now and then spoiled."""
    separators = case.choice([(",", ":"), (", ", ": ")])
    line = json.dumps(case.record(), ensure_ascii=case.odds(0.5), separators=separators).encode()
    if case.odds(0.15):
        at = case.randrange(len(line) + 1)
        line = line[:at] + case.choice(SPOILED) + line[at + case.randrange(2) :]
    if case.odds(0.1) and b"1e" not in line:  # a number beyond all floats goes unseen where nothing reads it
        line = line.replace(b"1", case.choice(HUGE), 1)
    if case.odds(0.1) and line.startswith(b"{") and line != b"{}":
        line = b"{" + json.dumps(case.object(1)).encode()[1:-1] + b"," + line[1:]  # the same name twice
    return line + case.choice([b"", b"\n", b"\n", b"\n", b" \r\n"])


def the_whole_way(mapping: SourceMapping, line: bytes) -> bytes | None:
    """None for a record that is rejected, and for a line that is not JSON."""
    try:
        return orjson.dumps(mapping(decode(line)))
    except (Rejected, ValueError, RecursionError, TypeError):
        return None


def test_the_quick_way_declines_or_gives_the_same(tmp_path: Path) -> None:
    quick = accepted = 0
    for case in seeds(250, 25_000):
        fields: dict[str, Any] = {name: case.rule() for name in ("f", "g", "h")}
        mapping = compiled(fields, tmp_path, case.nothing())
        if mapping.of_lines is None:
            continue
        text = b"".join(line_of(case) for _ in range(case.choice([1, 6, 6])))
        lines = BytesIO(text).readlines()
        made = mapping.of_lines(text)
        assert len(made) == len(lines)
        for index in NdjsonReader(Stream(BytesIO(text), "lines", owned=True)).repeating(text):
            made[index] = None
        for neutral, line in zip(made, lines, strict=True):
            right = the_whole_way(mapping, line)
            where = f"seed {case.number}: {as_yaml(written(fields))}\n on {line!r}"
            assert neutral is None or orjson.dumps(neutral) == right, where
            quick += neutral is not None
            accepted += right is not None
    assert quick > accepted / 8, f"{quick} of {accepted}"


@pytest.mark.parametrize(
    ("selector", "line", "found"),
    [
        ("$.a.b", b'{"a":{"b":1,"c":[{"deep":[]}]},"z":[1,2]}', 1),
        ("$.a[1].b", b'{"a":[{"b":1},{"b":2}]}', 2),
        ("$.a[-1].b", b'{"a":[{"b":1},{"b":2}]}', 2),
        ("$.a[?(@.k=='x')].v.w", b'{"a":[{"k":"y","v":{"w":1}},{"k":"x","v":{"w":null}}]}', None),
        ("$['a.b']['\xe9'].c", b'{"a.b":{"\\u00e9":{"c":true}}}', True),
        ("$.a", b'{"a":{"b":[1,{"c":null}]}}', {"b": [1, {"c": None}]}),
        ("$.a", b'{"a":1,"a":2}', 2),
        ("$.a.b", b'{"a":null}', ...),
        ("$.a.b", b"{}", ...),
        ("$['']", b'{"":0}', 0),
    ],
)
def test_what_a_rule_reads_is_read_quickly(tmp_path: Path, selector: str, line: bytes, found: Any) -> None:
    mapping = compiled({"f": selector}, tmp_path)
    assert mapping.of_lines is not None
    [neutral] = mapping.of_lines(line)
    assert neutral == {"id": "x", **({} if found is ... else {"f": found})}


@pytest.mark.parametrize(
    "line",
    [
        b'{"a":{"b":1},"z":"\xff"}',
        b'{"a":{"b":1},"z":"\\ud800"}',
        b'{"a":{"b":1},"z":01}',
        b'{"a":{"b":1}',
        b'{"a":{"b":1}} {}',
        b'{"a":[{"b":1}]}',
        b'{"a":"b"}',
        b'[{"a":{"b":1}}]',
        b"null",
        b"\n",
        b'{"a":{"b":123456789012345678901234567890}}',
        b'{"a":{"b":1},"z":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_what_is_wrong_or_of_another_form_is_declined(tmp_path: Path, line: bytes) -> None:
    mapping = compiled({"f": "$.a.b"}, tmp_path)
    assert mapping.of_lines is not None
    assert mapping.of_lines(line) == [None]


@pytest.mark.parametrize("selector", ["$..a", "$", "$.*.b", "$['q\"t']", "$['a','b'].c"])
def test_what_needs_the_record_whole_has_no_quick_way(tmp_path: Path, selector: str) -> None:
    assert compiled({"f": {"path": selector, "all": True}}, tmp_path).of_lines is None
