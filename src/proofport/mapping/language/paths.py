"""JSONPath selectors. jsonpath-ng parses them and is the reference for what they mean."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import takewhile
from typing import Any, TypeAlias

from jsonpath_ng import Child, Descendants, Fields, Index, JSONPath, Root, Slice, This, Wildcard
from jsonpath_ng.ext.filter import And, Expression, Filter, Or
from jsonpath_ng.ext.iterable import Len
from jsonpath_ng.ext.parser import ExtendedJsonPathParser
from jsonpath_ng.ext.string import Split, Str

from proofport.mapping.language.bounded import PatternError, Substitution, bounded
from proofport.mapping.language.opening import Decode, Entries, Rows

Step: TypeAlias = Any
"""One selector of a path: a node of jsonpath-ng that stands alone, or DESCEND."""

Key: TypeAlias = str | int
"""A step that selects at most one value: a member's name or an array index."""

FUNCTIONS = (Split, Substitution, Str, Len)
"""jsonpath-ng's own functions of one value."""
TRANSFORMS = (*FUNCTIONS, Decode)
"""Steps that make at most one value of one value, whatever is around it."""

LONGEST = 2_000
"""Characters of a path."""
MOST_STEPS = 200
MAX_LOOPS = 6
MAX_FILTER_DEPTH = 12
_COMPARISONS = frozenset({"=", "==", "!=", "<", "<=", ">", ">="})


class Descend:
    """`..`: the value and all that it holds, in document order."""


DESCEND = Descend()


class PathError(ValueError):
    """The selector is not a JSONPath we accept. `offset` counts from 0, in characters."""

    def __init__(self, expected: str, offset: int = 0, hint: str | None = None) -> None:
        super().__init__(expected)
        self.expected = expected
        self.offset = offset
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed selector."""

    text: str
    #: jsonpath-ng's own tree.
    tree: JSONPath = field(compare=False, repr=False)
    #: The same from left to right.
    steps: tuple[Step, ...] = field(compare=False, repr=False)
    #: False if only jsonpath-ng's own engine evaluates one of the steps.
    compiled: bool = field(compare=False, repr=False)

    @property
    def prefix(self) -> tuple[Key, ...]:
        """The leading steps that select at most one value."""
        keys: list[Key] = []
        for step in self.steps:
            key = key_of(step)
            if key is None:
                break
            keys.append(key)
        return tuple(keys)

    @property
    def transforms(self) -> bool:
        return any(type(step) in FUNCTIONS for step in self.steps)

    @property
    def loops(self) -> int:
        return sum(key_of(step) is None and type(step) not in TRANSFORMS for step in self.steps)

    @property
    def singular(self) -> bool:
        return len(self.prefix) == len(self.steps)


@lru_cache(maxsize=4096)
def parse(text: str) -> Path:
    """Parse one selector. Raises PathError."""
    if len(text) > LONGEST:
        raise PathError(f"a JSONPath of at most {LONGEST:,} characters")
    if not text.startswith("$"):
        raise PathError("a JSONPath, which begins with $", hint=_beginning(text))
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            tree = _parser().parse(text)
        except DeprecationWarning as warning:
            raise PathError("a JSONPath without retired syntax", hint=_retired(str(warning))) from None
        except Exception as error:  # the parser raises whatever its productions raise
            raise _syntax_error(text, error) from None
    try:
        # A regular expression is compiled now, so that a wrong one is a mistake of the file and not of each record.
        tree = bounded(tree)
        steps = tuple(_flatten(tree, head=True))
    except PatternError as error:
        raise PathError(f"a regular expression: {error}") from None
    except RecursionError:
        raise PathError(f"a JSONPath of at most {MOST_STEPS} steps") from None
    if len(steps) > MOST_STEPS:
        raise PathError(f"a JSONPath of at most {MOST_STEPS} steps")
    return made_of(text, steps, tree)


def made_of(text: str, steps: Sequence[Step], tree: JSONPath | None = None) -> Path:
    """A path of these steps; `text` is for messages."""
    path = Path(text, tree or tree_of(steps), tuple(steps), all(map(_is_known, steps)))
    # a function breaks on data that it does not fit, and jsonpath-ng would meet such data even after the last match
    several = path.loops > 0 and path.transforms
    return replace(path, compiled=False) if several or path.loops > MAX_LOOPS else path


@lru_cache(maxsize=1)
def _parser() -> ExtendedJsonPathParser:
    return ExtendedJsonPathParser()


def key_of(step: Step) -> Key | None:
    """The one name or index that a step selects, if it is such a step."""
    if type(step) is Fields and len(step.fields) == 1:
        return str(step.fields[0])
    if type(step) is Index and len(step.indices) == 1:
        return int(step.indices[0])
    return None


def _flatten(node: Any, *, head: bool) -> list[Step]:
    """The steps of a tree from left to right."""
    kind = type(node)
    if kind is This or (kind is Root and head):
        return []
    if kind in (Child, Descendants):
        descent = [DESCEND] if kind is Descendants else []
        return [*_flatten(node.left, head=head), *descent, *_flatten(node.right, head=False)]
    return [node]


def _is_known(step: Step) -> bool:
    """True if code is generated for this step."""
    if type(step) is Filter:
        return all(map(_is_plain, step.expressions))
    return (
        step is DESCEND
        or type(step) in (*TRANSFORMS, Fields, Index, Wildcard, Entries, Rows)
        or (type(step) is Slice and step.step != 0)
    )


def tree_of(steps: Sequence[Step]) -> JSONPath:
    """The jsonpath-ng tree of the first steps of a path."""
    tree: JSONPath = Root()
    for step in steps:
        tree = Descendants(tree, This()) if step is DESCEND else Child(tree, step)
    return tree


def _is_plain(test: Any) -> bool:
    """True if a filter's test compares one value of the element with a literal, or asks if that value is there."""
    if type(test) in (And, Or):
        return all(_is_plain(operand) for operand in test.operands)
    if type(test) is not Expression or isinstance(test.value, JSONPath):
        return False
    keys = filter_keys(test.target)
    known = test.op in _COMPARISONS or test.op in (None, "!")
    return known and keys is not None and len(keys) <= MAX_FILTER_DEPTH


def filter_keys(target: JSONPath) -> tuple[Key, ...] | None:
    """The keys from a filter's element to the value that it tests; None if it may be several."""
    steps = _flatten(target, head=False)
    keys = [key for key in map(key_of, steps) if key is not None]
    return tuple(keys) if len(keys) == len(steps) else None


def common(first: Sequence[Step], second: Sequence[Step]) -> int:
    """How many leading steps two paths share."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))


def _beginning(text: str) -> str:
    if re.fullmatch(r"[A-Za-z_@.][\w.@\[\]*'\"-]*", text):
        return f"Write $.{text.lstrip('@.')} for a field, or {{value: {text}}} for a constant."
    return "Write {value: …} for a constant, {template: …} for text with parts."


def _retired(message: str) -> str:
    word = re.search(r"Write `(.*?)`", message)
    if word:
        return f"Write {word.group(1)}: a word that is compared stands in quotes."
    return "Write && for and, || for or." if "`&`" in message else message.split(". ")[0] + "."


def _syntax_error(text: str, error: Exception) -> PathError:
    message = str(error)
    place = re.search(r"at \d+:(\d+)|col (\d+)", message)
    offset = int(place.group(1) or place.group(2)) if place else len(text)
    near = text[offset : offset + 12]
    if not place:
        return PathError("a whole JSONPath: it stops in the middle", offset, "Is a bracket or quote left open?")
    hint = f"Names with other characters than letters, digits, _ and - stand in brackets: {_quoted_name(text, offset)}."
    return PathError(f"a JSONPath; it is not one from {near!r} on", offset, hint)


def _quoted_name(text: str, offset: int) -> str:
    start = max(text.rfind(".", 0, offset), text.rfind("]", 0, offset)) + 1
    name = re.split(r"[.\[\]]", text[start:])[0] or "a:b"
    return f"['{name}']"
