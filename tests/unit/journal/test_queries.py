"""The .sql files of both journals."""

from __future__ import annotations

import re
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from proofport.journal.postgres.store import SQL as POSTGRES
from proofport.journal.sql.queries import load
from proofport.journal.sqlite.store import SQL as SQLITE

CODE = [path.read_text(encoding="utf-8") for path in Path(str(files("proofport.journal"))).rglob("*.py")]
QUERIES = "\n".join(path.read_text(encoding="utf-8") for path in Path(str(files("proofport.journal"))).rglob("*.sql"))


@pytest.mark.parametrize("name", sorted({*SQLITE, *POSTGRES}))
def test_every_query_is_used(name: str) -> None:
    """By its name, in another query, or as a condition or table that is put together."""
    built = re.fullmatch(r"(of|is|read|write|shift)_\w+", name)
    assert built or f"{{{name}}}" in QUERIES or any(f'"{name}"' in text for text in CODE)


def test_what_is_included_is_there_and_what_is_asked_with_stays() -> None:
    for queries in (SQLITE, POSTGRES):
        assert "{delivery_columns}" not in queries["find_after"]
        assert "{where}" in queries["find_after"]
        assert not any("--" in text or text.endswith(";") for text in queries.values())


def test_a_query_without_a_description_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "undescribed").mkdir()
    (tmp_path / "undescribed" / "__init__.py").touch()
    (tmp_path / "undescribed" / "topic.sql").write_text("-- name: one\nSELECT 1;\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="one has no description"):
        load("undescribed", ["topic"])
    sys.modules.pop("undescribed", None)
