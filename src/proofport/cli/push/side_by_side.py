"""One record in several bodies, in panels side by side as far as the terminal allows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from proofport.cli.push.report import console
from proofport.errors import Problem

if TYPE_CHECKING:
    from proofport.gateway import Preview

NARROWEST = 34


def print_preview(preview: Preview, *, to: Console | None = None) -> None:
    out = to or console()
    out.print(Text(f"{preview.position}  {preview.id or ''}".rstrip(), style="bold"))
    if preview.neutral:
        out.print(_panel("evidence, before any vendor mapping", preview.neutral, "cyan"))
    print_bodies(out, preview.bodies)


def print_bodies(out: Console, bodies: Mapping[str, dict[str, Any] | Problem]) -> None:
    """Print panels of equal width, as many in a row as stay readable. Equal problems share one panel."""
    problems = [body for body in bodies.values() if isinstance(body, Problem)]
    if len(problems) == len(bodies) > 1 and len(set(problems)) == 1:
        bodies = {", ".join(bodies): problems[0]}
    panels = [_panel(name, body, "green" if isinstance(body, dict) else "red") for name, body in bodies.items()]
    abreast = max(1, min(len(panels), out.width // NARROWEST))
    for start in range(0, len(panels), abreast):
        row = Table.grid(expand=True)
        for _ in range(abreast):
            row.add_column(ratio=1)
        row.add_row(*panels[start : start + abreast])
        out.print(row)


def _panel(title: str, body: Mapping[str, Any] | Problem, colour: str) -> Panel:
    content = Text(str(body), overflow="fold") if isinstance(body, Problem) else _fields(body)
    return Panel(content, title=Text(title), title_align="left", border_style=colour, padding=(0, 1))


def _fields(body: Mapping[str, Any]) -> Group:
    """One field a line, exactly as JSON. A long value continues on the next line; nothing is cut."""
    lines = []
    for name, value in body.items():
        line = Text(overflow="fold")
        line.append(json.dumps(name, ensure_ascii=False), style="bold")
        line.append(f": {json.dumps(value, ensure_ascii=False)}")
        lines.append(line)
    return Group(*lines)
