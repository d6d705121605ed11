"""How things stand: what is stale, parked, dead, refused, stopped or expiring, by configured names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from proofport.delivery.report.report import Exit
from proofport.gateway.places import Place, Places
from proofport.journal.contract import ALL, Arrival, Journal, LaneView, RunFilter, RunView
from proofport.notices.causes import expiring
from proofport.text.durations import in_words, moment

Trouble: TypeAlias = Literal["stale", "parked", "dead", "refused", "stopped", "expiring"]

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
    #: None for what concerns no lane: a key of the relay.
    lane: str | None
    detail: str
    hint: str
    since: float | None = None
    run_id: str | None = None
    #: The public name of a key of the relay.
    key: str | None = None


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
    lanes, arrivals = await journal.lanes(), await journal.arrivals()
    runs = [*await journal.last_runs(), *await journal.runs(limit=ALL, chosen=RunFilter(state="open"))]
    fresh = freshness(places, arrivals)
    leased = {lane.lane for lane in lanes if lane.is_leased(now)}
    known = set(places.destinations)
    findings = [
        *stale(fresh, now),
        *_lanes(lanes, places),
        *_runs([run for run in runs if run.destination in known], leased, arrivals),
        *_keys(expiring(await journal.access_keys(), now), now),
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


def _runs(runs: Sequence[RunView], leased: set[str], arrivals: Sequence[Arrival]) -> Iterator[Finding]:
    """The last run of each destination, kind and mode, if it did not end well, unless a complete set came later."""
    whole = {(each.lane, each.kind): each.complete or 0.0 for each in arrivals}
    last: dict[tuple[str, str, str], RunView] = {}
    for run in sorted(runs, key=lambda run: run.started):
        if run.state != "open" or run.lane not in leased:
            last[run.destination, run.kind, run.mode] = run
    for run in sorted(last.values(), key=lambda run: run.started, reverse=True):
        books, is_whole = run.books, run.mode == "snapshot" and run.state == "complete"
        code = Exit(books.get("exit_code", Exit.OK))
        if not is_whole and run.started < whole.get((run.lane, run.kind), 0.0):
            continue
        if run.state == "open":
            detail, hint = "the run stopped before its end", f"`proofport status {run.run_id}` says why."
            yield Finding("stopped", run.destination, run.kind, run.lane, detail, hint, run.started, run.run_id)
        elif code is not Exit.OK:
            told = [str(note) for note in books.get("notes", ())][:1]
            detail = ": ".join([f"the last {run.mode} ended with exit code {int(code)}: {WHY[code]}", *told])
            hint = f"`proofport status {run.run_id}` shows its counts."
            yield Finding("refused", run.destination, run.kind, run.lane, detail, hint, run.ended, run.run_id)


def _keys(expiring: Mapping[str, float], now: float) -> Iterator[Finding]:
    for name, at in expiring.items():
        detail = f"a key of the relay {'expired' if at <= now else 'expires'} {moment(at)}"
        hint = f"Make another with `proofport key create`, then `proofport key revoke {name}`."
        yield Finding("expiring", None, None, None, detail, hint, key=name)
