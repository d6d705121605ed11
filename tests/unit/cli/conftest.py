"""A gateway that does nothing but remember what it was asked, behind the real commands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import pytest

from proofport.accounting import CONFIRMED, rejected
from proofport.adapter import Finding, Provisioned
from proofport.config import Config, locate
from proofport.delivery.report.report import DestinationReport, Exit, RecordProblem, RunReport, SourceReport
from proofport.errors import Problem, ProofportError
from proofport.gateway import Preview

PROBLEM = Problem("'x'", "a type", field="type")


@dataclass
class FakeGateway:
    """`asked` holds the keyword arguments of the last call; `error` is raised instead of an answer."""

    exit: Exit = Exit.OK
    asked: dict[str, Any] = field(default_factory=dict)
    given: Any = None
    path: str | None = None
    config: Config | None = None
    error: ProofportError | None = None
    previews: list[Preview] = field(default_factory=list)
    findings: dict[str, list[Finding]] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        if self.error:
            raise self.error
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def push(self, given: Any, **asked: Any) -> RunReport:
        self.given, self.asked = given, asked
        reports = {}
        for name in asked["to"]:
            report = DestinationReport(name, input=2, exit=self.exit)
            row = RecordProblem("f:2", "é", rejected(PROBLEM))
            report.tally.add([CONFIRMED, row.outcome])
            report.problems, report.problem_count = [row], 1
            if asked["on_problem"]:
                asked["on_problem"](name, row)
            reports[name] = report
        return RunReport("r1", "device", asked["mode"], [SourceReport("f", 2)], reports, asked["dry_run"])

    async def preview(self, given: Any, **asked: Any) -> list[Preview]:
        self.given, self.asked = given, asked
        return self.previews

    async def provision(self, destination: str, *, kind: str | None = None) -> dict[str, Provisioned]:
        return {
            kind or "device": Provisioned({"table": 7, "note": "a: b"}, created=True, notes=["Open it once."]),
            "custom:package": Provisioned({"table": 8}, created=False),
        }

    async def check_journal(self) -> list[Finding]:
        return [Finding(True, "journal", "can be written")]

    async def check(self, destination: str) -> list[Finding]:
        if destination not in self.findings:
            raise ProofportError("cannot be reached", hint="Look at the network.")
        return self.findings[destination]


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> FakeGateway:
    fake = FakeGateway()

    def connect(path: str | None) -> FakeGateway:
        file = locate(path)
        fake.path = path
        fake.config = Config.load(path) if file and file.is_file() else None
        return fake

    monkeypatch.setattr("proofport.cli.connect.connect", connect)
    return fake
