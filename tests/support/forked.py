"""Programs as forks of a process that has already imported proofport. `make soak` starts each one anew instead."""

from __future__ import annotations

import atexit
import os
import shlex
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.support.soak import SOAK

NEW = (sys.executable, "-c", "import sys; from proofport.cli import main; sys.exit(main())")
"""`proofport` in a new interpreter."""
HERE = Path(__file__).parent


@cache
def _server() -> str:
    """The address of the fork server of this process, which ends with it."""
    address = str(Path(tempfile.mkdtemp(prefix="fork-")) / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(128)
        command = [sys.executable, str(HERE / "fork_server.py"), str(listener.fileno())]
        kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
        server = subprocess.Popen(
            command, cwd="/", env=kept, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=[listener.fileno()]
        )

    def end() -> None:
        assert server.stdin is not None
        server.stdin.close()
        server.wait()

    atexit.register(end)
    return address


def new(*command: str) -> tuple[str, ...]:
    """The command line of a new interpreter that runs `proofport`, a script that is named by its path, or `-c CODE`."""
    return (*NEW, *command[1:]) if command[0] == "proofport" else (sys.executable, *command)


def forked(*command: str, pid_fd: int = 0) -> tuple[str, ...]:
    """The command line that runs the same in a fork. The id of its process is written to `pid_fd`, if that is not 0."""
    if SOAK:
        return new(*command)
    client = str(HERE / "fork_client.py")
    return (sys.executable, "-I", "-S", client, _server(), str(pid_fd), *command)


def commands(beside: Path) -> Path:
    """A folder beside another one, with a `proofport` that runs as a fork."""
    folder = beside.with_name(f"{beside.name}.bin")
    folder.mkdir(exist_ok=True)
    file = folder / "proofport"
    file.write_text(f'#!/bin/sh\nexec {shlex.join(forked("proofport"))} "$@"\n')
    file.chmod(0o755)
    return folder
