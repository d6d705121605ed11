"""Finds what a run works with: how its inputs are read, and each destination with the mapping for its kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from proofport import mapping
from proofport.adapter import Adapter, Blueprint, Body, Ends, Mode, Resource, Stages
from proofport.config import Config
from proofport.config.skips import configured_skips
from proofport.delivery.target import Target
from proofport.errors import ConfigError, Problem, UnsupportedFeature, UsageError
from proofport.evidence import model_of
from proofport.gateway.inputs import AlreadyEvidence, Input, Passed
from proofport.gateway.shared_objects import refuse_shared_objects
from proofport.gateway.vendor_mappings import chosen
from proofport.text.wording import listing


class Targets:
    """The destinations and mappings of one configuration."""

    def __init__(self, config: Config) -> None:
        self.library = mapping.MappingLibrary([config.mappings] if config.mappings else [])
        self._config = config
        self._known: dict[tuple[str, str, Mode], Target] = {}

    # ------------------------------------------------------------------ inputs
    def decoders(
        self, inputs: Sequence[Input], kind: str | None, mode: Mode, values: Mapping[str, str]
    ) -> tuple[str, list[Passed]]:
        """How inputs are read, and the one kind of evidence that all of them give. `values` are those of the run."""
        files = self._files(inputs)
        _check_values(files, inputs, values)
        compiled = [
            mapping.compile_source(file, {**_shared(file, values), **item.values}, mode) if file else None
            for file, item in zip(files, inputs, strict=True)
        ]
        kinds = {source.kind for source in compiled if source} | ({kind} if kind else set())
        if not kinds:
            raise UsageError(
                "the kind of evidence is not known",
                hint="Give it (--kind, in a program kind=…), or the source mapping of the tool. Those that are there: "
                "`proofport mapping list`. To draft one: `proofport mapping new FILE --kind K`.",
            )
        if len(kinds) > 1:
            raise UsageError(
                f"the inputs are of several kinds: {', '.join(sorted(kinds))}",
                hint="Push each kind in a run of its own.",
            )
        [found] = kinds
        model_of(found)
        pairs = zip(compiled, inputs, strict=True)
        read = [source or AlreadyEvidence(found, mode, folds=item.folds) for source, item in pairs]
        return found, [Passed(each, self._config.clock_tolerance) for each in read]

    def values_of_run(self, inputs: Sequence[Input], values: Mapping[str, str]) -> list[str]:
        """For each input, those values that it has from the run and not for itself; empty where there are none."""
        pairs = zip(self._files(inputs), inputs, strict=True)
        shared = ({**_shared(file, values), **item.values}.items() - item.values.items() for file, item in pairs)
        return [",".join(sorted(f"{name}={value}" for name, value in each)) for each in shared]

    def _files(self, inputs: Sequence[Input]) -> list[mapping.MappingFile | None]:
        return [self.library.find(item.source) if item.source else None for item in inputs]

    # ------------------------------------------------------------------ destinations
    def find(self, destination: str, kind: str, mode: Mode, *, offline: bool = False) -> Target:
        """How a destination takes a kind. Raises UsageError. `offline`: nothing will be asked of the vendor."""
        adapter = self._config.adapter(destination, offline=offline)
        adapter.resource(kind).limits(mode)
        return self._target(destination, adapter, kind, mode)

    def in_any_mode(self, destination: str, kind: str) -> Target:
        """How a destination takes a kind: record by record, or as a whole set. Nothing will be asked of the vendor."""
        try:
            return self.find(destination, kind, "upsert", offline=True)
        except UsageError:
            return self.find(destination, kind, "snapshot", offline=True)

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
            return self._target(destination, adapter, kind, _shown_in(adapter.resource(kind), mode))
        except UnsupportedFeature as error:
            return Problem(f"the kind {kind}", f"another kind: {error.message}", hint=error.hint)

    def _target(self, destination: str, adapter: Adapter, kind: str, mode: Mode) -> Target:
        choice = chosen(self.library, adapter, kind, adapter.resource(kind).body(mode))
        if choice.found:
            adapter = _with_mapping(adapter, kind, choice.name)
        resource = adapter.resource(kind)
        vendor = self._compiled(choice.name, adapter, kind, resource.body(mode))
        skips = [*configured_skips(self._config, destination, kind), *vendor.skips]
        return Target(
            destination,
            adapter,
            resource,
            vendor,
            self._config.clock_tolerance,
            mapping.compile_skips(skips, f"skip at {destination}"),
            choice.notes,
            choice.name,
        )

    def several(
        self, to: str | Sequence[str], kind: str, mode: Mode, *, delete_gone: bool = False, offline: bool = False
    ) -> list[Target]:
        """Those that a push names. Raises UsageError where two are one object at the vendor."""
        targets = [self.find(name, kind, mode, offline=offline) for name in names_of(to)]
        if not targets:
            raise UsageError("no destination was named", hint="Name one or more of the configured destinations.")
        _refuse_shared_lanes(targets)
        for target in targets if mode == "snapshot" else ():
            refuse_shared_objects(self._config, target.name, target.resource)
        if delete_gone:
            _require_deletion(targets, kind, mode)
        return targets

    # ------------------------------------------------------------------ provisioning
    def blueprint(self, adapter: Adapter, kind: str) -> Blueprint:
        body = adapter.resource(kind).body("upsert")
        vendor = self._compiled(chosen(self.library, adapter, kind, body).name, adapter, kind, body)
        return Blueprint(kind, vendor.made_schema(), vendor.display_name, vendor.fields)

    def kinds_to_provision(self, adapter: Adapter) -> list[str]:
        """Those that the adapter's mappings are for, and those that are configured."""
        files = (self.library.find(name) for name in self.library.names() if name.startswith(f"{adapter.name}/"))
        return list(dict.fromkeys([*(file.from_kind for file in files if file.from_kind), *adapter.settings.objects]))

    def check_skips(self, destination: str, kinds: Iterable[str]) -> None:
        """Raises ConfigError where `skip:` of one of the kinds is wrong."""
        for kind in kinds:
            configured_skips(self._config, destination, kind)

    def _compiled(self, name: str | None, adapter: Adapter, kind: str, body: Body) -> mapping.VendorMapping:
        return mapping.compile_vendor(self.library.find(name) if name else None, body, kind, adapter.name)


def names_of(given: str | Iterable[str]) -> list[str]:
    """One name, or several, each once."""
    return list(dict.fromkeys([given] if isinstance(given, str) else given))


def _with_mapping(adapter: Adapter, kind: str, name: str | None) -> Adapter:
    """The adapter as if the configuration named this mapping for the kind: what a vendor takes may depend on it."""
    objects = adapter.settings.objects
    if kind not in objects:
        return adapter
    own = {kind: objects[kind].model_copy(update={"mapping": name})}
    made = type(adapter)(adapter.settings.model_copy(update={"objects": {**objects, **own}}))
    if (again := adapter.again) is not None:
        made.again = lambda: _with_mapping(again(), kind, name)
    return made


def _check_values(
    files: Sequence[mapping.MappingFile | None], inputs: Sequence[Input], values: Mapping[str, str]
) -> None:
    """Raise UsageError for a value of the run that no mapping takes, or one of an input that has no mapping."""
    taken = {name for file in files if file for name in file.context}
    for name in values:
        if name not in taken:
            known = ", ".join(sorted(taken)) or "nothing"
            raise UsageError(f"no source mapping of this run takes {name!r}", hint=f"They take {known}.")
    for file, item in zip(files, inputs, strict=True):
        if item.values and file is None:
            names = listing(list(item.values))
            raise UsageError(f"an input that is evidence already takes no {names}", hint="Name its source mapping.")


def _shared(file: mapping.MappingFile | None, values: Mapping[str, str]) -> dict[str, str]:
    """Those values of a run that a source mapping has a place for."""
    return {name: values[name] for name in values if file and name in file.context}


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
        for each in target.resource.objects:
            if each in taken:
                raise UsageError(
                    f"{taken[each]} and {target.name} are the same object at the vendor ({each})",
                    hint="Push to one of them.",
                )
            taken[each] = target.name


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
