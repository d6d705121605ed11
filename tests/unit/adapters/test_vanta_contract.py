"""The Vanta adapter keeps to the contract that every adapter is held to."""

from __future__ import annotations

import json
from typing import Any

from tests.support.vanta import custom, macos, training, user_account

from proofport.adapter import Adapter
from proofport.testing.adapter_contract import AdapterContract, json_reply
from proofport.wire import Call, Reply
from proofport_vanta import VantaAdapter, VantaSettings


class TestVanta(AdapterContract):
    secrets = ("vanta-secret",)
    supported = {  # noqa: RUF012
        "personnel_account": ("snapshot",),
        "training_record": ("snapshot",),
        "device": ("snapshot",),
        "cloud_resource": ("snapshot",),
        "custom:software_package": ("snapshot",),
    }

    def adapter(self) -> Adapter:
        objects: dict[str, dict[str, Any]] = {
            kind: {"resource_id": f"{number:024x}"} for number, kind in enumerate(self.supported)
        }
        objects["device"] |= {"macos_resource_id": "macs", "windows_resource_id": "windows"}
        settings = {"client_id": "vci_1", "client_secret": "vanta-secret", "objects": objects}
        return VantaAdapter(VantaSettings.model_validate(settings))

    def record(self, kind: str, record_id: str) -> dict[str, Any]:
        forms = {"personnel_account": user_account, "training_record": training}
        if kind == "device":
            return macos(record_id, platform="macos")
        return forms.get(kind, custom)(record_id)

    def accept(self, call: Call) -> Reply:
        match call.operation:
            case "create_token":
                return json_reply({"access_token": "issued-token", "expires_in": 3600, "token_type": "Bearer"})
            case operation if operation.startswith("list_"):
                return json_reply({"resources": []})
            case _:
                return json_reply({"success": True})

    def say_nothing(self, call: Call) -> Reply | None:
        return json_reply({}) if call.operation.startswith("sync_") and _sent(call) else None


def _sent(call: Call) -> int:
    return len(json.loads(call.body or b"")["resources"])
