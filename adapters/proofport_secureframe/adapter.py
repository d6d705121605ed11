"""The Secureframe adapter: its credentials, the resource of each kind, and what `doctor` can find out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from proofport.adapter import Adapter, Body, Checks, Finding, Flow, HasOperations, Operation, StaticHeaders
from proofport.errors import Blocked, UnsupportedFeature, UsageError
from proofport.wire import Call
from proofport_secureframe.answers import READ_HINTS, refuse
from proofport_secureframe.bodies import HAVE_ACTIVE, MODELS, body_of
from proofport_secureframe.operations import operations_of
from proofport_secureframe.publishing import EndedResource, PublishedResource
from proofport_secureframe.reading import READ_BACK, ListedResource, ReadableResource
from proofport_secureframe.settings import SecureframeSettings


class SecureframeAdapter(Adapter, Checks, HasOperations):
    """One connection of one company."""

    name = "secureframe"
    Settings = SecureframeSettings
    #: The vendor allows 500 a minute for one source address (introduction of R2 and R3). Reads count, too.
    default_requests_per_minute: ClassVar[int] = 420
    settings: SecureframeSettings

    @property
    def origin(self) -> str:
        return self.settings.origin

    @property
    def auth(self) -> StaticHeaders:
        """Key and secret, one blank between them, no scheme word (R2, R3)."""
        key, secret = self.settings.api_key.get_secret_value(), self.settings.api_secret.get_secret_value()
        return StaticHeaders({"Authorization": f"{key} {secret}"})

    def resource(self, kind: str) -> PublishedResource:
        if kind == "person" and kind not in self.settings.objects:
            raise UnsupportedFeature(
                "Secureframe's publish endpoint makes no people: they come from its own identity integrations",
                hint="To publish people as personnel accounts, configure `objects.person: {schema_slug: person}`.",
            )
        _require_model(kind)
        configured, read_back = self.settings.objects.get(kind), READ_BACK.get(kind)
        ended = kind in HAVE_ACTIVE or (configured is not None and configured.lifecycle_field is not None)
        if read_back is not None and "id" not in read_back.match:
            return _Device(kind, self.settings)
        if read_back is not None and self.settings.vendor_name is not None:
            return (_EndedListed if ended else _Listed)(kind, self.settings)
        return (EndedResource if ended else PublishedResource)(kind, self.settings)

    @classmethod
    def bodies(cls, kind: str) -> Sequence[Body]:
        _require_model(kind)
        return (body_of(kind, "upsert", newest_types=False, own_mapping=True),)

    def operations(self) -> Sequence[Operation]:
        return operations_of(self.settings)

    def check(self) -> Flow[list[Finding]]:
        """Find out whether the key is accepted. No call tells whether it may publish, so this only reads."""
        reply = yield Call("list_connections", "GET", "/integration_connections", (("per_page", "1"),))
        if reply.status == 403:
            findings = [Finding(True, "api_key", "accepted, but it may not read", READ_HINTS[403])]
        else:
            try:
                if not reply.ok:
                    refuse(reply, "list connections", READ_HINTS)
            except (Blocked, UsageError) as error:
                return [Finding(False, "api_key", error.message, error.hint)]
            findings = [Finding(True, "api_key", "accepted")]
        hint = f"The kinds are {', '.join(MODELS)}, custom:<type>."
        unknown = [kind for kind in self.settings.objects if not _has_model(kind)]
        return findings + [Finding(False, f"objects.{kind}", f"there is no kind {kind}", hint) for kind in unknown]


class _Listed(PublishedResource, ListedResource):
    """A kind whose rows carry the published id, without a field for what is gone."""


class _EndedListed(EndedResource, ListedResource):
    """A kind whose rows carry the published id, with a field for what is gone."""


class _Device(EndedResource, ReadableResource):
    """Devices are found by their serial number: rows do not carry the published id, nor whose they are."""


def _has_model(kind: str) -> bool:
    return kind in MODELS or kind.startswith("custom:")


def _require_model(kind: str) -> None:
    if not _has_model(kind):
        raise UnsupportedFeature(
            f"Secureframe has no model for {kind}", hint=f"It takes {', '.join(MODELS)} and custom:<type>."
        )
