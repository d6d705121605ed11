"""Names of destinations and lanes with their tenant, and their place in the file. `@acme/prod` is `prod` of `acme`.

A name without `@` belongs to the default tenant. Lanes have the same prefix, so everything that the journal stores for
a lane belongs to one tenant.
"""

from __future__ import annotations

import re

DEFAULT = "default"
"""The tenant of the destinations at the top of the configuration."""

TENANT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""A valid name of a tenant: a DNS label."""


def scoped(tenant: str, name: str) -> str:
    """The name of a destination or lane in the whole installation."""
    return name if tenant == DEFAULT else f"@{tenant}/{name}"


def tenant_of(name: str) -> str:
    """The tenant whose destination or lane it is."""
    return name[1:].partition("/")[0] if name.startswith("@") else DEFAULT


def own_name(name: str) -> str:
    """The name that the tenant itself uses."""
    return name.partition("/")[2] if name.startswith("@") else name


def place_of(destination: str) -> tuple[str, ...]:
    """The keys in the configuration file that lead to a destination."""
    return (*block_of(tenant_of(destination)), own_name(destination))


def block_of(tenant: str) -> tuple[str, ...]:
    """The keys that lead to the destinations of a tenant."""
    return ("destinations",) if tenant == DEFAULT else ("tenants", tenant, "destinations")
