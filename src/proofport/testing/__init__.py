"""For those who write an adapter or an emulator: what their tests can stand on."""

from __future__ import annotations

from proofport.testing.emulator import Emulator, VendorError, json_body, json_response, serve
from proofport.testing.emulator_behaviours import Behaviour, Switches
from proofport.testing.emulator_faults import FAULTS, Faults

__all__ = [
    "FAULTS",
    "Behaviour",
    "Emulator",
    "Faults",
    "Switches",
    "VendorError",
    "json_body",
    "json_response",
    "serve",
]
