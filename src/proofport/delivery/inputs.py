"""The inputs of a run, read one after the other, and what is to be said of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from proofport.delivery.books import POSITION_BITS
from proofport.delivery.reading import Decoder, Pipeline, place_in
from proofport.delivery.report import SourceReport
from proofport.delivery.whole import Chains
from proofport.sources import Reader


class Inputs:
    """Feeds the inputs of a run to its pipeline. `names`: the source of each, where it is not the decoder's."""

    def __init__(self, inputs: Sequence[tuple[Reader, Decoder]], names: Sequence[str]) -> None:
        #: What was read of each, as far as it was read to its end.
        self.reports: list[SourceReport] = []
        #: How many records the source mappings leave out, by the reason.
        self.skipped = Counter[str]()
        self._inputs = inputs
        self._names = names or [decoder.source for _, decoder in inputs]

    async def feed(self, pipeline: Pipeline) -> None:
        """Take every input to its end."""
        chains = Chains()
        for number, (reader, decoder) in enumerate(self._inputs):
            read, skipped = pipeline.read, pipeline.skipped.copy()
            pages = await pipeline.feed(reader, decoder, number << POSITION_BITS)
            chains.add(number, self._names[number], pages)
            left = pipeline.skipped - skipped
            self.reports.append(SourceReport(reader.name, pipeline.read - read, reader.incomplete, left))
        self.skipped = pipeline.skipped
        for number, flaw in chains.flaws(pipeline.repeated):
            source = self.reports[number]
            self.reports[number] = replace(source, incomplete=source.incomplete or flaw)

    @property
    def incomplete(self) -> list[str]:
        """Why inputs were not read to their end."""
        return [source.incomplete for source in self.reports if source.incomplete]

    def describe(self, position: int) -> str:
        """The place of a record, for a person."""
        number, place = position >> POSITION_BITS, position & ((1 << POSITION_BITS) - 1)
        return place_in(self._inputs[number][0], place)
