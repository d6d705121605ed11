"""Gateway: the async facade that library, CLI and relay use."""

from proofport.gateway.gateway import Gateway
from proofport.gateway.inputs import Input
from proofport.gateway.preview import Preview
from proofport.gateway.records import Records

__all__ = ["Gateway", "Input", "Preview", "Records"]
