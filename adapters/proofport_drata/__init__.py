"""Drata: records of CUSTOM connections, devices of an MDM, people of an HRIS or an identity provider."""

from __future__ import annotations

from proofport_drata.adapter import DrataAdapter
from proofport_drata.settings import DrataObject, DrataSettings

__all__ = ["DrataAdapter", "DrataObject", "DrataSettings"]
