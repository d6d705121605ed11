"""Paths as they stand in a mapping file, and `entries:`, `decode:` and `then:` beside one.

These open what the path selects, and it goes on inside.
"""

from __future__ import annotations

from collections.abc import Callable

from proofport.mapping.language import paths
from proofport.mapping.language.opening import Decode, Entries, Rows, Several
from proofport.mapping.language.paths import Path, PathError, Step, made_of
from proofport.mapping.language.values import Nothing
from proofport.text.wording import short
from proofport.text.yaml_nodes import Items, Keys, Node, choice_of, flag_of, inside, text_of

OF_OPENING = ("entries", "decode", "then")
FORMS = ("json", "base64", "csv")


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


def opened(path: Path, keys: Keys, parse: Callable[[Node], Path], nothing: Nothing | None) -> tuple[Path, bool]:
    """A path with the steps that stand beside it. True: they end in a list, so that there may be several matches."""
    forms = keys.read("decode", _forms, ())
    steps: list[Step] = [Rows(nothing) if form == "csv" else Decode(form, nothing) for form in forms]
    if forms and forms[-1] == "base64":
        steps.append(Decode("text", nothing))
    if keys.read("entries", flag_of, False):
        if forms and forms[-1] != "json":
            raise keys.marks["entries"].error(
                f"entries beside decode: {forms[-1]}", "it beside decode: json, or a path"
            )
        steps.append(Entries(nothing))
    then = keys.get("then")
    if not steps:
        keys.refuse(("then",), "alone", "it beside entries: or decode:", "Write one path.")
        return path, False
    if then is None:
        return _path(path, steps, None), isinstance(steps[-1], Several)
    further = parse(then)
    if not further.compiled:
        raise then.at.error(repr(further.text), "a path of names, indices, slices, [*], .. and plain filters")
    return _path(path, steps, further), False


def _path(path: Path, steps: list[Step], then: Path | None) -> Path:
    every = (*path.steps, *steps, *(then.steps if then else ()))
    words = ", ".join("entries" if isinstance(step, Entries) else "decoded" for step in steps[-1:])
    text = f"{path.text} ({words}){f' {then.text}' if then else ''}"
    return made_of(text, every)


def _forms(node: Node) -> tuple[str, ...]:
    nodes = node.items if isinstance(node, Items) else (node,)
    forms = tuple(choice_of(each, FORMS) for each in nodes)
    if not forms:
        raise node.at.error("an empty list", "json, base64 or csv, or several of them")
    if "csv" in forms[:-1]:
        raise node.at.error("a form after csv", "csv as the last one: rows are no text")
    return forms
