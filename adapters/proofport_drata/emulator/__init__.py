"""A local imitation of Drata, built from its published documents; `openapi.yaml` is the contract it keeps."""

from __future__ import annotations

from proofport_drata.emulator.emulator import DrataEmulator

__all__ = ["DrataEmulator"]
