"""The statement about a run: one page that an auditor reads, made from the run's receipts and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import Any

from proofport.errors import UsageError
from proofport.journal.contract import ReceiptView

MODES = {
    "snapshot": "The whole set: what {system} held before and this set lacks counts as gone.",
    "upsert": "Single records, added or changed. Nothing counts as gone.",
    "patch": "Some fields of single records. Nothing counts as gone.",
    "remove": "Records to be removed, named one by one.",
    "queue": "Records that were accepted one by one, and delivered in that order. Nothing counts as gone.",
}
OUTCOMES = {
    "delivered": "delivered to {system}",
    "unchanged": "not sent, because {system} holds just this",
    "rejected": "refused, by proofport or by {system}",
    "withheld": "not sent, for the reasons below",
    "unknown": "sent, and it is not known whether they arrived",
}
ASSURANCES = {
    "accepted": "{system} queued them, and reports no result",
    "confirmed": "{system} answered for the record, or for the set",
    "verified": "they were read back from {system}, and are equal",
}
REASONS = {
    "guard": "the guard refused the set",
    "snapshot_cancelled": "the set was not whole, or a record of it was refused",
    "set_refused": "{system} refused the set",
    "not_sent": "the run had stopped before",
    "not_opened": "{system} could not be reached to begin",
    "required_value_unknown": "{system} requires a value that the source does not know",
    "skipped": "a rule leaves them out",
    "schema_not_defined": "nobody has confirmed that {system} is set up for them",
}
"""Words for reasons that most readers meet. Others are shown by their names."""
GONE = {
    "gone_left_out": "Of these left out by a rule",
    "taken_as_removed": "Taken as removed there",
    "kept_last": "Refused, last state kept",
    "dropped": "Dropped by the override",
}
GUARD = {
    "not asked": "Not asked: nothing follows from absence in this run.",
    "agreed": "Agreed to the change.",
    "refused": "Refused the change. The set of before stays in place.",
    "overridden": "Refused the change. A person has overridden it.",
}
ABOUT = (
    "proofport is the program that read these inputs and delivered the records. This page is made from the receipt "
    "that it signed, and from nothing else."
)

CANCELLED = "Not asked: the set was not whole, or a record of it was refused, so that it did not take effect as a set."

MAPPING, INCLUDED = "mapping:", "table:"
"""Beginnings of the names of subjects: mapping files, and the files of tables and rules that they include."""

WIDTH = 100
"""Characters of a line of text."""

Row = tuple[str, str]
Section = tuple[str, Sequence[Row]]
"""A heading, and rows of a name and a value."""


def told_of(receipt: ReceiptView) -> tuple[str, dict[str, Any]]:
    """The number of a receipt and its predicate, with the mapping files and included files that its subjects name."""
    from proofport.audit.envelope import predicate_of, subjects_of

    files = {name: digest for name, digest in subjects_of(receipt).items() if name.startswith((MAPPING, INCLUDED))}
    return receipt.name, {**predicate_of(receipt), "mappings": files}


def statement_as_json(receipts: Sequence[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The predicates of a run's receipts, each with its number."""
    return [{"receipt": number, **predicate} for number, predicate in receipts]


def sections_of(number: str, told: Mapping[str, Any]) -> Iterator[Section]:
    """The content of a receipt, for a reader who has never seen proofport."""
    yield "What was delivered", list(_about(number, told))
    yield "Where it came from", list(_sources(told))
    yield "What became of it", list(_counts(told))
    yield "What left the set", list(_gone(told))
    yield "How it can be checked", list(_proof(told))


def _system(told: Mapping[str, Any]) -> str:
    """The vendor's name. A receipt from the journal does not know it."""
    return str(told["vendor"]).capitalize() if "vendor" in told else "the system"


def _records(count: int) -> str:
    return f"{count:,} {'record' if count == 1 else 'records'}"


def _about(number: str, told: Mapping[str, Any]) -> Iterator[Row]:
    yield "Installation", str(told["instance"])
    vendor = f"{_system(told)} at {told['host']}, configured as " if "host" in told else ""
    yield "Delivered to", f"{vendor}{told['destination']}"
    yield "Object there", str(told["object"])
    yield "Kind of evidence", str(told["kind"])
    mode = str(told["mode"])
    yield "Selected as", f"{mode}. {MODES.get(mode, '').format(system=_system(told))}"
    yield "Began", str(told["started"])
    yield "Ended", str(told["ended"])
    yield "Run", str(told["run"])
    yield "Receipt", number
    yield "Program", ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    if told.get("resumed"):
        yield "Note", "The run was interrupted, and went on. The list of requests begins there."
    if told.get("from_journal"):
        yield "Note", "The program died before this was written. It was written later, from its journal."


def _sources(told: Mapping[str, Any]) -> Iterator[Row]:
    inputs = told["inputs"]
    for each in inputs["list"]:
        read = _records(each["read"]) if "read" in each else "number of records not known"
        whole = "" if not each.get("incomplete") else f". Not read to its end: {each['incomplete']}"
        source = f", source {each['source']}" if each.get("source") else ""
        yield str(each["name"]), f"{read}{source}{whole}"
        if each.get("sha256"):
            yield "", f"SHA-256 {each['sha256']}"
    if inputs["count"] > len(inputs["list"]):
        yield "Inputs", f"{inputs['count']:,}; the list stands beside the receipt"
    if queued := told.get("deliveries"):
        many = f"{queued['count']:,}, numbers {queued['first']} to {queued['last']}"
        yield "Queued deliveries", f"{many}; the list stands beside the receipt"
    if without := (told.get("guard") or {}).get("without"):
        yield "Left out on purpose", ", ".join(without)
    for name, digest in (told.get("mappings") or {}).items():
        kind, _, named = name.partition(":")
        yield "Rules" if kind == "mapping" else "Included file", f"{named}, by which fields were made"
        yield "", f"SHA-256 {digest}"


def _counts(told: Mapping[str, Any]) -> Iterator[Row]:
    counts, total, system = told.get("counts"), told["population"].get("input"), _system(told)
    if counts is None or total is None:
        yield "Counts", "not known"
        return
    read = told["population"].get("read", total)
    yield "Read", f"{read:,}"
    if read > total:
        yield "Left out", f"{read - total:,} by rules of the mappings"
        listed = [each.get("left_out") or {} for each in told["inputs"]["list"]]
        for reasons in (*listed, told["population"].get("here") or {}):
            yield from (("", f"{count:,} {reason}") for reason, count in reasons.items())
    for outcome, meaning in OUTCOMES.items():
        if counts[outcome]:
            yield outcome.capitalize(), f"{counts[outcome]:,} {meaning.format(system=system)}"
            if outcome == "delivered":
                for level, words in ASSURANCES.items():
                    if told["assurance"][level]:
                        yield "", f"{told['assurance'][level]:,} {level}: {words.format(system=system)}"
    terms = " + ".join(f"{counts[outcome]:,}" for outcome in OUTCOMES if counts[outcome]) or "0"
    same = "reconciles" if sum(counts.values()) == total else "DOES NOT RECONCILE"
    left = f"{read - total:,} left out + " if read > total else ""
    yield "Reconciliation", f"{read:,} read = {left}{terms}: {same}"
    for reason, count in (told.get("reasons") or {}).items():
        yield (
            "Reason",
            f"{count:,} {reason}" + (f": {REASONS[reason].format(system=system)}" if reason in REASONS else ""),
        )
    for each in (told.get("refused") or {}).get("problems", []):
        about = f"{each['field']}: " if each["field"] else ""
        yield "Refused for", f"{_records(each['count'])}, {about}expected {each['expected']}"


def _gone(told: Mapping[str, Any]) -> Iterator[Row]:
    gone, guard = told.get("gone") or {}, told.get("guard") or {}
    count, became = gone.get("count", 0), gone.get("became")
    if guard.get("decision") == "refused" and not became:
        yield "Would be gone", f"{count:,}, and nothing was done about them"
    else:
        yield "Gone", f"{count:,}" + (f", {became}" if became and count else "")
    for name, words in GONE.items():
        if told.get(name):
            yield words, f"{told[name]:,}"
    if guard:
        cancelled = guard["decision"] == "not asked" and told["mode"] == "snapshot"
        yield "Guard", CANCELLED if cancelled else GUARD[guard["decision"]]
        gone_at_most, refused = f"{float(guard['max_gone']):.0%}", guard["max_rejected"]
        yield "The guard refuses", f"a set of which more than {gone_at_most} is gone, or more than {refused} refused"
        if guard["decision"] == "overridden":
            yield "Overridden by", f"{guard['by']}"
            yield "Reason given", f"{guard['reason']}"


def _proof(told: Mapping[str, Any]) -> Iterator[Row]:
    if "exchanges" in told:
        yield "Requests", f"{told['exchanges']:,}; the receipt has the SHA-256 of each and of its answer"
    yield "Signed receipt", "The company exports it with a program that verifies it: proofport receipt export"
    yield "Not proven", f"That the sources told the truth, and that {_system(told)} still holds what it confirmed"


def _title(told: Mapping[str, Any]) -> str:
    return f"Statement about the delivery of {told['kind']} to {told['destination']}"


def statement_as_text(receipts: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    lines: list[str] = []
    for number, told in receipts:
        lines += [_title(told), "", *wrap(ABOUT, WIDTH), ""]
        for heading, rows in sections_of(number, told):
            lines += [heading, *(f"  {name:<24} {value}".rstrip() for name, value in rows), ""]
    return "\n".join(lines)


def write(receipts: Sequence[tuple[str, Mapping[str, Any]]], path: Path) -> None:
    """Write the page. Raises UsageError."""
    try:
        path.write_text(statement_as_html(receipts), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def _row(row: Row) -> str:
    """A row without a name goes on with the one above."""
    name, value = map(escape, row)
    return f"<tr{'' if name else ' class=more'}><th scope=row>{name}</th><td>{value}</td></tr>"


STYLE = """
:root { color-scheme: light dark; --line: #d0d0d0; --quiet: #595959; }
@media (prefers-color-scheme: dark) { :root { --line: #444; --quiet: #aaa; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 1rem; } h2 { font-size: 1rem; margin: 1.6rem 0 .3rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-top: 1px solid var(--line); }
th { width: 12rem; font-weight: 500; color: var(--quiet); } td { overflow-wrap: anywhere; }
p { margin: 0; color: var(--quiet); }
.more th, .more td { border-top: 0; padding-top: 0; }
section + section { break-before: page; margin-top: 3rem; }
@page { margin: 14mm; }
@media print {
  body { margin: 0; padding: 0; max-width: none; font-size: 9pt; line-height: 1.35; }
  h1 { font-size: 1.2rem; margin-bottom: .4rem; } th { width: 8rem; }
  h2 { margin-top: .7rem; break-after: avoid; } th, td { padding: .12rem .5rem .12rem 0; } tr { break-inside: avoid; }
  section + section { margin-top: 0; }
}
"""


def statement_as_html(receipts: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """One page that also prints well. It loads nothing, and runs nothing."""
    body: list[str] = []
    for number, told in receipts:
        body.append(f"<section><h1>{escape(_title(told))}</h1><p>{escape(ABOUT)}</p>")
        for heading, rows in sections_of(number, told):
            cells = "".join(map(_row, rows))
            body.append(f"<h2>{heading}</h2><table>{cells}</table>")
        body.append("</section>")
    name = escape(f"Statement about run {receipts[0][1]['run']}")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{name}</title>'
    style = f"<style>{STYLE}</style>"
    return f'<!doctype html><html lang="en"><head>{head}{style}</head><body>{"".join(body)}</body></html>\n'
