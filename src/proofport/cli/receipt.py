"""`proofport receipt`: the keys that sign receipts, the receipts themselves, and what auditors are given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proofport.cli import options
from proofport.cli.connect import uses_gateway
from proofport.cli.output import echo, plain, show, show_result, when
from proofport.errors import UsageError

if TYPE_CHECKING:
    from proofport.gateway import Gateway
    from proofport.journal.contract import ReceiptView, Stamp


@click.group()
def receipt() -> None:
    """List, show and export the signed receipts of runs, and make the keys that sign them."""


# ------------------------------------------------------------------ keys
@receipt.group()
def key() -> None:
    """Make, show and replace the key that signs receipts."""


@key.command()
@click.argument("path", type=click.Path(path_type=Path), default="receipts.key")
def create(path: Path) -> int:
    """Make a key, and write it to PATH, which only you may read.

    Exit codes: 0 made, 2 PATH exists.
    """
    from proofport.audit.keys import SigningKey

    made = SigningKey.new()
    made.write(path)
    echo(plain(f"{path} holds the private key. Keep a copy where your secrets are."))
    echo(plain(f"In the configuration: receipts: {{key: file:{path}}}"))
    echo(plain(f"Give the fingerprint to your auditor: {made.public.fingerprint}"))
    return 0


@key.command("show")
@options.json_option
@uses_gateway
async def show_keys(gateway: Gateway, as_json: bool) -> int:
    """Show the public keys that have signed the log, with their periods.

    Exit codes: 0 shown.
    """
    from proofport.audit.keys import PublicKey

    rows = [
        {
            "fingerprint": PublicKey(each.public).fingerprint,
            "public": each.public.hex(),
            "since": when(each.since),
            "until": when(each.until),
        }
        for each in await (await gateway.journal()).receipt_keys()
    ]
    lines = [plain(f"{row['fingerprint']}  since {row['since']}, until {row['until'] or 'now'}") for row in rows]
    show_result(rows, lines or ["No receipt was signed yet."], as_json=as_json)
    return 0


@key.command()
@click.argument("path", type=click.Path(path_type=Path))
@uses_gateway
async def rotate(gateway: Gateway, path: Path) -> int:
    """Make a new key at PATH, and have the key until now sign that it follows.

    Exit codes: 0 made, 2 PATH exists or there is no key until now.
    """
    from proofport.audit.keys import SigningKey

    log, _ = await gateway.receipts.log()
    made = SigningKey.new()
    made.write(path)
    number = await log.rotate(made)
    echo(plain(f"Receipt {number} says that {made.public.fingerprint} follows."))
    echo(plain(f"Name it in the configuration now: receipts: {{key: file:{path}}}"))
    return 0


# ------------------------------------------------------------------ receipts
@receipt.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most this many.")
@options.json_option
@uses_gateway
async def list_receipts(gateway: Gateway, limit: int, as_json: bool) -> int:
    """List the latest receipts, and the runs that have none yet.

    Exit codes: 0 listed.
    """
    journal = await gateway.journal()
    size = (await journal.log_head()).size
    receipts, stamps = await journal.receipts(first=max(0, size - limit), limit=limit), gateway.receipts.stamps
    found = [_row(each, await stamps.of(each.place)) for each in receipts]
    due = [{"run_id": run, "destination": destination} for run, destination in await journal.due()]
    lanes = [
        {"lane": lane, "deliveries": count, "since": when(since)} for lane, count, since in await journal.due_lanes()
    ]
    missing = await stamps.missing()
    shown = {"receipts": found, "unreceipted": due, "unreceipted_deliveries": lanes, "unstamped": missing}
    show_result(shown, _listed(found, due, lanes, missing), as_json=as_json)
    return 0


@receipt.command("show")
@click.argument("name", metavar="RUN|NUMBER")
@options.json_option
@uses_gateway
async def show_receipt(gateway: Gateway, name: str, as_json: bool) -> int:
    """Show the statement of one receipt, by its NUMBER, or those of a RUN.

    Exit codes: 0 shown, 2 there is none.
    """
    from proofport.audit.envelope import statement_of
    from proofport.audit.refused import PLAIN

    for each in await gateway.receipts.named(name):
        said = statement_of(each)
        show_result(said, [plain(json.dumps(said, ensure_ascii=False, indent=2))], as_json=as_json)
        if (stamp := await gateway.receipts.stamps.of(each.place)) is not None:
            show(f"It was there before {when(stamp.at)}, as a time stamp says.", err=True)
        if "ids" in each.files and PLAIN not in each.files:
            show("The plain ids of its records that were not delivered are not kept any more.", err=True)
    return 0


@receipt.command()
@click.argument("run", metavar="RUN|NUMBER")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write a page to FILE.")
@options.json_option
@uses_gateway
async def statement(gateway: Gateway, run: str, html: Path | None, as_json: bool) -> int:
    """Print one page about a RUN that an auditor reads: source, selection, counts, reconciliation, guard.

    Exit codes: 0 printed, 2 there is no receipt of it, or FILE cannot be written.
    """
    from proofport.audit import statement as page

    receipts = [page.told_of(each) for each in await gateway.receipts.named(run) if each.run_id]
    if not receipts:
        raise UsageError(f"{run} is the receipt of a key", hint="`proofport receipt show` shows it.")
    if html is not None:
        page.write(receipts, html)
        show(f"The statement is in {html}.")
        return 0
    text = plain(page.statement_as_text(receipts)).splitlines()
    show_result(page.statement_as_json(receipts), text, as_json=as_json)
    return 0


@receipt.command()
@uses_gateway
async def checkpoint(gateway: Gateway) -> int:
    """Print the signed head of the log. Kept elsewhere, it later shows if a receipt was cut off or changed.

    It is given a time stamp, where `receipts: {timestamps: …}` names an authority. Exit codes: 0 printed, 2 there is
    no key.
    """
    log, _ = await gateway.receipts.log()
    echo(plain((await log.checkpoint()).removesuffix("\n")))
    await _ask_for_stamp(gateway)
    size = (await (await gateway.journal()).log_head()).size
    if size and (stamp := await gateway.receipts.stamps.of(size - 1)) is not None:
        show(f"A time stamp of {when(stamp.at)} is kept for it; `proofport receipt export` writes it.", err=True)
    return 0


@receipt.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--run", "runs", multiple=True, metavar="RUN", help="Only the receipts of this run; may be repeated.")
@click.option("--oscal", is_flag=True, help="Also tell them as OSCAL assessment results.")
@uses_gateway
async def export(gateway: Gateway, target: Path, runs: tuple[str, ...], oscal: bool) -> int:
    """Write receipts to TARGET, a new folder or .zip, with everything that is needed to verify them.

    Exit codes: 0 written, 2 TARGET exists or there is no receipt.
    """
    from proofport.audit import export as exporting

    log, signing = await gateway.receipts.log()
    await _ask_for_stamp(gateway)
    found = await exporting.exported(await gateway.journal(), log, signing, runs, oscal=oscal)
    exporting.write(found, target)
    count = sum(name.startswith("receipts/") and name.endswith(".json") for name in found)
    show(f"{count} receipts are in {target}. Its README.md says how to verify them.")
    show("Give the auditor by another way: an earlier checkpoint, the fingerprint of the first key (`proofport receipt")
    show(f"key show`), and the SHA-256 of {exporting.VERIFIER}: {sha256(exporting.verifier()).hexdigest()}")
    return 0


@receipt.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--key", "fingerprint", metavar="FINGERPRINT", help="Of the first public key.")
@click.option("--checkpoint", type=click.Path(path_type=Path, exists=True), help="An earlier checkpoint.")
def verify(folder: Path, fingerprint: str | None, checkpoint: Path | None) -> int:
    """Verify an exported FOLDER. An auditor runs the verify_receipts.py in it, which needs nothing of proofport.

    Exit codes: 0 proven, 1 disproven, 2 it cannot say.
    """
    from proofport.audit import export as exporting
    from proofport.audit import verify_receipts

    told = folder / exporting.VERIFIER
    if told.is_file() and told.read_bytes() != exporting.verifier():
        show(f"{told} is not the verifier of this proofport: an auditor should not run it.", fg="yellow", err=True)
    return verify_receipts.run(folder, fingerprint, checkpoint)


async def _ask_for_stamp(gateway: Gateway) -> None:
    if problem := await gateway.receipts.stamps.ask():
        show(problem, fg="yellow", err=True)


def _row(each: ReceiptView, stamp: Stamp | None) -> dict[str, Any]:
    return {
        "number": each.name,
        "run_id": each.run_id,
        "destination": each.destination,
        "at": when(each.at),
        "stamped": when(stamp.at) if stamp else None,
        "bytes": len(each.envelope),
    }


def _listed(
    found: list[dict[str, Any]], due: list[dict[str, str]], lanes: list[dict[str, Any]], unstamped: int
) -> Iterator[str]:
    if not (found or due or lanes):
        yield "There are no receipts. `proofport receipt key create` makes the key that signs them."
    for row in found:
        what = row["run_id"] if row["run_id"].startswith("deliveries-") else f"run {row['run_id']}"
        about = f"{what} to {row['destination']}" if row["run_id"] else "a new key"
        stamped = f", time stamp {row['stamped']}" if row["stamped"] else ""
        yield plain(f"{row['number']}  {row['at']}  {about}{stamped}")
    for missing in due:
        about = f"run {missing['run_id']} to {missing['destination']}"
        yield plain(f"unreceipted  {about}: it is open, or the next push writes its receipt")
    for lane in lanes:
        about = f"{lane['deliveries']} deliveries of {lane['lane']} since {lane['since']}"
        yield plain(f"unreceipted  {about}: whoever works on the queue writes their receipt")
    if unstamped:
        yield f"unstamped  the last {unstamped:,}: the next run asks for their time stamp"
