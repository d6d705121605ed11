"""The store of ids agrees with a dict, whatever comes: that is all it promises, on disk and flat in memory."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.soak import examples

from proofport.delivery.ids import ids as module
from proofport.delivery.ids.ids import SCANS_BEFORE_INDEX, IdSet, IdStore, duplicate
from proofport.delivery.ids.same import key_of, keys_of

AWKWARD = ["a", "b", '"a"', "a\n", ",", "a,b", "[", "\\", "\u2028", "0", "ä", "a\u0308", "\U0001d54f", "\x00"]
IDS = st.one_of(st.text(min_size=1, max_size=4), st.sampled_from(AWKWARD))
BLOCKS = st.lists(st.lists(IDS, max_size=12), max_size=12)


class Model:
    """What the store must do, in the plainest way."""

    def __init__(self) -> None:
        self.first: dict[str, int] = {}

    def add(self, ids: list[str], positions: list[int]) -> dict[int, int]:
        known = {}
        for index, (text, position) in enumerate(zip(ids, positions, strict=True)):
            if text in self.first:
                known[index] = self.first[text]
            else:
                self.first[text] = position
        return known


def agree(blocks: list[list[str]], asked: list[str]) -> None:
    """Feed both, ask both."""
    model, position = Model(), 1 << 40
    with closing(IdStore()) as store:
        for block in blocks:
            positions = list(range(position, position + len(block)))
            position += len(block)
            keys = list(keys_of(block))
            assert store.add(keys, positions) == model.add(keys, positions)
        assert store.missing(asked) == [text for text in asked if key_of(text) not in model.first]


@pytest.fixture(params=["roomy filter", "crowded filter", "full filter"])
def crowded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In a small filter most ids look known, so that the exact lookup decides nearly always."""
    ids = {"roomy filter": 10_000, "crowded filter": 30, "full filter": 1}[request.param]
    monkeypatch.setattr(module, "FILTERED", ids)
    monkeypatch.setattr(module, "FALSE_HITS", 0.1)
    return iter([None])


def test_it_agrees_with_a_dict(crowded: None) -> None:
    @settings(max_examples=examples(30, 2_000), deadline=None)
    @given(BLOCKS, st.lists(IDS, max_size=10))
    def check(blocks: list[list[str]], asked: list[str]) -> None:
        agree(blocks, asked)

    check()


@pytest.mark.parametrize("scans", [0, 1, SCANS_BEFORE_INDEX])
def test_it_agrees_before_and_after_it_builds_an_index(
    monkeypatch: pytest.MonkeyPatch, crowded: None, scans: int
) -> None:
    monkeypatch.setattr(module, "SCANS_BEFORE_INDEX", scans)
    chance = random.Random(7)
    blocks = [[f"id-{chance.randrange(600)}" for _ in range(64)] for _ in range(12)]
    agree(blocks, [f"id-{n}" for n in range(700)])


def test_an_id_twice_in_one_block_is_found_with_its_first_position() -> None:
    with closing(IdStore()) as store:
        assert store.add(["a", "b", "a", "a"], [10, 11, 12, 13]) == {2: 10, 3: 10}
        assert store.add(["b", "c"], [20, 21]) == {0: 11}


def test_an_id_that_only_contains_another_is_not_it() -> None:
    with closing(IdStore()) as store:
        store.add(["i-0abc", 'say "i-0abc"', "é"], [1, 2, 3])
        assert store.missing(["i-0ab", "i-0abc", "abc", 'say "i-0abc"', "e\u0301", "é"]) == ["i-0ab", "abc", "e\u0301"]


def test_an_id_that_looks_like_what_stands_between_ids_is_an_id_like_any_other() -> None:
    with closing(IdStore()) as store:
        store.add(["a", "b"], [1, 2])
        assert store.missing([",", "],["]) == [",", "],["]
        store.add([",", "c"], [3, 4])
        store.add(["d", "e"], [5, 6])
        assert store.add([","], [7]) == {0: 3}
        assert store.missing([",", "],["]) == ["],["]


def test_an_empty_block_and_an_empty_question_are_fine() -> None:
    with closing(IdStore()) as store:
        assert store.add([], []) == {}
        assert store.missing([]) == []
        assert store.missing(["a"]) == ["a"]


def test_it_leaves_no_file_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with closing(IdStore()) as store:
        store.add(["a"] * 200, list(range(200)))
        store.missing([f"id-{n}" for n in range(SCANS_BEFORE_INDEX + 1)])
    assert list(tmp_path.iterdir()) == []


def test_a_duplicate_names_both_places_and_says_which_was_kept() -> None:
    problem = duplicate("a.ndjson:3", "b.ndjson:9")
    assert (problem.field, problem.found) == ("id", "an id that a.ndjson:3 already has")
    assert problem.hint == "The record at a.ndjson:3 was kept and this one, at b.ndjson:9, was not sent."


@pytest.mark.parametrize("make", [lambda n: f"i-{n:017x}", lambda n: str(n), lambda n: f"user{n}@example.com"])
def test_new_ids_seldom_cost_a_lookup(make: Callable[[int], str]) -> None:
    with closing(IdStore()) as store:
        for block in range(0, 20_000, 64):
            assert store.add([make(n) for n in range(block, block + 64)], list(range(block, block + 64))) == {}
        assert store._lookups <= SCANS_BEFORE_INDEX, "a run without duplicates needs no index"


def test_a_set_of_few_and_one_of_many_hold_what_was_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW", 3)
    with closing(IdSet()) as held:
        texts = ["a", "b", "a", "c", "d", "d", "", "a\x00b", "🦆"]
        for number, text in enumerate(texts):
            assert (text in held) == (text in texts[:number])
            held.add(text)
        assert all(text in held for text in texts)
        assert "e" not in held


def test_what_was_refused_is_not_missing() -> None:
    with closing(IdStore()) as store:
        store.add(["good", "both"], [1, 2])
        for text in ("refused", "both"):
            store.refuse(text, "i:3")
        assert store.missing(["good", "refused", "both", "left"]) == ["left"]
        assert [store.only_refused(text) for text in ("good", "refused", "both", "left")] == [False, True, False, False]
        assert store.unreadable == 0


def test_records_without_a_readable_id_are_counted_and_the_first_are_named() -> None:
    with closing(IdStore()) as store:
        for number in range(12):
            store.refuse(None if number % 2 else "", f"i:{number}")
        assert (store.unreadable, store.unreadable_at) == (12, [f"i:{number}" for number in range(9)])
