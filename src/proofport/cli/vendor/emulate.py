"""`proofport emulate`: run every installed emulator on this machine, until stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from proofport import registry
from proofport.cli.output import echo

NAMES = registry.names(registry.EMULATORS)


@click.command()
@click.option("--write-config", "file", metavar="FILE", help="Write a configuration that delivers to the emulators.")
@click.option(
    "--rate-limit",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Requests a minute; 0, the default, is off.",
)
@click.option("--record", metavar="FILE", help="Write every exchange to a new file (NDJSON, without credentials).")
@click.option("--replay", metavar="FILE", help="Answer from such a file.")
def emulate(file: str | None, rate_limit: int, record: str | None, replay: str | None, **ports: int) -> int:
    """Run the local emulators of the vendors, until interrupted.

    Each imitates one vendor, has an object for every kind, and stores what it receives in memory. The line `ready` on
    stdout means that all of them listen and FILE is written.
    """
    import asyncio

    from proofport.errors import UsageError

    if record and replay:
        raise UsageError("--record and --replay exclude each other", hint="A replay has nothing new to record.")
    asyncio.run(_serve(file, rate_limit, {name: ports[f"port_{name}"] for name in NAMES}, record, replay))
    return 0


emulate.params[1:1] = [
    click.Option(
        [f"--{name.replace('_', '-')}-port", f"port_{name}"],
        type=click.IntRange(0, 65535),
        default=0,
        metavar="PORT",
        help=f"Port of the {name} emulator; 0 takes a free one. [default: 0]",
    )
    for name in NAMES
]


HEAD = "# Written by `proofport emulate`; not usable after it has stopped.\n"


async def _serve(
    file: str | None, rate_limit: int, ports: dict[str, int], record: str | None, replay: str | None
) -> None:
    import tempfile
    from contextlib import AsyncExitStack

    from proofport.cli.service import stop_signal
    from proofport.testing import Recording, replays, serve

    if file:
        _refuse_other_s(Path(file))
    stopped = stop_signal()
    async with AsyncExitStack() as stack:
        recording = stack.enter_context(Recording(Path(record))) if record else None
        answers = replays(Path(replay), [*ports]) if replay else {}
        destinations = {}
        for name, port in ports.items():
            emulator = registry.load_emulator(name)(rate_limit=rate_limit)
            emulator.recording, emulator.replay = recording, answers.get(name)
            emulator.seed()
            origin = await stack.enter_async_context(serve(emulator, port=port))
            destinations[name] = emulator.destination(origin)
            echo(f"{name}: {origin}  (open it in a browser to see what arrives)", err=True)
        if file:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="proofport-"))
            _write_config(Path(file), Path(folder) / "journal.sqlite3", destinations)
        echo(f"{f'Wrote {file}. ' if file else ''}Ctrl-C stops them.", err=True)
        echo("ready")
        await stopped.wait()


def _refuse_other_s(file: Path) -> None:
    """Raises UsageError for a file that was not written by an earlier `proofport emulate`."""
    from proofport.errors import UsageError

    try:
        if not file.exists() or file.read_bytes().startswith(HEAD.encode()):
            return
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    raise UsageError(
        f"{file} exists, and was not written by `proofport emulate`",
        hint="Name another file: --write-config emulated.yaml, and push with --config emulated.yaml.",
    )


def _write_config(file: Path, journal: Path, destinations: dict[str, Any]) -> None:
    """Write a configuration for the emulators. Raises UsageError.

    The journal is new and is deleted with the emulators, because it must not remember records of earlier ones.
    """
    import yaml

    from proofport.config.edit import replace_file
    from proofport.errors import UsageError

    data = {"instance": "emulated", "journal": str(journal), "destinations": destinations}
    try:
        replace_file(file, HEAD + yaml.safe_dump(data, sort_keys=False))
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from None
