"""A local imitation of Vanta, built from its published documents; `openapi.yaml` is the contract it keeps."""

from __future__ import annotations

from proofport_vanta.emulator.emulator import VantaEmulator

__all__ = ["VantaEmulator"]
