"""`proofport demo`: a tour on this machine. The vendors are the installed emulators; nothing leaves the computer."""

from __future__ import annotations

import click


@click.command()
def demo() -> int:
    """See what proofport does, in a minute.

    Starts the local emulators of the vendors, delivers sample evidence, and shows what each vendor then has.
    Nothing leaves this machine, and nothing stays on it.
    """
    import asyncio

    from proofport.cli.demo.tour import tour

    asyncio.run(tour())
    return 0
