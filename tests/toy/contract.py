"""The toy vendor's answers, for the adapter contract."""

from __future__ import annotations

import json

from tests.toy.toy_vendor import ToyAdapter, ToySettings

from proofport.adapter import Adapter
from proofport.testing.adapter_contract import AdapterContract, json_reply
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
        return json_reply({"run": "run-1", "widgets": []})

    def reject_first(self, call: Call) -> Reply | None:
        if call.operation != "stage":
            return None
        widgets = json.loads(call.body or b"")
        return json_reply([{"id": w["id"], "why": "no" if w is widgets[0] else None} for w in widgets])

    def say_nothing(self, call: Call) -> Reply | None:
        return json_reply([]) if call.operation == "stage" else None
