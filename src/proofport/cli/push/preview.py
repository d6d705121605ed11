"""`proofport preview`: one record, and the exact body for every destination, side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from proofport.accounting import Outcome, rejected
from proofport.cli import options
from proofport.cli.connect import uses_gateway
from proofport.cli.output import echo, listed, plain, show_json
from proofport.delivery.report.problem_groups import ProblemGroups, grouped
from proofport.errors import Problem

if TYPE_CHECKING:
    from proofport.gateway import Gateway, Preview
    from proofport.sources import Format


NARROWEST = 34


@click.command()
@click.argument("input_text", metavar="[SOURCE=]INPUT")
@click.option("--to", metavar="DEST", multiple=True, help="A configured destination. Repeatable. [default: all]")
@options.reading
@click.option("--limit", type=click.IntRange(min=1), default=1, show_default=True, help="How many records.")
@options.json_option
@uses_gateway
async def preview(
    gateway: Gateway,
    input_text: str,
    to: Sequence[str],
    source: str | None,
    input_format: Format | None,
    as_json: bool,
    **how: Any,
) -> int:
    """Show the first record of INPUT as every destination would receive it. Nothing is sent.

    Exit codes: 0 every destination can take the record, 1 one cannot.
    """
    given = options.named_input(input_text, source, input_format)
    previews = await gateway.preview(given, to=tuple(to) or None, **how)
    if as_json:
        show_json([_as_dict(each) for each in previews])
    else:
        for each in previews:
            print_preview(each, console())
        print_rules(previews, console())
        print_groups(previews)
    if not previews:
        echo("The input has no record to show.", err=True)
        return 1
    return int(any(not isinstance(body, dict) for each in previews for body in each.bodies.values()))


def print_groups(previews: Sequence[Preview]) -> None:
    """Say below several records which of their problems are equal."""
    for name, found in groups_of(previews).items():
        for group in found:
            if group.count > 1:
                places = ", ".join(example.position for example in group.examples)
                more = ", …" if group.count > len(group.examples) else ""
                echo(plain(f"{group.count:,} x {group.words} at {name} ({places}{more})"))


def groups_of(previews: Sequence[Preview]) -> dict[str, ProblemGroups]:
    """The problems at each destination, equal ones together."""
    rows: dict[str, list[tuple[str, str | None, Outcome]]] = {}
    for each in previews:
        for name, body in each.bodies.items():
            if isinstance(body, Problem):
                rows.setdefault(name, []).append((each.position, each.id, rejected(body)))
    return {name: grouped(found) for name, found in rows.items()}


def _as_dict(preview: Preview) -> dict[str, Any]:
    """The preview as JSON: `bodies` would be sent, `problems` say why a destination cannot take the record."""
    bodies = {name: body for name, body in preview.bodies.items() if isinstance(body, dict)}
    problems = {name: body.as_dict() for name, body in preview.bodies.items() if not isinstance(body, dict)}
    return {
        "position": preview.position,
        "id": preview.id,
        "neutral": preview.neutral,
        "bodies": bodies,
        "problems": problems,
        **({"skipped": dict(preview.skipped)} if preview.skipped else {}),
        **({"unmatched": list(preview.unmatched)} if preview.unmatched else {}),
        **({"unread": list(preview.unread)} if preview.unread else {}),
        "problem_groups": {name: found.as_list() for name, found in groups_of([preview]).items()},
    }


def console() -> Console:
    """stdout without markup or highlighting: text of vendors and files is printed as it is."""
    return Console(markup=False, highlight=False, emoji=False, soft_wrap=False)


def print_preview(shown: Preview, out: Console) -> None:
    out.print(Text(plain(f"{shown.position}  {shown.id or ''}".rstrip()), style="bold"))
    if shown.neutral:
        title = "evidence, before any vendor mapping"
        evidence = _panel(title, shown.neutral, "cyan") if out.is_terminal else _lines(title, shown.neutral)
        out.print(evidence, soft_wrap=not out.is_terminal)
    print_bodies(out, shown.bodies)
    for reason in dict.fromkeys(shown.skipped.values()):
        names = ", ".join(name for name, why in shown.skipped.items() if why == reason)
        out.print(plain(f"{names}: left out ({reason})"), soft_wrap=True)


def print_rules(shown: Sequence[Preview], out: Console) -> None:
    """Print what the source mapping looked for in vain in all of these records, and what it left behind in any."""
    made = [each for each in shown if each.neutral]
    vain = [name for name in (made[0].unmatched if made else ()) if all(name in each.unmatched for each in made)]
    if vain:
        out.print(plain(f"{', '.join(vain)}: matched nothing in {len(made)} of {len(made)}"), soft_wrap=True)
    if behind := list(dict.fromkeys(place for each in shown for place in each.unread)):
        out.print(plain(f"read by no rule: {listed(behind, len(behind))}"), soft_wrap=True)


def print_bodies(out: Console, bodies: Mapping[str, dict[str, Any] | Problem]) -> None:
    """Print panels of equal width, as many in a row as stay readable. Equal problems share one panel.

    Where nobody looks, because the output goes to a file or another program, lines stand in place of the panels.
    """
    problems = [body for body in bodies.values() if isinstance(body, Problem)]
    if len(problems) == len(bodies) > 1 and len(set(problems)) == 1:
        bodies = {", ".join(bodies): problems[0]}
    if not out.is_terminal:
        for name, body in bodies.items():
            out.print(_lines(name, body), soft_wrap=True)
        return
    panels = [_panel(name, body, "green" if isinstance(body, dict) else "red") for name, body in bodies.items()]
    abreast = max(1, min(len(panels), out.width // NARROWEST))
    out.print(Columns(panels, width=out.width // abreast, padding=0))


def _panel(title: str, body: Mapping[str, Any] | Problem, colour: str) -> Panel:
    content = Text(plain(str(body)), overflow="fold") if isinstance(body, Problem) else _fields(body)
    return Panel(content, title=Text(title), title_align="left", border_style=colour, padding=(0, 1))


def _json(value: Any) -> str:
    return plain(json.dumps(value, ensure_ascii=False))


def _lines(title: str, body: Mapping[str, Any] | Problem) -> str:
    """The title, and below it what a panel would hold."""
    text = plain(str(body)) if isinstance(body, Problem) else str(_fields(body))
    return "\n".join([title, *(f"  {line}" for line in text.splitlines())])


def _fields(body: Mapping[str, Any]) -> Text:
    """One field a line, exactly as JSON. A long value continues on the next line; nothing is cut."""
    text = Text(overflow="fold")
    for name, value in body.items():
        text.append(_json(name), style="bold")
        text.append(f": {_json(value)}\n")
    text.rstrip()
    return text
