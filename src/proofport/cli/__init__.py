"""The command line. Nothing heavy is imported before it is known which command runs."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """The `proofport` program: runs the command of `sys.argv` and returns its exit code."""
    # Parquet is read with the allocator of the system: pyarrow's own keeps what a large row group took.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    if sys.argv[1:] == ["--version"]:
        from proofport import __version__

        print(f"proofport {__version__}")  # noqa: T201 - unlike a write, it bears a stdout that is closed
        return 0
    from proofport.cli.app import run

    return run(sys.argv[1:])
