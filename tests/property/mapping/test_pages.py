"""`records`, `incomplete_when` and `total` of random mappings on hostile documents, against jsonpath-ng's `find`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.soak import examples

from proofport.errors import MappingError
from proofport.mapping import SourceMapping, compile_source, load_file
from proofport.mapping.compile.functions import MISSING
from proofport.mapping.language.paths import parse
from proofport.sources.pages import Pages

from .hostile import Hostile, seeds
from .reference import find, many
from .test_rules import as_yaml

Keys = dict[str, Any]


def compiled(keys: Keys, folder: Path) -> SourceMapping | None:
    """None where a path is one that may not stand there."""
    path = folder / "m.yaml"
    fields = {"id": {"value": "x"}}
    path.write_text(as_yaml({"mapping": "t", "to": {"evidence": "custom:thing"}, "fields": fields, **keys}), "utf-8")
    try:
        return compile_source(load_file(path)[0])
    except MappingError:
        return None


def counted(value: Any) -> int | None:
    """The number of records that a value states."""
    if isinstance(value, str) and len(value) < 15 and value.isascii() and value.isdigit():
        return int(value)
    return value if type(value) is int and 0 <= value < 10**15 else None


def expected(keys: Keys, document: Any) -> tuple[int | None, bool, int | None, bool]:
    """Records, None without a place for them; if more follow; the total; and if there is one that is none."""
    values = [value for value in find(keys["total"], document) if value is not None]
    places = keys["records"]
    lists = any(not parse(place).singular for place in places)
    unstated = not document and "$" not in places
    empty = lists and isinstance(document, dict | list) and (unstated or bool(values))
    read = many(places[0], document)
    if read is MISSING:
        others = (many(place, document) for place in places[1:] if place != "$" or not empty)
        read = next((each for each in others if each is not MISSING), MISSING)
    records = len(read) if read is not MISSING else 0 if empty else None
    tokens = find(keys["incomplete_when"], document)
    more = any(not (token is None or token is False or token == "") for token in tokens)
    totals = {counted(value) for value in values}
    total = totals.pop() if len(totals) == 1 else None
    return records, more, total, bool(values) and total is None


def found(mapping: SourceMapping, document: Any) -> tuple[int | None, bool, int | None, bool]:
    read = list(mapping.records(document))
    page = mapping.page(document, "here", len(read))
    more, odd = page.more or "", "no number of records" in (page.more or "")
    foreign = [parents for _, parents in read] == [None]
    return None if foreign else len(read), "more follow" in more, page.total, odd


def check(case: Hostile, folder: Path) -> None:
    keys: Keys = {name: case.path() for name in ("records", "incomplete_when", "total")}
    others = [[], [], [case.path()], ["$"], [case.path(), "$"]]
    keys["records"] = [keys["records"], *case.choice(others)]
    mapping = compiled(keys, folder)
    for document in (case.choice([{}, [], case.record(), case.record()]) for _ in range(4 if mapping else 0)):
        assert mapping is not None
        left, right = found(mapping, document), expected(keys, document)
        seen = slice(3 if right[1] else 4)  # a token is named, rather than a total that is none
        assert left[seen] == right[seen], f"seed {case.number}: {keys} on {document!r}"


def test_a_document_says_what_its_paths_find(tmp_path: Path) -> None:
    for case in seeds(250, 10_000):
        check(case, tmp_path)


# ------------------------------------------------------------------ chains
PAGES = st.builds(
    lambda number, records, more, total: Pages(
        "s",
        f"p{number}",
        records,
        more=more,
        total=total,
        stated_by=f"p{number}",
        stated_in="$.n",
    ),
    st.integers(0, 99),
    st.integers(0, 4),
    st.sampled_from([None, None, "more follow"]),
    st.sampled_from([None, 3, 4]),
)


def joined(pages: list[Pages]) -> Pages:
    chain = pages[0]
    for page in pages[1:]:
        chain = chain.then(page)
    return chain


@settings(max_examples=examples(100, 300), derandomize=True, deadline=None, database=None)
@given(st.lists(PAGES, min_size=1, max_size=6), st.data())
def test_a_chain_is_whole_by_its_last_token_and_by_every_total(pages: list[Pages], data: st.DataObject) -> None:
    chain = joined(pages)
    totals = {page.total for page in pages} - {None}
    read = sum(page.records for page in pages)
    whole = pages[-1].more is None and len(totals) <= 1 and totals <= {read}
    assert (chain.flaw is None) == whole
    assert (chain.records, chain.number, chain.last) == (read, len(pages), pages[-1].last)
    cut = data.draw(st.integers(1, len(pages)))
    first, rest = pages[:cut], pages[cut:]
    in_parts = joined(first).then(joined(rest)) if rest else joined(first)
    assert (in_parts.flaw is None) == whole, "it is the same in several files"


@pytest.mark.parametrize(
    ("chain", "flaw"),
    [
        (
            Pages("s", "b.json", 3, 2, more="$.next says that more follow"),
            "b.json is the last page that was given, and $.next says that more follow; "
            "3 records were read from 2 pages",
        ),
        (
            Pages("s", "b.json", 3, 2, repeated=1, total=3, stated_by="b.json", stated_in="$.n"),
            "b.json states a total of 3 in $.n; 3 records (1 of them repeated) were read from 2 pages",
        ),
        (
            Pages("s", "a", 1, total=3, stated_by="a", stated_in="$.n").then(
                Pages("s", "b", 3, total=4, stated_by="b", stated_in="$.n")
            ),
            "b states a total of 4 in $.n, but a states a total of 3 in $.n: "
            "the list changed while it was fetched, or these are pages of two lists",
        ),
    ],
)
def test_a_flaw_says_which_page_what_it_states_and_how_much_was_read(chain: Pages, flaw: str) -> None:
    assert chain.flaw == flaw
