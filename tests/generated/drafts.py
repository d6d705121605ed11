"""How much of the hand-written source mappings a draft meets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tests.mappings.drafts import FIRST, Figures, figures, later


def drafts() -> str:
    first, others = ([figures(name) for name in names] for names in (FIRST, later()))
    lines = ["| source | rules | met | not met | drafted to check | wrong |", "|---|---|---|---|---|---|"]
    lines += [*map(_row, first), _sum("the first", first), *map(_row, others), _sum("the later ones", others)]
    return "\n".join([*lines, _sum("all", [*first, *others])])


def _sum(what: str, found: Sequence[Figures]) -> str:
    rules, met = sum(each.rules for each in found), sum(len(each.met) for each in found)
    checked, doubted = sum(each.checked for each in found), sum(len(each.doubted) for each in found)
    return f"| **{what}** | {rules} | {met} ({100 * met // rules} %) | {rules - met} | {checked} | {doubted} |"


def _row(found: Figures) -> str:
    unmet, wrong = (", ".join(f"`{name}`" for name in names) for names in (found.unmet, found.doubted))
    return f"| {found.source} | {found.rules} | {len(found.met)} | {unmet} | {found.checked} | {wrong} |"


TABLES: Mapping[str, Callable[[], str]] = {"drafts": drafts}
