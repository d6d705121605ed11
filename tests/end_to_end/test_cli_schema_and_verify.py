"""`schema` and `verify` as they are typed: eighty columns, JSON on request, and exit codes."""

from __future__ import annotations

import json
from typing import Any

from tests.support.cli import ACCOUNTS, CLOUD, SECUREFRAME, Cli
from tests.support.evidence import COMPLETE, cloud_resource, personnel_account

WHOLE = cloud_resource(1, **COMPLETE)


def typed(cli: Cli, *arguments: str) -> tuple[int, str]:
    """The exit code, and stdout and stderr as words. No line is wider than the screen."""
    typed = cli.type(*arguments)
    assert [line for line in typed.lines if len(line) > 80] == []
    return typed.code, typed.words


def as_json(cli: Cli, *arguments: str) -> Any:
    return json.loads(cli.type(*arguments, "--json")[1])


def test_a_schema_is_listed_shown_and_confirmed(cli: Cli) -> None:
    slug = "cloud_resources_of_a_company_with_a_very_long_name_v2"
    cli.configure(secureframe={"objects": {"cloud_resource": {"schema_slug": slug}}})
    assert typed(cli, "schema", "show", "secureframe", "cloud_resource") == (
        0,
        f"{slug} cloud_resource not known to be defined; not published from here, so the fields that its first "
        "record froze are not known",
    )
    code, words = typed(cli, "schema", "confirm", "secureframe", *CLOUD)
    assert (code, "nothing to confirm" in words) == (2, True)
    code, words = typed(cli, "push", cli.write("a.ndjson", WHOLE), *CLOUD, *SECUREFRAME)
    assert (code, "proofport schema confirm DEST --kind cloud_resource" in words) == (1, True)

    code, words = typed(cli, "schema", "show", "secureframe", slug)
    assert (code, "not known to be defined id: string cloud_resource_type: string" in words) == (0, True)
    (shown,) = as_json(cli, "schema", "list", "secureframe")
    assert shown["fields"]["region"] == "string"
    assert (shown["slug"], shown["kind"], shown["current"]) == (slug, "cloud_resource", True)
    assert (shown["primary_id"], shown["defined"], shown["configured_as_defined"]) == ("id", None, False)
    code, words = typed(cli, "doctor", "secureframe")
    assert (code, "proofport schema confirm DEST --kind cloud_resource" in words) == (1, True)

    code, words = typed(cli, "schema", "confirm", "secureframe", *CLOUD)
    assert (code, "Push all of cloud_resource again" in words) == (0, True)
    assert as_json(cli, "schema", "show", "secureframe", slug)[0]["defined"].endswith("Z")
    assert typed(cli, "doctor", "secureframe")[0] == 0
    code, words = typed(cli, "push", "a.ndjson", *CLOUD, *SECUREFRAME)
    assert (code, "accepted: queued, no result reported 1" in words) == (0, True)


def test_a_slug_that_was_left_is_listed_as_such(cli: Cli) -> None:
    file = cli.write("a.ndjson", WHOLE)
    cli.type("push", file, *CLOUD, *SECUREFRAME)
    cli.configure(secureframe={"objects": {"cloud_resource": {"schema_slug": "second"}}})
    code, words = typed(cli, "schema", "list", "secureframe")
    assert (code, "cloud_resource, published before; not configured now" in words) == (0, True)


def test_names_that_there_are_not(cli: Cli) -> None:
    code, words = typed(cli, "schema", "show", "secureframe", "nothing")
    assert (code, "has no schema nothing; it has cloud_resource" in words) == (2, True)
    code, words = typed(cli, "schema", "confirm", "drata", *CLOUD)
    assert (code, "no schema at this destination" in words) == (2, True)
    assert typed(cli, "schema", "list", "drata") == (0, "drata makes no schemas from the records it receives.")
    assert as_json(cli, "schema", "list", "drata") == []
    code, words = typed(cli, "verify", "nowhere", *CLOUD)
    assert (code, "nowhere" in words) == (2, True)


def test_what_is_seen_is_verified_in_its_run(cli: Cli) -> None:
    file = cli.write("a.ndjson", personnel_account(1), personnel_account(2))
    code, report = cli.report("push", file, *ACCOUNTS, *SECUREFRAME, "--require", "verified")
    books = report["destinations"]["secureframe"]
    assert (code, books["unknown"], books["reasons"]) == (1, 2, {"not_verified": 2})
    code, words = typed(cli, "verify", "secureframe", *ACCOUNTS, "--within", "30")
    seen = "2 seen as sent 0 seen differently 0 not seen yet 0 cannot be read back"
    assert (code, words.endswith(f"personnel_account at secureframe {seen}")) == (0, True)
    code, out, _ = cli.type("status", report["run_id"], "--json")
    assert '"verified":2' in out.replace(" ", "").replace("\n", "")


def test_what_differs_or_is_missing_is_named(cli: Cli) -> None:
    cli.type("push", cli.write("a.ndjson", *map(personnel_account, range(30))), *ACCOUNTS, *SECUREFRAME)
    state = cli.emulators.state("secureframe")
    (schema,) = [each for each in state["connections"][0]["schemas"] if each["slug"] == "personnel_account"]
    schema["resources"] = [{**schema["resources"][0], "active": False, "username": "x" * 90}]
    cli.emulators.control("secureframe", "POST", "seed", **state)
    code, words = typed(cli, "verify", "secureframe", *ACCOUNTS)
    assert code == 1
    assert "a0: active: sent True, shown False" in words
    assert "1 seen differently" in words
    assert "29 not seen yet" in words
    assert "and 9 more; --json lists up to 1,000" in words
    found = as_json(cli, "verify", "secureframe", *ACCOUNTS)
    assert (found["exit_code"], found["seen_as_sent"], found["cannot_be_read_back"]) == (1, 0, 0)
    assert found["seen_differently"]["records"] == [{"id": "a0", "fields": {"active": {"sent": True, "shown": False}}}]
    assert (found["not_seen_yet"]["count"], len(found["not_seen_yet"]["ids"])) == (29, 29)


def test_it_looks_again_for_as_long_as_it_may(cli: Cli) -> None:
    cli.emulators.fault("secureframe", processing_ms=1_500)
    cli.type("push", cli.write("a.ndjson", personnel_account(1)), *ACCOUNTS, *SECUREFRAME)
    code, words = typed(cli, "verify", "secureframe", *ACCOUNTS, "--within", "30")
    assert (code, "0 of 1 seen as sent; looks again in 1 s" in words) == (0, True)


def test_what_cannot_be_read_is_counted(cli: Cli) -> None:
    kind = ("--kind", "custom:software_package")
    cli.type("push", cli.write("a.ndjson", {"id": "p", "version": 1}), *kind, *SECUREFRAME)
    code, words = typed(cli, "verify", "secureframe", *kind)
    assert (code, "1 cannot be read back" in words) == (1, True), "nothing was read"
