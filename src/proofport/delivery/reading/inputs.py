"""The inputs of a run, read one after the other, and what is to be said of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from proofport.accounting import SKIP_RULE
from proofport.adapter import Mode
from proofport.delivery.books import POSITION_BITS
from proofport.delivery.reading.columns import Matched, lacking_in
from proofport.delivery.reading.decoder import Decoder
from proofport.delivery.reading.reading import Pipeline, place_in
from proofport.delivery.report.report import SourceReport
from proofport.delivery.report.unmatched import Unmatched
from proofport.delivery.snapshot.whole import Chains, end_of
from proofport.sources import Reader


class Inputs:
    """Feeds the inputs of a run to its pipeline.

    `names`: the source of each, where it is not the decoder's. `values`: those that each has from the run, and not for
    itself.
    """

    def __init__(
        self,
        inputs: Sequence[tuple[Reader, Decoder]],
        mode: Mode,
        names: Sequence[str] = (),
        values: Sequence[str] = (),
    ) -> None:
        #: What was read of each, as far as it was read to its end.
        self.reports: list[SourceReport] = []
        #: Sentences about their ends.
        self.notes: list[str] = []
        #: By source and source mapping.
        self._unmatched: dict[tuple[str, str], Unmatched] = {}
        #: The fields that had values in the last complete run.
        self.before: Matched = {}
        self._inputs = inputs
        self._mode = mode
        #: The source of each.
        self.names = names or [decoder.source for _, decoder in inputs]
        #: The fields that each cannot have.
        self.lacking = lacking_in(inputs, self.names)
        self._values = values or [""] * len(inputs)
        #: By source, the reasons for which its mapping left records out.
        self._left_out: defaultdict[str, set[str]] = defaultdict(set)
        #: The numbers of inputs that are lists of their own, not pages that others follow, by their source.
        self._lists: dict[str, int] = {}

    async def feed(self, pipeline: Pipeline) -> None:
        """Take every input to its end."""
        chains = Chains()
        for number, (reader, decoder) in enumerate(self._inputs):
            read, skipped = pipeline.read, pipeline.skipped.copy()
            name = self.names[number]
            unmatched = Unmatched(decoder.optional, self.before.get(name, ()))
            pipeline.unmatched = self._unmatched.setdefault((name, _mapping_of(decoder)), unmatched)
            pages = await pipeline.feed(reader, decoder, number << POSITION_BITS)
            chains.add(number, name, pages)
            left, warning = pipeline.skipped - skipped, "\n".join(self._warnings(number)) or None
            self._left_out[name].update(left)
            incomplete, note = end_of(reader, pipeline.read - read, self._mode)
            self.notes += [note] if note is not None else []
            self.reports.append(SourceReport(reader.name, pipeline.read - read, incomplete, left, warning))
            if pages is None or pages.more is None:
                self._lists.setdefault(decoder.source, number)
        for number, flaw in chains.flaws(pipeline.repeated):
            source = self.reports[number]
            self.reports[number] = replace(source, incomplete=source.incomplete or flaw)

    @property
    def matched(self) -> dict[str, list[str]]:
        """By source, the fields that had a value in some record, and `skip: REASON` for what left a record out."""
        found: dict[str, set[str]] = {}
        for (source, _), unmatched in self._unmatched.items():
            if unmatched.matched is not None:
                left_out = (SKIP_RULE + reason for reason in self._left_out[source])
                found.setdefault(source, set()).update(unmatched.matched, left_out)
        return {source: sorted(fields) for source, fields in found.items()}

    @property
    def unmatched(self) -> dict[str, Unmatched]:
        """By source mapping, the fields that no record of any of its sources had."""
        found: dict[str, Unmatched] = {}
        for (_, mapping), unmatched in self._unmatched.items():
            found[mapping] = found[mapping].joined(unmatched) if mapping in found else unmatched
        return found

    def _warnings(self, number: int) -> Iterator[str]:
        """Say what may be wrong with an input."""
        told = self.lacking[number].warnings(self.before)
        self._unmatched[self.names[number], _mapping_of(self._inputs[number][1])].told.update(told)
        yield from told.values()
        if (alike := self._set_for_two(number)) is not None:
            yield alike

    def _set_for_two(self, number: int) -> str | None:
        """Say if a value of the run is that of two whole lists, which may be those of two regions or accounts."""
        reader, decoder = self._inputs[number]
        first, values = self._lists.get(decoder.source), self._values[number]
        if first is None or values == "" or self._values[first] == "":
            return None
        return (
            f"{values} was set for {self._inputs[first][0].name} and {reader.name} alike. If it is not true of both, "
            f"set it for each: '{_mapping_of(decoder)}[{values}]=FILE'."
        )

    @property
    def incomplete(self) -> list[str]:
        """Why inputs were not read to their end."""
        return [source.incomplete for source in self.reports if source.incomplete]

    def describe(self, position: int) -> str:
        """The place of a record, for a person."""
        number, place = position >> POSITION_BITS, position & ((1 << POSITION_BITS) - 1)
        return place_in(self._inputs[number][0], place)


def _mapping_of(decoder: Decoder) -> str:
    """The name of a source without its values."""
    return decoder.source.partition("[")[0]
