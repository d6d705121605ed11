"""Holds what the handlers work with: the gateway, and all that lives longer than one request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from aiohttp import web

from proofport.adapter import Mode
from proofport.config.names import own_name
from proofport.delivery.reading.decoder import Decoder
from proofport.delivery.target import Target
from proofport.errors import ConfigError, Problem, UsageError
from proofport.evidence import model_of
from proofport.gateway import Gateway
from proofport.gateway.commits import Commits
from proofport.journal.contract import Journal
from proofport.logs import get_logger
from proofport.relay.access.caller import Caller
from proofport.relay.operating.backlog import Backlog, Backpressure
from proofport.relay.operating.health import Readiness
from proofport.relay.operating.in_flight import InFlight
from proofport.relay.operating.metrics import Metrics
from proofport.relay.problems import ProblemError, entry, in_the_api, wrong_parameter
from proofport.text.wording import describe, did_you_mean, short

DECODERS_KEPT = 128

log = get_logger("relay")


class Relay:
    """One relay. Whatever a caller names is found here, or refused with a problem."""

    def __init__(self, gateway: Gateway, journal: Journal) -> None:
        self.gateway = gateway
        self.journal = journal
        self.settings = gateway.config.relay
        self.in_flight = InFlight()
        self.metrics = Metrics(gateway.places)
        self.backlog = Backlog(gateway)
        self.backpressure = Backpressure(self.backlog, self.settings.overload, gateway.config.served())
        self.readiness = Readiness(gateway, self.backlog, self.backpressure, self.settings.ready)
        self.commits = Commits(gateway, self.metrics.reported)
        self._decoder = lru_cache(DECODERS_KEPT)(
            lambda kind, source, mode, values: gateway.reading(kind, source, mode, dict(values))
        )

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
                raise ProblemError("forbidden", f"the key may not be used for the destination {short(name)}")
            if name not in known:
                found, expected = f"the destination {describe(name)}", f"one of {', '.join(known) or 'none'}"
                raise wrong_parameter("unknown-name", "to", found, expected, did_you_mean(name, known))
        return [caller.full_name(name) for name in dict.fromkeys(names)]

    def all_destinations(self, caller: Caller) -> list[str]:
        """The full names of all that the caller may see."""
        names = self.gateway.config.of_tenant(caller.tenant)
        return [caller.full_name(name) for name in names if caller.allows_destination(name)]

    def targets(self, destinations: Sequence[str], kind: str, mode: Mode) -> list[Target]:
        """Raises ProblemError (not-deliverable) where a destination is not configured for the kind."""
        targets = []
        for name in destinations:
            try:
                targets.append(self.gateway.target(name, kind, mode))
            except ConfigError as error:
                log.warning("not_configured", destination=name, kind=kind, error=str(error))
                detail = f"{own_name(name)} is not configured for {kind}"
                hint = "Whoever runs the relay can add it."
                raise ProblemError("not-deliverable", detail, hint=hint) from None
        return targets

    def decoder(
        self, kind: str | None, source: str | None, mode: Mode, values: Mapping[str, str]
    ) -> tuple[str, Decoder]:
        """The kind of evidence, and what turns documents into it. Raises ProblemError."""
        try:
            return self._decoder(kind, source, mode, tuple(values.items()))
        except UsageError as error:
            hint = in_the_api(error.hint)
            problem = Problem(source or "none", error.message, hint=hint)
            errors = [entry(problem, parameter="source" if source else "kind")]
            raise ProblemError("unknown-name", error.message, hint=hint, errors=errors) from None


RELAY = web.AppKey("relay", Relay)


def values_of(given: Sequence[str]) -> dict[str, str]:
    """The values that `set` gives. Raises ProblemError (unknown-name)."""
    values: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals or values.setdefault(name, value) != value:
            raise wrong_parameter("unknown-name", "set", repr(text), "NAME=VALUE, each name once")
    return values
