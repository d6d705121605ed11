"""The progress of a run on stderr: bars on a terminal, otherwise a plain line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from proofport.cli.output import plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from proofport.delivery.order import Progress

Watch = Callable[["Progress"], None]
LINE_EVERY = 5.0


@contextmanager
def watcher(stream: TextIO | None = None) -> Iterator[Watch]:
    """Yields the function to call with each `Progress` of the run."""
    stream = stream or sys.stderr
    if not stream.isatty():
        yield Lines(stream)
        return
    from rich.console import Console

    with bars(Console(file=stream, markup=False, highlight=False)) as watch:
        yield watch


@contextmanager
def rows_watcher(destination: str, stream: TextIO | None = None) -> Iterator[Callable[[int], None]]:
    """Yields the function to call with the number of rows that a vendor has shown. It is seen on a terminal only."""
    stream = stream or sys.stderr
    if not stream.isatty():
        yield lambda rows: None
        return
    from rich.console import Console

    name = plain(destination)
    with Console(file=stream, markup=False, highlight=False).status(f"asks {name}") as status:
        yield lambda rows: status.update(f"{name}: {rows:,} rows read")


class Lines:
    """Plain lines: none in the first seconds, then one every few seconds, and one when a vendor makes us wait."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._last = clock()
        self._waiting: set[str] = set()

    def __call__(self, progress: Progress) -> None:
        waiting = {name for name, destination in progress.destinations.items() if destination.note}
        news = waiting - self._waiting
        self._waiting = waiting
        if news or self._clock() - self._last >= LINE_EVERY:
            self._last = self._clock()
            self._stream.write(self._line(progress) + "\n")
            self._stream.flush()

    @staticmethod
    def _line(progress: Progress) -> str:
        parts = [f"{progress.read:,} read"]
        for name, destination in progress.destinations.items():
            rejected = f", {destination.rejected:,} rejected" if destination.rejected else ""
            note = f" ({plain(destination.note)})" if destination.note else ""
            parts.append(f"{name} {destination.done:,} done{rejected}{note}")
        return "; ".join(parts)


@contextmanager
def bars(console: Console) -> Iterator[Watch]:
    """One bar for each destination. Below: why it waits.

    A bar fills by the share of the inputs that has an outcome, and only moves to and fro where their size is not known.
    """
    from rich.console import RenderableType
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars
    from rich.text import Text

    notes: dict[str, str] = {}

    class BarsAndNotes(Bars):
        def get_renderables(self) -> Iterator[RenderableType]:
            yield from super().get_renderables()
            yield from (Text(f"{name}: {note}", style="yellow", overflow="fold") for name, note in notes.items())

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[rejected]}", style="red"),
    )
    tasks: dict[str, TaskID] = {}
    with BarsAndNotes(*columns, console=console, transient=True) as display:

        def watch(progress: Progress) -> None:
            notes.clear()
            for name, destination in progress.destinations.items():
                if name not in tasks:
                    tasks[name] = display.add_task(name, total=None, rejected="", counts="")
                if destination.note:
                    notes[name] = plain(destination.note)
                rejected = f"{destination.rejected:,} rejected" if destination.rejected else ""
                counts = f"{destination.done:,} of {progress.read:,} read"
                if destination.listed:
                    counts += f", {destination.listed:,} listed"
                total = None if progress.share is None else 1.0
                done = (progress.share or 0.0) * min(1.0, destination.done / max(1, progress.read))
                display.update(tasks[name], completed=done, total=total, rejected=rejected, counts=counts)

        yield watch
