"""How much is tried: a sample in `make test`, all of it in `make soak`."""

import os

SOAK = "PROOFPORT_SOAK" in os.environ


def examples(few: int, many: int) -> int:
    """How many examples hypothesis tries: a few, or many in a soak."""
    return many if SOAK else few
