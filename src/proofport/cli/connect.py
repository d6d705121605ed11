"""The gateway of a command. Nothing heavy is imported before the command runs: a public name of the package is loaded
when it is used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, TypeVar

import proofport
from proofport.cli.options import config_option, start_log

T = TypeVar("T")


def connect(config: proofport.Config | str | None) -> proofport.Gateway:
    """A gateway for a configuration, or for the file to read it from. Raises ConfigError."""
    start_log()
    return proofport.Gateway(config) if isinstance(config, proofport.Config) else proofport.Gateway.from_file(config)


def with_gateway(config: proofport.Config | str | None, work: Callable[[proofport.Gateway], Awaitable[T]]) -> T:
    """Run `work` with an open gateway, and return its result."""
    import asyncio

    async def run() -> T:
        async with connect(config) as gateway:
            return await work(gateway)

    return asyncio.run(run())


def uses_gateway(command: Callable[..., Awaitable[int]]) -> Callable[..., int]:
    """Turn an async function into a command: adds --config, opens the gateway, and gives it as the first argument."""

    @wraps(command)
    def run(config_path: str | None, **options: Any) -> int:
        return with_gateway(config_path, lambda gateway: command(gateway, **options))

    return config_option(run)
