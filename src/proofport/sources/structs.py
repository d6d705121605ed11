"""Classes for a decoder that makes nothing but some members of an object: https://msgspec.dev"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


def struct_of(members: Mapping[str, Any], missing: object, *, closed: bool = False) -> type[msgspec.Struct]:
    """A class with the members (name to type) as its attributes m0, m1, … in their order.

    `missing` stands for what is not there. `closed`: an object with any other member is refused. Raises ValueError for
    a name that `may_be_read` would not have let through.
    """
    types = [(f"m{number}", kind, missing) for number, kind in enumerate(members.values())]
    names = {f"m{number}": name for number, name in enumerate(members)}
    return msgspec.defstruct("Object", types, rename=names, forbid_unknown_fields=closed, gc=False)


def may_be_read(name: str) -> bool:
    """The decoder knows no names that JSON has to escape."""
    return name.isprintable() and '"' not in name and "\\" not in name
