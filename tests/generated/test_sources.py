"""Every source says what a user has to know before the first push."""

from __future__ import annotations

import pytest
from tests.generated.sources import LINES, PREFIX, said, sources

from proofport.mapping import MappingFile

SOURCES = sources()


@pytest.mark.parametrize("source", SOURCES, ids=[source.name.removeprefix(PREFIX) for source in SOURCES])
def test_the_comment_of_a_source_says_all_of_it(source: MappingFile) -> None:
    words = said(source)
    missing = [f"`# {name}: …`" for name in LINES if not words.get(name)]
    assert not missing, (
        f"{source.path.name}: the comment above `mapping: {source.name}` has no line {', '.join(missing)}. "
        "`input`: the command or call; `permissions`: what that needs; `end`: how the list shows that it is whole; "
        "`not said`: what vendors require and the tool does not know, or `nothing`. Lines that begin with "
        "`#   ` continue one."
    )
