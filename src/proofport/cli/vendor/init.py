"""`proofport init`: write a first configuration from the settings that the adapters declare."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import click

from proofport import registry
from proofport.cli import options
from proofport.cli.output import echo, show
from proofport.errors import MappingError

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

Ask = Callable[[str, "FieldInfo", str | None], str]
INTRODUCTION = """\
# Where evidence goes. `proofport doctor` checks this file and every destination in it.
instance: {instance}    # the name of this installation; two installations that share vendor objects need two names
# journal: .proofport/journal.sqlite3
# guard: {{max_gone: 0.2, max_rejected: 0}}    # the share that may be gone, the bad records that may be left out
# mappings: ./mappings    # your own mapping files, searched before the built-in ones

destinations:
"""


@click.command()
@click.option("--adapter", "adapters", metavar="NAME", multiple=True, help="A vendor to deliver to. Repeatable.")
@click.option("--instance", metavar="NAME", default="prod", show_default=True, help="A name for this installation.")
@click.option(
    "--set", "given", metavar="VENDOR.SETTING=VALUE", multiple=True, help="A setting that is not asked for. Repeatable."
)
@options.config_option
def init(adapters: Sequence[str], instance: str, given: Sequence[str], config_path: str | None) -> int:
    """Write proofport.yaml, or the FILE of --config.

    On a terminal it asks for the settings of the chosen vendors. Secrets are never written, only the names of the
    environment variables that hold them. An existing file is never changed.
    """
    file = Path(config_path or "proofport.yaml")
    if file.exists():
        raise click.UsageError(f"{file} exists already and is not changed; name another file with --config")
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    installed = registry.names(registry.ADAPTERS)
    chosen = list(adapters) or (_choose(installed) if interactive else [])
    if not chosen:
        raise click.UsageError(f"name at least one --adapter; installed: {', '.join(installed) or 'none'}")
    ask: Ask = _ask if interactive else lambda question, field, default: default or ""
    settings = {name: registry.load_adapter(name).Settings for name in dict.fromkeys(chosen)}
    answers = _answers(given, settings)
    blocks = [destination(name, model, ask, answers[name]) for name, model in settings.items()]
    _write(file, INTRODUCTION.format(instance=_scalar(instance)) + "\n".join(blocks))
    variables = ", ".join(re.findall(r": env:(\S+)", "\n".join(blocks)))
    command = f"proofport doctor --config {shlex.quote(config_path)}" if config_path else "proofport doctor"
    show(f"Wrote {file}. Next: set {variables}; then run `{command}`.", err=True)
    return 0


def _answers(given: Sequence[str], settings: Mapping[str, type[BaseModel]]) -> dict[str, dict[str, str]]:
    """The settings that the command line gives, by vendor. Raises UsageError for one that there is not."""
    from proofport.config import secret_fields

    found: dict[str, dict[str, str]] = {name: {} for name in settings}
    for text in given:
        place, equals, value = text.partition("=")
        name, _, key = place.partition(".")
        if not equals or name not in settings:
            chosen = ", ".join(settings)
            raise click.UsageError(f"--set {place}: expected VENDOR.SETTING=VALUE, with a vendor of {chosen}")
        fields = settings[name].model_fields.keys() - {"objects"} - set(secret_fields(settings[name]))
        if key not in fields:
            raise click.UsageError(f"--set {place}: {name} has no setting {key!r}; it has {', '.join(sorted(fields))}")
        try:
            found[name][key] = _checked(settings[name].model_fields[key])(value) if value else ""
        except click.UsageError as error:
            raise click.UsageError(f"--set {place}: {error.message}") from None
    return found


def _choose(installed: Sequence[str]) -> list[str]:
    echo("Which vendors do you deliver to?")
    return [name for name in installed if click.confirm(f"  {name}", default=True)]


def destination(name: str, settings: type[BaseModel], ask: Ask, given: Mapping[str, str] = {}) -> str:
    """One block of `destinations:`. Optional settings are comments in it. What is `given` is not asked for."""
    from proofport.config import secret_fields

    secrets = secret_fields(settings)
    lines, optional = [f"  {name}:", f"    adapter: {name}"], []
    for field_name, field in settings.model_fields.items():
        choices = _choices(field.annotation)
        if field_name in secrets:
            lines.append(f"    {field_name}: env:{name.upper()}_{field_name.upper()}")
        elif field_name == "objects":
            continue
        elif answer := given.get(field_name):
            lines.append(f"    {field_name}: {answer}")
        elif field_name not in given and _is_asked(field, choices):
            answer = ask(f"{name}: {field_name}", field, _default(field, choices))
            remark = f"one of {', '.join(choices)}" if choices else "" if answer else "required"
            lines.append(f"    {field_name}: {answer}".rstrip() + (f"    # {remark}" if remark else ""))
        else:
            optional.append(f"    # {field_name}:" + (f"    # {field.description}" if field.description else ""))
    return "\n".join([*lines, *optional, *_objects(settings), ""])


def _objects(settings: type[BaseModel]) -> list[str]:
    """`objects:` with a commented example that has the fields of the adapter's object settings."""
    from proofport.adapter import ObjectSettings
    from proofport.evidence import KINDS

    field = settings.model_fields.get("objects")
    if field is None:
        return []
    model = get_args(field.annotation)[-1]

    fields = ", ".join(f"{name}: …" for name in model.model_fields if name not in ObjectSettings.model_fields)
    return [
        f"    # One line for each kind that you deliver: {', '.join(KINDS)}, custom:<type>.",
        "    objects: {}",
        f"    #   {next(iter(KINDS))}: {{{fields}}}",
    ]


def _choices(annotation: Any) -> list[str]:
    """The allowed values of a setting, if it has a fixed list of them."""
    optional = get_origin(annotation) in (Union, UnionType)
    for kind in get_args(annotation) if optional else (annotation,):
        if get_origin(kind) is Literal:
            return [str(choice) for choice in get_args(kind)]
    return []


def _is_asked(field: FieldInfo, choices: Sequence[str]) -> bool:
    """True for what is required, for a choice, and for what the adapter marks with `ask`."""
    extra = field.json_schema_extra
    return field.is_required() or bool(choices) or (isinstance(extra, dict) and "ask" in extra)


def _default(field: FieldInfo, choices: Sequence[str]) -> str | None:
    """The answer where none is given: the first choice, or the value of `ask`. None: a person has to answer."""
    extra = field.json_schema_extra
    return choices[0] if choices else str(extra["ask"]) if isinstance(extra, dict) and "ask" in extra else None


def _ask(question: str, field: FieldInfo, default: str | None) -> str:
    """Ask until the adapter accepts the answer."""
    about = ", ".join(_choices(field.annotation)) or field.description
    words = f"{question} ({about})" if about else question
    answer: str = click.prompt(words, default=default, value_proc=_checked(field))
    return answer


def _checked(field: FieldInfo) -> Callable[[str], str]:
    """A function that makes YAML of an answer. It raises UsageError for one that the adapter does not accept."""
    from pydantic import TypeAdapter, ValidationError

    accepts: TypeAdapter[Any] = TypeAdapter(Annotated[field.annotation, field])  # type: ignore[arg-type]

    def checked(answer: str) -> str:
        read = _read(answer)
        for value, text in ((read, answer), (answer, _scalar(answer)), ([read], f"[{answer}]")):
            with suppress(ValidationError):
                accepts.validate_python(value)
                return text
        try:
            accepts.validate_python(answer)
        except ValidationError as error:
            words = error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
            raise click.UsageError(words) from None
        return answer

    return checked


def _scalar(text: str) -> str:
    """Text for YAML, quoted where the configuration would read it as another value."""
    return text if _read(text) == text else json.dumps(text, ensure_ascii=False)


def _read(text: str) -> Any:
    """The value that the configuration would read; None where it is no YAML."""
    from proofport.text.yaml_nodes import data, read_documents

    try:
        found = [data(node) for node in read_documents(f"a: {text}".encode(), "answer")]
    except MappingError:
        return None
    return found[0].get("a") if len(found) == 1 and isinstance(found[0], dict) and len(found[0]) == 1 else None


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise click.UsageError(f"{file} cannot be written: {error.strerror}") from None
