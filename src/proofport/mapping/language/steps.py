"""The steps of a rule that change text: `trim:`, `sub:`, `lower:` and `split:`."""

from __future__ import annotations

from typing import Any, cast

from proofport.mapping.language.bounded import Pattern, PatternError
from proofport.mapping.language.nodes import Split, Substitute
from proofport.text.yaml_nodes import Keys, Node, block_of, choice_of, string_of, text_of

OF_TEXT = ("trim", "sub", "lower", "split")
UNMATCHED = ("keep", "omit", "reject")


def separator_of(node: Node) -> str:
    return string_of(node, 'the text between two items, in quotes: ","')


def split(node: Node) -> Split:
    separator = separator_of(node)
    if not separator:
        raise node.at.error("nothing", 'the text between two items, in quotes: ","')
    return Split(separator)


def substitute(node: Node) -> Substitute:
    keys = Keys(
        block_of(node, "sub: {pattern: …, with: …, unmatched: keep | omit | reject}"),
        ("pattern", "with", "unmatched"),
        "sub",
    )
    pattern = keys.need("pattern", "pattern: a regular expression")
    text = text_of(pattern, "a regular expression")
    replacement = keys.need("with", "with: what stands in its place")
    written = string_of(replacement, r"text, in which \1 is the first group")
    unmatched = choice_of(
        keys.need("unmatched", "unmatched: keep | omit | reject, for text that has no match"), UNMATCHED
    )
    try:
        compiled = Pattern(text)
    except PatternError as error:
        raise pattern.at.error(repr(text), f"a regular expression: {error}") from None
    try:
        compiled.check(written)
    except PatternError as error:
        raise replacement.at.error(repr(written), rf"text, in which \1 is the first group: {error}") from None
    return Substitute(compiled, text, written, cast(Any, unmatched))
