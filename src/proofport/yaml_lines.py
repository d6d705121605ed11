"""YAML as plain data that remembers where each part stood, so that every mistake can name its line.

Only what JSON can say: dates stay text, `12:30` is not a number, a key is given once, aliases are refused.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml
from yaml.constructor import SafeConstructor
from yaml.error import Mark, MarkedYAMLError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

Path: TypeAlias = tuple[Hashable, ...]
MAX_DEPTH = 100


class YamlError(Exception):
    """The text is not the YAML we accept. Lines and columns count from 1."""

    def __init__(self, message: str, *, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its data, and the line and column (from 1) of each key and item by its path."""

    data: Any
    places: dict[Path, tuple[int, int]]

    def place(self, path: Path) -> tuple[int, int]:
        """Where `path` stood; for what is not there, the nearest part that encloses it."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]


def documents(text: str) -> list[Document]:
    """Every document of a YAML text, empty ones left out. Raises YamlError."""
    found = []
    try:
        loader = yaml.SafeLoader(text)
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                found.append(_Reader().document(node))
    except ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise YamlError(f"the character {text[error.position]!r}", line=line, column=column) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = " ".join(part for part in (error.problem, error.context) if part)
        raise YamlError(words, **_position(mark)) from None
    except RecursionError:
        raise YamlError(f"nested deeper than {MAX_DEPTH} levels", line=1, column=1) from None
    return found


def _position(mark: Mark | None) -> dict[str, int]:
    return {"line": mark.line + 1, "column": mark.column + 1} if mark else {"line": 1, "column": 1}


class _Reader:
    """Turns composed nodes into data, noting places on the way."""

    def __init__(self) -> None:
        self.places: dict[Path, tuple[int, int]] = {}
        self.seen: set[int] = set()
        self.constructor = SafeConstructor()

    def document(self, node: Node) -> Document:
        self._note((), node)
        return Document(self._value(node, ()), self.places)

    def _note(self, path: Path, node: Node) -> None:
        self.places[path] = (node.start_mark.line + 1, node.start_mark.column + 1)

    def _value(self, node: Node, path: Path) -> Any:
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if id(node) in self.seen:
            raise YamlError("an alias of a list or mapping; write it out instead", **_position(node.start_mark))
        if len(path) > MAX_DEPTH:
            raise YamlError(f"nested deeper than {MAX_DEPTH} levels", **_position(node.start_mark))
        self.seen.add(id(node))
        return self._sequence(node, path) if isinstance(node, SequenceNode) else self._mapping(node, path)

    def _sequence(self, node: SequenceNode, path: Path) -> list[Any]:
        items = []
        for index, item in enumerate(node.value):
            self._note((*path, index), item)
            items.append(self._value(item, (*path, index)))
        return items

    def _mapping(self, node: Node, path: Path) -> dict[Any, Any]:
        assert isinstance(node, MappingNode)
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                raise YamlError("a key that is not a plain word", **_position(key_node.start_mark))
            key = self._scalar(key_node)
            if key in result:
                raise YamlError(f"the key {key!r} twice", **_position(key_node.start_mark))
            self._note((*path, key), key_node)
            result[key] = self._value(value_node, (*path, key))
        return result

    def _scalar(self, node: ScalarNode) -> Any:
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if kind in ("str", "timestamp", "merge", "value") or (kind in ("int", "float") and ":" in node.value):
            return node.value
        if kind not in ("null", "bool", "int", "float"):
            raise YamlError(f"the tag {node.tag!r}", **_position(node.start_mark))
        try:
            return self.constructor.construct_object(node)
        except (ValueError, KeyError):
            raise YamlError(f"{node.value[:40]!r}, which is not a {kind}", **_position(node.start_mark)) from None
