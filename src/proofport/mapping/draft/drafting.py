"""A source mapping from a sample: the rules, what is unsure of them, and what is left."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proofport.evidence import model_of
from proofport.mapping.draft.derived import derived
from proofport.mapping.draft.doubts import proposals
from proofport.mapping.draft.finding import Around, Found, around, next_page, stated_total
from proofport.mapping.draft.identity import identity
from proofport.mapping.draft.matching import assigned, matches
from proofport.mapping.draft.names import NESTED, fit, singular, words_of
from proofport.mapping.draft.rules import Proposal
from proofport.mapping.draft.shape import Column, RuleText, place_text
from proofport.mapping.draft.synonyms import FIELDS, PROVIDERS
from proofport.mapping.draft.writing import flow

OF_EVERY_KIND = ("observed_at", "source", "extras")
OF_CONTEXT = {"cloud_resource": ("region", "account_id")}
MOST_PLACES = 3
NOTHING_FOUND = "nothing tells the records apart"


@dataclass(frozen=True, slots=True)
class Rules:
    """The drafted parts of a source mapping."""

    name: str
    kind: str
    found: Found
    #: In the order of the kind's fields.
    fields: Mapping[str, Proposal]
    parents: Mapping[str, Around] = field(default_factory=dict)
    context: Sequence[str] = ()
    incomplete_when: str | None = None
    total: str | None = None
    #: What a person must write before the mapping is of use, one sentence each.
    to_fill_in: Sequence[str] = ()
    #: What a person must know of the whole, one sentence each.
    remarks: Sequence[str] = ()
    #: The columns of a table, also those that are empty in the sample.
    header: Sequence[str] = ()

    @property
    def records(self) -> RuleText | None:
        return place_text(self.found.place) if self.found.place else None

    @property
    def doubts(self) -> list[str]:
        """Doubts of the place for records, and so of all rules."""
        listed = [flow(place_text(place)) for place in self.found.also]
        return [f"are these the records? They may also be at {', '.join(listed[:MOST_PLACES])}"] if listed else []

    @property
    def unused(self) -> list[Column]:
        """The columns with values that no rule reads."""
        return [column for column in self._unread if column.given]

    @property
    def empty(self) -> list[str]:
        """The columns without a value in the sample, which no rule reads."""
        there = {column.names[0] for column in self.found.columns if column.names}
        return [name for name in self.header if name not in there] + [
            column.path for column in self._unread if not column.given
        ]

    @property
    def read(self) -> list[Column]:
        """The columns that some rule reads."""
        paths = self._paths
        return [column for column in self.found.columns if column.path in paths]

    @property
    def _unread(self) -> list[Column]:
        paths = self._paths
        return [column for column in self.found.columns if column.path not in paths]

    @property
    def _paths(self) -> set[str]:
        return {path for proposal in self.fields.values() for path in proposal.paths}

    @property
    def missing(self) -> list[str]:
        """The fields of the kind for which there is no rule."""
        made = {*self.fields, *self.parents, *OF_EVERY_KIND}
        return [name for name in model_of(self.kind).model_fields if name not in made]


def rules_of(kind: str, documents: Sequence[Any], name: str, found: Found) -> Rules:
    """Draft the rules from the documents of a sample, and the records that were found in them."""
    candidates = matches(kind, found.columns, found.nouns)
    chosen = assigned(candidates)
    fields = proposals(chosen, candidates, found.columns, found.nouns)
    fields.update(derived(kind, found.columns, found.nouns, fields, chosen))
    if kind not in FIELDS:
        fields.update(_every_column(found.columns))
    fields.update(_constants(kind, name, fields))
    own = identity(kind, found.columns, found.nouns, chosen)
    outer = around(kind, found, {*fields, *(["id"] if own else [])})
    to_fill_in = []
    if own is None and "id" not in outer:
        to_fill_in.append(f"FILL IN the rule of `id`: {NOTHING_FOUND}, and a record without an id is rejected.")
        own = Proposal("$.id", (NOTHING_FOUND,))
    fields = {"id": own, **fields} if own else fields
    context = [each for each in OF_CONTEXT.get(kind, ()) if not _always(each, fields, outer, found)]
    for required in _required(kind):
        if required not in fields and required not in outer:
            context.append(required)
            to_fill_in.append(f"FILL IN `{required}`: no column fits. Until then give it with --set {required}=…")
    pages = next_page(documents) if found.place else []
    lists = [step for step in found.place if step.listed or step.keyed]
    total = stated_total(documents, found) if len(lists) == 1 else None
    order = list(model_of(kind).model_fields)
    ordered = dict(sorted(fields.items(), key=lambda each: order.index(each[0]) if each[0] in order else len(order)))
    return Rules(
        name=f"sources/{name}",
        kind=kind,
        found=found,
        fields=ordered,
        parents=outer,
        context=context,
        incomplete_when=_either(pages),
        total=total[0] if total else None,
        to_fill_in=to_fill_in,
        remarks=list(_of_the_list(found, documents, pages, total)),
    )


def _required(kind: str) -> Iterator[str]:
    return (name for name, info in model_of(kind).model_fields.items() if info.is_required() and name != "id")


def _always(name: str, fields: Mapping[str, Proposal], outer: Mapping[str, Around], found: Found) -> bool:
    """True if every record has a value for a field."""
    paths = fields[name].paths if name in fields else ()
    return name in outer or any(column.whole for column in found.columns if column.path in paths)


def _either(paths: Sequence[str]) -> str | None:
    names = [path.removeprefix("$.") for path in paths]
    if len(names) > 1 and all(re.fullmatch(r"\w+", name) for name in names):
        return "$[" + ",".join(f"'{name}'" for name in names) + "]"
    return paths[0] if paths else None


def _of_the_list(
    found: Found, documents: Sequence[Any], pages: Sequence[str], total: tuple[str, int] | None
) -> Iterator[str]:
    if pages and any("next" in path.lower() or "token" in path.lower() for path in pages):
        yield f"The token for the next page stands at {' or '.join(pages)}: give all pages of a list in one push."
    elif found.place and found.place[-1].listed and total is None:
        yield "No token for a next page was seen. If long lists come in pages, name it: `incomplete_when: $.…`."
    if total and total[1] != len(found.held) and len(documents) == 1:
        yield f"{total[0]} states {total[1]:,} records; this sample has {len(found.held):,}."


# ------------------------------------------------------------------ beside the columns
def _constants(kind: str, name: str, fields: Mapping[str, Proposal]) -> dict[str, Proposal]:
    """Read the mapping's name: `aws.ec2.instances` are of the type aws.ec2.instance, and of the provider aws."""
    parts = name.split(".")
    if kind == "cloud_resource":
        made = {"type": Proposal({"value": _of_one(name)}, ("the type, made of the mapping's name",))}
        if "type" in fields:
            made = {}
        if "provider" not in fields and len(parts) > 1:
            made["provider"] = Proposal(
                {"value": PROVIDERS.get(parts[0], parts[0])}, ("the provider, made of the mapping's name",)
            )
        return made
    if kind == "personnel_account" and "system" not in fields:
        system = ".".join(parts[:-1]) or re.split(r"[_-]", name)[0]
        return {"system": Proposal({"value": system}, ("the system, made of the mapping's name",))}
    return {}


def _of_one(name: str) -> str:
    """The name of one of what a mapping reads."""
    front, dot, last = name.rpartition(".")
    head, mark, word = last.rpartition("_")
    return f"{front}{dot}{head}{mark}{singular(word)}"


def _every_column(columns: Sequence[Column]) -> dict[str, Proposal]:
    """A kind of one's own takes everything, each column under its own name."""
    made: dict[str, Proposal] = {}
    for number, column in enumerate(columns, 1):
        name = "_".join(word for part in column.names for word in words_of(part)) or f"column_{number}"
        name = f"own_{name}" if name in ("id", *OF_EVERY_KIND) and column.path != "$.id" else name
        if name != "id" and name not in made:
            made[name] = Proposal(column.path, (), (column.path,))
    return made


def named_so(kind: str, name: str, columns: Sequence[Column], nouns: set[str]) -> Column | None:
    """A column that is called like a field, but whose values do not fit it."""
    names = FIELDS.get(kind, {}).get(name)
    fitting = [column for column in columns if names and fit(column.names, names, nouns) >= NESTED and column.given]
    return max(fitting, key=lambda column: fit(column.names, names, nouns), default=None) if names else None
