"""Records again what the golden tests compare with: python -m tests.golden.record"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.golden.test_golden import SCENARIOS, file_of, played, written
from tests.support.emulators import emulating


def record() -> None:
    with tempfile.TemporaryDirectory() as folder, emulating(Path(folder)) as emulators:
        for scenario in SCENARIOS:
            name = file_of(scenario)
            found = played(scenario, emulators, Path(tempfile.mkdtemp(dir=folder)))
            name.write_text(written(found) + "\n", encoding="utf-8")
            print(name)


if __name__ == "__main__":
    record()
