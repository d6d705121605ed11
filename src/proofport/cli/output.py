"""Text for a terminal: wrapped lines, JSON, times, and JSON data as an outline."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, overload

import click

SHOWN = 20
"""At most this many ids or problems are listed; a count says how many more there are."""


def wrapped(text: str, indent: str = "", *, hanging: str | None = None) -> str:
    """`text` in lines of the terminal's width. `hanging` begins the later lines; without it `indent` does.

    Lines break between words. A word that is longer than a line continues on the next one.
    """
    width = min(shutil.get_terminal_size().columns, 100)
    later = indent if hanging is None else hanging
    lines = (
        textwrap.fill(line, width, initial_indent=indent, subsequent_indent=later, break_on_hyphens=False)
        for line in text.splitlines()
    )
    return "\n".join(lines)


def show(text: str, indent: str = "", *, hanging: str | None = None, err: bool = False, bold: bool = False) -> None:
    """Print `text`, wrapped."""
    click.secho(wrapped(text, indent, hanging=hanging), err=err, bold=bold or None)


def show_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


@overload
def when(seconds: float) -> str: ...
@overload
def when(seconds: float | None) -> str | None: ...
def when(seconds: float | None) -> str | None:
    """A moment in UTC, as 2026-01-31T09:00:00Z."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def listed(ids: Sequence[str], count: int) -> str:
    """The first ids, and how many more of the `count` there are."""
    shown = ", ".join(ids[:SHOWN])
    return f"{shown} and {count - SHOWN:,} more" if count > SHOWN else shown


def group(
    words: str, count: int, *, ids: Sequence[str] = (), lines: Sequence[str] = (), colour: str | None = None
) -> Iterator[str]:
    """A count and what it counts; below it the first ids in one paragraph, or the first lines."""
    yield f"  {click.style(f'{count:>9,}', fg=colour if count else None)}  {words}"
    if ids:
        yield wrapped(", ".join(ids[:SHOWN]), " " * 4)
    yield from (wrapped(line, " " * 4, hanging=" " * 8) for line in lines[:SHOWN])
    if count > SHOWN and (ids or lines):
        yield f"    and {count - SHOWN:,} more; --json lists up to 1,000"


def outline(value: Any, indent: str = "") -> Iterator[str]:
    """JSON data for people: `name: value` for each field, `-` for each element of a list; nothing is cut."""
    match value:
        case dict() if value:
            for name, inner in value.items():
                yield from _entry(f"{name}:", inner, indent)
        case list() if value:
            for inner in value:
                yield from _entry("-", inner, indent)
        case _:
            yield _line(_scalar(value), indent)


def _entry(label: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        yield _line(label, indent)
        yield from outline(value, indent + "  ")
    else:
        yield _line(f"{label} {_scalar(value)}", indent)


def _line(text: str, indent: str) -> str:
    indent = indent[:40]
    return wrapped(text, indent, hanging=indent + "    ")


def _scalar(value: Any) -> str:
    """The value as JSON; plain one-line text without quotes."""
    if isinstance(value, str) and value.isprintable() and value == value.strip() and value:
        return value
    return json.dumps(value, ensure_ascii=False)
