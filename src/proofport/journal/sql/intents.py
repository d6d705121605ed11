"""What is about to be sent, as one value of a table: it is written for every batch, and read only after a crash."""

from __future__ import annotations

from itertools import accumulate, pairwise

import orjson

from proofport.journal.contract import IN_DOUBT, Sent


def pack(sent: Sent) -> bytes:
    """A line of JSON, and then the bodies. Without digests: nobody knows yet what arrives."""
    sizes = list(map(len, sent.items))
    about = [list(each) for each in (sent.ids, sent.observed, sent.sources, sent.spellings)]
    return orjson.dumps([*about, sizes], option=orjson.OPT_APPEND_NEWLINE) + b"".join(sent.items)


def unpack(content: bytes) -> Sent:
    """What `pack` was given, all of it in doubt."""
    line, _, bodies = content.partition(b"\n")
    ids, observed, sources, spellings, sizes = orjson.loads(line)
    ends = pairwise(accumulate(sizes, initial=0))
    items = [bodies[start:end] for start, end in ends]
    return Sent(ids, [IN_DOUBT] * len(ids), observed, items, sources, spellings)
