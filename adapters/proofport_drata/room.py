"""What every kind of Drata object has in common: one room each for CUSTOM, MDM, HRIS and identity providers."""

from __future__ import annotations

from abc import ABC, abstractmethod

from proofport.accounting import Outcome, Tally
from proofport.adapter import (
    Batch,
    Blueprint,
    Body,
    Capability,
    Finding,
    Flow,
    Job,
    Memory,
    Mode,
    Page,
    Provisioned,
)
from proofport_drata.settings import DrataSettings

MAX_BYTES = 4_000_000 - 1_100
"""No limit is published. Clients send 4 to 4.5 MB (observed: drata-rv/OCI-custom-connection and others); envelope and
commas are taken off."""


class Room(ABC):
    """How one kind is delivered to its object. The adapter's methods of the same names lead here."""

    def __init__(self, settings: DrataSettings, kind: str) -> None:
        self.settings = settings
        self.kind = kind

    @abstractmethod
    def lane(self) -> str:
        """What the vendor orders by, within the host."""

    @abstractmethod
    def capability(self, mode: Mode) -> Capability: ...

    @abstractmethod
    def body(self, mode: Mode) -> Body: ...

    def open(self, job: Job, memory: Memory) -> Flow[Memory]:
        yield from ()
        return memory

    @abstractmethod
    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]: ...

    def close(self, job: Job, memory: Memory, tally: Tally) -> Flow[None]:
        yield from ()

    @abstractmethod
    def bury(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]: ...

    def abort(self, job: Job, memory: Memory) -> Flow[None]:
        yield from ()

    def observe(self, cursor: str | None) -> Flow[Page | None]:
        yield from ()
        return None

    @abstractmethod
    def provision(self, blueprint: Blueprint) -> Flow[Provisioned]: ...

    @abstractmethod
    def check(self) -> Flow[list[Finding]]:
        """What `doctor` says about the object."""
