"""The request that carried a record is found where it is not simply the batch of its run."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from tests.end_to_end.test_explain import explained, run_of
from tests.support.cli import ACCOUNTS, DRATA, SECUREFRAME, SNAPSHOT, Cli
from tests.support.evidence import personnel_account
from tests.support.vanta import accounts, computer

VANTA = ("--to", "vanta")
OVERRIDE = ("--override-guard", "half of them have left")


def carried(cli: Cli, record: str, code: int = 0) -> dict[str, Any]:
    [each] = explained(cli, run_of(cli), record, code=code)
    return each


def test_a_record_of_the_second_part_of_a_set_names_the_second_request(signing: Cli) -> None:
    computers = [computer(0, "macos"), computer(1, "windows")]
    signing.write("a.ndjson", *computers)
    assert signing.type("push", "a.ndjson", "--kind", "device", *VANTA, *SNAPSHOT).code == 0
    requests = [carried(signing, each["id"])["request"] for each in computers]
    assert None not in requests
    assert requests[0] != requests[1]


def test_accounts_that_have_left_are_in_the_request_of_the_others(signing: Cli) -> None:
    people = accounts(2)
    for given in (people, people[1:]):
        signing.write("a.ndjson", *given)
        assert signing.type("push", "a.ndjson", *ACCOUNTS, *VANTA, *SNAPSHOT, *OVERRIDE).code == 0
    assert carried(signing, people[1]["id"])["request"]


def test_what_was_unchanged_was_not_in_the_request(signing: Cli) -> None:
    people = [personnel_account(n) for n in range(3)]
    signing.write("a.ndjson", *people)
    assert signing.type("push", "a.ndjson", *ACCOUNTS, *DRATA).code == 0
    signing.write("a.ndjson", people[0], {**people[1], "first_name": "New"}, people[2])
    assert signing.type("push", "a.ndjson", *ACCOUNTS, *DRATA, "--skip-unchanged").code == 0
    found = [carried(signing, each["id"]) for each in people]
    assert [each["outcome"] for each in found] == ["unchanged", "delivered, confirmed", "unchanged"]
    assert [bool(each["request"]) for each in found] == [False, True, False]


def test_a_second_record_with_an_id_was_refused_and_the_first_sent(signing: Cli) -> None:
    signing.write("a.ndjson", *(personnel_account(n) for n in (0, 1, 0)))
    assert signing.type("push", "a.ndjson", *ACCOUNTS, *DRATA).code == 1
    assert carried(signing, personnel_account(1)["id"])["request"]


def test_patches_and_removals_name_their_requests(signing: Cli) -> None:
    people = [personnel_account(n) for n in range(3)]
    signing.write("a.ndjson", *people)
    assert signing.type("push", "a.ndjson", *ACCOUNTS, *DRATA, *SECUREFRAME).code == 0
    signing.write("b.ndjson", *({"id": each["id"], "first_name": "New"} for each in people))
    assert signing.type("push", "b.ndjson", *ACCOUNTS, *SECUREFRAME, "--mode", "patch").code == 0
    assert all(carried(signing, each["id"])["request"] for each in people)
    signing.write("c.ndjson", *({"id": each["id"]} for each in people))
    assert signing.type("push", "c.ndjson", *ACCOUNTS, *DRATA, "--mode", "remove").code == 0
    found = [carried(signing, each["id"]) for each in people]
    assert {each["request"] for each in found} == {sha256(b"").hexdigest()}, "the record stands in the path"


def test_a_refused_record_says_why(signing: Cli) -> None:
    signing.write("a.ndjson", personnel_account(1), {"id": "u-bad", "mfa_enabled": "x"})
    assert signing.type("push", "a.ndjson", *ACCOUNTS, *DRATA).code == 1
    bad = carried(signing, "u-bad")
    assert (bad["place"], bad["request"]) == ("a.ndjson:2", None)
    assert bad["outcome"].startswith("rejected: mfa_enabled: found 'x'")
