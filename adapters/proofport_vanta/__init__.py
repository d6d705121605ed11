"""Vanta: the resources of an application of the type Build Integrations, each replaced whole."""

from __future__ import annotations

from proofport_vanta.adapter import VantaAdapter
from proofport_vanta.objects import VantaObject
from proofport_vanta.settings import VantaSettings

__all__ = ["VantaAdapter", "VantaObject", "VantaSettings"]
