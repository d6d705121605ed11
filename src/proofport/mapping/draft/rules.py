"""One rule of a draft, and the types of the fields that rules are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args, get_origin

from pydantic import BaseModel

from proofport.evidence import Evidence
from proofport.mapping.draft.shape import RuleText

Type: TypeAlias = Literal["text", "time", "bool", "int", "number", "choice", "texts", "choices", "parts"]


MOST_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rule for a field. `doubts`: what a person has to check. `paths`: the columns that it reads."""

    rule: RuleText
    doubts: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    def doubted(self, *doubts: str) -> Proposal:
        return replace(self, doubts=(*self.doubts, *doubts))


def type_of(model: type[Evidence], field: str) -> Type:
    """The values that a field of evidence takes."""
    made = _plain(model.model_fields[field].annotation)
    if get_origin(made) is list:
        item = _plain(get_args(made)[0])
        if isinstance(item, type) and issubclass(item, BaseModel):
            return "parts"
        return "choices" if get_origin(item) is Literal else "texts"
    if get_origin(made) is Literal:
        return "choice"
    return {"datetime": "time", "bool": "bool", "int": "int", "float": "number"}.get(made.__name__, "text")  # type: ignore[return-value]


def _plain(annotation: Any) -> Any:
    """An annotation without null and without what pydantic is told beside it."""
    given = [each for each in get_args(annotation) if each is not type(None)]
    if get_origin(annotation) not in (list, Literal) and len(given) < len(get_args(annotation)):
        annotation = given[0]
    return get_args(annotation)[0] if hasattr(annotation, "__metadata__") else annotation


def split_text(path: str, mark: str, index: int) -> str:
    """A part of a text, as a path."""
    return f"{path}.`split({mark}, {index}, -1)`"


def shown(words: Sequence[str]) -> str:
    """A few words. More than a few are no enumeration, and may be somebody's own."""
    return ", ".join(words) if len(words) <= MOST_SHOWN else f"{len(words)} different values"
