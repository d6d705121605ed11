"""Bodies that are written together and cut, against each written by itself."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from proofport.mapping import encode

TEXTS = st.text(max_size=4) | st.sampled_from(["},{", "}", "{", "},", ",{", '"},{"', "[{}]", "\\", '"'])
VALUES = st.recursive(
    TEXTS | st.integers(-9, 9) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
BODIES = st.lists(st.dictionaries(TEXTS, VALUES, max_size=4), max_size=6)


@given(BODIES)
def test_each_body_is_what_it_is_by_itself(bodies: list[dict[str, Any]]) -> None:
    assert encode(bodies) == [orjson.dumps(body) for body in bodies]
