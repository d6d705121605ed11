"""What a person reads at the end of a run, at 80 columns."""

from __future__ import annotations

import io
import os
from contextlib import redirect_stdout
from unittest.mock import patch

from proofport.accounting import ACCEPTED, CONFIRMED, UNCHANGED, Outcome, rejected, unknown, withheld
from proofport.cli.push.report import SHOWN, print_report, verdict
from proofport.delivery.report.report import DestinationReport, Exit, Group, RecordProblem, RunReport, SourceReport
from proofport.errors import Problem

PROBLEM = Problem("'aws_ec2_instance'", "one of the vendor's types", field="type", hint="Did you mean ec2_instance?")


def printed(report: RunReport, width: int = 80, problems_file: str | None = None) -> str:
    with patch.dict(os.environ, COLUMNS=str(width)), redirect_stdout(io.StringIO()) as out:
        print_report(report, problems_file=problems_file)
    text = out.getvalue()
    assert all(len(line) <= width for line in text.splitlines())
    return text


def destination(name: str, *outcomes: Outcome, **more: object) -> DestinationReport:
    report = DestinationReport(name, input=len(outcomes))
    report.tally.add(list(outcomes))
    for key, value in more.items():
        setattr(report, key, value)
    return report


def run(*destinations: DestinationReport, incomplete: str | None = None, dry_run: bool = False) -> RunReport:
    source = SourceReport("i.ndjson", 3, incomplete)
    return RunReport("r1", "device", "upsert", [source], {d.name: d for d in destinations}, dry_run)


def row(text: str, beginning: str) -> list[str]:
    [line] = [line for line in text.splitlines() if line.startswith(beginning) and line[-1].isdigit()]
    return line.removeprefix(beginning).split()[-3:]


def test_accepted_is_not_counted_as_confirmed() -> None:
    text = printed(run(destination("one", CONFIRMED, CONFIRMED), destination("two", ACCEPTED, ACCEPTED)))
    assert row(text, "delivered, confirmed")[-2:] == ["2", "0"]
    assert row(text, "accepted: queued")[-2:] == ["0", "2"]
    assert "one confirmed 2. two queued 2 and reports no result." in text


def test_the_last_line_says_what_happened_in_the_vendors_terms() -> None:
    good, same = destination("one", CONFIRMED, UNCHANGED), destination("two", UNCHANGED)
    assert verdict(run(good, same)) == "one confirmed 1, had 1 unchanged. two had 1 unchanged."
    blocked = run(good, destination("two", withheld("blocked"), exit=Exit.BLOCKED))
    assert verdict(blocked) == "two needs you: do what is said above. Then push again with --resume r1."
    refused = run(good, destination("two", withheld("guard"), exit=Exit.GUARD))
    assert verdict(refused).startswith("Not completed: the guard refused what would disappear (see two).")
    refused = run(good, destination("two", withheld("guard"), exit=Exit.GUARD), dry_run=True)
    assert verdict(refused).startswith("A push would not be completed: the guard would refuse what would disappear")


def test_what_is_left_out_on_purpose_is_not_counted_as_withheld_too() -> None:
    meant, waits = withheld("required_value_unknown"), withheld("not_sent")
    excluded = Group()
    excluded.add("a")
    report = run(destination("one", CONFIRMED, meant, waits, excluded=excluded, exit=Exit.INCOMPLETE))
    text = printed(report)
    assert row(text, "withheld: good")[-1] == "1"
    assert row(text, "left out on purpose")[-1] == "1"
    assert " ".join(text.split()).endswith("one confirmed 1; 1 withheld, 1 left out on purpose.")
    only = run(destination("one", CONFIRMED, meant, excluded=excluded))
    assert "withheld" not in printed(only)
    dry = run(destination("one", withheld("dry_run"), meant, excluded=excluded), dry_run=True)
    assert verdict(dry) == "Nothing was sent. one would get 1; 1 left out on purpose."
    assert "withheld" not in printed(dry)


def test_a_dry_run_says_what_would_happen() -> None:
    report = run(destination("one", withheld("dry_run"), rejected(PROBLEM), exit=Exit.INCOMPLETE), dry_run=True)
    text = printed(report)
    assert (row(text, "would be sent")[-1], row(text, "would be rejected")[-1]) == ("1", "1")
    assert "Nothing was sent. one would get 1; 1 rejected." in text


def test_the_counts_stand_under_their_destinations() -> None:
    bad = destination("far", CONFIRMED, rejected(PROBLEM), withheld("guard"), unknown("lost"), exit=Exit.INCOMPLETE)
    text = printed(run(bad))
    for words, count in (("records", "4"), ("rejected", "1"), ("withheld", "1"), ("unknown", "1")):
        assert row(text, words)[-1] == count
    assert "Not every record was delivered. far confirmed 1; 1 rejected, 1 withheld, 1 unknown." in " ".join(
        text.split()
    )


def test_more_destinations_than_fit_abreast_go_below() -> None:
    names = [f"a-destination-with-a-long-name-{n}" for n in range(7)]
    text = printed(run(*(destination(name, CONFIRMED) for name in names))).replace("\n", "").replace(" ", "")
    assert all(name in text for name in names)


def test_a_record_refused_everywhere_is_explained_once() -> None:
    problems = [RecordProblem("i.ndjson:2", "i-1", rejected(PROBLEM))]
    one = destination("one", rejected(PROBLEM), problems=problems, problem_count=1)
    two = destination("two", rejected(PROBLEM), problems=problems, problem_count=1)
    text = printed(run(one, two))
    assert text.count("i.ndjson:2") == 1
    assert "type: found 'aws_ec2_instance'" in text
    assert "Did you mean ec2_instance?" in text


def test_a_destination_that_refuses_equal_records_is_named_once() -> None:
    problem = RecordProblem("i.ndjson:2", None, rejected(PROBLEM))
    text = printed(run(destination("one", CONFIRMED), destination("two", rejected(PROBLEM), problems=[problem] * 3)))
    assert "rejected at two\n" in text


def test_a_record_refused_at_one_destination_names_it() -> None:
    problems = [RecordProblem("i.ndjson:2", "i-1", rejected(PROBLEM))]
    text = printed(run(destination("one", CONFIRMED), destination("two", rejected(PROBLEM), problems=problems)))
    assert "i.ndjson:2  i-1  rejected at two" in text


def test_no_id_or_reason_is_cut_however_narrow() -> None:
    long_id = "arn:" + "x" * 200
    problem = Problem("y" * 150, "z" * 150, vendor_message="v" * 150)
    report = destination("d", rejected(problem), problems=[RecordProblem("f:1", long_id, rejected(problem))])
    report.gone, report.notes = Group(1, [long_id]), ["n" * 100]
    text = "".join(printed(run(report), width=40).split())
    assert text.count(long_id) == 2
    assert all(letter * 100 in text for letter in "yzvn")


def test_markup_in_records_is_printed_as_it_is() -> None:
    problem = Problem("[bold]x[/bold] :smile:", "[red]")
    text = printed(run(destination("d", rejected(problem), problems=[RecordProblem("f:1", "[i]", rejected(problem))])))
    assert "[bold]x[/bold] :smile:" in text
    assert "[i]" in text


def test_many_problems_end_in_a_count_and_where_the_rest_is() -> None:
    problems = [RecordProblem(f"i:{n}", None, rejected(PROBLEM)) for n in range(SHOWN + 5)]
    report = destination("d", *[rejected(PROBLEM)] * 2_000, problems=problems, problem_count=2_000)
    assert f"and {2_000 - SHOWN:,} more; --problems FILE" in printed(run(report))
    assert "p.ndjson has all of them" in printed(run(report), problems_file="p.ndjson")


def test_what_is_gone_is_listed() -> None:
    report = destination("d", CONFIRMED, gone=Group(1_234, [f"i-{n}" for n in range(SHOWN + 1)]))
    assert "Missing from this set, and nothing was done about them (1,234): i-0" in printed(run(report))
    report.gone_became = "deleted at d by this snapshot"
    text = printed(run(report))
    assert "Deleted at d by this snapshot (1,234): i-0, i-1" in text
    assert f"and {1_234 - SHOWN:,} more" in " ".join(text.split())


def test_an_incomplete_source_says_why() -> None:
    assert "not read to its end: the array is cut off" in printed(
        run(destination("d", CONFIRMED), incomplete="the array is cut off")
    )


def test_a_dry_run_does_not_claim_a_delivery() -> None:
    text = printed(run(destination("d", withheld("dry_run")), dry_run=True))
    assert "dry run: nothing was sent" in text
    assert "delivered or unchanged" not in text
