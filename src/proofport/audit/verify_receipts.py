#!/usr/bin/env python3
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
import sys
from pathlib import Path
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

EM_DASH, PAYLOAD = "\u2014", "application/vnd.in-toto+json"
DELIVERY, ROTATED = "urn:proofport:delivery:v1", "urn:proofport:key:v1"
OUTCOMES = ("delivered", "unchanged", "rejected", "withheld", "unknown")
NOT_PROVEN = """It does not prove that the source told the truth, that no run happened outside this journal,
and that the vendor still holds what it confirmed."""
NO_CHECKPOINT = "No earlier checkpoint was given: it is not proven that nothing was cut off at the end."


class Wrong(Exception):
    """The first thing that is wrong, with the name of its file."""


def read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise Wrong(f"{name}: cannot be read ({error.strerror})") from None


def parsed(content: bytes, name: str) -> Any:
    try:
        found = json.loads(content)
    except ValueError:
        raise Wrong(f"{name}: is no JSON") from None
    if canonical(found) != content:
        raise Wrong(f"{name}: is not in its canonical form")
    return found


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def unbased(text: Any, name: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except (ValueError, TypeError):
        raise Wrong(f"{name}: holds something that is no base64") from None
    if base64.b64encode(found).decode() != text:
        raise Wrong(f"{name}: holds base64 that is not in its canonical form")
    return found


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def leaf(content: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + content).digest()


def root_of(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    middle = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\x01" + root_of(leaves[:middle]) + root_of(leaves[middle:])).digest()


def is_signed(key: bytes, signature: bytes, content: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def opened(content: bytes, name: str, key: bytes) -> Any:
    """The statement of an envelope that `key` has signed."""
    envelope = parsed(content, name)
    try:
        [signature] = envelope["signatures"]
        payload, kind = envelope["payload"], envelope["payloadType"]
        given, signer = signature["sig"], signature["keyid"]
    except (KeyError, TypeError, ValueError):
        raise Wrong(f"{name}: is no envelope") from None
    body = unbased(payload, name)
    signed = b"DSSEv1 %d %b %d %b" % (len(PAYLOAD), PAYLOAD.encode(), len(body), body)
    if kind != PAYLOAD or signer != sha256(key) or not is_signed(key, unbased(given, name), signed):
        raise Wrong(f"{name}: is not signed by the key that it must be signed by")
    return parsed(body, name)


def note(text: str, name: str, keys: list[bytes]) -> tuple[str, int, bytes]:
    """The origin, size and root of a signed checkpoint (https://c2sp.org/tlog-checkpoint)."""
    try:
        body, last = text.split("\n\n")
        origin, size, root = body.split("\n")
        mark, named, signature = last.removesuffix("\n").split(" ")
        head = origin, int(size), unbased(root, name)
        given = unbased(signature, name)
    except ValueError:
        raise Wrong(f"{name}: is no checkpoint") from None
    for key in keys:
        key_hash = hashlib.sha256(f"{origin}\n\1".encode() + key).digest()[:4]
        is_whole = f"{body}\n\n{EM_DASH} {origin} {signature}\n" == text and str(head[1]) == size
        ours = is_whole and mark == EM_DASH and named == origin and given[:4] == key_hash
        if ours and is_signed(key, given[4:], f"{body}\n".encode()):
            return head
    raise Wrong(f"{name}: is not signed by a key of this log")


def check_receipt(folder: Path, name: str, statement: Any, before: Any, branches: dict[str, int]) -> str:
    """Check what a receipt says against what is beside it. `before`: the digest of the one before, ... if not there."""
    try:
        subjects = {each["name"]: each["digest"]["sha256"] for each in statement["subject"]}
        predicate, kind = statement["predicate"], statement["predicateType"]
        number, branch, sequence = (
            predicate["number"],
            *(predicate["number"][each] for each in ("branch", "sequence")),
        )
    except (KeyError, TypeError):
        raise Wrong(f"{name}: is no receipt") from None
    if before is not ... and number["previous"] != before:
        raise Wrong(f"{name}: does not follow the receipt before it")
    if branch in branches and sequence != branches[branch] + 1:
        raise Wrong(f"{name}: has the number {branch}-{sequence}, expected {branch}-{branches[branch] + 1}")
    branches[branch] = sequence
    if kind == ROTATED:
        return f"{branch}-{sequence}  the key {predicate['fingerprint']} follows"
    if kind != DELIVERY:
        raise Wrong(f"{name}: has a kind that this verifier does not know")
    beside = name.removesuffix(".json")
    for subject, digest in subjects.items():
        if subject == "exchanges":
            lines = read(folder, f"{beside}.exchanges").splitlines()
            if root_of([leaf(line) for line in lines]).hex() != digest:
                raise Wrong(f"{beside}.exchanges: is not the list that {name} was signed over")
        elif subject in ("ids", "inputs", "report") and sha256(read(folder, f"{beside}.{subject}")) != digest:
            raise Wrong(f"{beside}.{subject}: is not what {name} was signed over")
        elif subject.startswith(("mapping:", "table:")) and sha256(read(folder, f"texts/{digest}")) != digest:
            raise Wrong(f"texts/{digest}: is not the text of {subject}")
    counts, total = predicate["counts"], predicate["population"]["input"]
    if counts is not None and sum(counts[each] for each in OUTCOMES) != total:
        raise Wrong(f"{name}: its counts do not sum to its input")
    told = "not known" if counts is None else ", ".join(f"{counts[each]} {each}" for each in OUTCOMES if counts[each])
    mark = "  (written later, from the journal)" if predicate["from_journal"] else ""
    return f"{branch}-{sequence}  {predicate['ended']}  {predicate['destination']} {predicate['kind']}: {told}{mark}"


def check_manifest(folder: Path, keys: list[bytes]) -> list[str]:
    """The names of all files. The last key signs the manifest."""
    manifest = opened(read(folder, "manifest.json"), "manifest.json", keys[-1])
    listed = {each["name"]: each["digest"]["sha256"] for each in manifest["subject"]}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for name in sorted(there - set(listed) - {"manifest.json", "verify_receipts.py"}):
        raise Wrong(f"{name}: does not stand in the manifest")
    for name, digest in sorted(listed.items()):
        if sha256(read(folder, name)) != digest:
            raise Wrong(f"{name}: is not what the manifest was signed over")
    return sorted(listed)


def hexes(folder: Path, name: str) -> list[bytes]:
    """What a file holds in hexadecimal, one a line."""
    try:
        return [bytes.fromhex(line) for line in read(folder, name).decode().splitlines()]
    except ValueError:
        raise Wrong(f"{name}: holds something that is not hexadecimal") from None


def check_receipts(folder: Path, names: list[str], leaves: list[bytes], keys: list[bytes]) -> list[str]:
    """Check each receipt: its key, its place in the log, the one before, and what is beside it. A line about each."""
    lines, used, last, before, branches = [], 0, -1, None, dict[str, int]()
    for name in sorted(names):
        place, content = int(name.removeprefix("receipts/").removesuffix(".json")), read(folder, name)
        if place >= len(leaves) or leaf(content) != leaves[place]:
            raise Wrong(f"{name}: does not stand at its place in the log")
        if used >= len(keys):
            raise Wrong("keys: lacks a key that a receipt names")
        statement = opened(content, name, keys[used])
        follows = place == last + 1
        lines.append(check_receipt(folder, name, statement, before if follows else ..., branches if follows else {}))
        if statement["predicateType"] == ROTATED:
            used += 1
            if used >= len(keys) or statement["predicate"]["public"] != keys[used].hex():
                raise Wrong("keys: a key is not the one that the key before has named")
        last, before = place, sha256(content)
    if used != len(keys) - 1:
        raise Wrong("keys: holds a key that no receipt names")
    return lines


def verify(folder: Path, fingerprint: str | None, checkpoint: Path | None) -> int:
    given = checkpoint.read_text(encoding="utf-8") if checkpoint else None
    keys, leaves = hexes(folder, "keys"), hexes(folder, "log")
    if not keys or (fingerprint is not None and sha256(keys[0]) != fingerprint.lower()):
        raise Wrong("keys: its first key is not the one you named")
    names = [name for name in check_manifest(folder, keys) if name.startswith("receipts/") and name.endswith(".json")]
    lines = check_receipts(folder, names, leaves, keys)
    origin, size, head = note(read(folder, "checkpoint").decode("utf-8", "replace"), "checkpoint", keys)
    if size != len(leaves) or head != root_of(leaves):
        raise Wrong("checkpoint: is not the head of this log")
    if given is not None:
        earlier, size, head = note(given, str(checkpoint), keys)
        if earlier != origin or size > len(leaves) or head != root_of(leaves[:size]):
            raise Wrong(f"{checkpoint}: the log does not go on from it: something was cut off or changed")
    print("\n".join(lines))
    print(f"\n{len(lines)} of {len(leaves)} receipts of {origin}; the first key is {sha256(keys[0])}\n{NOT_PROVEN}")
    print(NO_CHECKPOINT if given is None else f"The log goes on from your checkpoint of {size} receipts.")
    if fingerprint is None:
        print("CANNOT SAY: signed by a key that came with the folder. Give its fingerprint with --key.")
        return 2
    print("PROVEN")
    return 0


def run(folder: Path, fingerprint: str | None, checkpoint: Path | None) -> int:
    """Verify, and say what was found. Returns the exit code."""
    for path in (folder, *([checkpoint] if checkpoint else [])):
        if not path.exists():
            print(f"CANNOT SAY: there is no {path}")
            return 2
    try:
        return verify(folder, fingerprint, checkpoint)
    except Wrong as wrong:
        print(f"DISPROVEN: {wrong}")
    except (OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        print(f"DISPROVEN: the folder is not in the form of an export ({type(error).__name__}: {error})")
    return 1


def main() -> NoReturn:
    parser = argparse.ArgumentParser(description="Exit codes: 0 proven, 1 disproven, 2 cannot say.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--key", metavar="FINGERPRINT", help="of the first public key, given to you by another way")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="an earlier checkpoint that was kept elsewhere")
    given = parser.parse_args()
    sys.exit(run(given.folder, given.key, given.checkpoint))


if __name__ == "__main__":
    main()
