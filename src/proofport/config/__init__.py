"""The configuration: destinations and their tenants, the guard, the journal, the relay, secrets by reference."""

from proofport.config.configuration import Config, Guard, Tenant, locate
from proofport.config.secrets import secret_fields

__all__ = ["Config", "Guard", "Tenant", "locate", "secret_fields"]
