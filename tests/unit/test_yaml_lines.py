import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofport.yaml_lines import MAX_DEPTH, YamlError, documents


def test_remembers_where_each_key_and_item_stood() -> None:
    document = documents("a: 1\nb:\n  - x\n  - {c: 2}\n")[0]
    assert document.data == {"a": 1, "b": ["x", {"c": 2}]}
    assert document.place(("b",)) == (2, 1)
    assert document.place(("b", 1, "c")) == (4, 6)


def test_what_is_not_there_stands_where_its_parent_does() -> None:
    document = documents("a: 1\nb:\n  c: 2\n")[0]
    assert document.place(("b", "missing", "deeper")) == (2, 1)


def test_several_documents_keep_the_lines_of_the_file() -> None:
    first, second = documents("a: 1\n---\nb: 2\n")
    assert (first.place(("a",)), second.place(("b",))) == ((1, 1), (3, 1))


def test_only_what_json_can_say() -> None:
    data = documents("date: 2026-01-31\ntime: 12:30\nno: ~\nbig: 123456789012345678901234567890\n")[0].data
    assert data == {"date": "2026-01-31", "time": "12:30", False: None, "big": 123456789012345678901234567890}


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: 1\na: 2", 2, 1, "twice"),
        ("a: [1", 1, 6, "expected"),
        ("a: &x [1]\nb: *x", 1, 4, "alias"),
        ("a: &x [*x]", 1, 4, "alias"),
        ("a: !!binary x", 1, 4, "tag"),
        ("a: !!int ten", 1, 4, "not a int"),
        ("b: 1\na: \x00", 2, 4, "character"),
        ("[a]: 1", 1, 1, "plain word"),
        ("[" * 5_000, 1, 1, f"{MAX_DEPTH} levels"),
        ("- " * (MAX_DEPTH + 10), 1, 2 * MAX_DEPTH + 3, f"{MAX_DEPTH} levels"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_place(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(YamlError) as caught:
        documents(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert words in caught.value.message


@settings(max_examples=200)
@given(st.text("ab:-[]{}&*!|>'\"#%@,?\n \t\x000\\", max_size=40))
def test_any_text_is_data_or_a_yaml_error(text: str) -> None:
    with contextlib.suppress(YamlError):
        for document in documents(text):
            assert document.place(("no", "such", "path")) == document.places[()]
