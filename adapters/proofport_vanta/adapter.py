"""The Vanta adapter: its credentials, the resource of each kind, and what `doctor` can find out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from proofport.adapter import Adapter, Body, Checks, Finding, Flow, TokenFlow
from proofport.errors import Blocked, ConfigError, Retryable, UnsupportedFeature, UsageError
from proofport_vanta.accounts import AccountSet
from proofport_vanta.bodies import MODELS, body_of
from proofport_vanta.settings import VantaSettings
from proofport_vanta.tokens import token_flow
from proofport_vanta.whole_set import ComputerSet, VantaSet

SETS: dict[str, type[VantaSet]] = {"personnel_account": AccountSet, "device": ComputerSet}


class VantaAdapter(Adapter, Checks):
    """One application of one company."""

    name = "vanta"
    Settings = VantaSettings
    #: Of one application (observed: llamalync).
    default_requests_per_minute: ClassVar[int] = 20
    settings: VantaSettings

    @property
    def origin(self) -> str:
        return self.settings.origin

    @property
    def auth(self) -> TokenFlow:
        return token_flow(self.settings)

    def resource(self, kind: str) -> VantaSet:
        _require_type(kind)
        return SETS.get(kind, VantaSet)(kind, self.settings)

    @classmethod
    def bodies(cls, kind: str) -> Sequence[Body]:
        _require_type(kind)
        return (body_of(kind),)

    def check(self) -> Flow[list[Finding]]:
        """List every configured resource. That the application may write cannot be found out by reading."""
        findings: list[Finding] = []
        for kind in self.settings.objects:
            try:
                _require_type(kind)
                for part in self.resource(kind).parts:
                    rows = yield from part.live()
                    words = f"{part.base_type} {part.resource_id}: {len(rows):,} rows"
                    findings.append(Finding(True, f"objects.{kind}", words))
            except Blocked as error:
                return [*findings, Finding(False, "client_id", error.message, error.hint)]
            except (ConfigError, Retryable, UsageError) as error:
                findings.append(Finding(False, f"objects.{kind}", error.message, error.hint))
        if not findings:
            findings.append(Finding(False, "objects", "no resource is configured", "`proofport provision` says how."))
        return findings


def _require_type(kind: str) -> None:
    if kind == "person":
        raise UnsupportedFeature(
            "Vanta lets nobody write people: no base type and no call makes them",
            hint="People come into Vanta by its HRIS integrations, SCIM, or the upload of a CSV file in the web "
            "application. Push their accounts as personnel_account: Vanta joins them by e-mail address.",
        )
    if kind not in MODELS and not kind.startswith("custom:"):
        raise UnsupportedFeature(
            f"Vanta has no base type for {kind}", hint=f"It takes {', '.join(MODELS)} and custom:<type>."
        )
