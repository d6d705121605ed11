"""Rows 24 and 25: which changes of an exported folder the verifier finds, and what a receipt adds to a push."""

from __future__ import annotations

import asyncio
import io
import random
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path

from benchmarks.end_to_end import push, timed, write_records
from benchmarks.goals import ADDED, FOUND, Goal
from benchmarks.serving import on_first_core, serving
from benchmarks.sink import sink
from proofport.audit import verify_receipts
from proofport.audit.export import exported, write
from proofport.audit.keys import SigningKey, key_in_file
from proofport.audit.log import ReceiptLog
from proofport.journal.sqlite import SqliteJournal

RECORDS, FEW = 100_000, 1_000
ROUNDS = 9
PUSHES = 3
"""Receipts of the folder that is changed."""

FLIPS = 1_000
SEED = 20260131


def run() -> list[Goal]:
    with tempfile.TemporaryDirectory() as name, serving(sink) as (origin, _):
        folder = Path(name)
        on_first_core()
        key = folder / "receipts.key"
        SigningKey.new().write(key)
        return [_tampering(folder, origin, key), _added(folder, origin, key)]


# ------------------------------------------------------------------ row 24
def _tampering(folder: Path, origin: str, key: Path) -> Goal:
    file, home = folder / "few.ndjson", folder / "tampering"
    home.mkdir()
    write_records(file, FEW)
    for _ in range(PUSHES):
        push(file, origin, home, key=key)
    target = folder / "export"
    fingerprint = asyncio.run(_export(home / "journal.sqlite3", key, target))
    assert _code(target, fingerprint) == 0
    missed = [what for what, change in _changes(target) if _found(target, folder / "copy", change, fingerprint) != 1]
    tried = FLIPS + len(RECORD_LEVEL)
    detail = f"{tried:,} changes tried: {FLIPS:,} bits, and {', '.join(RECORD_LEVEL)}; missed: {missed or 'none'}"
    return FOUND.goal("changes of an export that are found", 100 * (tried - len(missed)) / tried, detail)


async def _export(place: Path, key: Path, target: Path) -> str:
    journal = SqliteJournal(place)
    await journal.open()
    signing = key_in_file(key)
    write(await exported(journal, ReceiptLog(journal, signing, "bench"), signing), target)
    await journal.close()
    return signing.public.fingerprint


def _code(folder: Path, fingerprint: str) -> int:
    with redirect_stdout(io.StringIO()):
        return verify_receipts.run(folder, fingerprint, None)


def _found(source: Path, copy: Path, change: Callable[[Path], None], fingerprint: str) -> int:
    shutil.copytree(source, copy)
    try:
        change(copy)
        return _code(copy, fingerprint)
    finally:
        shutil.rmtree(copy)


def _changes(target: Path) -> Iterator[tuple[str, Callable[[Path], None]]]:
    generator = random.Random(SEED)
    names = sorted(path.relative_to(target) for path in target.rglob("*") if path.is_file())
    names.remove(Path(verify_receipts.__name__.rpartition(".")[2] + ".py"))
    for _ in range(FLIPS):
        name = generator.choice(names)
        bit = generator.randrange((target / name).stat().st_size * 8)
        yield f"bit {bit} of {name}", partial(_flip, name, bit)
    yield from RECORD_LEVEL.items()


def _flip(name: Path, bit: int, copy: Path) -> None:
    path = copy / name
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def _receipts(copy: Path) -> list[Path]:
    return sorted((copy / "receipts").glob("*.json"))


def _swap(copy: Path) -> None:
    first, second, *_ = _receipts(copy)
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)


def _other_key(copy: Path) -> None:
    (copy / "keys").write_text(SigningKey.new().public.raw.hex() + "\n")


RECORD_LEVEL: dict[str, Callable[[Path], None]] = {
    "a receipt out of the middle": lambda copy: _receipts(copy)[1].unlink(),
    "the last receipt": lambda copy: _receipts(copy)[-1].unlink(),
    "two receipts swapped": _swap,
    "another key": _other_key,
    "a file more": lambda copy: (copy / "more").touch(),
}


# ------------------------------------------------------------------ row 25
def _added(folder: Path, origin: str, key: Path) -> Goal:
    """By the least processor time of all rounds: a busy machine only adds to it, and more than a receipt does."""
    file = folder / "many.ndjson"
    write_records(file, RECORDS)
    homes = {name: folder / name for name in ("with", "without")}
    times: dict[str, list[float]] = {name: [] for name in homes}
    for home in homes.values():
        home.mkdir()
    for _ in range(ROUNDS):
        for name, home in homes.items():
            given = key if name == "with" else None
            taken = timed(lambda: push(file, origin, home, key=given), RECORDS)  # noqa: B023  # called at once
            times[name].append(taken.processor)
    signed, plain = (min(times[name]) for name in ("with", "without"))
    medians = ", ".join(f"{statistics.median(times[name]):.2f}" for name in ("with", "without"))
    detail = (
        f"{RECORDS:,} records: {signed:.2f} us of the processor a record with a receipt, {plain:.2f} without; "
        f"the least of {ROUNDS} rounds; medians {medians}"
    )
    return ADDED.goal("what a receipt adds to a push", 100 * (signed / plain - 1), detail)
