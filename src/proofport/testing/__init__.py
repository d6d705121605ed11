"""For those who write an adapter or an emulator: the parts that their tests need."""

from __future__ import annotations

from proofport.testing.emulator import Emulator, VendorError, document, json_body, json_response
from proofport.testing.emulator_behaviours import Behaviour, Switches, assumed, client_only, documented, observed
from proofport.testing.emulator_faults import FAULTS, Faults, cut
from proofport.testing.running import Running, running, serve

__all__ = [
    "FAULTS",
    "Behaviour",
    "Emulator",
    "Faults",
    "Running",
    "Switches",
    "VendorError",
    "assumed",
    "client_only",
    "cut",
    "document",
    "documented",
    "json_body",
    "json_response",
    "observed",
    "running",
    "serve",
]
