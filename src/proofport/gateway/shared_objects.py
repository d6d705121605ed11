"""Refuses a configuration in which two sets go to one object of a vendor: each would delete the other's records.

Two kinds may share an object, or two destinations may name some of the same objects. A destination that is configured
twice, with the same objects for a kind, is one lane and one set: that is no mistake.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from proofport.adapter import Adapter, Replaces, Resource, Stages
from proofport.config import Config
from proofport.config.names import own_name, scoped, tenant_of
from proofport.errors import ConfigError, ProofportError


def refuse_shared_objects(config: Config, destination: str, resource: Resource) -> None:
    """Raise ConfigError where another set of the tenant's configuration goes to an object of this one."""
    if not _goes_whole(resource):
        return
    for other, theirs in _sets(config, tenant_of(destination)):
        shared = sorted(set(resource.objects).intersection(theirs.objects))
        if shared and (theirs.lane, theirs.kind) != (resource.lane, resource.kind):
            where, names = f"{resource.kind} of {destination} and {theirs.kind} of {other}", ", ".join(shared)
            mend = f"Give each an object of its own under `objects`, in {own_name(destination)} or {own_name(other)}."
            raise ConfigError(
                f"{where} go to one object at the vendor ({names}): the set of one would delete the other's", hint=mend
            )


def refuse_any_shared(config: Config, destination: str, adapter: Adapter) -> None:
    """Raise ConfigError for the first of a destination's sets that shares an object with another."""
    for resource in _resources(adapter):
        refuse_shared_objects(config, destination, resource)


def _sets(config: Config, tenant: str) -> Iterator[tuple[str, Resource]]:
    """All whole sets of a tenant, each with its destination. What is wrong elsewhere is found there."""
    for name in config.of_tenant(tenant):
        with suppress(ProofportError):
            adapter = config.adapter(scoped(tenant, name), offline=True)
            for resource in _resources(adapter):
                yield scoped(tenant, name), resource


def _resources(adapter: Adapter) -> Iterator[Resource]:
    """The configured resources of an adapter that take sets whole."""
    for kind in adapter.settings.objects:
        with suppress(ProofportError):
            resource = adapter.resource(kind)
            if _goes_whole(resource) and resource.objects:
                yield resource


def _goes_whole(resource: Resource) -> bool:
    return isinstance(resource, Stages | Replaces)
