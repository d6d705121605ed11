"""The Drata adapter: key, host, and the object of each kind. The rules of an object stand in its own file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from proofport.adapter import Adapter, Body, Checks, Finding, Flow, HasOperations, Operation, StaticHeaders
from proofport.errors import Blocked, UsageError
from proofport_drata import bodies
from proofport_drata.connections import CONNECTION_LIST
from proofport_drata.custom import CustomRecords
from proofport_drata.devices import MdmDevices
from proofport_drata.hris import HrisPeople
from proofport_drata.identity_provider import IdentityProvider
from proofport_drata.resource import DrataResource
from proofport_drata.settings import DrataSettings


class DrataAdapter(Adapter, Checks, HasOperations):
    """Records for most kinds, an MDM connection for devices, HRIS or an identity provider for people."""

    name = "drata"
    Settings = DrataSettings
    # The vendor allows 500 a minute for one source address, whatever the key (help article 6695964).
    default_requests_per_minute: ClassVar[int] = 420
    settings: DrataSettings

    @property
    def origin(self) -> str:
        return self.settings.origin

    @property
    def auth(self) -> StaticHeaders:
        return StaticHeaders({"Authorization": f"Bearer {self.settings.api_key.get_secret_value()}"})

    def resource(self, kind: str) -> DrataResource:
        if kind == "device":
            return MdmDevices(self.settings, kind)
        if kind != "person":
            return CustomRecords(self.settings, kind)
        if (connection := self.settings.of(kind).idp_connection_id) is not None:
            return IdentityProvider(self.settings, connection)
        return HrisPeople(self.settings, kind)

    @classmethod
    def bodies(cls, kind: str) -> Sequence[Body]:
        match kind:
            case "device":
                return (bodies.device(),)
            case "person":
                return (bodies.hris_person("upsert"), bodies.idp_person())
            case _:
                return (bodies.custom_record(kind, "upsert"),)

    def check(self) -> Flow[list[Finding]]:
        """Look at the key first, then at every configured object."""
        try:
            yield from CONNECTION_LIST.rows()
        except (Blocked, UsageError) as error:
            return [Finding(False, "api_key", error.message, error.hint)]
        findings = [Finding(True, "api_key", "accepted, and may list connections")]
        for resource in map(self.resource, self.settings.objects):
            try:
                findings += yield from resource.check()
            except (Blocked, UsageError) as error:
                findings.append(resource.found(False, error.message, error.hint))
        return findings

    def operations(self) -> Sequence[Operation]:
        from proofport_drata.operations import OPERATIONS  # a push does not need their parameter models

        return OPERATIONS
