"""Drata: CUSTOM records, replaced as a whole by sessions or written one by one."""

from __future__ import annotations

from proofport_drata.adapter import DrataAdapter
from proofport_drata.settings import DrataObject, DrataSettings

__all__ = ["DrataAdapter", "DrataObject", "DrataSettings"]
