"""What no longer fits between the schema of a live resource and the bodies that the mapping makes now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def drift(wanted: Mapping[str, Any], resource: Mapping[str, Any]) -> tuple[str, ...]:
    """One sentence per misfit, and what to do: Drata has no call that changes a schema (recipe)."""
    stored = resource.get("schema")
    found = list(_misfits(wanted, stored if isinstance(stored, dict) else {}))
    if not found:
        return ()
    number = resource.get("id")
    way_out = (
        f"The schema of resource {number} cannot be changed. For another one, rename the connection "
        "(`proofport call DEST update_custom_connection connection_id=N client_alias=NAME`), take the kind out of "
        "`objects`, provision again, push a snapshot, and delete the old connection; or change the mapping."
    )
    return (*found, way_out)


def _misfits(wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> Iterator[str]:
    declared = stored.get("properties")
    declared = declared if isinstance(declared, dict) else {}
    made = wanted.get("properties", {})
    unknown = [name for name in made if name not in declared]
    if unknown and stored.get("additionalProperties") is False:
        yield f"Records are refused: the schema allows no {_list(unknown)}."
    elif unknown:
        yield f"The schema does not declare {_list(unknown)}: tests in Drata cannot use these fields."
    for name in made:
        if name in declared:
            yield from _type_misfit(name, made[name], declared[name])
    always = set(wanted.get("required", ()))
    demanded = [name for name in stored.get("required", ()) if name not in always]
    never = [name for name in demanded if name not in made]
    sometimes = [name for name in demanded if name in made]
    if never:
        yield f"Records are refused: the schema requires {_list(never)}, which the mapping never makes."
    if sometimes:
        yield f"Records without {_list(sometimes)} are refused: the schema requires what the mapping may leave out."


def _type_misfit(name: str, made: Mapping[str, Any], declared: object) -> Iterator[str]:
    takes = _types(declared) if isinstance(declared, dict) else set()
    sends = _types(made)
    extra = sorted(sends - takes - ({"integer"} if "number" in takes else set()))
    if takes and extra:
        yield f"{name} may be {_list(extra, 'or')}, and the schema takes only {_list(sorted(takes), 'or')}."


def _types(rule: Mapping[str, Any]) -> set[str]:
    """The JSON types of a rule; empty when it takes any."""
    named = rule.get("type", ())
    return {named} if isinstance(named, str) else set(named)


def _list(names: Sequence[str], word: str = "and") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"
