"""proofport carries compliance evidence into the systems auditors read."""

__version__ = "0.1.0"
