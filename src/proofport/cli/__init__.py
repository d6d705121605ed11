"""The command line. Nothing heavy is imported before it is known which command runs."""

from __future__ import annotations

import sys


def main() -> int:
    """The `proofport` program: runs the command of `sys.argv` and returns its exit code."""
    if sys.argv[1:] == ["--version"]:
        from proofport import __version__

        print(f"proofport {__version__}")  # noqa: T201 - unlike a write, it bears a stdout that is closed
        return 0
    from proofport.cli.app import run

    return run(sys.argv[1:])
