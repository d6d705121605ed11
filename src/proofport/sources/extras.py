"""Libraries that read formats, of which only some users have need."""

from __future__ import annotations

import importlib
from typing import Any

from proofport.errors import UsageError


def required(module: str, extra: str, what: str) -> Any:
    """A module. Raises UsageError, which says what to install, if it is not there. `what` needs it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        hint = f"Install what reads it: pip install 'proofport[{extra}]'"
        raise UsageError(f"{what}, and nothing is installed that reads it", hint=hint) from None
