"""Requests that Schemathesis makes up from an operation of a document: a fixed sample; in a soak, many others."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

SOAK = bool(os.environ.get("PROOFPORT_SOAK"))


def each_request(
    operation: Any,
    mode: str,
    check: Callable[[Any], None],
    *,
    examples: int,
    known: Mapping[str, Sequence[Any]],
    places: Sequence[str] = ("path_parameters",),
) -> None:
    """Call `check` with so many cases. In `places`, a parameter is now and then one of those that are `known` there."""
    cases = operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode))

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=not SOAK,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, data=st.data())
    def one(case: Any, data: st.DataObject) -> None:
        for parameters in (getattr(case, place) or {} for place in places):
            for name in parameters:
                if name in known and data.draw(st.booleans()):
                    parameters[name] = data.draw(st.sampled_from(known[name]))
        check(case)

    one()
