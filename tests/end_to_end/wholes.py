"""The toy vendor that takes only whole sets, as the tests speak to it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from proofport.config import Config
from proofport.delivery.report import RunReport
from proofport.gateway import Gateway

TOYS = Path(__file__).parents[1] / "toy"
SECRET = "whole-secret"
LOGINS = [{"id": f"a-{number}", "email": f"{number}@example.com"} for number in range(3)]
ACCOUNT = "personnel_account"


def gateway(config: dict[str, Any], **settings: Any) -> Gateway:
    [(name, destination)] = config["destinations"].items()
    return Gateway(Config.model_validate({**config, "destinations": {name: {**destination, **settings}}}))


async def push(at: Gateway, records: list[dict[str, Any]], kind: str = "cloud_resource", **how: Any) -> RunReport:
    return await at.push(records, kind=kind, to="wholes", mode="snapshot", **how)


def counts(report: RunReport) -> dict[str, int]:
    row = report.destinations["wholes"].as_dict()
    return {name: row[name] for name in ("delivered", "unchanged", "rejected", "withheld", "unknown") if row[name]}


def kept(config: dict[str, Any]) -> list[str]:
    with closing(sqlite3.connect(config["journal"])) as journal:
        return [text for (text,) in journal.execute("SELECT id FROM tombstones ORDER BY id")]
