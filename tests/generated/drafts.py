"""How much of the hand-written source mappings a draft meets."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.mappings.drafts import SOURCES, Figures, figures


def drafts() -> str:
    found = [figures(name) for name in SOURCES]
    lines = ["| source | rules | met | not met | drafted to check | wrong |", "|---|---|---|---|---|---|"]
    lines += [_row(each) for each in found]
    rules, met = sum(each.rules for each in found), sum(len(each.met) for each in found)
    checked, doubted = sum(each.checked for each in found), sum(len(each.doubted) for each in found)
    share = f"{met} ({100 * met // rules} %)"
    return "\n".join([*lines, f"| **all** | {rules} | {share} | {rules - met} | {checked} | {doubted} |"])


def _row(found: Figures) -> str:
    unmet, wrong = (", ".join(f"`{name}`" for name in names) for names in (found.unmet, found.doubted))
    return f"| {found.source} | {found.rules} | {len(found.met)} | {unmet} | {found.checked} | {wrong} |"


TABLES: Mapping[str, Callable[[], str]] = {"drafts": drafts}
