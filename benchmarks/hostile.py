"""Row 26: the longest delay of `/healthz` while hostile bodies arrive, one after the other, against an idle relay."""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections.abc import Callable

import orjson

from benchmarks.goals import DELAY, Goal
from benchmarks.relay import PATH, served

ROUNDS = 5
PAUSE = 0.005
IDLE_PROBES = 200
MEGABYTES = 15 * 1024 * 1024


def bodies() -> dict[str, bytes]:
    """Bodies within the limits of bytes and records that cost as much as possible."""
    names = {f"enabled_toup_a{number:07}": 1 for number in range(400_000)}
    wrong = [{"id": str(number), "type": "t", "state_": "x" * 60, "regoin": "linx"} for number in range(10_000)]
    return {
        "unknown names": orjson.dumps([{"id": "a", **names}]),
        "wrong records": orjson.dumps(wrong),
        "long values": orjson.dumps([{"id": "a", "type": 1, "name": "x" * MEGABYTES}]),
        "a long name": orjson.dumps([{"id": "a", "x" * MEGABYTES: 1}]),
        "nested lists": b"[" + b"[]," * (MEGABYTES // 3) + b"[]]",
        "many values": b'[{"id":"a","tags":[' + b"1," * 900_000 + b"1]}]",
        "many objects": b'[{"id":"a","tags":[' + b"{}," * 400_000 + b"{}]}]",
    }


def run() -> list[Goal]:
    hostile = bodies()
    with served("relay") as port:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        _posted(port, b'[{"id":"a","type":"t"}]')
        idle = max(_probe(port) for _ in range(IDLE_PROBES))
        longest = {name: _longest(port, body) for name, body in hostile.items()}
    worst = max(longest, key=longest.__getitem__)
    each = ", ".join(f"{name} {seconds * 1000:.0f}" for name, seconds in longest.items())
    detail = f"ms, the longest of {ROUNDS} rounds: {each}; idle {idle * 1000:.0f}"
    return [DELAY.goal(f"longest delay of /healthz under hostile bodies ({worst})", longest[worst] * 1000, detail)]


def _longest(port: int, body: bytes) -> float:
    longest = 0.0
    for _ in range(ROUNDS):
        posting = threading.Thread(target=_posted, args=(port, body))
        posting.start()
        while posting.is_alive():
            longest = max(longest, _probe(port))
            time.sleep(PAUSE)
    return longest


def _probe(port: int) -> float:
    started = time.perf_counter()
    _answered(port, lambda connection: connection.request("GET", "/healthz"))
    return time.perf_counter() - started


def _posted(port: int, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    _answered(port, lambda connection: connection.request("POST", PATH, body, headers))


def _answered(port: int, ask: Callable[[http.client.HTTPConnection], None]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    try:
        ask(connection)
        connection.getresponse().read()
    finally:
        connection.close()
