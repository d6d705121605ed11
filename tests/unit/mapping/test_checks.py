"""The canonical spelling of a time."""

from __future__ import annotations

import pytest

from proofport.mapping.compile.checks import timestamp


@pytest.mark.parametrize("time", ["2026-01-31T09:00:00Z", "2026-01-31T09:00:00+00:00", "2026-01-31T10:00:00+01:00"])
@pytest.mark.parametrize("tail", ["\0", "\0x", "\0" * 3])
def test_a_time_does_not_end_at_a_null(time: str, tail: str) -> None:
    assert timestamp(time) == "2026-01-31T09:00:00Z"
    assert timestamp(time + tail) is None
