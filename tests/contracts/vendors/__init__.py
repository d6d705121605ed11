"""What the tests of every emulator need to know of one. Each vendor has a module of its name here, with

- `filled()`: an emulator that holds something everywhere; `KNOWN`: what it holds, by parameter of the document.
- `authorization(served)`: the header of a customer who may do everything.
- `WITNESSES`: paths of what it holds and `KNOWN` does not name: no request that is made up changes what they show.
- `HOSTILE`: the requests that hostile bodies are sent with, as (method, path).
- `walk(served, expect)`: requests that together use every operation of the document.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def vendor(name: str) -> Any:
    return import_module(f"tests.contracts.vendors.{name}")
