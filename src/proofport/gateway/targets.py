"""Finds what a run works with: how its inputs are read, and each destination with the mapping for its kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from proofport import mapping
from proofport.adapter import Adapter, Blueprint, Body, Ends, Mode, Resource, Stages
from proofport.config import Config
from proofport.delivery.reading import Decoder
from proofport.delivery.target import Target
from proofport.errors import ConfigError, Problem, UnsupportedFeature, UsageError
from proofport.evidence import Neutral, model_of
from proofport.gateway.inputs import AlreadyEvidence, Passed


class Targets:
    """The destinations and mappings of one configuration."""

    def __init__(self, config: Config) -> None:
        self.library = mapping.MappingLibrary([config.mappings] if config.mappings else [])
        self._config = config
        self._known: dict[tuple[str, str, Mode], Target] = {}

    # ------------------------------------------------------------------ inputs
    def decoders(
        self,
        sources: Sequence[str | None],
        kind: str | None,
        mode: Mode,
        values: Mapping[str, str],
        folds: Sequence[bool] | None = None,
    ) -> tuple[str, list[Decoder]]:
        """How inputs with these source mappings are read, and the one kind of evidence that all of them give.

        `folds` says of inputs that are evidence already that their ids compare without case.
        """
        files = [self.library.find(source) if source else None for source in sources]
        compiled = [
            mapping.compile_source(file, given, mode) if file else None for file, given in _shared(files, values)
        ]
        kinds = {source.kind for source in compiled if source} | ({kind} if kind else set())
        if not kinds:
            raise UsageError(
                "the kind of evidence is not known",
                hint="Give it (--kind, in a program kind=…), or a source mapping that says it.",
            )
        if len(kinds) > 1:
            raise UsageError(
                f"the inputs are of several kinds: {', '.join(sorted(kinds))}",
                hint="Push each kind in a run of its own.",
            )
        [found] = kinds
        model_of(found)
        folded = folds or [False] * len(compiled)
        pairs = zip(compiled, folded, strict=True)
        read: list[Decoder] = [source or AlreadyEvidence(found, mode, folds=each) for source, each in pairs]
        return found, [Passed(each, self._config.clock_tolerance) for each in read]

    # ------------------------------------------------------------------ destinations
    def find(self, destination: str, kind: str, mode: Mode, *, offline: bool = False) -> Target:
        """How a destination takes a kind. Raises UsageError. `offline`: nothing will be asked of the vendor."""
        adapter = self._config.adapter(destination, offline=offline)
        resource = adapter.resource(kind)
        resource.limits(mode)
        body = resource.body(mode)
        vendor = self._mapping(adapter, kind, body)
        chosen = self._chosen(adapter, kind, body)
        return Target(destination, adapter, resource, vendor, self._config.clock_tolerance, chosen)

    def known(self, destination: str, kind: str, mode: Mode) -> Target:
        """The same, made once for those who ask again and again."""
        key = destination, kind, mode
        if key not in self._known:
            self._known[key] = self.find(*key)
        return self._known[key]

    def renew(self) -> dict[str, bool | ConfigError]:
        """Read the secrets of all that is `known` again, where they stand in files. By destination: True if changed."""
        found: dict[str, bool | ConfigError] = {}
        for target in self._known.values():
            try:
                found[target.name] = target.adapter.renew() or found.get(target.name, False)
            except ConfigError as error:
                found[target.name] = error
        return found

    def previewed(self, destination: str, kind: str, mode: Mode) -> Target | Problem:
        """How a destination would take a kind, or why it cannot. It needs neither secrets nor an object there."""
        adapter = self._config.adapter(destination, offline=True)
        try:
            resource = adapter.resource(kind)
            mode = _shown_in(resource, mode)
            return Target(destination, adapter, resource, self._mapping(adapter, kind, resource.body(mode)))
        except UnsupportedFeature as error:
            return Problem(f"the kind {kind}", f"another kind: {error.message}", hint=error.hint)

    def several(
        self, to: str | Sequence[str], kind: str, mode: Mode, *, delete_gone: bool = False, offline: bool = False
    ) -> list[Target]:
        """Those that a push names. Raises UsageError where two are one object at the vendor."""
        targets = [self.find(name, kind, mode, offline=offline) for name in names_of(to)]
        if not targets:
            raise UsageError("no destination was named", hint="Name one or more of the configured destinations.")
        _refuse_shared_lanes(targets)
        if delete_gone:
            _require_deletion(targets, kind, mode)
        return targets

    # ------------------------------------------------------------------ provisioning
    def blueprint(self, adapter: Adapter, kind: str) -> Blueprint:
        vendor = self._mapping(adapter, kind, adapter.resource(kind).body("upsert"))
        return Blueprint(kind, vendor.made_schema(), vendor.display_name, vendor.fields)

    def kinds_to_provision(self, adapter: Adapter) -> list[str]:
        """Those that the adapter's mappings are for, and those that are configured."""
        files = (self.library.find(name) for name in self.library.names() if name.startswith(f"{adapter.name}/"))
        return list(dict.fromkeys([*(file.from_kind for file in files if file.from_kind), *adapter.settings.objects]))

    def _mapping(self, adapter: Adapter, kind: str, body: Body) -> mapping.VendorMapping:
        chosen = self._chosen(adapter, kind, body)
        return mapping.compile_vendor(self.library.find(chosen) if chosen else None, body, kind, adapter.name)

    def _chosen(self, adapter: Adapter, kind: str, body: Body) -> str | None:
        """The name of the vendor mapping: that of the configuration, or the built-in one."""
        objects = adapter.settings.objects
        own = objects[kind].mapping if kind in objects else None
        return own or body.mapping


def names_of(given: str | Iterable[str]) -> list[str]:
    """One name, or several, each once."""
    return list(dict.fromkeys([given] if isinstance(given, str) else given))


def _shared(
    files: Sequence[mapping.MappingFile | None], values: Mapping[str, str]
) -> list[tuple[mapping.MappingFile | None, dict[str, str]]]:
    """Each source mapping with those values that it has a place for. One that no mapping takes is a mistake."""
    taken = {name for file in files if file for name in file.context}
    for name in values:
        if name not in taken:
            known = ", ".join(sorted(taken)) or "nothing"
            raise UsageError(f"no source mapping of this run takes {name!r}", hint=f"They take {known}.")
    return [(file, {name: values[name] for name in values if file and name in file.context}) for file in files]


def _require_deletion(targets: Sequence[Target], kind: str, mode: Mode) -> None:
    """Raises UsageError where nothing could be gone, or the vendor would keep it."""
    if mode != "snapshot":
        raise UsageError("only a snapshot tells what is gone", hint="Add `--mode snapshot`, or push removals.")
    for target in targets:
        if not isinstance(target.resource, Ends | Stages):
            raise UnsupportedFeature(
                f"the vendor of {target.name} has no call that deletes {kind}",
                hint="Push there without --delete-gone: what is gone is listed in the report.",
            )


def _refuse_shared_lanes(targets: Sequence[Target]) -> None:
    """Two destinations on one vendor object in one run would be two writers of one set."""
    taken: dict[str, str] = {}
    for target in targets:
        lane = target.lane
        if lane in taken:
            raise UsageError(
                f"{taken[lane]} and {target.name} are the same object at the vendor ({lane})",
                hint="Push to one of them.",
            )
        taken[lane] = target.name


# ------------------------------------------------------------------ preview
def _shown_in(resource: Resource, mode: Mode) -> Mode:
    """The mode to show a record in: this one, or a snapshot where the vendor takes no single records. Raises
    UnsupportedFeature. An object need not be there yet."""
    with suppress(ConfigError):
        try:
            resource.limits(mode)
        except UnsupportedFeature:
            if mode != "upsert":
                raise
            resource.limits("snapshot")
            return "snapshot"
    return mode


@dataclass(frozen=True, slots=True)
class Preview:
    """One record as every destination would get it."""

    position: str
    #: None, like `neutral`: it is no evidence, and every destination has the same problem.
    id: str | None
    neutral: Neutral | None
    #: By destination: the exact body, or the reason why there is none.
    bodies: Mapping[str, dict[str, Any] | Problem] = field(default_factory=dict)


def preview_of(position: str, record: Neutral | Problem, targets: Mapping[str, Target | Problem]) -> Preview:
    """Of one record, or of the reason why it is none."""
    if isinstance(record, Problem):
        return Preview(position, None, None, dict.fromkeys(targets, record))
    bodies = {name: each if isinstance(each, Problem) else each.body_of(record) for name, each in targets.items()}
    return Preview(position, record["id"], record, bodies)
