from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from proofport.mapping import MappingFile, load_file

Load = Callable[[str], MappingFile]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads the one mapping of a YAML text."""

    def load(text: str) -> MappingFile:
        path = tmp_path / "m.yaml"
        path.write_text(text)
        return load_file(path)[0]

    return load
