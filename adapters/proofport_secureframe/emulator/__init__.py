"""A local imitation of Secureframe, built from its published documents; `openapi.yaml` is the contract it keeps."""

from __future__ import annotations

from proofport_secureframe.emulator.emulator import SecureframeEmulator

__all__ = ["SecureframeEmulator"]
