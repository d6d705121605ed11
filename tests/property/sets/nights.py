"""Nights, as Hypothesis makes them: what the sources hold, what is refused or left out, and when the push dies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")
Stage: TypeAlias = Literal["reader", "source mapping", "model", "vendor mapping", "vendor", "nameless"]
"""Where a record is refused. `nameless`: with it goes its id, which cannot be read."""
Spelling: TypeAlias = Literal["plain", "upper", "padded"]
Form: TypeAlias = Literal["csv", "ndjson", "pages"]

IDS = ("n1", "n2", "n3", "n4", "n5", "n6")
SOURCES = ("north", "south")
STAGES: tuple[Stage, ...] = ("reader", "source mapping", "model", "vendor mapping", "vendor", "nameless")


@dataclass(frozen=True)
class Record:
    source: str
    stage: Stage | None  #: None: it is good.
    version: int
    spelling: Spelling

    def spelled(self, name: str) -> str:
        return {"plain": name, "upper": name.upper(), "padded": f" {name} "}[self.spelling]


def plain(text: str) -> str:
    """An id as it is compared."""
    return text.strip().casefold()


@dataclass(frozen=True)
class Night:
    """One night's push of a snapshot."""

    records: Mapping[str, Record]  #: By id. Those of sources that are left out are not pushed.
    sources: tuple[str, ...]  #: Those that are pushed.
    without: bool  #: A source that is left out is named as such.
    form: Form
    files: int  #: The pages of a source lie in so many files.
    last_page: bool  #: False: the last page says that more follow.
    override: bool
    skip_unchanged: bool
    #: The push is killed at this request. None: it is not.
    kill: int | None
    arrives: bool  #: That request still reaches the vendor.
    resume: bool  #: Where the push of the night before was killed, this one goes on with it.

    @property
    def given(self) -> dict[str, Record]:
        """What is in the input, refused or not."""
        return {name: each for name, each in self.records.items() if each.source in self.sources}

    @property
    def whole(self) -> bool:
        return self.last_page or self.form != "pages"

    def refused(self, *stages: Stage) -> set[str]:
        """The ids that are refused, at one of these stages if any are named."""
        return {name for name, each in self.given.items() if each.stage in (stages or STAGES)}


# ------------------------------------------------------------------ how they are drawn
TROUBLES = (
    "refusals",
    "nameless",
    "spellings",
    "moves",
    "cut off",
    "left out",
    "override",
    "unchanged",
    "kill",
    "kill",
)
"""What may be unusual about a night. Few at a time, or nothing could be delivered on most nights."""


@st.composite
def _night(draw: st.DrawFn) -> Night:
    trouble = draw(st.sets(st.sampled_from(TROUBLES), max_size=2))

    def often(usual: T, *other: T, when: str) -> T:
        return draw(st.sampled_from([usual, *other])) if when in trouble else usual

    records = {}
    for name in draw(st.sets(st.sampled_from(IDS), min_size=len(IDS) // 2)):
        stage = often(None, None, *STAGES[:-1], when="refusals") or often(None, None, None, STAGES[-1], when="nameless")
        home = SOURCES[IDS.index(name) % 2]
        source = often(home, *SOURCES, when="moves")
        spelling: Spelling = often("plain", "upper", "padded", when="spellings")
        records[name] = Record(source, stage, draw(st.integers(1, 2)), spelling)
    return Night(
        records=records,
        sources=often(SOURCES, SOURCES[:1], SOURCES[1:], when="left out"),
        without=draw(st.booleans()),
        form="pages" if "cut off" in trouble else draw(st.sampled_from(["csv", "ndjson", "pages"])),
        files=draw(st.integers(1, 3)),
        last_page="cut off" not in trouble,
        override="override" in trouble,
        skip_unchanged="unchanged" in trouble,
        kill=draw(st.sampled_from([1, 1, 2, 2, 3, 4, 6])) if "kill" in trouble else None,
        arrives=draw(st.sampled_from([True, True, False])),
        resume=draw(st.sampled_from([False, False, True])),
    )


NIGHTS = st.lists(_night(), min_size=3, max_size=8)
