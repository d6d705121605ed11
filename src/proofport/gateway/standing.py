"""How things stand: what is stale, parked, dead, refused or stopped, by configured names of destination and kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from proofport.delivery.report import Exit
from proofport.gateway.places import Place, Places
from proofport.journal.contract import Arrival, Journal, LaneView, RunView
from proofport.text.durations import in_words

RUNS = 10_000
"""The latest runs, among which the last one of each destination, kind and mode is looked for."""

Trouble: TypeAlias = Literal["stale", "parked", "dead", "refused", "stopped"]

WHY = {
    Exit.INCOMPLETE: "not every record was delivered",
    Exit.USAGE: "the destination could not take it as asked",
    Exit.BLOCKED: "the vendor refuses until a person acts",
    Exit.GUARD: "the guard refused what would disappear",
}


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the evidence of one kind at one destination is."""

    place: Place
    #: The last complete set. Where no set was ever complete, the last delivery.
    last: float | None
    complete: float | None
    confirmed: float | None

    def age(self, now: float) -> float | None:
        return None if self.last is None else max(0.0, now - self.last)

    def is_stale(self, now: float) -> bool:
        age, most = self.age(now), self.place.max_age
        return most is not None and (age is None or age > most)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a person should look at."""

    trouble: Trouble
    #: Configured names, as far as they are known.
    destination: str | None
    kind: str | None
    lane: str
    detail: str
    hint: str
    since: float | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    findings: Sequence[Finding]
    freshness: Sequence[Freshness]


def freshness(places: Places, arrivals: Sequence[Arrival]) -> list[Freshness]:
    """Of every configured destination and kind."""
    by_place = {(each.lane, each.kind): each for each in arrivals}
    found = []
    for place in places.all:
        arrival = by_place.get((place.lane, place.kind), Arrival(place.lane, place.kind, None, None, None))
        last = arrival.complete if arrival.complete is not None else arrival.delivered
        found.append(Freshness(place, last, arrival.complete, arrival.confirmed))
    return found


async def standing(journal: Journal, places: Places, now: float) -> Standing:
    """Look at everything once."""
    lanes, runs = await journal.lanes(), await journal.runs(limit=RUNS)
    fresh = freshness(places, await journal.arrivals())
    leased = {lane.lane for lane in lanes if lane.is_leased(now)}
    known = set(places.destinations)
    findings = [
        *stale(fresh, now),
        *_lanes(lanes, places),
        *_runs([run for run in runs if run.destination in known], leased),
    ]
    return Standing(findings, fresh)


def stale(fresh: Sequence[Freshness], now: float) -> Iterator[Finding]:
    """The evidence that is older than it may be."""
    for each in fresh:
        if not each.is_stale(now):
            continue
        place, age = each.place, each.age(now)
        allowed = f"at most {in_words(place.max_age or 0.0)} are allowed"
        found = "it was never delivered whole" if age is None else f"what is there is {in_words(age)} old"
        hint = "Look why the job that pushes it did not run, or did not succeed: `proofport runs` lists them."
        yield Finding("stale", place.destination, place.kind, place.lane, f"{found}, {allowed}", hint, each.last)


def _lanes(lanes: Sequence[LaneView], places: Places) -> Iterator[Finding]:
    for lane in lanes:
        destination, kind = places.names(lane.lane)
        if lane.parked is not None:
            hint = f"Once that is mended, `proofport resume {places.shortest(lane.lane)}` releases the lane."
            yield Finding("parked", destination, kind, lane.lane, lane.parked, hint)
        if lane.dead:
            hint = "`proofport dead-letter list` lists them with the reasons."
            yield Finding("dead", destination, kind, lane.lane, f"dead letters: {lane.dead:,}", hint)


def _runs(runs: Sequence[RunView], leased: set[str]) -> Iterator[Finding]:
    """The last run of each destination, kind and mode, if it did not end well, unless a complete set came later."""
    seen: set[tuple[str, str, str]] = set()
    whole: set[tuple[str, str]] = set()
    for run in runs:
        key = (run.destination, run.kind, run.mode)
        if key in seen or key[:2] in whole or (run.state == "open" and run.lane in leased):
            continue
        seen.add(key)
        books = run.books
        code = Exit(books.get("exit_code", Exit.OK))
        if run.mode == "snapshot" and run.state == "complete":
            whole.add(key[:2])
        if run.state == "open":
            detail, hint = "the run stopped before its end", f"`proofport status {run.run_id}` says why."
            yield Finding("stopped", *key[:2], run.lane, detail, hint, run.started, run.run_id)
        elif code is not Exit.OK:
            told = [str(note) for note in books.get("notes", ())][:1]
            detail = ": ".join([f"the last {run.mode} ended with exit code {int(code)}: {WHY[code]}", *told])
            hint = f"`proofport status {run.run_id}` shows its counts."
            yield Finding("refused", *key[:2], run.lane, detail, hint, run.ended, run.run_id)
