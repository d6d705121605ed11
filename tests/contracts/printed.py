"""Samples of a vendor's document: each is sent as it is printed, in its order, and gets the documented answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import EllipsisType
from typing import Any

from tests.unit.emulators.client import Client


@dataclass(frozen=True, slots=True)
class Sample:
    """One request of a document. `{name}` in the path, and in texts of the answer, is what an earlier sample kept."""

    method: str
    path: str
    body: Any
    status: int
    #: What the answer shows: members of objects, whole lists. `...` stands for anything.
    answer: Any = ...
    #: What to keep of the answer: names, and the places of their values, as `data.0.id`.
    keep: Mapping[str, str] = field(default_factory=dict)
    #: The readings of the document, where the emulator has another one by default.
    readings: Mapping[str, Any] = field(default_factory=dict)


async def send(client: Client, samples: Iterable[Sample]) -> dict[str, Any]:
    """Send each. Asserts that the answers are the documented ones. Returns what was kept."""
    kept: dict[str, Any] = {}
    for sample in samples:
        if sample.readings:
            await client.served.switch(**sample.readings)
        status, answer = await client(sample.method, sample.path.format(**kept), sample.body)
        assert status == sample.status, (sample, answer)
        assert [*differences(filled(sample.answer, kept), answer)] == [], (sample, answer)
        kept |= {name: at(answer, place) for name, place in sample.keep.items()}
    return kept


def differences(expected: Any, found: Any, where: str = "") -> Iterator[str]:
    """Where an answer lacks what is expected."""
    if isinstance(expected, EllipsisType):
        return
    if isinstance(expected, dict) and isinstance(found, dict):
        yield from (f"{where}/{name}: is missing" for name in expected if name not in found)
        for name, each in expected.items():
            yield from differences(each, found.get(name), f"{where}/{name}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for place, each in enumerate(expected):
            yield from differences(each, found[place], f"{where}/{place}")
    elif expected != found:
        yield f"{where}: found {found!r}, expected {expected!r}"


def filled(part: Any, kept: Mapping[str, Any]) -> Any:
    """The expected answer, with what was kept in the place of `{name}`."""
    if isinstance(part, dict):
        return {name: filled(each, kept) for name, each in part.items()}
    if isinstance(part, list):
        return [filled(each, kept) for each in part]
    return kept[part[1:-1]] if isinstance(part, str) and part[:1] == "{" and part[-1:] == "}" else part


def at(answer: Any, place: str) -> Any:
    for name in place.split("."):
        answer = answer[int(name)] if isinstance(answer, list) else answer[name]
    return answer


async def explained(client: Client, samples: Iterable[Sample]) -> None:
    """Asserts that the emulator says of each reading that it is not the default, which is, and by which sources."""
    claims = {each["name"]: each for each in await client.served.control("GET", "behaviours")}
    for sample in samples:
        for name, value in sample.readings.items():
            claim = claims[name]
            assert claim["switch"]["default"] != value, name
            assert claim["switch"]["value"] == claim["switch"]["default"], name
            assert claim["source"], name
