"""The share that a run has of the budget of its vendor's host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.evidence import personnel_account

from proofport.config import Config
from proofport.gateway import Gateway
from proofport.gateway import opened as module
from proofport.http.sender import Sender

KIND = "personnel_account"


def block(host: str) -> dict[str, Any]:
    """A vendor that is not there."""
    objects = {KIND: {"connection_id": 1, "resource_id": 2}}
    return {"adapter": "drata", "base_url": host, "api_key": "k", "objects": objects}


async def test_the_runs_of_a_tenant_have_one_at_a_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[Any] = []

    class Noted(Sender):
        def __init__(self, *given: Any, turn: Any = None, **more: Any) -> None:
            turns.append(turn)
            super().__init__(*given, turn=turn, **more)

    monkeypatch.setattr(module, "Sender", Noted)
    here, there = block("http://127.0.0.1:9"), block("http://127.0.0.1:10")
    config = Config.model_validate(
        {
            "instance": "test",
            "journal": tmp_path / "journal",
            "patience": 0,
            "destinations": {"here": here, "too": here, "there": there},
            "tenants": {"acme": {"destinations": {"here": here}}},
        }
    )
    async with Gateway(config) as gateway:
        for name in ("here", "too", "there", "@acme/here"):
            await gateway.push([personnel_account(1)], to=name, kind=KIND)
    one, again, elsewhere, other = turns
    assert one is again
    assert None not in turns
    assert len({one, elsewhere, other}) == 3
