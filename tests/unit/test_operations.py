"""Parameters as they are typed, and how they are checked before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from proofport.adapter import Answer, Flow, Operation
from proofport.errors import UsageError
from proofport.operations import checked, from_text


class Parameters(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: int = Field(gt=0)
    name: str | None = None
    flag: bool = False
    choice: Literal["a", "b"] | None = None
    either: int | str | None = None
    numbers: list[int] = Field(default_factory=list)
    data: dict[str, Any] | list[dict[str, Any]] | None = None
    file: bytes | None = None
    short: str | None = Field(None, max_length=3)


def nothing(parameters: Parameters) -> Flow[Answer]:
    yield from ()
    return Answer(None)


OPERATION = Operation("do_it", "Do it", Parameters, nothing)


def typed(**given: str | list[str]) -> Any:
    texts = {name: [value] if isinstance(value, str) else value for name, value in given.items()}
    return checked(OPERATION, from_text(OPERATION, {"number": ["1"], **texts}))


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("number", "7", 7),
        ("name", "plain", "plain"),
        ("name", "7", "7"),
        ("name", "true", "true"),
        ("name", "{}", "{}"),
        ("name", "", ""),
        ("name", "null", None),
        ("name", "@@at", "@at"),
        ("name", "a=b", "a=b"),
        ("flag", "true", True),
        ("flag", "false", False),
        ("choice", "b", "b"),
        ("numbers", "3", [3]),
        ("numbers", ["3", "4"], [3, 4]),
        ("numbers", "[3, 4]", [3, 4]),
        ("data", '{"id": "a", "n": null}', {"id": "a", "n": None}),
        ("data", '[{"id": "a"}]', [{"id": "a"}]),
        ("file", "a,b", b"a,b"),
    ],
)
def test_a_value_is_what_its_parameter_takes(name: str, text: str | list[str], value: object) -> None:
    found = getattr(typed(**{name: text}), name)
    assert found == value
    assert type(found) is type(value)


def test_a_file_stands_for_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text('﻿{"id": "é"}', encoding="utf-8")
    assert typed(data=f"@{tmp_path / 'd.json'}").data == {"id": "é"}
    assert typed(name=f"@{tmp_path / 'd.json'}").name == '{"id": "é"}'


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "f").write_bytes(content)
    with pytest.raises(UsageError, match="cannot be read") as caught:
        typed(name=f"@{tmp_path / 'f'}")
    assert "@@" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"number": "0"}, "number: found 0"),
        ({"number": "x"}, "number: found 'x'"),
        ({"nummer": "1"}, "Did you mean 'number'"),
        ({"choice": "c"}, "one of a, b"),
        ({"data": "{"}, "data"),
        ({"short": "long"}, "short: found 'long'"),
        ({"name": ["a", "b"]}, "name is given 2 times"),
        ({"numbers": ["3", "x"]}, "numbers[1]"),
    ],
)
def test_what_does_not_fit_is_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        typed(**given)
    assert words in str(caught.value)
    assert caught.value.hint or "times" in words


def test_a_missing_parameter_says_which_there_are() -> None:
    with pytest.raises(UsageError, match="number: found nothing") as caught:
        checked(OPERATION, {})
    assert "number" in (caught.value.hint or "")
