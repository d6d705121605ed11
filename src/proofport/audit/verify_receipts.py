"""Verifies a folder of receipts that `proofport receipt export` has written. It needs Python 3.11 and `cryptography`.

    python verify_receipts.py FOLDER [--key FINGERPRINT] [--checkpoint FILE]

`--key` is the fingerprint of the first public key, which you were given by another way. `--checkpoint` is an earlier
checkpoint that was kept elsewhere. Exit codes: 0 proven, 1 disproven, 2 cannot say.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

EM_DASH, PAYLOAD = "\u2014", "application/vnd.in-toto+json"
DELIVERY, ROTATED = "urn:proofport:delivery:v1", "urn:proofport:key:v1"
BESIDE = ("deliveries", "exchanges", "ids", "inputs", "report")
OUTCOMES = ("delivered", "unchanged", "rejected", "withheld", "unknown")
BROKEN = ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError
NOT_PROVEN = """It does not prove that the source told the truth, that no run happened outside this journal,
and that the vendor still holds what it confirmed. Time stamps (stamps/) are for openssl to check: see README.md."""
NO_CHECKPOINT = "No earlier checkpoint was given: it is not proven that nothing was cut off at the end."


class Wrong(Exception):
    """The first thing that is wrong, with the name of its file."""


@contextmanager
def about(name: str) -> Iterator[None]:
    """Whatever is not as it must be, in type or form, is the fault of this file."""
    try:
        yield
    except BROKEN as error:
        raise Wrong(f"{name}: is not in the form of an export ({type(error).__name__})") from None


def plain(text: str) -> str:
    code = sys.stdout.encoding or "ascii"
    return "".join(letter if letter.isprintable() else "?" for letter in text).encode(code, "replace").decode(code)


def read(folder: Path, name: str) -> bytes:
    """A file of the folder. It is neither a link nor outside of it."""
    try:
        path, outside = folder / name, name.startswith("/") or ".." in name.split("/")
        if not outside and stat.S_ISREG(path.lstat().st_mode):
            return path.read_bytes()
    except (OSError, ValueError) as error:
        raise Wrong(f"{name}: cannot be read ({error})") from None
    raise Wrong(f"{name}: is no file of this folder")


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def parsed(content: bytes, name: str) -> Any:
    with about(name):
        found = json.loads(content)
        if canonical(found) == content:
            return found
    raise Wrong(f"{name}: is not in its canonical form")


def unbased(text: str, name: str) -> bytes:
    with about(name):
        found = base64.b64decode(text, validate=True)
        if base64.b64encode(found).decode() == text:
            return found
    raise Wrong(f"{name}: holds base64 that is not in its canonical form")


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def roots_of(leaves: list[bytes], sizes: set[int]) -> dict[int, bytes]:
    """The roots of the first leaves, by how many these are (RFC 6962, section 2.1)."""
    roots, peaks = {0: sha256()}, list[bytes]()
    for size, leaf in enumerate(leaves, 1):
        peaks.append(leaf)
        for _ in range((size & -size).bit_length() - 1):
            peaks[-2:] = [sha256(b"\1", *peaks[-2:])]
        if size in sizes:
            roots[size] = reduce(lambda right, left: sha256(b"\1", left, right), reversed(peaks))
    return roots


def is_signed(key: bytes, signature: bytes, content: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def opened(content: bytes, name: str, key: bytes) -> Any:
    """The statement of an envelope that `key` has signed."""
    with about(name):
        envelope = parsed(content, name)
        [signature] = envelope["signatures"]
        body = unbased(envelope["payload"], name)
        signed = b"DSSEv1 %d %b %d %b" % (len(PAYLOAD), PAYLOAD.encode(), len(body), body)
        ours = envelope["payloadType"] == PAYLOAD and signature["keyid"] == sha256(key).hex()
        if ours and is_signed(key, unbased(signature["sig"], name), signed):
            return parsed(body, name)
    raise Wrong(f"{name}: is not signed by the key that it must be signed by")


def note(content: bytes, name: str, keys: list[bytes]) -> tuple[str, int, bytes]:
    """The origin, size and root of a signed checkpoint (https://c2sp.org/tlog-checkpoint)."""
    with about(name):
        body, last = content.decode().split("\n\n")
        origin, size, root = body.split("\n")
        signature = last.removesuffix("\n").split(" ")[2]
        head, given = (origin, int(size), unbased(root, name)), unbased(signature, name)
        if f"{body}\n\n{EM_DASH} {origin} {signature}\n".encode() == content and str(head[1]) == size:
            for key in keys:
                key_hash = sha256(f"{origin}\n\1".encode(), key)[:4]
                if given[:4] == key_hash and is_signed(key, given[4:], f"{body}\n".encode()):
                    return head
    raise Wrong(f"{name}: is not signed by a key of this log")


def check_receipt(folder: Path, name: str, statement: Any, before: Any, branches: dict[str, int]) -> str:
    """Check what a receipt says against what is beside it. `before`: the digest of the one before, ... if not there."""
    predicate, kind = statement["predicate"], statement["predicateType"]
    branch, sequence, previous = (predicate["number"][each] for each in ("branch", "sequence", "previous"))
    if before is not ... and previous != before:
        raise Wrong(f"{name}: does not follow the receipt before it")
    if branch in branches and sequence != branches[branch] + 1:
        raise Wrong(f"{name}: has the number {branch}-{sequence}, expected {branch}-{branches[branch] + 1}")
    branches[branch] = sequence
    if kind == ROTATED:
        return f"{branch}-{sequence}  the key {predicate['fingerprint']} follows"
    if kind != DELIVERY:
        raise Wrong(f"{name}: has a kind that this verifier does not know")
    for subject, digest in ((each["name"], each["digest"]["sha256"]) for each in statement["subject"]):
        is_text = subject.startswith(("mapping:", "table:"))
        if is_text or subject in BESIDE:
            place = f"texts/{digest}" if is_text else f"{name[:-5]}.{subject}"
            content = read(folder, place)
            rows = [sha256(b"\0", row) for row in content.splitlines()] if subject == "exchanges" else []
            if digest != (roots_of(rows, {len(rows)})[len(rows)] if rows else sha256(content)).hex():
                raise Wrong(f"{place}: is not what {name} was signed over")
    counts, total = predicate["counts"], predicate["population"]["input"]
    numbers = [] if counts is None else [counts[each] for each in OUTCOMES]
    if counts is not None and (any(type(each) is not int or each < 0 for each in numbers) or sum(numbers) != total):
        raise Wrong(f"{name}: its counts do not sum to its input")
    told = ", ".join(f"{count} {each}" for each, count in zip(OUTCOMES, numbers, strict=False) if count) or "no counts"
    mark = "  (written later, from the journal)" if predicate["from_journal"] else ""
    return f"{branch}-{sequence}  {predicate['ended']}  {predicate['destination']} {predicate['kind']}: {told}{mark}"


def check_manifest(folder: Path, keys: list[bytes]) -> list[str]:
    """The names of all files. The last key signs the manifest."""
    with about("manifest.json"):
        manifest = opened(read(folder, "manifest.json"), "manifest.json", keys[-1])
        listed = {str(each["name"]): each["digest"]["sha256"] for each in manifest["subject"]}
    walked = [Path(place) / name for place, folders, names in os.walk(folder) for name in (*folders, *names)]
    there = {path.relative_to(folder).as_posix() for path in walked if path.is_symlink() or not path.is_dir()}
    for name in sorted(there - set(listed) - {"manifest.json", "verify_receipts.py"}):
        raise Wrong(f"{name}: does not stand in the manifest")
    for name, digest in sorted(listed.items()):
        if sha256(read(folder, name)).hex() != digest:
            raise Wrong(f"{name}: is not what the manifest was signed over")
    return sorted(listed)


def hexes(folder: Path, name: str) -> list[bytes]:
    with about(name):
        return [bytes.fromhex(line) for line in read(folder, name).decode().splitlines()]


def check_receipts(folder: Path, names: list[str], leaves: list[bytes], keys: list[bytes]) -> list[str]:
    """Check each receipt: its key, its place in the log, the one before, and what is beside it. A line about each."""
    lines, used, last, before, branches = [], 0, -1, None, dict[str, int]()
    for name in sorted(names):
        with about(name):
            place, content = int(name.removeprefix("receipts/").removesuffix(".json")), read(folder, name)
            if name != f"receipts/{abs(place):08}.json" or leaves[place : place + 1] != [sha256(b"\0", content)]:
                raise Wrong(f"{name}: does not stand at its place in the log")
            statement, follows = opened(content, name, keys[used]), place == last + 1
            lines.append(check_receipt(folder, name, statement, *((before, branches) if follows else (..., {}))))
            if statement["predicateType"] == ROTATED:
                used += 1
                if used >= len(keys) or statement["predicate"]["public"] != keys[used].hex():
                    raise Wrong("keys: a key is not the one that the key before has named")
            last, before = place, sha256(content).hex()
    if used != len(keys) - 1:
        raise Wrong("keys: holds a key that no receipt names")
    return lines


def verify(folder: Path, fingerprint: str | None, checkpoint: Path | None) -> int:
    keys, leaves = hexes(folder, "keys"), hexes(folder, "log")
    if not keys or (fingerprint is not None and sha256(keys[0]).hex() != fingerprint.lower()):
        raise Wrong("keys: its first key is not the one you named")
    names = check_manifest(folder, keys)
    lines = check_receipts(folder, [name for name in names if re.fullmatch("receipts/.*json", name)], leaves, keys)
    notes = [(folder, name) for name in ("checkpoint", *filter(re.compile("stamps/.*note").fullmatch, names))]
    notes += [(checkpoint.parent, checkpoint.name)] if checkpoint is not None else []
    heads = [note(read(place, name), name, keys) for place, name in notes]
    roots = roots_of(leaves, {size for _, size, _ in heads})
    for (_, name), (origin, size, head) in zip(notes, heads, strict=True):
        if origin != heads[0][0] or head != roots.get(size) or heads[0][1] != len(leaves):
            raise Wrong(f"{name}: the log does not go on from it: something was cut off or changed")
    print("\n".join(plain(line) for line in lines))
    print(f"\n{len(lines)} of {len(leaves)} receipts of {plain(origin)}; the first key is {sha256(keys[0]).hex()}")
    print(NOT_PROVEN)
    print(NO_CHECKPOINT if checkpoint is None else f"The log goes on from your checkpoint of {size} receipts.")
    if fingerprint is None:
        print("CANNOT SAY: signed by a key that came with the folder. Give its fingerprint with --key.")
        return 2
    print("PROVEN")
    return 0


def run(folder: Path, fingerprint: str | None, checkpoint: Path | None) -> int:
    """Verify, and say what was found. Returns the exit code."""
    if not folder.is_dir() or (checkpoint is not None and not checkpoint.exists()):
        print(f"CANNOT SAY: there is no folder {folder}, or no {checkpoint or 'checkpoint'}. Unpack a zip first.")
        return 2
    try:
        return verify(folder, fingerprint, checkpoint)
    except Wrong as wrong:
        print(f"DISPROVEN: {plain(str(wrong))}")
        return 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Exit codes: 0 proven, 1 disproven, 2 cannot say.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--key", dest="fingerprint", help="of the first public key, given to you by another way")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="an earlier checkpoint that was kept elsewhere")
    sys.exit(run(**vars(parser.parse_args())))
