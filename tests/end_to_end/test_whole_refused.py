"""A vendor that takes only whole sets, and records that are refused: they are in the source, and not gone."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.destination import Destination
from tests.support.reports import counts
from tests.toy.whole_server import Whole

from proofport.delivery.report.report import Exit

pytestmark = pytest.mark.usefixtures("toys_installed")
LOGINS = [{"id": f"a-{number}", "email": f"{number}@example.com"} for number in range(3)]
ACCOUNT = "personnel_account"
#: Refused by the vendor mapping, and by the model: each login is held.
REFUSED = [{"id": "a-2", "username": "two"}, {"id": "a-2", "email": 7}]


@pytest.mark.parametrize("bad", REFUSED)
async def test_one_that_was_read_and_refused_blocks_the_set(
    whole: Whole, sold: Destination, bad: dict[str, Any]
) -> None:
    sold.options["guard"] = {"max_gone": 0.5, "max_rejected": 1}
    await sold.push(LOGINS, kind=ACCOUNT)
    report = await sold.push([*LOGINS[:2], bad], kind=ACCOUNT)
    books = report.destinations["wholes"]
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"rejected": 1, "withheld": 2})
    assert (books.gone.count, len(whole.puts)) == (0, 1)
    assert "1 record refused that the set before holds: a-2." in " ".join(books.notes)


@pytest.mark.parametrize("listed", [True, False], ids=["from the list", "from the journal"])
@pytest.mark.parametrize("bad", REFUSED)
async def test_the_last_body_of_one_that_is_refused_may_stand_in_its_place(
    whole: Whole, sold: Destination, bad: dict[str, Any], listed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not listed:
        monkeypatch.setattr("proofport.delivery.snapshot.replaced.lists_now", lambda _: False)
    sold.options["guard"] = {"max_gone": 0.5, "refused": "keep_last"}
    await sold.push(LOGINS, kind=ACCOUNT)
    renamed = {"id": "a-0", "email": "new@example.com"}
    report = await sold.push([renamed, bad], kind=ACCOUNT)
    books = report.destinations["wholes"].as_dict()
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"delivered": 1, "rejected": 1})
    assert (books.get("kept_last"), books.get("dropped")) == ({"count": 1, "ids": ["a-2"]}, None)
    assert books["gone"] == {"count": 1, "ids": ["a-1"]}, "it has left, and may"
    assert whole.live(ACCOUNT) == ["a-0", "a-2"]
    assert whole.sets[ACCOUNT]["a-2"]["body"]["email"] == "2@example.com"
    assert [*whole.told_gone[ACCOUNT]] == ["a-1"]
    last = await sold.push([renamed], kind=ACCOUNT)
    assert last.destinations["wholes"].gone.ids == ["a-2"], "the journal knows it still"


@pytest.mark.parametrize("bad", REFUSED)
async def test_one_that_is_refused_is_dropped_when_a_person_says_so(
    whole: Whole, sold: Destination, bad: dict[str, Any]
) -> None:
    await sold.push(LOGINS, kind=ACCOUNT)
    report = await sold.push([*LOGINS[:2], bad], kind=ACCOUNT, override_guard="she never used it")
    books = report.destinations["wholes"].as_dict()
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"delivered": 2, "rejected": 1})
    assert (books.get("dropped"), books["gone"]["count"]) == ({"count": 1, "ids": ["a-2"]}, 0)
    assert (whole.live(ACCOUNT), whole.told_gone[ACCOUNT]) == (["a-0", "a-1"], {})
    assert (await sold.push(LOGINS[:2], kind=ACCOUNT)).exit_code is Exit.OK


async def test_a_set_that_the_vendor_refuses_for_one_record_stays_as_it_was(whole: Whole, sold: Destination) -> None:
    """It says which set it refuses, and not which record: there is nothing to keep or to drop."""
    empty = {"id": "a-2", "email": ""}
    for terms, override in (({"max_rejected": 9}, None), ({"refused": "keep_last"}, None), ({}, "I mean it")):
        sold.options["guard"] = {"max_gone": 0.5, **terms}
        await sold.push(LOGINS, kind=ACCOUNT)
        report = await sold.push([*LOGINS[:2], empty], kind=ACCOUNT, override_guard=override)
        books = report.destinations["wholes"]
        assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"rejected": 3})
        assert (books.kept_last.count, books.dropped.count, books.gone.count) == (0, 0, 0)
        assert whole.live(ACCOUNT) == ["a-0", "a-1", "a-2"]


@pytest.mark.parametrize("override", [None, "there are no others"])
async def test_while_an_id_cannot_be_read_only_a_person_lets_anything_leave(
    whole: Whole, sold: Destination, override: str | None
) -> None:
    sold.options["guard"] = {"max_gone": 0.5, "max_rejected": 1}
    await sold.push(LOGINS, kind=ACCOUNT)
    new = await sold.push([*LOGINS, {"email": "x@example.com"}], kind=ACCOUNT)
    assert counts(new) == {"delivered": 3, "rejected": 1}, "all that is held was found: it is a new one"
    report = await sold.push([*LOGINS[:2], {"email": "x@example.com"}], kind=ACCOUNT, override_guard=override)
    books = report.destinations["wholes"]
    assert (report.exit_code, books.gone.count, whole.told_gone[ACCOUNT]) == (Exit.INCOMPLETE, 0, {})
    if override is None:
        assert "the id of a refused record could not be read (records#3)" in " ".join(books.notes)
        assert (counts(report), len(whole.live(ACCOUNT))) == ({"rejected": 1, "withheld": 2}, 3)
    else:
        assert (counts(report), books.dropped.ids) == ({"delivered": 2, "rejected": 1}, ["a-2"])
        assert whole.live(ACCOUNT) == ["a-0", "a-1"]
