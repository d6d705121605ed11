"""Scalars compared as JSON counts, and those that stand for nothing."""

from __future__ import annotations

from dataclasses import dataclass

from proofport.text.yaml_nodes import Block, Keys, Node, Scalar, items_of, text_of, what


def json_key(value: object) -> object:
    """A dictionary key under which equal JSON values meet: in JSON, true is not 1, and 1 is 1.0."""
    if isinstance(value, str):
        return value
    return (type(value), value) if value is None or isinstance(value, bool) else ("number", value)


@dataclass(frozen=True, slots=True)
class Nothing:
    """The scalars that are missing wherever a path reads them."""

    #: As `json_key` makes them.
    values: frozenset[object]
    #: How text begins that is one of them, too.
    starts: tuple[str, ...] = ()

    def holds(self, value: object) -> bool:
        if isinstance(value, str):
            text = value.strip()
            return text in self.values or text.startswith(self.starts)
        return isinstance(value, bool | int | float) and json_key(value) in self.values


def nothing(node: Node) -> Nothing:
    """`nothing: ["", N/A, {starts: "0001-"}]`."""
    values: set[object] = set()
    starts: list[str] = []
    for item in items_of(node, 'a list of the values that stand for nothing: ["", N/A]'):
        if isinstance(item, Block):
            begin = Keys(item, ("starts",), "nothing").need("starts", 'starts: how the text begins, as in "0001-"')
            starts.append(text_of(begin, 'how the text begins, in quotes: "0001-"'))
        elif not isinstance(item, Scalar):
            raise item.at.error(what(item), "a single value, or {starts: …}")
        elif item.value is None:
            raise item.at.error("null", "a value that is not null: null is sent as null")
        else:
            values.add(json_key(item.value.strip() if isinstance(item.value, str) else item.value))
    if not values and not starts:
        raise node.at.error("an empty list", "at least one value that stands for nothing")
    return Nothing(frozenset(values), tuple(starts))
