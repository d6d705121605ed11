"""The syntax of `skip:`: which records are left out, and why."""

from __future__ import annotations

from typing import Any, cast

from proofport.mapping.language.conditions import condition
from proofport.mapping.language.nodes import Constant, Rule, Skip
from proofport.text.yaml_nodes import Block, Keys, Node, block_of, choice_of, items_of, text_of

FORM = 'skip: [{when: {path: $.type, is: contractor}, reason: "not an employee"}]'
OTHER_NAMES = ("where", "filter", "exclude", "ignore")
"""The words for it that users may know from elsewhere."""

MAX_SKIPS = 100
LONGEST_REASON = 200


def skips_of(node: Node) -> tuple[Skip, ...]:
    """The rules under `skip:`. Raises MappingError."""
    items = items_of(node, f"a list: {FORM}")
    if not 0 < len(items) <= MAX_SKIPS:
        raise node.at.error(f"{len(items)} rules", f"1 to {MAX_SKIPS} rules under skip")
    return tuple(map(_skip, items))


def refuse_other_names(block: Block) -> None:
    """Raise MappingError for a key of a mapping file that says in another word what `skip:` says."""
    for key, _ in block.entries:
        if key.text in OTHER_NAMES:
            hint = f"Name the records that are left out, and why: {FORM}. `not: true` in `when` turns a test round."
            raise key.at.error(f"the key {key.text!r}", "skip:, which leaves records out", hint=hint)


def _skip(node: Node) -> Skip:
    keys = Keys(block_of(node, FORM), ("when", "reason", "missing"), "skip")
    when = condition(keys.need("when", "when: the test of the records to leave out, as in a rule"))
    reason = keys.need("reason", "reason: why they are left out; reports name it")
    text = text_of(reason, "why these records are left out").strip()
    if not text.isprintable() or not 0 < len(text) <= LONGEST_REASON:
        raise reason.at.error(f"{len(text)} characters", f"1 to {LONGEST_REASON} characters on one line")
    missing = keys.read("missing", lambda node: choice_of(node, ("keep", "skip")), "reject")
    skip = Skip(text, Rule(at=node.at, source=Constant(True), when=when), cast(Any, missing))
    if not skip.needs:
        keys.refuse(("missing",), "beside 'present'", "one of the two: what is missing is what this test is about")
    return skip
