"""Errors name what was found, what was expected and what to do; the tree is the one its docstring draws."""

from __future__ import annotations

import inspect
import re

import proofport.errors as errors
from proofport.errors import (
    ConfigError,
    MappingError,
    Problem,
    ProofportError,
    Rejected,
    Retryable,
    UnsupportedFeature,
    UsageError,
)


def test_a_problem_reads_as_a_sentence() -> None:
    problem = Problem("null", "text", field="tags[0].key", hint="Leave it out.", vendor_message="can't be blank")
    assert str(problem) == "tags[0].key: found null, expected text (the vendor says: can't be blank). Leave it out."
    assert str(Problem("null", "text")) == "found null, expected text"
    assert Problem("null", "text").as_dict() == {
        "found": "null",
        "expected": "text",
        "field": None,
        "hint": None,
        "vendor_message": None,
    }


def test_an_error_shows_its_hint_below_what_happened() -> None:
    assert str(ProofportError("it broke", hint="mend it")) == "it broke\nmend it"
    assert str(ProofportError("it broke")) == "it broke"


def test_a_mapping_error_names_file_line_and_column() -> None:
    error = MappingError(Problem("tabel", "table", hint="Did you mean table?"), file="m.yaml", line=3, column=7)
    assert str(error) == "m.yaml:3:7: found tabel, expected table. Did you mean table?"
    assert (error.file, error.line, error.column) == ("m.yaml", 3, 7)


def test_a_rejection_carries_its_problem_and_a_pause_what_the_vendor_asked_for() -> None:
    problem = Problem("null", "text", field="id")
    assert Rejected(problem).problem is problem
    assert str(Rejected(problem)) == str(problem)
    assert (Retryable("later", after=3.0, lost=True).after, Retryable("later").after) == (3.0, None)
    assert (Retryable("later", lost=True).lost, Retryable("later").lost) == (True, False)


def test_what_a_person_must_change_is_one_family() -> None:
    usage: list[type[Exception]] = [ConfigError, MappingError, UnsupportedFeature]
    others: list[type[Exception]] = [Rejected, Retryable, errors.Blocked, errors.OutcomeUnknown, errors.GuardRefused]
    assert all(issubclass(kind, UsageError) for kind in usage)
    assert not any(issubclass(kind, UsageError) for kind in others)


def test_the_docstring_draws_every_error_there_is() -> None:
    drawn = set(re.findall(r"^[ │├└─]*([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE)) - {"Every"}
    defined = {
        name for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, ProofportError)
    }
    assert drawn == defined
    assert all(vars(errors)[name].__doc__ for name in defined)
