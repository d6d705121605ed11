"""Gateway: the async facade that library, CLI and relay use."""

from proofport.gateway.gateway import Gateway
from proofport.gateway.inputs import Input
from proofport.gateway.records import Records
from proofport.gateway.targets import Preview

__all__ = ["Gateway", "Input", "Preview", "Records"]
