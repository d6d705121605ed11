"""All that an auditor is given: receipts, what is beside them, the log, a checkpoint, keys, and the verifier."""

from __future__ import annotations

import time
import zipfile
from collections.abc import AsyncIterator, Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from proofport.audit.envelope import signed, statement, subjects_of
from proofport.audit.keys import PublicKey, SigningKey
from proofport.audit.log import ReceiptLog
from proofport.audit.refused import PLAIN
from proofport.errors import UsageError
from proofport.journal.contract import Journal, ReceiptView, all_receipts

MANIFEST = "urn:proofport:manifest:v1"
VERIFIER = "verify_receipts.py"

README = """# Receipts of {origin}

Each file in `receipts/` says what one run of proofport delivered to one system: what it read, how many records, what
became of each, and when. It is signed, and stands in a log in which nothing can be changed or left out unseen.

Verify it on a machine with Python 3.11 and `pip install cryptography`; no network is needed:

    python {verifier} . --key FINGERPRINT

Ask the company for three things by another way than this folder, a telephone call for example:

- the fingerprint of the first key: it should be {fingerprint}
- the SHA-256 of `{verifier}`: it should be {digest}
- an earlier checkpoint of the log, if it gave you one before: `--checkpoint FILE`

Exit code 0: proven. 1: disproven, with the file at fault. 2: it cannot say.

`NUMBER.json` is a receipt: an in-toto statement in a DSSE envelope. Beside it: `NUMBER.exchanges`, each request and
answer with their SHA-256; `NUMBER.ids`, the records that were not delivered, their ids as HMAC-SHA-256. `texts/` holds
the mapping files. `log` holds the hashes of all receipts of the log, of which this folder may hold a part.

`stamps/` holds time stamps of the log (RFC 3161), if there are any. `N.note` is the signed head of a log of N receipts,
and `N.tsr` an authority's answer, which says when it was there. Get the root certificate from the authority itself:

    openssl ts -verify -data stamps/N.note -in stamps/N.tsr -CAfile ROOT.pem
    openssl ts -reply -in stamps/N.tsr -text
"""


async def exported(
    journal: Journal, log: ReceiptLog, key: SigningKey, runs: Sequence[str] = (), *, oscal: bool = False
) -> dict[str, bytes]:
    """The files of an export, by name: the receipts of these runs, or all. Raises UsageError for an unknown run.

    `oscal`: they are also told as assessment results.
    """
    told: list[ReceiptView] = []
    found: dict[str, bytes] = {}
    seen = set[str]()
    async for receipt in all_receipts(journal):
        if runs and receipt.run_id and receipt.run_id not in runs:
            continue
        seen.add(receipt.run_id)
        found |= await _receipt(journal, receipt)
        told.append(receipt)
    if unknown := [run for run in runs if run not in seen]:
        raise UsageError(f"there is no receipt of run {unknown[0]}", hint="`proofport receipt list` lists them.")
    found |= await _stamps(journal, [each.place for each in told])
    keys = [PublicKey(each.public) for each in await journal.receipt_keys()]
    found["keys"] = b"".join(each.raw.hex().encode() + b"\n" for each in keys)
    found["log"] = b"".join([leaf.hex().encode() + b"\n" async for leaf in _leaves(journal)])
    found["checkpoint"] = (await log.checkpoint()).encode()
    if oscal:
        from proofport.audit.oscal import assessment_results

        found["assessment-results.json"] = assessment_results(told, log.origin, time.time())
    script = verifier()
    digest = sha256(script).hexdigest()
    first = keys[0].fingerprint if keys else key.public.fingerprint
    readme = README.format(origin=log.origin, verifier=VERIFIER, fingerprint=first, digest=digest)
    found["README.md"] = readme.encode()
    subjects = [(name, sha256(content).hexdigest()) for name, content in sorted(found.items())]
    found["manifest.json"] = signed(statement(MANIFEST, subjects, {"origin": log.origin}), key, largest=None)
    found[VERIFIER] = script
    return found


def verifier() -> bytes:
    """The text of the program that verifies an export."""
    return (files("proofport.audit") / VERIFIER).read_bytes()


async def _leaves(journal: Journal) -> AsyncIterator[bytes]:
    first = 0
    while page := await journal.leaves(first=first):
        for leaf in page:
            yield leaf
        first += len(page)


async def _stamps(journal: Journal, places: Sequence[int]) -> dict[str, bytes]:
    """The first time stamp of each of these receipts, with the checkpoint that it is of."""
    found: dict[str, bytes] = {}
    size = 0
    for place in places:
        if place >= size and (stamps := await journal.stamps(after=place, limit=1)):
            size = stamps[0].size
            found |= {f"stamps/{size:08}.note": stamps[0].note, f"stamps/{size:08}.tsr": stamps[0].answer}
    return found


async def _receipt(journal: Journal, receipt: ReceiptView) -> dict[str, bytes]:
    """A receipt, what is beside it, and the texts that it names. Plain ids stay at home."""
    name = f"receipts/{receipt.place:08}"
    found = {f"{name}.json": receipt.envelope}
    for beside in receipt.files:
        content = await journal.receipt_file(receipt.place, beside)
        if beside != PLAIN and content is not None:
            found[f"{name}.{beside}"] = content
    for what, digest in subjects_of(receipt).items():
        if what.startswith(("mapping:", "table:")) and (text := await journal.kept_text(digest)) is not None:
            found[f"texts/{digest}"] = text.encode()
    return found


def write(found: Mapping[str, bytes], target: Path) -> None:
    """Write an export to a new folder, or to a new zip where the name ends so. Raises UsageError."""
    if target.exists() and (target.is_file() or any(target.iterdir())):
        raise UsageError(f"{target} exists already", hint="Name a new folder or zip.")
    try:
        if target.suffix == ".zip":
            with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as archive:
                for name, content in sorted(found.items()):
                    archive.writestr(name, content)
            return
        for name, content in found.items():
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from None
