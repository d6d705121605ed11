"""The last delivered set, per lane and kind: written as a run goes on, compared at its end, kept between runs."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from proofport.errors import ConfigError
from proofport.journal.delivered import DeliveredSets

HERE = ("lane", "cloud_resource")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deeper" / "journal.sqlite3"


def write(path: Path, run: str, ids: list[str], *, lane: str = "lane", kind: str = "cloud_resource") -> list[str]:
    """One run that becomes the last one. Returns what was gone."""
    with closing(DeliveredSets(path)) as sets:
        sets.add(lane, kind, run, ids)
        gone = list(sets.gone(lane, kind, run))
        sets.settle(lane, kind, run)
        return gone


def size(path: Path, lane: str = "lane", kind: str = "cloud_resource") -> int:
    with closing(DeliveredSets(path)) as sets:
        return sets.size(lane, kind)


def test_a_set_is_remembered_between_runs(path: Path) -> None:
    assert size(path) == 0
    assert write(path, "1", ["a", "b", "c"]) == []
    assert size(path) == 3


def test_what_the_next_run_lacks_is_gone_once(path: Path) -> None:
    write(path, "1", ["c", "a", "b"])
    assert write(path, "2", ["b"]) == ["a", "c"]
    assert size(path) == 1
    assert write(path, "3", ["b"]) == []


def test_what_comes_back_is_there_again(path: Path) -> None:
    write(path, "1", ["a", "b"])
    write(path, "2", ["a"])
    assert write(path, "3", ["a", "b"]) == []
    assert size(path) == 2
    assert write(path, "4", ["a"]) == ["b"]


def test_a_run_that_is_not_settled_changes_nothing_for_the_ids_it_lacks(path: Path) -> None:
    write(path, "1", ["a", "b"])
    with closing(DeliveredSets(path)) as sets:
        sets.add(*HERE, "2", ["a"])
        assert list(sets.gone(*HERE, "2")) == ["b"]
    assert write(path, "3", ["a"]) == ["b"]


def test_an_id_may_be_added_twice_and_in_any_number_of_blocks(path: Path) -> None:
    with closing(DeliveredSets(path)) as sets:
        sets.add(*HERE, "1", ["a", "a"])
        sets.add(*HERE, "1", [])
        sets.add(*HERE, "1", ["a", "b"])
        assert sets.size(*HERE) == 2


def test_lanes_and_kinds_are_kept_apart(path: Path) -> None:
    write(path, "1", ["a", "b"])
    write(path, "1", ["x"], lane="other lane")
    write(path, "1", ["y"], kind="training_record")
    assert write(path, "2", ["a"]) == ["b"]
    assert (size(path), size(path, lane="other lane"), size(path, kind="training_record")) == (1, 1, 1)


def test_a_journal_that_cannot_be_written_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ConfigError, match=r"journal\.sqlite3 cannot be used") as caught:
        DeliveredSets(tmp_path / "file" / "journal.sqlite3")
    assert "journal:" in (caught.value.hint or "")


def test_a_file_that_is_no_journal_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("the only copy of my notes, which is longer than a header of a database would be")
    before = file.read_bytes()
    with pytest.raises(ConfigError, match="cannot be used"):
        DeliveredSets(file)
    assert file.read_bytes() == before
