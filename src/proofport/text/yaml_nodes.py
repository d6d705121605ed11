"""YAML text to nodes with their line and column. YAML 1.2: only `true` and `false` are booleans, dates stay text."""

from __future__ import annotations

import errno
import math
import pathlib
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, TypeVar

import yaml

from proofport.errors import MappingError, Problem
from proofport.text.wording import did_you_mean, listing, short

MAX_DEPTH = 40
LARGEST_FILE = 1024 * 1024
"""Bytes of a file that is read as YAML."""
T = TypeVar("T")
D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file. Lines and columns count from 1."""

    file: str
    line: int
    column: int

    def error(self, found: str, expected: str, *, field: str | None = None, hint: str | None = None) -> MappingError:
        problem = Problem(found=found, expected=expected, field=field, hint=hint)
        return MappingError(problem, file=self.file, line=self.line, column=self.column)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value."""

    #: By the rules of YAML 1.2.
    value: str | int | float | bool | None
    #: As written, without quotes.
    text: str
    at: Mark
    #: Quotes move the text one column to the right.
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    items: tuple[Node, ...]
    at: Mark


@dataclass(frozen=True, slots=True)
class Block:
    """A YAML mapping. Each key occurs once."""

    entries: tuple[tuple[Scalar, Node], ...]
    at: Mark


Node: TypeAlias = Scalar | Items | Block


def what(node: Node) -> str:
    """A node in a few words, for `found`."""
    match node:
        case Items():
            return "a list"
        case Block():
            return "a mapping"
        case _:
            return repr(short(node.text, 200)) if node.text else "nothing"


def kind_of(node: Node) -> str:
    """The form of a node, for `found` where its content may be a secret: the file may be another than was meant."""
    return "text that is no mapping" if isinstance(node, Scalar) else what(node)


def data(node: Node) -> Any:
    """The plain JSON data that a node stands for."""
    match node:
        case Scalar():
            return node.value
        case Items():
            return [data(item) for item in node.items]
        case Block():
            return {key.text: data(value) for key, value in node.entries}


class Keys:
    """The keys of one block. A key that is not known is an error."""

    def __init__(self, block: Block, known: Sequence[str], subject: str) -> None:
        self.at = block.at
        self._nodes = {key.text: node for key, node in block.entries}
        self.marks = {key.text: key.at for key, _ in block.entries}
        for key, _ in block.entries:
            if key.text not in known:
                hint = did_you_mean(key.text, known)
                raise key.at.error(f"the key {key.text!r}", f"a key of {subject}: {listing(known, 30)}", hint=hint)

    def __contains__(self, name: str) -> bool:
        return name in self._nodes

    def get(self, name: str) -> Node | None:
        return self._nodes.get(name)

    def read(self, name: str, read: Callable[[Node], T], otherwise: D) -> T | D:
        """The value of a key, read by `read`; `otherwise` where there is no such key."""
        return read(self._nodes[name]) if name in self._nodes else otherwise

    def given(self, names: Collection[str]) -> list[str]:
        """Those of `names` that are there, in the order of the file."""
        return [name for name in self._nodes if name in names]

    def need(self, name: str, why: str) -> Node:
        if name not in self._nodes:
            raise self.at.error(f"no {name!r}", why)
        return self._nodes[name]

    def refuse(self, names: Collection[str], found: str, expected: str, hint: str | None = None) -> None:
        """Raise MappingError if one of the keys is there. `found` says after its name what is wrong about it."""
        for name in self.given(names):
            raise self.marks[name].error(f"{name!r} {found}", expected, hint=hint)


def text_of(node: Node, expected: str) -> str:
    if not isinstance(node, Scalar) or not isinstance(node.value, str) or not node.value:
        hint = "Put it in quotes." if isinstance(node, Scalar) and node.text else None
        raise node.at.error(what(node), expected, hint=hint)
    return node.value


def string_of(node: Node, expected: str) -> str:
    """Text that may be empty, or blank."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        raise node.at.error(what(node), expected)
    return node.value


def inside(node: Node, offset: int) -> Mark:
    """The place of a character of a scalar; the start of the scalar when it goes over several lines."""
    if not isinstance(node, Scalar) or "\n" in node.text:
        return node.at
    return Mark(node.at.file, node.at.line, node.at.column + offset + node.quoted)


def flag_of(node: Node) -> bool:
    if not isinstance(node, Scalar) or not isinstance(node.value, bool):
        raise node.at.error(what(node), "true or false")
    return node.value


def choice_of(node: Node, choices: Sequence[str], expected: str | None = None) -> str:
    """Text that is one of several words."""
    expected = expected or f"one of {listing(choices)}"
    name = text_of(node, expected)
    if name not in choices:
        raise node.at.error(repr(name), expected, hint=did_you_mean(name, choices))
    return name


def block_of(node: Node, expected: str) -> Block:
    if not isinstance(node, Block):
        raise node.at.error(what(node), expected)
    return node


def items_of(node: Node, expected: str) -> tuple[Node, ...]:
    if not isinstance(node, Items):
        raise node.at.error(what(node), expected)
    return node.items


def content_of(path: pathlib.Path) -> bytes:
    """The bytes of a file. Raises OSError, also for what is no regular file; MappingError for a file that is large."""
    if not path.is_file():
        path.stat()
        raise OSError(errno.EINVAL, "it is not a regular file")
    with path.open("rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise Mark(str(path), 1, 1).error("a larger file", f"at most {LARGEST_FILE:,} bytes")
    return content


def read_documents(content: bytes, file: str) -> Iterator[Node]:
    """The documents of one file. Raises MappingError for anything that is not the YAML we accept."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Mark(file, line, 1).error("a byte that is not UTF-8", "a text file in UTF-8") from None
    try:
        _refuse_deep(text, file)
        loader = _Loader(text)
        while loader.check_node():
            yield _ours(loader.get_node(), file, seen=set())
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        at = Mark(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise at.error(f"the character {text[error.position : error.position + 1]!r}", "printable text") from None
    except yaml.MarkedYAMLError as error:
        at = _at(file, error.problem_mark or error.context_mark)
        raise _yaml_mistake(at, error.problem or "broken YAML", error.context) from None


def _refuse_deep(text: str, file: str) -> None:
    """Raise MappingError for deep nesting. libyaml makes nodes by recursion without an end; events need none."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise _at(file, event.start_mark).error("deep nesting", f"at most {MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _at(file: str, place: Any) -> Mark:
    """The place that libyaml or PyYAML gives; the beginning of the file where it gives none."""
    return Mark(file, place.line + 1, place.column + 1) if place else Mark(file, 1, 1)


QUOTES = "Put text with special characters in quotes: \"$['Last name']\", \"$.a[?(@.key == 'x')].b\""
"""The way on where YAML takes a path for something else."""


def _yaml_mistake(at: Mark, problem: str, context: str | None) -> MappingError:
    """The error for a mistake that libyaml or PyYAML found, in our words."""
    hint = f"The parser was {context}." if context else "Compare the indentation with the lines above."
    if any(word in problem for word in ("cannot start any token", "undefined alias", "mapping values are not allowed")):
        hint = f"{QUOTES}."
    missing = problem.partition("did not find expected ")[2]
    if missing.startswith("',' or"):
        hint = f"{QUOTES}. Or close what was opened before."
    return at.error("something else" if missing else problem.removeprefix("found "), missing or "YAML", hint=hint)


_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """The C composer where PyYAML has it, with the scalars of YAML 1.2 instead of those of 1.1."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}


_TAG = "tag:yaml.org,2002:"
_PLAIN = {
    "null": (r"null|Null|NULL|~|", ["n", "N", "~", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
}
for _name, (_pattern, _first) in _PLAIN.items():
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(rf"(?:{_pattern})\Z"), _first)


def _ours(node: yaml.Node, file: str, seen: set[int]) -> Node:
    """A composed node as one of ours."""
    at = _at(file, node.start_mark)
    if isinstance(node, yaml.ScalarNode):
        return Scalar(_scalar_value(node, at), node.value, at, quoted=node.style in ("'", '"'))
    if id(node) in seen:
        raise at.error("an alias of a list or mapping", "it written out: aliases are not followed")
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        return Items(tuple(_ours(item, file, seen) for item in node.value), at)
    entries: list[tuple[Scalar, Node]] = []
    first: dict[tuple[type, object], Mark] = {}
    for key_node, value_node in node.value:
        key = _ours(key_node, file, seen)
        if not isinstance(key, Scalar):
            raise key.at.error(what(key), "a key of one word")
        before = first.setdefault((type(key.value), key.value), key.at)
        if before is not key.at:
            raise key.at.error(f"the key {key.text!r} again", f"it once: it stands in line {before.line} already")
        entries.append((key, _ours(value_node, file, seen)))
    return Block(tuple(entries), at)


def _scalar_value(node: yaml.ScalarNode, at: Mark) -> str | int | float | bool | None:
    text: str = node.value
    match node.tag.removeprefix(_TAG):
        case "str":
            return text
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            try:
                return int(text, 0 if text[:2] in ("0o", "0x") else 10)
            except ValueError:
                raise at.error(repr(text[:40]), "an integer of fewer digits") from None
        case "float":
            number = float(text) if text[-1:].isdigit() or text[-1:] == "." else math.nan
            if not math.isfinite(number):
                raise at.error(repr(text[:40]), "a finite number: JSON has no other")
            return number
        case _:
            raise at.error("the tag of a value (a word that begins with !)", "no tag: write text in quotes")
