"""Bounds the connections of a relay. Those without a key make room for others, the longest open one first.

A relay that has no file left cannot accept, read its journal, or reach a vendor. So the number of connections stays
below the number of files that the process may open.
"""

from __future__ import annotations

import resource
from asyncio import BaseProtocol

from aiohttp import web

from proofport.logs import Seldom, get_logger

KEPT_FILES = 256
"""Files that are kept for the journal, the vendors and everything else; of few files, a half."""

log = get_logger("relay")


class Connections:
    """The open connections. `most`: how many there may be."""

    def __init__(self, most: int) -> None:
        self.most = min(most, files_for_connections())
        #: In the order in which they came. No request of theirs had a valid key.
        self._strangers: dict[BaseProtocol, web.RequestHandler] = {}
        self._known: set[BaseProtocol] = set()
        self._full = Seldom()

    def __len__(self) -> int:
        return len(self._strangers) + len(self._known)

    def opened(self, connection: web.RequestHandler) -> None:
        """Count a connection. Where there are too many, the oldest of a stranger is closed, at worst the new one."""
        self._strangers[connection] = connection
        if len(self) > self.most:
            oldest = next(iter(self._strangers.values()))
            del self._strangers[oldest]
            if (unsaid := self._full.turn()) is not None:
                log.warning("connections_full", most=self.most, with_key=len(self._known), unsaid=unsaid)
            if oldest.transport is not None:
                oldest.transport.abort()

    def closed(self, connection: BaseProtocol) -> None:
        self._strangers.pop(connection, None)
        self._known.discard(connection)

    def has_key(self, connection: BaseProtocol) -> None:
        """Note that a request of this connection had a valid key. It is not closed for others."""
        if self._strangers.pop(connection, None) is not None:
            self._known.add(connection)


def files_for_connections() -> int:
    """How many connections the process's limit of open files leaves room for."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return 2**31
    return max(files - KEPT_FILES, files // 2)


CONNECTIONS = web.AppKey("connections", Connections)
