"""For those who write an adapter or an emulator: what their tests can stand on."""

from __future__ import annotations

from proofport.testing.emulator import Emulator, VendorError, json_body, json_response, serve
from proofport.testing.emulator_behaviours import Behaviour, Switches
from proofport.testing.emulator_faults import FAULTS, Faults, cut
from proofport.testing.running import Running, running

__all__ = [
    "FAULTS",
    "Behaviour",
    "Emulator",
    "Faults",
    "Running",
    "Switches",
    "VendorError",
    "cut",
    "json_body",
    "json_response",
    "running",
    "serve",
]
