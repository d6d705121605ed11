"""The configured names of lanes: which destination and kind a lane is for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from proofport.config import Config
from proofport.delivery.target import lane_of
from proofport.errors import ProofportError, UsageError
from proofport.text.wording import did_you_mean


@dataclass(frozen=True, slots=True)
class Place:
    """One kind at one destination, as the configuration names them."""

    destination: str
    kind: str
    #: The key by which the vendor orders work. Several kinds may share one.
    lane: str
    #: Seconds after which evidence is stale. None: there is no limit.
    max_age: float | None = None


class Places:
    """Those of a configuration. What is not configured, or wrongly, has no names."""

    def __init__(self, config: Config) -> None:
        self._config = config

    @cached_property
    def destinations(self) -> Sequence[str]:
        return self._config.all_destinations()

    @cached_property
    def all(self) -> Sequence[Place]:
        return [place for name in self.destinations for place in self._of(name)]

    def _of(self, destination: str) -> Iterator[Place]:
        try:
            adapter = self._config.adapter(destination, offline=True)
        except ProofportError:
            return
        for kind, settings in adapter.settings.objects.items():
            try:
                lane = lane_of(destination, adapter.resource(kind))
            except ProofportError:
                continue
            yield Place(destination, kind, lane, settings.max_age or adapter.settings.max_age)

    def in_lane(self, lane: str) -> list[Place]:
        return [place for place in self.all if place.lane == lane]

    def all_names(self, lane: str) -> tuple[list[str], list[str]]:
        """The destinations and the kinds of a lane. Empty where it is not configured."""
        found = self.in_lane(lane)
        names, kinds = (each.destination for each in found), (each.kind for each in found)
        return list(dict.fromkeys(names)), list(dict.fromkeys(kinds))

    def names(self, lane: str) -> tuple[str | None, str | None]:
        """Destination and kind of a lane. None where they are not configured, or several share it."""
        names, kinds = self.all_names(lane)
        return (names[0] if len(names) == 1 else None), (kinds[0] if len(kinds) == 1 else None)

    def shown(self, lane: str) -> str:
        """A lane for people: `DEST/KIND`, or what all that share it have in common; its key where there is none."""
        names, kinds = self.all_names(lane)
        return f"{', '.join(names)}/{', '.join(kinds)}" if names else lane

    def shortest(self, lane: str) -> str:
        """The name of a lane to write in a command: `DEST/KIND`, or its key where it is not configured."""
        return next((f"{place.destination}/{place.kind}" for place in self.in_lane(lane)), lane)

    def named(self, name: str) -> str | None:
        """The lane of `DEST/KIND`. None: it is no such name."""
        found = (place.lane for place in self.all if f"{place.destination}/{place.kind}" == name)
        return next(found, None)

    def lane(self, destination: str, kind: str) -> str:
        """The lane of a destination and kind. Raises UsageError."""
        if destination not in self.destinations:
            known = ", ".join(self.destinations) or "none"
            hint = did_you_mean(destination, self.destinations)
            raise UsageError(f"there is no destination {destination!r}; configured: {known}", hint=hint)
        kinds = {place.kind: place.lane for place in self.all if place.destination == destination}
        if kind not in kinds:
            hint = did_you_mean(kind, kinds)
            raise UsageError(f"{destination} has no {kind!r}; it has {', '.join(kinds) or 'no kinds'}", hint=hint)
        return kinds[kind]
