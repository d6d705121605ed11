"""Options and arguments that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

import proofport

if TYPE_CHECKING:
    from proofport.sources import Format, Reader

C = TypeVar("C", bound=Callable[..., Any])
FORMATS = ("csv", "ndjson", "json", "xlsx", "parquet", "yaml")
MODES = ("upsert", "snapshot", "patch", "remove")
_NAMED = re.compile(
    r"(?:(?P<label>[A-Za-z][\w.-]*):)?(?P<source>[A-Za-z][\w.-]*(?:/[\w.-]+)*)"
    r"(?:\[(?P<values>[^\]]*)\])?=(?P<input>.+)",
    re.DOTALL,
)


def _pairs(ctx: click.Context, parameter: click.Parameter, given: Sequence[str]) -> dict[str, str]:
    """Parse `--set NAME=VALUE`, given any number of times."""
    values: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise click.BadParameter(f"found {text!r}, expected NAME=VALUE", ctx, parameter)
        if values.setdefault(key, value) != value:
            told = f"{key!r} is given twice, with different values. For one input alone: SOURCE[{key}={value}]=INPUT"
            raise click.BadParameter(told, ctx, parameter)
    return values


LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("text", "json")


def _noted(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.meta[f"{__name__}.{parameter.name}"] = value


def log_options(*, hidden: bool) -> list[click.Option]:
    """--log-level and --log-format. They stand before a command or after it; there, help does not repeat them."""
    level, form = click.Choice(LOG_LEVELS), click.Choice(LOG_FORMATS)
    about = "Log to stderr what is of this level or above. [default: info for relay and worker, else nothing]"
    told: dict[str, Any] = {"expose_value": False, "callback": _noted, "hidden": hidden}
    return [
        click.Option(["--log-level"], type=level, envvar=None if hidden else "PROOFPORT_LOG_LEVEL", help=about, **told),
        click.Option(
            ["--log-format"],
            type=form,
            envvar=None if hidden else "PROOFPORT_LOG_FORMAT",
            help="text, or json for one object a line. [default: text]",
            **told,
        ),
    ]


def with_log_options(command: click.Command) -> click.Command:
    """The command, and those below it, with the options for the log."""
    for each in command.commands.values() if isinstance(command, click.Group) else [command]:
        if all(parameter.name != "log_level" for parameter in each.params):
            each.params += log_options(hidden=True)
    return command


def start_log(*, serving: bool = False) -> None:
    """Begin the log of the command that runs, as its options want it."""
    from proofport.logs import log_to_stderr

    context = click.get_current_context(silent=True)
    wanted = context.meta if context is not None else {}
    level, form = wanted.get(f"{__name__}.log_level"), wanted.get(f"{__name__}.log_format")
    log_to_stderr(serving=serving, level=level, as_json=form == "json")


config_option = click.option(
    "--config",
    "config_path",
    metavar="FILE",
    help="Configuration file. [default: proofport.yaml in this folder or above]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout, and nothing else there.")
_inputs = click.argument("inputs", metavar="[[LABEL:]SOURCE=]INPUT...", nargs=-1, required=True)
_expect_option = click.option(
    "--expect-records",
    metavar="N",
    type=click.IntRange(min=0),
    multiple=True,
    help="The number of records in INPUT; with another number it is not whole. Of several: one N for each, in order.",
)
_last_line_option = click.option(
    "--last-line-whole", is_flag=True, help="The last line of a CSV is whole, although no line end follows."
)
to_option = click.option(
    "--to", metavar="DEST", multiple=True, required=True, help="A configured destination. Repeatable."
)
kind_option = click.option(
    "--kind", metavar="KIND", help="The kind of the records; not needed where every SOURCE says it."
)
source_option = click.option("--source", metavar="SOURCE", help="Source mapping for the inputs that name none.")
mode_option = click.option(
    "--mode",
    type=click.Choice(MODES),
    default="upsert",
    show_default=True,
    help="upsert: complete records. snapshot: the whole set. patch: only these fields. remove: these are gone.",
)
set_option = click.option(
    "--set",
    "values",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_pairs,
    help="A value that the document itself does not hold, such as region=eu-west-1. Repeatable. For one input alone: "
    "SOURCE[region=eu-west-1]=INPUT.",
)


format_option = click.option(
    "--format",
    "input_format",
    type=click.Choice(FORMATS),
    help="The format of the inputs. [default: by the name of the file, or by how it begins]",
)


without_option = click.option(
    "--without",
    metavar="SOURCE",
    multiple=True,
    help="A source of the last set that is left out of this one on purpose. Repeatable.",
)


class Span(click.ParamType):  # type: ignore[type-arg]  # it is generic only for type checkers
    """A span of time, in seconds: 26h, 2d. `least`: the shortest that is taken."""

    name = "span"

    def __init__(self, least: str | None = None) -> None:
        self._least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from proofport.text.durations import EXPECTED, seconds_of

        seconds: float | None = None
        with suppress(ValueError):
            seconds = value if isinstance(value, float) else seconds_of(value)
        if seconds is None or (self._least and seconds < seconds_of(self._least)):
            least = f", at least {self._least}" if self._least else ""
            self.fail(f"found {value!r}, expected {EXPECTED}{least}", param, ctx)
        return seconds


max_input_age_option = click.option(
    "--max-input-age",
    metavar="SPAN",
    type=Span(),
    help="Refuse a file that was last modified before, such as 26h or 2d. [default: `max_input_age` of the "
    "configuration]",
)


def reading(command: C) -> C:
    """Add the options that say what the inputs are: --kind, --mode, --source, --format and --set."""
    return kind_option(mode_option(source_option(format_option(set_option(command)))))


def inputs(command: C) -> C:
    """Add the argument for the inputs, and the options that say how they end."""
    return _inputs(_expect_option(_last_line_option(command)))


def named_inputs(
    texts: Sequence[str],
    source: str | None,
    input_format: Format | None,
    expect_records: Sequence[int],
    last_line_whole: bool,
) -> list[proofport.Input]:
    """The inputs as they are given to a gateway, each with what was said about its end."""
    named = [named_input(text, source, input_format) for text in texts]
    if expect_records and len(expect_records) != len(named):
        raise click.UsageError(
            f"--expect-records is given {len(expect_records)} times, expected once for each of the {len(named)} inputs"
        )
    expected: Sequence[int | None] = expect_records or [None] * len(named)
    return [
        replace(each, records=number, last_line_whole=last_line_whole)
        for each, number in zip(named, expected, strict=True)
    ]


def named_input(text: str, source: str | None, input_format: Format | None = None) -> proofport.Input:
    """`[[LABEL:]SOURCE[NAME=VALUE,…]=]INPUT` as gateway input. The path of an existing file is never split.

    Here alone, from what a person types, does `python:…` become code that is run.
    """
    match = None if Path(text).exists() else _NAMED.fullmatch(text)
    if match is None:
        return proofport.Input(_data(text), source=source, format=input_format)
    named = None if match["source"] == "evidence" else match["source"]
    data, values = _data(match["input"]), _values(match["values"])
    return proofport.Input(data, source=named, label=match["label"], format=input_format, values=values)


def _values(text: str | None) -> dict[str, str]:
    """The values in the brackets behind a source."""
    values: dict[str, str] = {}
    for pair in text.split(",") if text else ():
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not (name and equals and value) or name in values:
            raise click.UsageError(f"found [{text}], expected [NAME=VALUE,…] behind the source, each name once")
        values[name] = value
    return values


def _data(text: str) -> str | Reader:
    if not text.startswith("python:") or Path(text).exists():
        return text
    from proofport.sources.python_items import PythonReader

    return PythonReader(text)
