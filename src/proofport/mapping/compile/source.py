"""Raw documents, or evidence as it stands, to checked neutral records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from typing import Annotated, Any, Optional, TypeAlias

import orjson
from pydantic import BaseModel, ValidationError, create_model

from proofport.adapter import Mode
from proofport.errors import Rejected, UsageError
from proofport.evidence import Evidence, Neutral, model_of
from proofport.mapping.compile.code import Code
from proofport.mapping.compile.fields import Plan, compile_plan
from proofport.mapping.compile.functions import MISSING
from proofport.mapping.compile.guards import acceptor_of, shape_of
from proofport.mapping.compile.projection import project
from proofport.mapping.compile.reading import Scope, Walk, chain
from proofport.mapping.language.nodes import MappingFile
from proofport.mapping.language.paths import Path
from proofport.text.wording import describe, did_you_mean, listing, problem_of, reject

Parents: TypeAlias = "tuple[Any, ...] | None"
"""The values that `parent:` takes, beside each record; None for a document in which no record was found."""

KINDS_KEPT = 128
"""Checks of evidence that stay compiled: there may be any number of kinds after `custom:`."""


def compile_source(file: MappingFile, values: Mapping[str, str] | None = None, mode: Mode = "upsert") -> SourceMapping:
    """A source mapping, ready to run. `values` are those of `--set`.

    Raises UsageError when it is not a source mapping, when `values` has a name that is not in its `context:`, or lacks
    one that nothing else gives.
    """
    if not isinstance(file.to, str):
        raise UsageError(f"{file.name} is a vendor mapping", hint="A source mapping has `to: {evidence: <kind>}`.")
    values = values or {}
    _check_values(file, values, mode)
    return SourceMapping(file, values, mode)


def _check_values(file: MappingFile, values: Mapping[str, str], mode: Mode) -> None:
    for name in values:
        if name not in file.context:
            known = f"it takes {listing(file.context)}" if file.context else "it takes none"
            raise UsageError(f"{file.name} has no context {name!r}; {known}", hint=did_you_mean(name, file.context))
    given = {*file.fields, *values, *(parent.field for parent in file.parents)}
    required = {name for name, info in model_for(str(file.to), mode).model_fields.items() if info.is_required()}
    for name in file.context:
        if name in required and name not in given:
            raise UsageError(f"{file.name} needs {name}", hint=f"Give it with --set {name}=…")


class SourceMapping:
    """One source mapping. Call it with a record and its parents, as `records` gives them; raises Rejected.

    One function is compiled for what is read: for decoded records, or for lines. Where lines need both, because one of
    them is declined, the other is compiled then.
    """

    def __init__(self, file: MappingFile, values: Mapping[str, str], mode: Mode) -> None:
        self.kind = str(file.to)
        self.name = file.name
        #: The source that it reads, the same in every run: its name, with the values that were set.
        self.source = named_source(file.name, values)
        self._file = file
        self._iterate = _record_iterator(file) if file.records is not None else None
        model = model_for(self.kind, mode)
        self._plan = Plan(
            title=file.name,
            rules=file.fields,
            shape=shape_of(model),
            by_model=model_check(model, self.kind),
            signature="convert(d, parents=(), M=M)",
            finish="return out if ok else by_model(out)",
            parents=file.parents,
            values=values,
            partial=mode in ("patch", "remove"),
        )

    @cached_property
    def convert(self) -> Callable[..., Neutral]:
        """The function from a record and its parents to evidence."""
        return compile_plan(self._plan)

    @property
    def quick(self) -> Callable[[Any], Neutral] | None:
        """The function from a document to evidence, where every document is one record and none says there is more."""
        return self if self._iterate is None and self._file.incomplete_when is None else None

    @cached_property
    def of_lines(self) -> Callable[[bytes], list[Neutral | None]] | None:
        """A function from text with one record a line; None where the rules need whole records.

        It decodes only what the rules read. It gives None for a line whose record is wrong, or of another form than the
        rules expect: decode that line and call `quick`.
        """
        found = project(self._plan.rules.values(), MISSING) if self.quick is not None else None
        if found is None:
            return None
        signature, finish = "convert(d, M=M)", "return out if ok else None"
        convert = compile_plan(replace(self._plan, part=found.part, signature=signature, finish=finish))
        return lambda text: list(map(convert, found.of_lines(text)))

    def records(self, document: object) -> Iterable[tuple[Any, Parents]]:
        """Every record of one raw document, with the values that `parent:` takes from around it.

        A document without a place for records (not even an empty array) gives itself with parents None. Calling the
        mapping with that raises Rejected.
        """
        return ((document, ()),) if self._iterate is None else self._iterate(document)

    def __call__(self, record: Any, parents: Parents = ()) -> Neutral:
        if parents is None:
            assert self._file.records is not None
            hint = f"Is this the output that {self.name} reads?"
            raise reject(None, describe(record), f"a document with {self._file.records.text}", hint)
        return self.convert(record, parents)

    def incomplete(self, document: object) -> str | None:
        """The reason why there is more than the document holds, if it says so."""
        path = self._file.incomplete_when
        if path is None or all(value is None for value in _all(path)(document)):
            return None
        return f"{path.text} is present: there is more than this document holds"


def named_source(mapping: str, values: Mapping[str, str]) -> str:
    """`aws.ec2.vpcs[region=eu-west-1]`: what the user writes to read it."""
    given = ",".join(f"{name}={values[name]}" for name in sorted(values))
    return mapping.removeprefix("sources/") + (f"[{given}]" if given else "")


@lru_cache
def _all(path: Path) -> Callable[[Any], list[Any]]:
    """A function from a document to all that a path selects."""
    code = Code()
    code.line("found = []")
    Scope(code, "d", [path]).many(path, path.text, lambda value, _: code.line(f"found.append({value})"))
    code.line("return found")
    return code.function("all_of(d)", f"path {path.text}")


def _record_iterator(file: MappingFile) -> Callable[[Any], Iterable[tuple[Any, Parents]]]:
    """A generator function over the records of a document: loops along `records:`, reading parents on the way."""
    code = Code()
    assert file.records is not None
    steps = file.records.steps
    code.line("met = False")
    depths = sorted({parent.depth for parent in file.parents})
    names: dict[int, str] = {}

    def level(depth: int, holder: str) -> None:
        for number, parent in enumerate(file.parents):
            if parent.depth == depth:
                names[number] = code.name("p")
                code.line(f"{names[number]} = {chain(code, holder, parent.keys)}")
        further = next((other for other in depths if other > depth), None)
        store = emit if further is None else partial(level, further)
        Walk(code, store, "None, None", "met").write(holder, steps[depth:further])

    def emit(record: str) -> None:
        code.line("met = True")
        parents = "".join(f"{names[number]}, " for number in range(len(file.parents)))
        code.line(f"yield {record}, ({parents})")

    level(0, "d")
    with code.block("if not met:"):
        code.line("yield d, None")
    return code.function("records(d)", f"records of {file.name}")


# ------------------------------------------------------------------ evidence
@lru_cache(KINDS_KEPT)
def compile_kind(kind: str, mode: Mode = "upsert") -> Callable[[object], Neutral]:
    """The check of input that is evidence already: a function from it to its neutral dict in canonical form.

    Raises Rejected for each record that does not fit. `patch` and `remove` need only the id.
    """
    model = model_for(kind, mode)
    shape, by_model = shape_of(model), model_check(model, kind)
    if not shape.quick:
        return by_model
    accept = acceptor_of(shape)

    def check(record: object) -> Neutral:
        neutral: Neutral | None = accept(record)
        return neutral if neutral is not None else by_model(record)

    return check


def model_for(kind: str, mode: Mode) -> type[Evidence]:
    model = model_of(kind)
    return partial_model(model, {"id"}) if mode in ("patch", "remove") else model


def partial_model(model: type[Any], keep: set[str], *, nulls: bool = False) -> type[Any]:
    """A model of which only `keep` is required; with `nulls`, any other field may be null."""
    fields: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        if (info.serialization_alias or name) in keep or not (info.is_required() or nulls):
            continue
        loose = copy(info)
        loose.default, loose.metadata = None, []
        annotation = Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
        fields[name] = (Optional[annotation] if nulls else annotation, loose)  # noqa: UP045 - made at run time
    return create_model(model.__name__, __base__=model, **fields) if fields else model


def model_check(model: type[Evidence], kind: str) -> Callable[[object], Neutral]:
    """The model's own check, for what the guards do not accept: it decides, and words the rejection."""

    def by_model(record: object) -> Neutral:
        if not isinstance(record, dict | BaseModel):
            raise reject(None, describe(record), f"an object: one {kind}")
        try:
            neutral = model.model_validate(record).neutral()
            orjson.dumps(neutral)
        except ValidationError as error:
            raise Rejected(problem_of(error, kind, model.model_fields)) from None
        except (ValueError, TypeError, RecursionError) as error:
            raise not_json(error) from error
        return neutral

    return by_model


def not_json(error: Exception) -> Rejected:
    """The exception for what JSON cannot carry, such as integers beyond 64 bits."""
    return reject(
        None, f"data that JSON cannot carry ({error})", "text in UTF-8, integers within 64 bits, finite numbers"
    )
