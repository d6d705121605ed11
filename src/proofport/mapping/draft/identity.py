"""The id: the column that tells the records apart, by its name and by its values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from proofport.mapping.draft import values as shapes
from proofport.mapping.draft.matching import Match, joined
from proofport.mapping.draft.names import NESTED, STRIPPED, fit, words_of
from proofport.mapping.draft.rules import Proposal
from proofport.mapping.draft.shape import Column, says
from proofport.mapping.draft.synonyms import ASSIGNED, IDS, OTHER_IDS, Names

FALLBACKS = {
    "person": ("email",),
    "personnel_account": ("username", "email"),
    "device": ("name",),
    "cloud_resource": ("name",),
}
"""Fields that tell records apart where nothing is called an id."""
MOST_NAMED = 3


def identity(
    kind: str, columns: Sequence[Column], nouns: set[str], fields: Mapping[str, Sequence[Match]]
) -> Proposal | None:
    """The rule of `id`. None if nothing tells the records apart."""
    fitting = [column for column in columns if _can_be_an_id(column)]
    worth = {column.path: _worth(kind, column, nouns) for column in fitting}
    named = sorted((column for column in fitting if worth[column.path]), key=lambda column: -worth[column.path])
    whole = [column for column in named if column.whole]
    best = next((column for column in whole if _different(column)), None) or next(iter(whole), None)
    if best is not None and (worth[best.path] >= NESTED - 0.1 or _different(best)):
        return _with_doubts(best, [column for column in whole if _different(column)])
    chain = [_plain(column) for column in named if column.given]
    chain += [_made_of_a_field(column) for column in _fallbacks(kind, fields)]
    if kind == "training_record":
        chain += [*_of_assignments(*(_named(fitting, names) for names in ASSIGNED))]
        chain += [*_of_assignments(*(list(_columns(fields, name)) for name in ("email", "course")))]
    made = _covering(chain, columns)
    ids = [column for column in fitting if column.whole and _different(column) and _called_an_id(column)]
    if made and (not ids or len(made.doubts) == 0):
        return made
    if ids:
        return _plain(ids[0]).doubted(f"`{ids[0].names[-1]}`: is it the id of the record?")
    other = next((column for column in fitting if column.whole and _different(column)), None)
    return _plain(other).doubted("it is different in every record, but is it an id?") if other is not None else None


def _called_an_id(column: Column) -> bool:
    return len(column.names) == 1 and words_of(column.names[0])[-1:] == ["id"]


def _worth(kind: str, column: Column, nouns: set[str]) -> float:
    """How well a column fits an id by its name. A name such as `projects/acme/topics/orders` is an id."""
    found = fit(column.names, IDS.get(kind, OTHER_IDS), nouns) + shapes.all_match(shapes.ARN, column.given)
    resource = column.names == ("name",) and shapes.all_match(shapes.RESOURCE, column.given)
    return max(found, STRIPPED + 0.2) if resource else found


def _can_be_an_id(column: Column) -> bool:
    said = column.given
    return bool(said) and all(isinstance(value, str | int) and not isinstance(value, bool) for value in said)


def _different(column: Column) -> bool:
    return len(set(column.values)) == len(column.values)


def _plain(column: Column) -> Proposal:
    text = all(isinstance(value, str) for value in column.given)
    return Proposal(column.path if text else {"path": column.path, "as": "string"}, (), (column.path,))


def _made_of_a_field(column: Column) -> Proposal:
    return _plain(column).doubted("nothing is called an id; take what the tool never gives to another")


def _with_doubts(best: Column, others: Sequence[Column]) -> Proposal:
    found = _plain(best)
    if not _different(best):
        shared = len(best.values) - len(set(best.values)) + 1
        found = found.doubted(f"{shared} of {len(best.values)} records have an id that another one has")
    if shapes.all_match(shapes.URL, best.given):
        found = found.doubted("an address: is it the same, however and whenever it is asked for?")
    if len(best.names) > 1:
        found = found.doubted("the value stands inside of another object: is it the id of the record?")
    if also := [column.path for column in others if column is not best][:MOST_NAMED]:
        found = found.doubted(f"also different in every record: {', '.join(also)}")
    return found


def _fallbacks(kind: str, fields: Mapping[str, Sequence[Match]]) -> Iterator[Column]:
    for field in FALLBACKS.get(kind, ()):
        yield from (column for column in _columns(fields, field) if _can_be_an_id(column))


def _columns(fields: Mapping[str, Sequence[Match]], field: str) -> Iterator[Column]:
    return (match.column for match in fields.get(field, ()))


def _named(columns: Sequence[Column], names: Names) -> list[Column]:
    return [column for column in columns if fit(column.names, names, set()) >= STRIPPED]


def _of_assignments(people: Sequence[Column], courses: Sequence[Column]) -> Iterator[Proposal]:
    """Of a training: person and course together."""
    for paths in product(*([column.path for column in columns] for columns in (people, courses))):
        yield Proposal({"template": f"{{{paths[0]}}}/{{{paths[1]}}}"}, ("made of person and course",), paths)


def _covering(chain: Sequence[Proposal], columns: Sequence[Column]) -> Proposal | None:
    """The first proposals that together give every record an id."""
    by_path = {column.path: column.values for column in columns}
    chosen: list[Proposal] = []
    left = set(range(len(columns[0].values))) if columns else set()
    for proposal in chain:
        covered = {n for n in left if all(says(by_path[path][n]) for path in proposal.paths)}
        if covered:
            chosen.append(proposal)
            left -= covered
    if not chosen:
        return None
    found = joined(chosen)
    if left:
        found = found.doubted(f"{len(left)} of {len(columns[0].values)} records have no id")
    return found.doubted("no single column has an id for every record") if len(chosen) > 1 else found
