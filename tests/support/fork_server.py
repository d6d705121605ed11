"""A process that has imported proofport, and forks for each program that is to run.

It ends when its stdin does, and removes the folder of its socket.

python fork_server.py LISTENING_FD

To start a process costs a second of imports, and the tests start hundreds. A fork is a process like any other: it has
its own pipes, folder, environment and signals, and can be killed or stopped. What it shares is only what was imported.
"""

from __future__ import annotations

import gc
import os
import pkgutil
import runpy
import select
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import NoReturn

Program = Callable[[], object]


def load() -> None:
    """Import what programs import. A module whose optional library is missing is left to the program."""
    import proofport
    from proofport import registry

    for module in pkgutil.walk_packages(proofport.__path__, "proofport."):
        if not module.name.endswith("__main__"):
            with suppress(ImportError):
                import_module(module.name)
    for name in registry.names(registry.ADAPTERS):
        registry.load_adapter(name)
    for name in registry.names(registry.EMULATORS):
        registry.load_emulator(name)


def received(connection: socket.socket) -> tuple[list[bytes], list[int]]:
    """The words and the three pipes that a client sends."""
    head, fds, _, _ = socket.recv_fds(connection, 8, 3)
    with connection.makefile("rb") as stream:
        return stream.read(int.from_bytes(head, "big")).split(b"\0"), fds


def become(words: list[bytes], fds: list[int]) -> Program:
    """Let this process be the program: its pipes, its folder, its environment, its arguments."""
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
    folder, count = words[0], int(words[1])
    script, *arguments = map(os.fsdecode, words[2 : 2 + count])
    os.chdir(folder)
    os.environ.clear()
    os.environb.update(dict(each.split(b"=", 1) for each in words[2 + count :]))
    sys.argv = [script, *arguments]
    if script == "proofport":
        from proofport.cli import main

        return lambda: sys.exit(main())
    if script == "-c":
        code, sys.argv = arguments[0], ["-c", *arguments[1:]]
        sys.path.insert(0, "")
        return lambda: exec(code, {"__name__": "__main__"})
    sys.path.insert(0, str(Path(script).parent))
    return lambda: runpy.run_path(script, run_name="__main__")


def watch(connection: socket.socket, program: int, alive: int) -> NoReturn:
    """Tell the client how its program ends. A client that is gone takes its program with it."""
    connection.sendall(b"%d\n" % program)
    if connection.fileno() in select.select([connection.fileno(), alive], [], [])[0]:
        os.kill(program, signal.SIGKILL)
    _, status = os.waitpid(program, 0)
    with suppress(OSError):
        connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def serve(connection: socket.socket) -> Program:
    """Fork the program and watch it. Returns in the fork."""
    words, fds = received(connection)
    alive, held = os.pipe()
    program = os.fork()
    if program:
        for fd in (held, *fds):
            os.close(fd)
        watch(connection, program, alive)
    os.close(alive)
    connection.close()
    return become(words, fds)


def listen(listener: socket.socket) -> Program:
    """Serve one client after the other. Returns in a fork."""
    while True:
        if sys.stdin.fileno() in select.select([listener, sys.stdin.fileno()], [], [])[0]:
            shutil.rmtree(Path(listener.getsockname()).parent)
            sys.exit()
        connection = listener.accept()[0]
        if not os.fork():
            listener.close()
            return serve(connection)
        connection.close()
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file
    load()
    gc.collect()
    gc.freeze()
    listen(socket.socket(fileno=int(sys.argv[1])))()
