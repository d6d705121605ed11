"""Runs a program in a fork of the fork server, and stands in for it: same pipes, same exit code, same end by a signal.

python -I -S fork_client.py SOCKET PID_FD SCRIPT ARGUMENTS…

Its process id is written to PID_FD, if that is not 0. SCRIPT is a path, or `proofport`. Only a few small modules are
imported here, since this starts often.
"""

import os
import signal
import socket
import sys

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def main(address: str, pid_fd: str, *command: str) -> None:
    environment = [os.fsencode(f"{name}={value}") for name, value in os.environ.items()]
    words = [os.getcwdb(), b"%d" % len(command), *map(os.fsencode, command), *environment]  # noqa: PTH109 - quick
    request = b"\0".join(words)
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        socket.send_fds(server, [len(request).to_bytes(8, "big")], [0, 1, 2])
        server.sendall(request)
        answers = server.makefile("rb")
        pid = int(answers.readline())
        for number in FORWARDED:
            signal.signal(number, lambda given, frame: os.kill(pid, given))
        if int(pid_fd):
            os.write(int(pid_fd), b"%d" % pid)
            os.close(int(pid_fd))
        nothing = os.open(os.devnull, os.O_RDWR)
        for fd in range(3):
            os.dup2(nothing, fd)  # so that its pipes end when the program closes them
        code = int(answers.readline())
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


main(*sys.argv[1:])
