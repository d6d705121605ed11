"""The receipt of a destination run: what it says, and how it is made while the run goes on. See docs/audit.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import zip_longest
from typing import Any, Literal

from proofport import __version__
from proofport.accounting import Assurance, Outcome, Status
from proofport.audit.envelope import canonical
from proofport.audit.exchanges import ExchangeLog
from proofport.audit.keys import SigningKey
from proofport.audit.log import Draft, ReceiptLog
from proofport.audit.refused import PLAIN, Refused
from proofport.delivery.report.report import DestinationReport
from proofport.delivery.target import Target
from proofport.delivery.witness import Facts
from proofport.text import durations
from proofport.wire import Call

PREDICATE = "urn:proofport:delivery:v1"
MOST_INPUTS = 50
"""Inputs that are listed in a receipt. Where there are more, the list is kept beside it."""

LONGEST_REASON = 120
"""Characters of the reason for leaving records out."""

LONGEST = 1_000
"""Characters of a text that a person gave."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The mapping files that a run works with, and those that they include: text by name."""

    source: Mapping[str, str]
    #: Of the vendor mapping.
    vendor: Mapping[str, str]


class RunWitness:
    """Follows one destination run, and writes its receipt into the log. Whoever makes it closes it."""

    def __init__(
        self,
        log: ReceiptLog,
        key: SigningKey,
        target: Target,
        texts: Texts,
        *,
        instance: str,
        by: str,
        ids: Literal["hmac", "plain"] = "hmac",
        mappings: Sequence[str | None] = (),
    ) -> None:
        """`by`: who runs it. It counts as the one who gave the reason of an override. `mappings`: the source mapping of
        each input."""
        self._mappings = mappings
        self._log = log
        self._key = key
        self._target = target
        self._texts = texts
        self._instance = instance
        self._by = by
        self._exchanges = ExchangeLog()
        self._refused = Refused(key, plain=ids == "plain")

    def exchanged(self, call: Call, status: int, response: bytes | None, secret: bool) -> None:
        request = None if secret else call.body or b""
        self._exchanges.add(call.method, call.path, status, request, None if secret else response)

    def ended(self, record_id: str | None, outcome: Outcome) -> None:
        self._refused.add(record_id, outcome)

    async def certify(self, facts: Facts) -> str:
        files = {"exchanges": self._exchanges.content(), **self._refused.files()}
        inputs = [
            {"name": each.name, "source": each.source, "read": each.read, "sha256": each.sha256}
            | {"incomplete": each.incomplete, "mapping": mapping, "left_out": _bounded(each.skipped)}
            for each, mapping in zip_longest(facts.inputs, self._mappings[: len(facts.inputs)])
        ]
        if len(inputs) > MOST_INPUTS:
            files["inputs"] = b"".join(canonical(each) + b"\n" for each in inputs)
        texts = {**self._texts.source, **self._texts.vendor}
        await self._log.keep_texts(texts)
        subjects = [("exchanges", self._exchanges.root), *self._subjects(inputs, files, texts)]
        predicate = self._predicate(facts, inputs if "inputs" not in files else [])
        return await self._log.add(Draft(PREDICATE, subjects, predicate, facts.run_id, self._target.name, files))

    def _subjects(
        self, inputs: Sequence[Mapping[str, Any]], files: Mapping[str, bytes], texts: Mapping[str, str]
    ) -> list[tuple[str, str]]:
        listed = [] if "inputs" in files else [(f"input:{each['name']}", each["sha256"]) for each in inputs]
        found = [(name, digest) for name, digest in listed if digest]
        found += [(name, sha256(text.encode()).hexdigest()) for name, text in sorted(texts.items())]
        beside = [name for name in sorted(files) if name not in ("exchanges", PLAIN)]
        return found + [(name, sha256(files[name]).hexdigest()) for name in beside]

    def _predicate(self, facts: Facts, inputs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        report, target = facts.report, self._target
        return {
            "instance": self._instance,
            "run": facts.run_id,
            "destination": target.name,
            "vendor": target.adapter.name,
            "host": target.adapter.origin,
            "object": target.lane,
            "kind": facts.kind,
            "mode": facts.mode,
            "resumed": facts.resumed,
            "from_journal": False,
            "started": moment(facts.started),
            "ended": moment(facts.ended),
            "inputs": {"count": len(facts.inputs), "list": inputs},
            "population": population(sum(each.read for each in facts.inputs), report),
            **books_of(report),
            "refused": self._refused.told(),
            "guard": self._guard(facts),
            "exchanges": self._exchanges.count,
            "exit_code": int(report.exit),
            "versions": {"proofport": __version__},
        }

    def _guard(self, facts: Facts) -> dict[str, Any]:
        terms, decision = facts.terms, facts.report.guard
        overridden = decision == "overridden"
        return {
            "decision": decision,
            "max_gone": f"{terms.max_gone:g}",
            "max_rejected": terms.max_rejected,
            "reason": (terms.override or "")[:LONGEST] if overridden else None,
            "by": self._by if overridden else None,
            "without": [str(each)[:LONGEST] for each in terms.sources.without[:MOST_INPUTS]],
        }

    def close(self) -> None:
        self._exchanges.close()
        self._refused.close()


def _bounded(reasons: Mapping[str, int]) -> dict[str, int]:
    """How many records were left out for each reason, which a person has written."""
    return {reason[:LONGEST_REASON]: count for reason, count in list(reasons.items())[:MOST_INPUTS]}


def population(read: int, report: DestinationReport) -> dict[str, Any]:
    """All that was read is the input of the destination, or was left out: by a source mapping, or there only."""
    return {"read": read, "left_out": read - report.input, "here": _bounded(report.skipped), "input": report.input}


def books_of(report: DestinationReport) -> dict[str, Any]:
    """The counts of a report. They hold no id."""
    return {
        "counts": {status.value: report.tally.status[status] for status in Status},
        "assurance": {level.value: report.tally.assurance[level] for level in Assurance},
        "reasons": dict(report.tally.reasons),
        "gone": {"count": report.gone.count, "became": report.gone_became},
        "kept_last": report.kept_last.count,
        "dropped": report.dropped.count,
        "taken_as_removed": report.taken_as_removed.count,
        "gone_left_out": sum(found.count for found in report.gone_skipped.values()),
        "excluded": report.excluded.count,
        "not_known": report.not_known.count,
    }


def moment(at: float) -> str:
    """A time as RFC 3339 in UTC, to the millisecond."""
    return durations.moment(at, "milliseconds")
