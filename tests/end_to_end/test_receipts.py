"""Receipts: each run has one, an auditor verifies them without proofport, and nothing in them can be changed unseen."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from tests.support.cli import ACCOUNTS, BOTH, DRATA, SNAPSHOT, Cli
from tests.support.evidence import personnel_account
from tests.support.receipts import OVERRIDE, exported, fingerprint, judged, statements

from proofport import Gateway
from proofport.accounting import Status
from proofport.audit import verify_receipts
from proofport.audit.verify_receipts import run
from proofport.gateway.upkeep.retention import pruned
from proofport.journal.contract import Holding

FLIPS = 1_000 if "PROOFPORT_SOAK" in os.environ else 40


def test_a_run_has_a_receipt_whose_numbers_are_the_reports(signing: Cli) -> None:
    signing.write("a.ndjson", *(personnel_account(n) for n in range(3)), {"id": "u-bad", "mfa_enabled": "x"})
    code, report = signing.report("push", "a.ndjson", *ACCOUNTS, *BOTH)
    assert code == 1
    for said in statements(signing):
        predicate = said["predicate"]
        books = report["destinations"][predicate["destination"]]
        assert predicate["counts"] == {status.value: books[status.value] for status in Status}
        assert predicate["assurance"] == books["assurance"]
        assert books["receipt"] == f"{predicate['number']['branch']}-{predicate['number']['sequence']}"
        subjects = {each["name"]: each["digest"]["sha256"] for each in said["subject"]}
        assert subjects["input:a.ndjson"] == sha256((signing.folder / "a.ndjson").read_bytes()).hexdigest()
        assert f"mapping:{predicate['vendor']}/personnel_account" in subjects
        assert predicate["exchanges"] == books["requests"]
        assert "u-bad" not in json.dumps(said)


def test_plain_ids_stand_in_the_receipt_where_they_are_wanted(signing: Cli) -> None:
    signing.configure(receipts={"key": "file:receipts.key", "ids": "plain"})
    signing.write("a.ndjson", {"id": "u-bad", "mfa_enabled": "x"})
    signing.type("push", "a.ndjson", *ACCOUNTS, *DRATA)
    [said] = statements(signing)
    assert said["predicate"]["refused"]["first"] == [{"id": "u-bad", "outcome": "rejected", "reason": None}]


def test_a_run_without_its_receipt_does_not_blame_the_source(pushed: Cli) -> None:
    assert pushed.type("receipt", "key", "create", "other.key").code == 0
    pushed.configure(receipts={"key": "file:other.key"})
    pushed.write("whole.ndjson", *(personnel_account(n) for n in range(2)))
    typed = pushed.type("push", "whole.ndjson", *ACCOUNTS, *DRATA)
    assert "read to its end" not in typed.words, typed.words
    assert "Every record that was read is delivered, but something is missing: see above." in typed.words
    found = {each["subject"]: each for each in pushed.type("doctor", "--json").json["(this installation)"]}
    assert not found["receipts"]["ok"]
    assert "and the log is signed by" in found["receipts"]["detail"]


def test_the_guard_and_who_overrode_it_are_told(pushed: Cli) -> None:
    guards = [each["predicate"]["guard"] for each in statements(pushed) if each["predicate"]["destination"] == "drata"]
    assert [guard["decision"] for guard in guards] == ["agreed", "refused", "overridden"]
    assert [guard["reason"] for guard in guards] == [None, None, "the EU office was closed"]
    assert guards[2]["by"]


def test_dry_runs_and_plans_have_none(signing: Cli) -> None:
    signing.write("a.ndjson", personnel_account(1))
    signing.type("push", "a.ndjson", *ACCOUNTS, *DRATA, "--dry-run")
    signing.type("plan", "a.ndjson", *ACCOUNTS, *DRATA)
    assert statements(signing) == []


def test_without_a_key_there_are_no_receipts_and_nothing_fails(cli: Cli) -> None:
    cli.write("a.ndjson", personnel_account(1))
    code, report = cli.report("push", "a.ndjson", *ACCOUNTS, *DRATA)
    assert code == 0
    assert "receipt" not in report["destinations"]["drata"]
    assert "There are no receipts" in cli.type("receipt", "list").out


def test_an_auditor_verifies_an_export(pushed: Cli) -> None:
    folder, key = exported(pushed), fingerprint(pushed)
    assert judged(folder, "--key", key)[0] == 0
    code, words = judged(folder)
    assert code == 2
    assert "a key that came with the folder" in words
    code, words = judged(folder, "--key", "0" * 64)
    assert code == 1
    assert "keys: its first key" in words
    assert judged(folder, "--key", key, "--checkpoint", "nowhere")[0] == 2
    assert run(folder / "manifest.json", key, None) == 2, "a zip that is not unpacked is not disproven"


def test_a_part_is_verified_too(pushed: Cli) -> None:
    run = pushed.type("receipt", "list", "--json").json["receipts"][-1]["run_id"]
    folder = exported(pushed, "part", "--run", run)
    code, words = judged(folder, "--key", fingerprint(pushed))
    assert code == 0
    assert "1 of 4 receipts" in words


def test_every_flipped_bit_is_found(pushed: Cli) -> None:
    """And the file is named."""
    folder, key, random = exported(pushed), fingerprint(pushed), Random(7)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "verify_receipts.py")
    for _ in range(FLIPS):
        path = random.choice(files)
        content = path.read_bytes()
        at = random.randrange(len(content) * 8)
        changed = bytearray(content)
        changed[at // 8] ^= 1 << at % 8
        path.write_bytes(changed)
        with pytest.MonkeyPatch.context() as patch:
            said: list[str] = []
            patch.setattr("builtins.print", lambda *words, said=said: said.append(" ".join(words)))
            assert verify_receipts.run(folder, key, None) == 1, path
        assert path.name in said[0], said
        path.write_bytes(content)
    assert judged(folder, "--key", key)[0] == 0


def rewritten(folder: Path, **files: bytes) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)


def test_a_receipt_that_is_missing_or_swapped_is_found(pushed: Cli, tmp_path: Path) -> None:
    folder, key = exported(pushed), fingerprint(pushed)
    names = sorted((folder / "receipts").glob("*.json"))
    for number, damage in enumerate(("middle", "end", "swap")):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(folder, copy)
        first, last = copy / "receipts" / names[1].name, copy / "receipts" / names[-1].name
        if damage == "swap":
            one, other = first.read_bytes(), last.read_bytes()
            first.write_bytes(other)
            last.write_bytes(one)
        else:
            (first if damage == "middle" else last).unlink()
        code, words = judged(copy, "--key", key)
        assert code == 1
        assert names[1].name in words or names[-1].name in words


def test_a_cut_tail_shows_against_a_checkpoint_that_was_kept(pushed: Cli) -> None:
    """Somebody who has the key and the journal drops the last receipt, and exports again."""
    early = pushed.type("receipt", "checkpoint").out
    (pushed.folder / "early").write_text(early)
    before = exported(pushed, "before")
    assert judged(before, "--key", fingerprint(pushed), "--checkpoint", str(pushed.folder / "early"))[0] == 0
    journal = next(pushed.folder.rglob("journal.sqlite3"))
    import sqlite3

    with sqlite3.connect(journal) as db:
        last = db.execute("SELECT max(place) FROM receipts").fetchone()[0]
        db.execute("DELETE FROM receipt_files WHERE receipt = ?", (last,))
        db.execute("DELETE FROM receipts WHERE place = ?", (last,))
    db.close()
    after = exported(pushed, "after")
    assert judged(after, "--key", fingerprint(pushed))[0] == 0
    code, words = judged(after, "--key", fingerprint(pushed), "--checkpoint", str(pushed.folder / "early"))
    assert code == 1
    assert "cut off" in words


def test_a_count_that_was_changed_and_signed_with_another_key_is_found(pushed: Cli) -> None:
    from proofport.audit.envelope import canonical, signed
    from proofport.audit.keys import SigningKey

    folder, key = exported(pushed), fingerprint(pushed)
    name = min((folder / "receipts").glob("*.json"))
    said = json.loads(b64decode(json.loads(name.read_bytes())["payload"]))
    said["predicate"]["counts"]["delivered"] += 1
    name.write_bytes(signed(canonical(said), SigningKey.new()))
    code, words = judged(folder, "--key", key)
    assert code == 1
    assert name.name in words


def test_a_new_key_is_signed_by_the_old_one(pushed: Cli) -> None:
    first = fingerprint(pushed)
    assert pushed.type("receipt", "key", "rotate", "second.key").code == 0
    assert pushed.type("push", "eu.ndjson", *ACCOUNTS, *DRATA).code == 1  # the old key is still configured
    pushed.configure(receipts={"key": "file:second.key"})
    assert pushed.type("push", "eu.ndjson", *ACCOUNTS, *DRATA).code == 0
    folder = exported(pushed)
    code, words = judged(folder, "--key", first)
    assert (code, "follows" in words) == (0, True), words


def test_a_key_that_others_may_read_is_refused(signing: Cli) -> None:
    (signing.folder / "receipts.key").chmod(0o644)
    signing.write("a.ndjson", personnel_account(1))
    typed = signing.type("push", "a.ndjson", *ACCOUNTS, *DRATA)
    assert typed.code == 2
    assert "chmod 600" in typed.words


def test_a_restored_journal_begins_a_branch(pushed: Cli) -> None:
    """Its numbers are none that were given before."""
    assert pushed.type("journal", "backup", "backup.sqlite3").code == 0
    assert pushed.type("push", "eu.ndjson", *ACCOUNTS, *DRATA).code == 0
    lost = [row["number"] for row in pushed.type("receipt", "list", "--json").json["receipts"]]
    assert pushed.type("journal", "restore", "backup.sqlite3").code == 0
    assert pushed.type("push", "eu.ndjson", *ACCOUNTS, *DRATA).code == 0
    kept = [row["number"] for row in pushed.type("receipt", "list", "--json").json["receipts"]]
    assert kept[:-1] == lost[:-1]
    assert kept[-1] not in lost
    assert kept[-1].endswith("-1")
    assert judged(exported(pushed), "--key", fingerprint(pushed))[0] == 0


def test_a_receipt_verifies_when_its_list_of_plain_ids_was_pruned(pushed: Cli) -> None:
    async def prune() -> list[Holding]:
        async with Gateway.from_file(pushed.folder / "proofport.yaml") as gateway:
            return await pruned(await gateway.journal(), older_than=-60.0)

    number = pushed.type("receipt", "list", "--json").json["receipts"][0]["number"]
    assert pushed.type("receipt", "show", number).err == ""
    assert {each.what: each.rows for each in asyncio.run(prune())}["lists of plain ids"] == 4
    assert "not kept any more" in " ".join(pushed.type("receipt", "show", number).err.split())
    assert judged(exported(pushed), "--key", fingerprint(pushed))[0] == 0


def test_the_statement_of_a_run_has_the_numbers_of_its_report(pushed: Cli) -> None:
    receipts = pushed.type("receipt", "list", "--json").json["receipts"]
    run = receipts[-1]["run_id"]
    words = pushed.type("receipt", "statement", run).words
    assert "eu.ndjson 1 record, source eu" in words
    assert "us.ndjson 11 records, source us" in words
    assert "12 read = 11 + 1: reconciles" in words
    assert "1 record, mfa_enabled: expected a valid boolean" in words
    assert "A person has overridden it" in words
    assert "11 delivered to Drata" in words
    assert "Rules drata/personnel_account" in words
    assert "the EU office was closed" in words
    [told] = pushed.type("receipt", "statement", run, "--json").json
    report = pushed.type("status", run, "--json").json
    assert told["counts"]["delivered"] == 11
    assert str(told["gone"]["count"]) in json.dumps(report)
    assert pushed.type("receipt", "statement", run, "--html", "page.html").code == 0
    page = pushed.read("page.html")
    assert "<script" not in page
    assert "http-equiv" not in page
    assert "12 read = 11 + 1: reconciles" in page


def test_a_file_of_rules_that_a_mapping_includes_is_no_table(signing: Cli) -> None:
    signing.write("users.json", {"Resources": [{"id": "u1", "userName": "jo@example.com", "active": True}]})
    assert signing.type("push", "scim.users=users.json", *DRATA).code == 0
    [said] = statements(signing)
    words = signing.type("receipt", "statement", said["predicate"]["run"]).words
    assert "Included file sources/scim.users:rules/scim_user.yaml, by which fields were made" in words
    assert "Table" not in words


def test_every_number_of_the_page_is_the_reports(pushed: Cli) -> None:
    pushed.write("us.ndjson", personnel_account(20), {"id": "u-bad", "mfa_enabled": "x"})
    inputs = ("eu:evidence=eu.ndjson", "us:evidence=us.ndjson")
    code, report = pushed.report("push", *inputs, *ACCOUNTS, *SNAPSHOT, *DRATA, *OVERRIDE)
    assert code == 1
    books = report["destinations"]["drata"]
    [told] = pushed.type("receipt", "statement", report["run_id"], "--json").json
    assert told["counts"] == {status.value: books[status.value] for status in Status}
    assert (told["assurance"], told["reasons"]) == (books["assurance"], books["reasons"])
    assert told["gone"] == {"count": books["gone"]["count"], "became": books["gone_became"]}
    assert [each["read"] for each in told["inputs"]["list"]] == [each["read"] for each in report["sources"]]
    pushed.type("receipt", "statement", report["run_id"], "--html", "page.html")
    page = pushed.read("page.html")
    rows = dict(re.findall(r"<th scope=row>([^<]+)</th><td>([^<]*)</td>", page))
    read = sum(each["read"] for each in report["sources"])
    assert rows["Read"] == str(read)
    assert rows["Delivered"] == f"{books['delivered']} delivered to Drata"
    assert rows["Rejected"].startswith(f"{books['rejected']} refused")
    assert rows["Reconciliation"] == f"{read} read = {books['delivered']} + {books['rejected']}: reconciles"
    assert rows["Gone"].startswith(f"{books['gone']['count']}, {books['gone_became']}")
    assert rows["Requests"].startswith(f"{books['requests']};")
    assert rows["Reason given"] == OVERRIDE[1]


def test_what_rules_leave_out_is_told(signing: Cli) -> None:
    drata = signing.destinations["drata"]
    leavers = {"when": {"path": "$.username", "is": "gone"}, "reason": "not an employee"}
    objects = {**drata["objects"], "personnel_account": {**drata["objects"]["personnel_account"], "skip": [leavers]}}
    signing.configure(receipts={"key": "file:receipts.key"}, drata={"objects": objects})
    signing.write("a.ndjson", *(personnel_account(n, username=name) for n, name in enumerate(("a", "b", "gone"))))
    assert signing.type("push", "a.ndjson", *ACCOUNTS, *DRATA).code == 0
    [said] = statements(signing)
    assert said["predicate"]["population"] == {"read": 3, "left_out": 1, "here": {"not an employee": 1}, "input": 2}
    words = signing.type("receipt", "statement", said["predicate"]["run"]).words
    assert "1 not an employee" in words
    assert "3 read = 1 left out + 2: reconciles" in words
