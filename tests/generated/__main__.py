"""Writes all generated tables: python -m tests.generated"""

from __future__ import annotations

from tests.generated.pages import write

write()
