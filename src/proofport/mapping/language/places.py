"""Paths as they stand in a mapping file, so that a mistake in one is told at its own column."""

from __future__ import annotations

from proofport.mapping.language import paths
from proofport.mapping.language.paths import Path, PathError
from proofport.text.wording import short
from proofport.text.yaml_nodes import Mark, Node, Scalar, text_of


def parse_path(node: Node) -> Path:
    """A JSONPath; a mistake is reported at its own column."""
    return parse_part(node, text_of(node, "a JSONPath, which begins with $"))


def parse_part(node: Node, selector: str, start: int = 0) -> Path:
    """A JSONPath in a longer text. `start`: where it begins there."""
    try:
        return paths.parse(selector)
    except PathError as error:
        raise inside(node, start + error.offset).error(
            repr(short(selector, 200)), error.expected, hint=error.hint
        ) from None


def inside(node: Node, offset: int) -> Mark:
    """The place of a character of a scalar; the start of the scalar when it goes over several lines."""
    if not isinstance(node, Scalar) or "\n" in node.text:
        return node.at
    return Mark(node.at.file, node.at.line, node.at.column + offset + node.quoted)
