"""Row 10: the peak memory of a push of few and of many records, in each format that is read as a stream.

`python -m benchmarks.memory FORMAT COUNT` writes a file, pushes it, and prints the peak of its own process.
"""

from __future__ import annotations

import csv
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import orjson

from benchmarks.data import CLOUD, cloud_record
from benchmarks.end_to_end import push, write_records
from benchmarks.goals import PEAK, PEAK_GROWTH, Goal, peak_of_this_process
from benchmarks.serving import on_first_core, serving
from benchmarks.sink import sink

COUNTS = (10_000, 1_000_000)
COLUMNS = ("InstanceId", "InstanceType", "ImageId", "KeyName", "LaunchTime", "SubnetId", "VpcId", "Architecture")

ROWS = """
mapping: sources/bench.rows
to: {evidence: cloud_resource}
fields:
  id: $.InstanceId
  type: {value: aws.ec2.instance}
  provider: {value: aws}
  name: $.KeyName
  description: {template: "{$.InstanceType} {$.ImageId}"}
  created_at: {path: $.LaunchTime, as: datetime}
"""


def run() -> list[Goal]:
    goals = []
    for name in FORMATS:
        few, many = (_peak(name, count) for count in COUNTS)
        detail = f"{few:.1f} MB with {COUNTS[0]:,} records, {many:.1f} MB with {COUNTS[1]:,}"
        goals += [
            PEAK.goal(f"peak memory of a push, {name}", max(few, many), detail),
            PEAK_GROWTH.goal(f"its growth, {name}", abs(many / few - 1) * 100, detail),
        ]
    return goals


def _peak(name: str, count: int) -> float:
    command = [sys.executable, "-m", "benchmarks.memory", name, str(count)]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


# ------------------------------------------------------------------ what runs in a process of its own
def _write_array(file: Path, count: int) -> None:
    generator = random.Random(20260131)
    with file.open("wb") as out:
        for number in range(count):
            out.write((b",\n" if number else b"[") + orjson.dumps(cloud_record(number, generator)))
        out.write(b"]\n")


def _write_table(file: Path, count: int) -> None:
    generator = random.Random(20260131)
    with file.open("w", newline="") as out:
        table = csv.DictWriter(out, COLUMNS, extrasaction="ignore")
        table.writeheader()
        table.writerows(cloud_record(number, generator) for number in range(count))


FORMATS: Mapping[str, tuple[str, Callable[[Path, int], None], str, str]] = {
    "NDJSON": ("records.ndjson", write_records, CLOUD, "bench.cloud"),
    "CSV": ("records.csv", _write_table, ROWS, "bench.rows"),
    "JSON array": ("records.json", _write_array, CLOUD, "bench.cloud"),
}
"""The file, what writes it, and its mapping."""


def main(name: str, count: str) -> None:
    with tempfile.TemporaryDirectory() as folder, serving(sink) as (origin, _):
        on_first_core()
        file, write, mapping, source = FORMATS[name]
        write(Path(folder, file), int(count))
        push(Path(folder, file), origin, Path(folder), mapping, source)
    print(peak_of_this_process())


if __name__ == "__main__":
    main(*sys.argv[1:])
