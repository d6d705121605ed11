"""Taking one id out of a journal: of its records nothing stays but what delivering and auditing rest on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from proofport.journal.contract.last_state import Sent
from proofport.journal.contract.queue import Delivery


@dataclass(frozen=True, slots=True)
class Standing:
    """An id in the last delivered state of a lane and kind."""

    lane: str
    kind: str
    id: str
    #: The digest of the last body. 0: it is not held any more.
    body: int
    #: Its last body is kept.
    has_body: bool
    #: It is gone, or was missing.
    is_gone: bool


class Erasing(Protocol):
    async def standing(self, keys: Sequence[str]) -> list[Standing]:
        """Where ids stand under these keys."""
        ...

    async def intended(self) -> list[Sent]:
        """All that somebody was about to send, or is."""
        ...

    async def erase_bodies(self, places: Sequence[Standing]) -> None:
        """Drop the last bodies of ids, and what is known of those that are not held any more.

        Tombstones stay, and the digests of what is held.
        """
        ...

    async def erase_records(self, old: Delivery, new: Delivery) -> bool:
        """Replace the content of a delivery that has ended. False, and nothing is done: it has changed meanwhile."""
        ...

    async def erase_attempts(self, deliveries: Sequence[int], says: str, is_it: Callable[[str], bool]) -> int:
        """Drop the calls for deliveries, and those whose message has the text `says` and `is_it`."""
        ...

    async def erase_words(self, says: str, change: Callable[[str], str]) -> int:
        """Change reports, outcomes and answers, all of them JSON, that have the text `says`. How many changed."""
        ...

    async def put_receipt_file(self, place: int, name: str, content: bytes) -> None:
        """Replace what is kept beside a receipt. The receipt must hold no digest of it."""
        ...
