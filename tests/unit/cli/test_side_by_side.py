"""One record in every vendor's body: whole, and beside each other where the terminal is wide enough."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from proofport.cli.output import plain
from proofport.cli.push.preview import print_preview
from proofport.errors import Problem
from proofport.gateway import Preview


def printed(preview: Preview, width: int) -> str:
    out = io.StringIO()
    print_preview(
        preview, Console(file=out, width=width, markup=False, highlight=False, force_terminal=True, color_system=None)
    )
    assert all(len(line) <= width for line in out.getvalue().splitlines())
    return out.getvalue()


def test_bodies_stand_beside_each_other_as_exact_json() -> None:
    bodies: dict[str, dict[str, Any] | Problem] = {
        "one": {"id": "i-1", "name": None, "n": False},
        "two": {"id": "i-1", "text": 'a "b" é'},
    }
    text = printed(Preview("f:1", "i-1", {"id": "i-1"}, bodies), 80)
    assert any('"name": null' in line and '"text": "a \\"b\\" é"' in line for line in text.splitlines())
    assert '"n": false' in text
    assert "f:1  i-1" in text


def test_a_pipe_gets_lines_without_frames_or_padding() -> None:
    out = io.StringIO()
    value = "v" * 300
    bodies: dict[str, dict[str, Any] | Problem] = {"a": {"k": value}, "b": Problem("x", "y")}
    print_preview(Preview("f:1", "i-1", {"id": "i-1"}, bodies), Console(file=out, width=30, markup=False))
    assert out.getvalue().splitlines() == [
        "f:1  i-1",
        "evidence, before any vendor mapping",
        '  "id": "i-1"',
        "a",
        f'  "k": "{value}"',
        "b",
        "  found x, expected y",
    ]


@pytest.mark.parametrize("width", [30, 80])
def test_nothing_is_cut(width: int) -> None:
    value = "v" * 300
    text = printed(Preview("f:1", "i-1", None, {"a": {"k": value}, "b": {"k": value}}), width)
    assert text.count("v") == 600


def test_more_vendors_than_fit_go_below() -> None:
    text = printed(Preview("f:1", "i-1", None, {f"vendor-{n}": {"id": "x"} for n in range(5)}), 80)
    assert all(f"vendor-{n}" in text for n in range(5))


def test_a_vendor_that_cannot_take_the_record_says_why() -> None:
    bodies: dict[str, dict[str, Any] | Problem] = {
        "one": {"id": "i-1"},
        "two": Problem("'[b]x'", "a type of the vendor", hint="Did you mean y?"),
    }
    text = printed(Preview("f:1", "i-1", {"id": "i-1"}, bodies), 100)
    assert "found '[b]x'" in text
    assert "Did you mean y?" in text


def test_panels_hold_nothing_that_a_terminal_obeys() -> None:
    hostile, out = "x\x1b]0;owned\x07\x9b31m", io.StringIO()
    bodies: dict[str, dict[str, Any] | Problem] = {"one": {hostile: hostile}, "two": Problem(hostile, "a name")}
    screen = Console(file=out, width=80, markup=False, highlight=False, force_terminal=True, color_system=None)
    print_preview(Preview(hostile, hostile, {"id": hostile}, bodies), screen)
    assert "owned" in out.getvalue()
    assert plain(out.getvalue()) == out.getvalue()
