"""Moving a journal from one place to another: lane by lane, each in its own transaction, so that it can be resumed.

The source is locked meanwhile: whoever still writes to it waits, and then fails. A target that is only half there is
not opened by anybody. Ids stay what they are, so that whoever noted one finds its delivery again. Afterwards nobody
opens the source any more: somebody who still has the old configuration would deliver all of it a second time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from proofport.errors import ConfigError

Row: TypeAlias = Sequence[Any]
"""Values as psycopg gives and takes them: ids of evidence and JSON are bytes, lists are lists."""

Told: TypeAlias = Callable[[str, int, int], None]

UNFINISHED, FINISHED, AWAY = "", ".", ">"
"""In the table `moved`, where lanes have their names: the journal that is being moved here, or was; and where to this
one was moved."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that both journals have."""

    name: str
    columns: Sequence[str]
    #: The column that says whose rows they are: a lane, or a run or set of a lane. None: of the whole journal.
    owner: str | None = None

    # Names are our own, and values are parameters: what S608 warns of cannot happen.
    def select(self, lane: str) -> str:
        """The rows. `lane`: the mark that stands for the number of the lane."""
        return f"SELECT {', '.join(self.columns)} FROM {self.name} WHERE {self._of(lane)}"  # noqa: S608

    def delete(self, lane: str, *, name: str | None = None) -> str:
        """Drop the rows of a lane. `name`: what the table is called there."""
        return f"DELETE FROM {name or self.name} WHERE {self._of(lane)}"  # noqa: S608

    def _of(self, lane: str) -> str:
        owners = {"run": "SELECT number FROM runs", "of_set": "SELECT number FROM sets"}
        if self.owner in owners:
            return f"{self.owner} IN ({owners[self.owner]} WHERE lane = {lane})"
        return f"{self.owner} = {lane}" if self.owner else "true"


def _table(name: str, columns: str, owner: str | None = "lane") -> Table:
    return Table(name, columns.split(), owner)


OF_A_LANE = (
    _table("lanes", "number lane next_at parked due", "number"),
    _table("lane_runs", "lane epoch"),
    _table(
        "deliveries",
        "id lane destination kind mode records state attempts created finished outcome reason detail submission "
        "payload bodies breakdowns receipt",
    ),
    _table(
        "runs",
        "number run_id destination lane kind mode state started ended report cut staged completing memory inputs "
        "due pruned",
    ),
    _table("batches", "run number first last records digest outcomes", "run"),
    _table("attempts", "number lane run_id delivery operation status seconds sent_bytes digest message at"),
    _table("sets", "number lane kind keyed spelled complete_at delivered_at confirmed_at"),
    _table("source_names", "of_set number name", "of_set"),
    _table("known", "of_set id run body observed source spelling", "of_set"),
    _table("staged", "turn run removed ids bodies observed sources spellings", "run"),
    _table("bodies", "of_set id body run delivery", "of_set"),
    _table("intents", "of_set run delivery batch digest content", "of_set"),
    _table("tombstones", "of_set id body gone_at", "of_set"),
    _table("adapter_memory", "number lane key value"),
)
"""In an order in which each row finds what it refers to."""

OF_THE_JOURNAL = (
    _table("idempotency_records", "tenant key digest answer submission", None),
    _table("permits", "key next", None),
    _table(
        "access_keys",
        "number prefix name tenant proof created expires revoked used may_read may_write destinations kinds",
        None,
    ),
    _table(
        "snapshots",
        "number id tenant kind state lifetime created expires parts records report destinations run_id override epoch "
        "left_out breakdowns",
        None,
    ),
    _table("parts", "snapshot name records payload pages source skipped", None),
    _table("receipt_branches", "number name begun size", None),
    _table("receipts", "place branch sequence run_id destination at leaf digest envelope", None),
    _table("receipt_files", "receipt name content", None),
    _table("receipt_keys", "number public since until rotation", None),
    _table("receipt_stamps", "size at note answer", None),
    _table("kept_texts", "digest content", None),
    _table("causes", "key number event content since", None),
    _table("notices", "number webhook event content since over attempts next_at", None),
)


class Source(Protocol):
    """A journal that is locked, and read."""

    #: Tells it from others.
    name: str

    async def lanes(self) -> list[tuple[int, str]]: ...
    async def fingerprint(self, lane: int) -> str:
        """Another text when anything of the lane has changed."""
        ...

    def rows(self, table: Table, lane: int | None) -> AsyncIterator[Sequence[Row]]:
        """All rows of a table, or those of a lane, in pages."""
        ...

    async def retire(self, target: str) -> str:
        """See to it that nobody opens it any more, once reading is over. What became of it."""
        ...


class Target(Protocol):
    """A journal that nobody opens until it is whole."""

    #: It has come to its end before, with this source.
    finished: bool

    async def noted(self, lane: str) -> str | None:
        """The fingerprint of a lane when it was copied."""
        ...

    async def put(self, lane: str, number: int, fingerprint: str, source: Source) -> None:
        """Copy a lane, instead of what was copied of it before."""
        ...

    async def finish(self, source: Source) -> None:
        """Copy what belongs to no lane, and be whole."""
        ...


class Copies(Protocol):
    """A journal that can be moved. It is not open."""

    @property
    def label(self) -> str:
        """The name that people give it. It holds no secret."""
        ...

    def source(self) -> AbstractAsyncContextManager[Source]:
        """Raises ConfigError when it is not there, or in use."""
        ...

    def target(self, source: str) -> AbstractAsyncContextManager[Target]:
        """Raises ConfigError when it holds work already, or a part of another journal."""
        ...


async def move(source: Copies, target: Copies, told: Told) -> str:
    """Move a journal. Returns what became of the source. Raises ConfigError.

    `told` hears of every lane: its name, its number in the order of moving, and how many there are.
    """
    async with source.source() as old:
        async with target.target(old.name) as new:
            lanes = [] if new.finished else await old.lanes()
            for place, (number, lane) in enumerate(lanes, 1):
                fingerprint = await old.fingerprint(number)
                if await new.noted(lane) != fingerprint:
                    await new.put(lane, number, fingerprint, old)
                told(lane, place, len(lanes))
            if not new.finished:
                await new.finish(old)
        return await old.retire(target.label)


def refuse_other(place: str, begun: str | None, source: str, *, holds_work: bool) -> None:
    """Raises ConfigError unless `source` may be moved to this place, where the move of `begun` is unfinished."""
    if begun is None and holds_work:
        raise ConfigError(
            f"{place} holds work already, and what is moved there would come after it",
            hint="Move into a journal that is new.",
        )
    if begun not in (None, source):
        raise ConfigError(
            f"the journal {begun} is being moved into {place}, and that has not come to its end",
            hint="Move that one to its end first.",
        )


def in_use(place: str, who: str) -> ConfigError:
    return ConfigError(
        f"the journal {place} is in use: {who}",
        hint="Stop everything that uses it, wait for the lease of what was killed, and try again.",
    )
