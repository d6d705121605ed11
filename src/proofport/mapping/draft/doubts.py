"""The comments of drafted rules: all that a name, a place or a neighbour leaves unsure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from proofport.mapping.draft.matching import CLOSE, Match, joined
from proofport.mapping.draft.names import LIKELY, NESTED, STRIPPED, fit, is_wrapper, words_of
from proofport.mapping.draft.rules import Proposal
from proofport.mapping.draft.shape import Column
from proofport.mapping.draft.synonyms import BESIDE, POSTURE

MOST_NAMED = 4
_FILLING = {"is", "has", "the", "at", "on", "date", "time", "enabled", "active", "status"}


def proposals(
    fields: Mapping[str, Sequence[Match]], found: Sequence[Match], columns: Sequence[Column], nouns: set[str]
) -> dict[str, Proposal]:
    """The rule of each field, with its doubts."""
    taken = {match.column.path for chosen in fields.values() for match in chosen}
    left = [column for column in columns if column.path not in taken and column.given and column.scalar]
    made = {}
    for field, chosen in fields.items():
        others = [match for match in found if match.field == field and match not in chosen]
        doubts = [*_of_names(chosen, nouns), *_of_neighbours(field, chosen, columns, nouns)]
        if also := list(dict.fromkeys([*_others(others, taken), *_kin(chosen[0], left)])):
            doubts.append(f"also fits: {', '.join(also[:MOST_NAMED])}")
        made[field] = joined([match.proposal for match in chosen]).doubted(*doubts)
    return made


def _others(others: Sequence[Match], taken: set[str]) -> Iterator[str]:
    """Columns that may be the field, too; those that another field takes, only if their names are sure."""
    for match in others:
        if match.column.path not in taken or match.score > NESTED - 0.1:
            yield match.column.path


def _of_names(chosen: Sequence[Match], nouns: set[str]) -> Iterator[str]:
    """Doubts of the name and the place of columns."""
    best = chosen[0]
    if elsewhere := [match.column.path for match in chosen[1:] if match.score < STRIPPED]:
        yield f"else {', '.join(elsewhere)}, which may be something else"
    if best.score < LIKELY + CLOSE + 0.1:
        yield f"the name `{best.column.names[-1]}` may mean something else"
    elif best.score < NESTED + CLOSE + 0.1 or not all(is_wrapper(name, nouns) for name in best.column.names[:-1]):
        yield "the value stands inside of another object"


def _of_neighbours(field: str, chosen: Sequence[Match], columns: Sequence[Column], nouns: set[str]) -> Iterator[str]:
    """Doubts because of other columns, and of flags that are false."""
    if paired := _beside(field, chosen, columns, nouns):
        yield f"does {paired} say when it counts?"
    if field in POSTURE and any(match.column.given.count(False) for match in chosen):
        yield "`false` is taken for no: a tool may write it where it does not know, too"


def _beside(field: str, chosen: Sequence[Match], columns: Sequence[Column], nouns: set[str]) -> str | None:
    """A column that may say when a field counts: by its name, or a flag that is named like the field's column."""
    own = {match.column.path for match in chosen}
    names = [match.column.names for match in chosen]
    for column in columns:
        if column.path in own or not column.given or not column.scalar:
            continue
        if field in BESIDE and fit(column.names, BESIDE[field], nouns) >= NESTED - 0.5:
            return column.path
        flag = all(isinstance(value, bool) for value in column.given) and chosen[0].type not in ("bool", "time")
        if flag and any(column.names[:-1] == each[:-1] and _begin_alike(column.names, each) for each in names):
            return column.path
    return None


def _begin_alike(a: Sequence[str], b: Sequence[str]) -> bool:
    return words_of(a[-1])[:-1] == words_of(b[-1])[:-1] != []


def _kin(best: Match, left: Sequence[Column]) -> Iterator[str]:
    """Columns named like a flag, a time or an address, with more words: `isDelegatedAdmin` beside `isAdmin`."""
    if best.type not in ("bool", "time") and not best.field.endswith("email"):
        return
    own = _telling(best.column)
    kinds = set(map(type, best.column.given))
    for column in left:
        if own and own < _telling(column) and set(map(type, column.given)) <= kinds:
            yield column.path


def _telling(column: Column) -> set[str]:
    return set(words_of(column.names[-1])) - _FILLING if column.names else set()
