"""The toy vendors' answers, for the adapter contract."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.toy.toy_server import ToyInMemory
from tests.toy.toy_vendor import ToyAdapter, ToySettings
from tests.toy.whole_vendor import WholeAdapter, WholeSettings

from proofport.adapter import Adapter
from proofport.testing.adapter_contract import AdapterContract, Server, json_reply
from proofport.wire import Call, Reply


class ToyContract(AdapterContract):
    secrets = ("toy-key",)
    supported = {"cloud_resource": ("snapshot",)}  # noqa: RUF012
    made: type[ToyAdapter] = ToyAdapter

    def adapter(self) -> Adapter:
        return self.made(ToySettings.model_validate({"base_url": "http://127.0.0.1:1", "api_key": "toy-key"}))

    def accept(self, call: Call) -> Reply:
        if call.operation == "stage":
            return json_reply([{"id": widget["id"], "why": None} for widget in json.loads(call.body or b"")])
        if call.operation == "drop":
            return json_reply({"dropped": "run-1"})
        return json_reply({"run": "run-1" if call.operation == "publish" else "run-0", "widgets": []})

    def reject_first(self, call: Call) -> Reply | None:
        if call.operation != "stage":
            return None
        widgets = json.loads(call.body or b"")
        return json_reply([{"id": w["id"], "why": "no" if w is widgets[0] else None} for w in widgets])

    def say_nothing(self, call: Call) -> Reply | None:
        return json_reply([]) if call.operation == "stage" else None

    def server(self, kind: str, records: Sequence[Mapping[str, Any]]) -> Server:
        return ToyInMemory([dict(record) for record in records])

    def record(self, kind: str, record_id: str) -> dict[str, Any]:
        return {"id": record_id, "label": record_id, "colour": "green"}


class WholeContract(AdapterContract):
    secrets = ("whole-secret",)
    supported = {"cloud_resource": ("snapshot",), "personnel_account": ("snapshot",)}  # noqa: RUF012
    made: type[WholeAdapter] = WholeAdapter

    def adapter(self) -> Adapter:
        settings = {"base_url": "http://127.0.0.1:1", "client_id": "app", "client_secret": "whole-secret"}
        return self.made(WholeSettings.model_validate(settings))

    def record(self, kind: str, record_id: str) -> dict[str, Any]:
        return {"id": record_id, "email": "a@example.com"} if kind == "personnel_account" else {"id": record_id}

    def accept(self, call: Call) -> Reply:
        match call.operation:
            case "mint":
                return json_reply({"token": "issued-token", "seconds": 3600})
            case "list":
                return json_reply({"rows": [], "next": None, "total": 0})
            case _:
                return json_reply({"held": len(json.loads(call.body or b"[]"))})

    def unbelievable_lists(self, call: Call) -> Sequence[Reply]:
        if call.operation != "list":
            return ()
        row = {"body": {"id": "a"}, "gone": False}
        return (
            json_reply({"rows": [row], "next": "again", "total": 2}),
            json_reply({"rows": [row], "next": None, "total": 200}),
        )
