"""Compiled paths against jsonpath-ng's `find`, for every kind of step and hostile documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.soak import examples

from proofport.errors import Rejected
from proofport.mapping.compile.code import Code
from proofport.mapping.compile.reading import Scope
from proofport.mapping.language.paths import PathError, parse

from . import reference
from .hostile import Hostile, seeds

REJECTED = "rejected"
WAYS: dict[str, Callable[[str, Any], Any]] = {"one": reference.one, "many": reference.many, "some": reference.some}


def compiled(text: str) -> Callable[[Any, str], Any]:
    """A function from a document and a way of asking: the only match, all of them, or whether there is any."""
    path = parse(text)
    code = Code()
    scope = Scope(code, "d", [path])
    with code.block("if way == 'one':"):
        code.line(f"return {scope.one(path, 'f')}")
    with code.block("if way == 'some':"):
        code.line(f"return {scope.some(path, 'f')}")
    found = scope.many(path, "f", lambda value, result: code.line(f"{result}.append({value})"))
    code.line(f"return {found}")
    return code.function("read(d, way)", "test")


def outcome(function: Callable[..., Any], *arguments: Any) -> str:
    """The result, so that true is not 1 and 1 is not 1.0."""
    try:
        return repr(function(*arguments))
    except (Rejected, reference.Refusal):
        return REJECTED


def differences(path: str, documents: Iterable[Any]) -> list[str]:
    function = compiled(path)
    return [
        f"{way} of {path} on {document!r}: {found} instead of {right}"
        for document in documents
        for way, by_find in WAYS.items()
        if (found := outcome(function, document, way)) != (right := outcome(by_find, path, document))
    ]


def differences_of(case: Hostile) -> list[str]:
    """Twelve comparisons: four documents, three ways of asking."""
    path = case.odd_path() if case.odds(0.15) else case.path()
    return differences(path, [case.record() for _ in range(4)])


def test_compiled_paths_find_what_jsonpath_ng_finds() -> None:
    for case in seeds(500, 12_000):
        assert differences_of(case) == [], f"seed {case.number}"


def deep(levels: int) -> Any:
    leaf: Any = {"a": 1}
    for _ in range(levels):
        leaf = {"a": [leaf]}
    return leaf


@pytest.mark.parametrize(
    "path",
    [
        "$.a[0].a[0]",
        "$..a",
        "$..[*]",
        "$..a[*]..a",
        "$" + ".a[*]" * 60,
        "$" + ".a" * 150,
        "$" + "[*]" * 30,
        "$[?@" + ".a" * 40 + " == 1]",
        "$[?(@.a[0].a[0].a[0].a)]",
        "$",
        "$.a where b",
        "$.a + 1",
    ],
)
def test_long_paths_and_deep_documents(path: str) -> None:
    nested: Any = [[[[[]]]]]
    assert differences(path, [deep(60), deep(2), [deep(3), deep(2)], nested, {}, [], None, 1, {"a": {"b": 1}}]) == []


@settings(max_examples=examples(60, 150), derandomize=True, deadline=None, database=None)
@given(st.text(alphabet="$.[]*'\"ab01@?()=&|!<>:,-`~ \\", max_size=12))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        path = parse(f"${text}")
    except PathError as error:
        offset = error.offset
    else:
        offset = 0
        compiled(path.text)
    assert 0 <= offset <= len(text) + 1
