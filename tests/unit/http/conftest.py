"""aioresponses on a new aiohttp."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import aiohttp
import aioresponses
import aioresponses.core
import pytest


@pytest.fixture
def http_mock(monkeypatch: pytest.MonkeyPatch) -> Iterator[aioresponses.aioresponses]:
    """aioresponses 0.7.9 does not give `ClientResponse` the stream_writer that aiohttp 3.14 asks for."""

    class ClientResponse(aiohttp.ClientResponse):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, stream_writer=Mock(output_size=0), **options)

    monkeypatch.setattr(aioresponses.core, "ClientResponse", ClientResponse)
    with aioresponses.aioresponses() as mock:
        yield mock
