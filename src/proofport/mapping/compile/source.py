"""Raw documents to checked neutral records."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, TypeAlias

from jsonpath_ng.ext.filter import Filter

from proofport.adapter import Mode
from proofport.errors import Problem, Rejected, UsageError
from proofport.evidence import Neutral
from proofport.mapping.compile.code import Code
from proofport.mapping.compile.evidence import id_of_evidence, model_check, model_for
from proofport.mapping.compile.fields import Plan, compile_plan
from proofport.mapping.compile.functions import MISSING
from proofport.mapping.compile.guards import shape_of
from proofport.mapping.compile.pages import PageReader
from proofport.mapping.compile.projection import Part, part_of, project
from proofport.mapping.compile.reading import Walk, chain
from proofport.mapping.compile.unread import optional_fields, places_of, read_by, skips_lacking, unread
from proofport.mapping.language.nodes import (
    FirstOf,
    Lookup,
    MappingFile,
    Rule,
    Select,
    Substitute,
    selects,
)
from proofport.mapping.language.opening import Decode, Several
from proofport.mapping.language.paths import Path
from proofport.sources.pages import Pages
from proofport.text.wording import (
    MISSING_FIELD,
    describe,
    did_you_mean,
    listing,
    reject,
    short,
)

Parents: TypeAlias = "tuple[Any, ...] | None"
"""The values that `parent:` takes, beside each record; None for a document in which no record was found."""

TOO_DEEP = (
    "This record is no object: `records:` leads too deep. Each line, and each item of a file that is one array, is a "
    "document. Where each document is one record, leave `records:` out."
)


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
    """One source mapping. Call it with a record and its parents, as `records` gives them; raises Rejected, LeftOut.

    One function is compiled for what is read: for decoded records, or for lines. Where lines need both, because one of
    them is declined, the other is compiled then.
    """

    def __init__(self, file: MappingFile, values: Mapping[str, str], mode: Mode) -> None:
        self.kind = str(file.to)
        self.name = file.name
        self.folds = file.folds
        #: Every field that a record may have.
        self.fields = frozenset({*file.fields, *values, *(parent.field for parent in file.parents)})
        #: The fields that a record has only where their rules match something in it.
        self.optional = () if mode in ("patch", "remove") else optional_fields(file, values)
        #: The source that it reads, the same in every run: its name, with the values that were set.
        self.source = named_source(file.name, values)
        self._file = file
        self._pages = PageReader(file)
        self._iterate = _record_iterator(file, self._pages.is_empty) if file.records else None
        model = model_for(self.kind, mode)
        self._plan = Plan(
            title=file.name,
            rules=file.fields,
            shape=shape_of(model),
            by_model=model_check(model, self.kind),
            signature="convert(d, parents=(), M=M)",
            finish="return out if ok else by_model(out)",
            skips=file.skips,
            parents=file.parents,
            values=values,
            nothing=file.nothing,
            partial=mode in ("patch", "remove"),
        )

    @cached_property
    def convert(self) -> Callable[..., Neutral]:
        """The function from a record and its parents to evidence."""
        return compile_plan(self._plan)

    @property
    def quick(self) -> Callable[[Any], Neutral] | None:
        """The function from a document to evidence, where every document is one record and none says there is more."""
        return self if self._iterate is None and not self._pages.needed else None

    @cached_property
    def of_lines(self) -> Callable[[bytes], list[Neutral | None]] | None:
        """A function from text with one record a line; None where the rules need whole records.

        It decodes only what the rules read. It gives None for a line whose record is wrong, is left out, or has another
        form than the rules expect: decode that line and call `quick`.
        """
        read = [*(skip.rule for skip in self._plan.skips), *self._plan.rules.values()]
        found = project(read, MISSING) if self.quick is not None else None
        if found is None:
            return None
        signature, finish = "convert(d, M=M)", "return out if ok else None"
        convert = compile_plan(replace(self._plan, part=found.part, signature=signature, finish=finish))
        return lambda text: list(map(convert, found.of_lines(text)))

    def records(self, document: object) -> Iterable[tuple[Any, Parents]]:
        """Every record of one raw document, with the values that `parent:` takes from around it.

        A document without a place for records (not even an empty array) gives itself with parents None, unless it is an
        empty page. Calling the mapping with that raises Rejected. So it does with what stands for records that cannot
        be opened.
        """
        return ((document, ()),) if self._iterate is None else self._iterate(document)

    def __call__(self, record: Any, parents: Parents = ()) -> Neutral:
        if isinstance(record, Rejected):
            raise record
        if parents is None:
            places = self._file.records
            hint = f"Is this the output that {self.name} reads?"
            if any(type(step) is Filter for place in places for step in place.steps):
                hint += (
                    " To leave records out, use `skip: [{when: …, reason: …}]`, and not a filter in `records:`. Where "
                    "each document is one record, leave `records:` out, too."
                )
            raise reject(None, describe(record), f"a document with {' or '.join(each.text for each in places)}", hint)
        try:
            return self.convert(record, parents)
        except Rejected as error:
            error.problem = self._with_places(error.problem, record)
            raise

    def _with_places(self, problem: Problem, record: object) -> Problem:
        """Say of a value that is missing where it was looked for, and what is there instead."""
        field = problem.field or ""
        if problem.found != MISSING_FIELD or field not in self._file.fields:
            return problem
        places = places_of(self._file.fields[field])
        if not places or isinstance(record, list):
            return problem
        if not isinstance(record, dict):
            return replace(problem, hint=TOO_DEEP) if self._file.records else problem
        there = listing([short(str(name)) for name in record]) or "nothing"
        hint = f"{named_source(self.name, {})} reads it from {listing(places)}. This record has {there}."
        if field == "id":
            hint += f" To draft a mapping of your own: proofport mapping new FILE --kind {self.kind}"
        return replace(problem, hint=hint)

    def lacks(self, header: Sequence[str]) -> dict[str, list[str]]:
        """The optional fields that no row of a table with these columns has, each with the places of its rule.

        So are the rules of `skip:` that keep a record which lacks what they read, as `skip: REASON`.
        """
        if self._iterate is not None:
            return {}
        parts = {field: part_of([self._file.fields[field]]) for field in self.optional}
        lacking = (name for name, part in parts.items() if all(unread(part, {column: ""}) for column in header))
        return {field: places_of(self._file.fields[field]) for field in lacking} | skips_lacking(
            self._file.skips, header
        )

    def id_of(self, record: Any, parents: Parents = ()) -> str | None:
        """The id of a record that is refused, by the rule of `id` alone. None where it cannot be read for sure."""
        if parents is None:
            return None
        try:
            found = id_of_evidence(self._id_alone(record, parents))
        except Rejected:
            return None
        return found if self._id_is_taken_as_it_is or _is_undamaged(record) else None

    @cached_property
    def _id_alone(self) -> Callable[..., Neutral]:
        rules = {name: rule for name, rule in self._plan.rules.items() if name == "id"}
        parents = [each if each.field == "id" else replace(each, rule=None) for each in self._plan.parents]
        return compile_plan(replace(self._plan, rules=rules, parents=parents, skips=(), finish="return out"))

    @cached_property
    def _id_is_taken_as_it_is(self) -> bool:
        """True if damage to what the rule reads shows in the id. A table or a condition may choose another one."""
        rule = self._plan.rules.get("id")
        return rule is None or _is_plain(rule)

    def unread(self, record: object) -> list[str]:
        """The places in a raw record that no rule reads."""
        return unread(self._read_part, record)

    @cached_property
    def _read_part(self) -> Part:
        return read_by(self._file)

    def page(self, document: object, place: str, records: int) -> Pages:
        """The page of a list that a document is. `records`: how many it holds."""
        return self._pages.page(document, self.source, place, records)


def _is_plain(rule: Rule) -> bool:
    """True if a rule takes values by their names alone, and changes none by a table or a pattern."""
    inner = rule.source.rules if isinstance(rule.source, FirstOf) else ()
    read = (isinstance(each, Select) and each.path.singular for each in selects(rule))
    return (
        all(read)
        and all(map(_is_plain, inner))
        and not any(isinstance(each, Lookup | Substitute) for each in rule.changes)
    )


def _is_undamaged(record: object) -> bool:
    """True unless some text in a record holds bytes that are no text (`Malformed.part`)."""
    try:
        json.dumps(record, ensure_ascii=False, default=str).encode()
    except (ValueError, RecursionError):
        return False
    return True


def named_source(mapping: str, values: Mapping[str, str]) -> str:
    """`aws.ec2.vpcs[region=eu-west-1]`: what the user writes to read it."""
    given = ",".join(f"{name}={values[name]}" for name in sorted(values))
    return mapping.removeprefix("sources/") + (f"[{given}]" if given else "")


def _record_iterator(
    file: MappingFile, is_empty: Callable[[Any], bool]
) -> Callable[[Any], Iterable[tuple[Any, Parents]]]:
    """A generator function over the records of a document: loops along `records:`, reading parents on the way."""
    code = Code(file.nothing)
    nowhere = f"not met and not {code.bind('e', is_empty)}(d)"
    code.line("met = False")
    for number, place in enumerate(file.records):
        with code.block(f"if {'not met' if place.steps else nowhere}:") if number else nullcontext():
            _write_place(code, file, place)
    with code.block(f"if {nowhere}:"):
        code.line("yield d, None")
    return code.function("records(d)", f"records of {file.name}")


def _write_place(code: Code, file: MappingFile, path: Path) -> None:
    """Write the loops over the records in one place. They set `met` where a document has it."""
    steps = path.steps
    depths = sorted({depth for parent in file.parents for depth in (parent.depth, *parent.depths)})
    names: dict[int, str] = {}
    elements: dict[int, str] = {}

    def level(depth: int, holder: str) -> None:
        elements[depth] = holder
        for number, parent in enumerate(file.parents):
            if parent.rule is not None:
                names[number] = f"[{', '.join(elements[each] for each in parent.depths if each <= depth)}]"
            elif parent.depth == depth:
                names[number] = code.name("p")
                code.line(f"{names[number]} = {chain(code, holder, parent.keys)}")
                code.drop_nothing(names[number])
        further = next((other for other in depths if other > depth), None)
        store = emit if further is None else partial(level, further)
        Walk(code, store, f"None, {code.constant(path.text)}", "met").write(holder, steps[depth:further])

    def emit(record: str) -> None:
        code.line("met = True")
        parents = "".join(f"{names[number]}, " for number in range(len(file.parents)))
        code.line(f"yield {record}, ({parents})")

    if any(isinstance(step, Several | Decode) for step in steps):
        with code.block("try:"):
            level(0, "d")
        with code.block(f"except {code.bind('e', Rejected)} as error:"):
            code.line("met = True")
            code.line("yield error, None")
    else:
        level(0, "d")
