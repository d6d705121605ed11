"""Intents: how a batch that is about to be sent is noted, and what was left by whoever was cut off."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import orjson

from proofport.journal.contract import IN_DOUBT, Intent, Left, Sent
from proofport.journal.sql.steps import Many, Part, Steps, Values, text_of


class IntentsPart(Part):
    async def left(self, lane: str, kind: str) -> Left:
        of_kind = {"lane": lane, "kind": kind}
        cut = bool(await self._store.rows("is_cut_off", of_kind))
        sets = await self._store.rows("set_of", of_kind)
        if not sets:
            return Left(cut=cut)
        [(number,)] = sets
        rows = await self._store.rows("intents_left", {"set": number, "run": 0})
        names = await self._store.rows("source_names", {"set": number})
        sources = {number: text_of(name) for number, name in names}
        sent = []
        for _, content in rows:
            try:
                sent.append(unpacked(bytes(content)))
            except ValueError:  # it is damaged: whatever was delivered may have been overwritten
                cut = True
        return Left(sent, sources, cut)


def intending(of_set: int, intents: Sequence[Intent], run: int = 0) -> Steps[None]:
    """Note what is about to be sent. `run`: the number of the run, 0 for queued deliveries."""
    if intents:
        about = {"set": of_set, "run": run}
        yield Many("put_intent", ({**about, **_key_of(each), "content": packed(each.sent)} for each in intents))


def withdrawing(of_set: int, intents: Sequence[Intent], run: int) -> Steps[None]:
    """Drop the intents of what was not sent."""
    yield Many("drop_intent", [{"set": of_set, "run": run, **_key_of(each)} for each in intents])


def _key_of(intent: Intent) -> Values:
    return {"delivery": intent.delivery or 0, "batch": intent.batch, "digest": intent.digest}


def packed(sent: Sent) -> bytes:
    """The content of an intent: a line of JSON, and then the bodies. Without digests: nobody knows yet what arrives."""
    sizes = list(map(len, sent.items))
    about = [list(each) for each in (sent.ids, sent.observed, sent.sources, sent.spellings)]
    return orjson.dumps([*about, sizes], option=orjson.OPT_APPEND_NEWLINE) + b"".join(sent.items)


def unpacked(content: bytes) -> Sent:
    """The content of an intent that was left, all of it in doubt. Raises ValueError when it is damaged."""
    line, _, bodies = content.partition(b"\n")
    try:
        ids, observed, sources, spellings, sizes = orjson.loads(line)
        items = [bodies[start:end] for start, end in pairwise(accumulate(sizes, initial=0))]
        in_doubt = [IN_DOUBT] * len(ids)
    except (TypeError, ValueError) as error:
        raise ValueError(f"an intent is damaged: {error}") from None
    return Sent(ids, in_doubt, observed, items, sources, spellings)
