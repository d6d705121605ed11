"""The part that every vendor has: an adapter for one destination, and a resource for each kind that goes there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from proofport.accounting import Outcome
from proofport.adapter.values import Batch, Body, Flow, Job, Limits, Memory, Mode, Settings
from proofport.errors import UnsupportedFeature


@dataclass(frozen=True, slots=True)
class StaticHeaders:
    """Credentials that are the same for every request."""

    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """A token that a vendor has issued. It stays in process memory: no journal and no log ever sees it."""

    headers: Mapping[str, str] = field(repr=False)  #: The headers that carry it.
    lifetime: float  #: Seconds that it is good for, counted from the request that asked for it.


@dataclass(frozen=True, slots=True)
class TokenFlow:
    """Credentials that are exchanged for a token. The engine asks anew when the token ends, and once after a 401."""

    #: The owner of the token, the same in every process: the origin and a digest of the client id. No secret.
    scope: str
    mint: Callable[[], Flow[Token]]  #: Asks for a token. Its calls carry no other credentials.
    #: A new token revokes the one before: one process at a time holds the right to ask, by a lease in the journal.
    exclusive: bool = False
    #: Requests for a token that the vendor allows in a minute, over all processes. 0: no limit.
    mints_per_minute: int = 0


Auth: TypeAlias = StaticHeaders | TokenFlow


class Resource(ABC):
    """One kind at one destination. What it can do beyond this are the protocols of `proofport.adapter.optional`.

    A resource can be made before its object is configured, so that `provision` can make the object; `lane` and
    `limits` raise ConfigError until then.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    @property
    @abstractmethod
    def lane(self) -> str:
        """The key by which the vendor orders work: host and object. Resources on one object share it."""

    @property
    def objects(self) -> Sequence[str]:
        """The vendor's objects that it writes to. A configuration in which two sets share one is refused."""
        return (self.lane,)

    @property
    def keeps_bodies(self) -> bool:
        """True: the journal keeps the last body of every record, which `Batch.last` and `verify` then show."""
        return False

    @abstractmethod
    def limits(self, mode: Mode) -> Limits:
        """The limits of one request. Raises UnsupportedFeature for a mode that the vendor lacks, with the way that
        works as its hint."""

    @abstractmethod
    def body(self, mode: Mode) -> Body:
        """The form of a record body, and the built-in mapping that makes it."""

    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        """Deliver one batch. Nothing outside the batch changes at the vendor.

        Returns one outcome a record, in order; a record without one counts as unknown. Errors that are not about
        records are raised: Blocked, ConfigError, TooLarge (the engine halves the batch), UsageError. The engine itself
        handles 408, 429 and 5xx, and a `Call` whose answer is lost.
        """
        yield from ()
        raise UnsupportedFeature(f"{self.kind} goes to {self.lane} only as a whole set", hint="Push a snapshot.")


class Adapter(ABC):
    """One vendor, at one configured destination. Registered under the entry point group `proofport.adapters`."""

    name: ClassVar[str]  #: The name in the configuration, and the folder of the vendor's mappings.
    Settings: ClassVar[type[Settings]]
    #: Requests a minute to the vendor's host, below what it allows. 0: no limit.
    default_requests_per_minute: ClassVar[int] = 0

    #: Gives the adapter with its secrets read again, where they stand in files. None: they cannot change. The engine
    #: sets it, and takes the settings over when they differ.
    again: Callable[[], Adapter] | None = None

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    def renew(self) -> bool:
        """Read the secrets that stand in files again. True if they have changed. Raises ConfigError."""
        if self.again is None:
            return False
        fresh = self.again().settings
        changed = bool(fresh != self.settings)
        self.settings = fresh
        return changed

    @property
    @abstractmethod
    def origin(self) -> str:
        """Scheme and host of the vendor, for example `https://public-api.example.com`, without a path."""

    @property
    @abstractmethod
    def auth(self) -> Auth:
        """The credentials of every request."""

    @abstractmethod
    def resource(self, kind: str) -> Resource:
        """The vendor's object for a kind. Raises UnsupportedFeature where there is none, with what to do instead."""

    @classmethod
    @abstractmethod
    def bodies(cls, kind: str) -> Sequence[Body]:
        """Every body that a mapping from `kind` may be written for, whatever is configured."""
