"""Secureframe: the publish endpoint of a custom connection, and what can be read back of it."""

from __future__ import annotations

from proofport_secureframe.adapter import SecureframeAdapter
from proofport_secureframe.settings import SecureframeObject, SecureframeSettings

__all__ = ["SecureframeAdapter", "SecureframeObject", "SecureframeSettings"]
