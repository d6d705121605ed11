"""A local imitation of Drata, built from its published documents. It answers the operations of `openapi.yaml`."""

from __future__ import annotations

from proofport_drata.emulator.emulator import DrataEmulator

__all__ = ["DrataEmulator"]
