"""Holds what the handlers work with: the gateway, and all that lives longer than one request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from aiohttp import web

from proofport.adapter import Mode
from proofport.delivery.reading import Decoder
from proofport.delivery.target import Target
from proofport.errors import ConfigError, Problem, UsageError
from proofport.evidence import model_of
from proofport.gateway import Gateway
from proofport.gateway.commits import Commits
from proofport.logs import get_logger
from proofport.relay.access.caller import Caller
from proofport.relay.operating.backlog import Backlog, Backpressure
from proofport.relay.operating.health import Readiness
from proofport.relay.operating.in_flight import InFlight
from proofport.relay.operating.metrics import Metrics
from proofport.relay.problems import ProblemError, entry
from proofport.text.wording import did_you_mean

DECODERS_KEPT = 128
ROUTES_KEPT = 256

log = get_logger("relay")


@dataclass(frozen=True, slots=True)
class DeliveryRoute:
    """How the evidence of a request reaches its destinations."""

    #: Turns documents into checked evidence.
    decoder: Decoder
    #: Each with its lane.
    targets: Sequence[tuple[Target, str]]


class Relay:
    """One relay. Whatever a caller names is found here, or refused with a problem."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.settings = gateway.config.relay
        self.in_flight = InFlight()
        self.metrics = Metrics()
        self.backlog = Backlog(gateway)
        self.backpressure = Backpressure(self.backlog, self.settings.overload)
        self.readiness = Readiness(gateway, self.backlog, self.backpressure, self.settings.ready)
        self.commits = Commits(gateway, self.metrics.reported)
        self._decoder = lru_cache(DECODERS_KEPT)(self._find_decoder)
        self.delivery_route = lru_cache(ROUTES_KEPT)(self._find_route)

    def _find_route(
        self, caller: Caller, kind: str, mode: Mode, to: tuple[str, ...], source: str | None, given: tuple[str, ...]
    ) -> DeliveryRoute:
        """Cached: found once for all requests with the same rights and parameters. Raises ProblemError."""
        self.require_kind(caller, kind)
        targets = self.targets(self.destinations(caller, to), kind, mode)
        _, decoder = self.decoder(kind, source, mode, values_of(given))
        return DeliveryRoute(decoder, [(target, target.lane) for target in targets])

    def require_kind(self, caller: Caller, kind: str) -> None:
        """Raises ProblemError (not-found, forbidden)."""
        try:
            model_of(kind)
        except UsageError as error:
            raise ProblemError("not-found", error.message, hint=error.hint) from None
        if not caller.allows_kind(kind):
            raise ProblemError("forbidden", f"the key may not be used for {kind}")

    def destinations(self, caller: Caller, names: Sequence[str]) -> list[str]:
        """The full names of the destinations that a caller names. Raises ProblemError."""
        known = [name for name in self.gateway.config.of_tenant(caller.tenant) if caller.allows_destination(name)]
        for name in names:
            if not caller.allows_destination(name):
                raise ProblemError("forbidden", f"the key may not be used for the destination {name}")
            if name not in known:
                problem = Problem(
                    f"the destination {name!r}", f"one of {', '.join(known) or 'none'}", hint=did_you_mean(name, known)
                )
                detail = f"to: found {problem.found}, expected {problem.expected}"
                raise ProblemError("unknown-name", detail, errors=[entry(problem, parameter="to")])
        return [caller.full_name(name) for name in dict.fromkeys(names)]

    def all_destinations(self, caller: Caller) -> list[str]:
        """The full names of all that the caller may see."""
        names = self.gateway.config.of_tenant(caller.tenant)
        return [caller.full_name(name) for name in names if caller.allows_destination(name)]

    def targets(self, destinations: Sequence[str], kind: str, mode: Mode) -> list[Target]:
        """Raises ProblemError (not-deliverable) where a destination is not configured for the kind."""
        return [self._target(name, kind, mode) for name in destinations]

    def _target(self, destination: str, kind: str, mode: Mode) -> Target:
        try:
            return self.gateway.target(destination, kind, mode)
        except ConfigError as error:
            log.warning("not_configured", destination=destination, kind=kind, error=str(error))
            name = destination.rpartition("/")[2]
            raise ProblemError(
                "not-deliverable", f"{name} is not configured for {kind}", hint="Whoever runs the relay can add it."
            ) from None

    def decoder(
        self, kind: str | None, source: str | None, mode: Mode, values: Mapping[str, str]
    ) -> tuple[str, Decoder]:
        """The kind of evidence, and what turns documents into it. Raises ProblemError."""
        try:
            return self._decoder(kind, source, mode, tuple(values.items()))
        except UsageError as error:
            problem = Problem(source or "none", error.message, hint=error.hint)
            errors = [entry(problem, parameter="source" if source else "kind")]
            raise ProblemError("unknown-name", error.message, hint=error.hint, errors=errors) from None

    def _find_decoder(
        self, kind: str | None, source: str | None, mode: Mode, values: tuple[tuple[str, str], ...]
    ) -> tuple[str, Decoder]:
        return self.gateway.reading(kind, source, mode, dict(values))


RELAY = web.AppKey("relay", Relay)


def values_of(given: Sequence[str]) -> dict[str, str]:
    """The values that `set` gives. Raises ProblemError (unknown-name)."""
    values: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals or values.setdefault(name, value) != value:
            problem = Problem(repr(text), "NAME=VALUE, each name once")
            errors = [entry(problem, parameter="set")]
            raise ProblemError("unknown-name", f"set: found {text!r}, expected NAME=VALUE", errors=errors)
    return values
