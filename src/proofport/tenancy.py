"""How names say whose they are: `@acme/prod` is what the tenant `acme` calls `prod`, `prod` alone the default tenant's.

Lanes carry the same prefix, so that whatever the journal keeps of a lane (deliveries, runs, what was last delivered,
schemas) belongs to one tenant.
"""

from __future__ import annotations

import re

DEFAULT = "default"
"""The tenant whose destinations stand at the top of the configuration."""

TENANT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""What a tenant may be called: a DNS label."""


def scoped(tenant: str, name: str) -> str:
    """The name of a destination or lane in the whole installation."""
    return name if tenant == DEFAULT else f"@{tenant}/{name}"


def tenant_of(name: str) -> str:
    return name[1:].partition("/")[0] if name.startswith("@") else DEFAULT


def own_name(name: str) -> str:
    """What the tenant itself calls it."""
    return name.partition("/")[2] if name.startswith("@") else name
