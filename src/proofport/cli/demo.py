"""`proofport demo`: a tour on this machine. The vendors are the installed emulators; nothing leaves the computer."""

from __future__ import annotations

import click


@click.command()
def command() -> int:
    """See what proofport does, in a minute.

    Starts the local emulators of the vendors, gives them sample evidence, and shows what each of them then holds.
    Nothing leaves this machine, and nothing stays on it.
    """
    import asyncio

    from proofport.cli.demo_tour import tour
    from proofport.cli.report import console

    asyncio.run(tour(console()))
    return 0
