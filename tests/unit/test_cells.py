"""A table that no source mapping reads: its cells become what the fields of the kind take."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from tests.support.workbooks import workbook

from proofport.errors import Problem
from proofport.gateway.inputs import AlreadyEvidence, Input, open_input
from proofport.sources import Malformed


def read(text: str, kind: str, source: str | None = None) -> list[Any]:
    with open_input(Input(BytesIO(text.encode()), source=source, format="csv"), kind) as reader:
        return [document for _, document in reader]


def test_words_for_booleans_in_any_case_and_blanks_around() -> None:
    rows = "id,email,is_contractor\ne-1 , a@example.com,TRUE\ne-2,b@example.com,no \ne-3,c@example.com, \ne-4,,Yes\n"
    assert read(rows, "person") == [
        {"id": "e-1", "email": "a@example.com", "is_contractor": True},
        {"id": "e-2", "email": "b@example.com", "is_contractor": False},
        {"id": "e-3", "email": "c@example.com"},
        {"id": "e-4", "is_contractor": True},
    ]


def test_numbers_only_where_the_kind_takes_them() -> None:
    rows = "id,email,course,score,title\n1,a@example.com,gdpr,92.5,007\n2,a@example.com,gdpr,92%,yes\n"
    assert [(row["score"], row["title"]) for row in read(rows, "training_record")] == [(92.5, "007"), ("92%", "yes")]


def test_other_words_are_left_to_the_kind_which_refuses_them() -> None:
    [row] = read("id,email,is_contractor\n1,a@example.com,WAHR\n", "person")
    assert row["is_contractor"] == "WAHR"


def test_the_record_is_evidence_of_its_kind() -> None:
    [row] = read("id,email,is_contractor\n1,a@example.com,false\n", "person")
    assert AlreadyEvidence("person", "upsert")(row, ())["is_contractor"] is False


def test_a_kind_without_fields_of_its_own_keeps_text() -> None:
    assert read("id,on\n1, true\n", "custom:thing") == [{"id": "1", "on": "true"}]


def test_what_is_left_of_a_malformed_row_is_read_likewise() -> None:
    with open_input(Input(BytesIO(b"id,email\n 1,Zo\xeb\n"), format="csv"), "person") as reader:
        [(line, malformed)] = reader
    assert isinstance(malformed, Malformed)
    assert isinstance(malformed.problem, Problem)
    assert (line, malformed.part) == (2, {"id": "1", "email": "Zo\udceb"})


def test_a_source_mapping_gets_the_cells_as_they_are() -> None:
    assert read("id,on\n1, true\n", "custom:thing", source="csv.things") == [{"id": "1", "on": " true"}]


def test_a_workbook_is_evidence_too(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["id", "email", "is_contractor", "started_at"],
        [7, " a@example.com", True, "2026-01-31T00:00:00Z"],
    ]
    path = workbook(tmp_path / "people.xlsx", {"Staff": rows})
    with open_input(Input(path), "person") as reader:
        assert [document for _, document in reader] == [
            {"id": "7", "email": "a@example.com", "is_contractor": True, "started_at": "2026-01-31T00:00:00Z"}
        ]
