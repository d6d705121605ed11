"""Gateway: the async facade that library, CLI and relay use."""

from proofport.gateway.gateway import Gateway
from proofport.gateway.inputs import Input, Records
from proofport.gateway.preview import Preview

__all__ = ["Gateway", "Input", "Preview", "Records"]
