"""Dead letters with equal problems, as `proofport dead-letter list` shows them."""

from __future__ import annotations

from proofport.accounting import Outcome, rejected
from proofport.cli.queue.dead_letter import _brief, _lines
from proofport.delivery.lane.payload import encode_outcomes, pack
from proofport.delivery.report.problem_groups import MOST, ProblemGroups, grouped
from proofport.errors import Problem
from proofport.journal.contract import Delivery, Failure


def zone(number: int) -> Outcome:
    return rejected(Problem(f"'{number}' without a time zone", "a time zone", "created_at", hint="End it with Z."))


def letter(number: int, *outcomes: Outcome) -> Delivery:
    records = [{"id": f"i-{number}-{place}"} for place in range(len(outcomes))]
    failure = Failure("rejected", encode_outcomes(outcomes))
    return Delivery(
        number, "lane", "drata", "device", "upsert", pack(records), len(records), "dead", 1, 0.0, failure=failure
    )


def test_equal_problems_of_several_letters_are_counted_with_three_examples() -> None:
    letters = [letter(number, zone(number), zone(number)) for number in range(1, 6)]
    text = " ".join("\n".join(_lines(letters)).split())
    assert "10 x created_at: expected a time zone" in text
    assert "for example i-1-0 in letter 1, i-1-1 in letter 1, i-2-0 in letter 2" in text
    assert "without a time zone" not in text, "what was found is a part of the record"
    assert "End it with Z." in text
    [group] = _brief(letters[0])["problem_groups"]
    assert (group["count"], group["examples"][0]) == (2, {"position": "letter 1", "id": "i-1-0"})


def test_a_letter_that_failed_as_a_whole_is_in_no_group() -> None:
    whole = Delivery(
        7,
        "lane",
        "drata",
        "device",
        "upsert",
        pack([{"id": "a"}]),
        1,
        "dead",
        1,
        0.0,
        failure=Failure("broke_down", "x"),
    )
    assert _brief(whole)["problem_groups"] == []


def test_items_of_an_array_are_one_field_and_the_largest_group_comes_first() -> None:
    rows = [("i:1", "a", rejected(Problem("1", "text", f"tags[{n}].key"))) for n in range(4)]
    one, many = grouped([("i:9", "z", rejected(Problem("1", "text", "name"))), *rows, *rows]).as_list()[::-1]
    assert (many["field"], many["count"], one["field"], one["count"]) == ("tags[].key", 8, "name", 1)


def test_there_is_an_end_to_the_groups() -> None:
    groups = ProblemGroups()
    for number in range(MOST + 5):
        groups.add("i", None, rejected(Problem("x", f"the number {number}")))
    assert len(groups.as_list()) == MOST
