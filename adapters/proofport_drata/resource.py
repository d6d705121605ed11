"""The base of the four kinds of Drata object: records, devices, people of an HRIS, people of an identity provider."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar
from urllib.parse import urlsplit

from proofport.adapter import Blueprint, Finding, Flow, Provisioned, Provisions, Resource
from proofport_drata.paging import DrataList
from proofport_drata.provisioning import provision_plain
from proofport_drata.settings import DrataSettings

MAX_BYTES = 4_000_000 - 1_100
"""The size of one request, without its envelope and commas. Drata publishes no limit. Clients send 4 to 4.5 MB
(observed: drata-rv/OCI-custom-connection and others)."""


class DrataResource(Resource):
    """One kind at its Drata object, as the configuration names it."""

    def __init__(self, settings: DrataSettings, kind: str) -> None:
        super().__init__(kind)
        self.settings = settings

    @property
    def lane(self) -> str:
        return f"{urlsplit(self.settings.origin).netloc}/{self.place}"

    @property
    @abstractmethod
    def place(self) -> str:
        """The part of the lane that names the object on its host. Raises ConfigError while it is not configured."""

    @abstractmethod
    def check(self) -> Flow[list[Finding]]:
        """The findings of `doctor` about the object. Raises Blocked or UsageError where Drata refuses to show it."""

    def found(self, ok: bool, detail: str, hint: str | None = None) -> Finding:
        """A finding about this object."""
        return Finding(ok, f"objects.{self.kind}", detail, hint)


class DrataConnection(DrataResource, Provisions):
    """A connection without resources in it: devices of an MDM, people of an HRIS."""

    #: The provider type of the connection.
    provider: ClassVar[str]
    #: The things that it holds, in a sentence of `doctor`.
    things: ClassVar[str]
    #: The end of its `place`.
    suffix: ClassVar[str]
    lags = False

    @property
    def place(self) -> str:
        return f"{self.connection}/{self.suffix}"

    @property
    def connection(self) -> int:
        """Raises ConfigError while it is not configured."""
        return self.settings.connection(self.kind)

    @property
    @abstractmethod
    def listing(self) -> DrataList:
        """The list of what the connection holds."""

    def provision(self, blueprint: Blueprint) -> Flow[Provisioned]:
        return (yield from provision_plain(self.settings, self.kind, self.provider))

    def check(self) -> Flow[list[Finding]]:
        yield from self.listing.page(size=1)
        return [self.found(True, f"the {self.things} of connection {self.connection} can be listed")]
