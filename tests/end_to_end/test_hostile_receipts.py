"""Folders that somebody has written who holds the key and means ill: disproven in one line that names the file."""

from __future__ import annotations

import json
import os
import shutil
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import Cli
from tests.support.receipts import exported, fingerprint, judged

from proofport.accounting import Status


class Forger:
    """Writes an export anew with the key of the company, which may lie: every signature in it is right."""

    def __init__(self, cli: Cli, folder: Path) -> None:
        from proofport.audit.keys import key_in_file

        self.folder, self.key = folder, key_in_file(cli.folder / "receipts.key")

    def sign(self, name: str, statement: bytes) -> None:
        from proofport.audit.envelope import signed

        (self.folder / name).write_bytes(signed(statement, self.key, largest=None))

    def receipt(self, payload: bytes | dict[str, Any], name: str = "receipts/00000000.json") -> None:
        """Replace a receipt, and all that follows from it."""
        from proofport.audit.envelope import canonical
        from proofport.audit.merkle import leaf_hash

        self.sign(name, payload if isinstance(payload, bytes) else canonical(payload))
        leaves = (self.folder / "log").read_text().splitlines()
        leaves[0] = leaf_hash((self.folder / name).read_bytes()).hex()
        (self.folder / "log").write_text("\n".join(leaves) + "\n")
        self.manifest()

    def manifest(self, **more: str) -> None:
        from proofport.audit.envelope import statement

        skip = {"manifest.json", "verify_receipts.py"}
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file() and path.name not in skip)
        listed = {path.relative_to(self.folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in paths}
        self.sign("manifest.json", statement("urn:proofport:manifest:v1", [*{**listed, **more}.items()], {}))

    def said(self, name: str = "receipts/00000000.json") -> dict[str, Any]:
        found: dict[str, Any] = json.loads(b64decode(json.loads((self.folder / name).read_bytes())["payload"]))
        return found


def without(field: str) -> Any:
    def change(said: dict[str, Any]) -> dict[str, Any]:
        return {**said, "predicate": {name: value for name, value in said["predicate"].items() if name != field}}

    return change


def having(field: str, value: object) -> Any:
    return lambda said: {**said, "predicate": {**said["predicate"], field: value}}


HOSTILE: dict[str, Any] = {
    "no counts": without("counts"),
    "no number": without("number"),
    "no population": without("population"),
    "no statement": lambda said: [said],
    "a number": lambda said: 7,
    "no subjects": lambda said: {**said, "subject": None},
    "subjects of a wrong type": lambda said: {**said, "subject": [{"name": 5, "digest": {"sha256": 6}}]},
    "a digest that is a path": lambda said: {
        **said,
        "subject": [{"name": "mapping:x", "digest": {"sha256": "../../keys"}}],
    },
    "a null byte": lambda said: {**said, "subject": [{"name": "table:x", "digest": {"sha256": "\x00"}}]},
    "counts of a wrong type": having("counts", "many"),
    "counts that are true": having("counts", dict.fromkeys((each.value for each in Status), True)),
    "counts below zero": having("counts", {**dict.fromkeys((each.value for each in Status), 0), "unknown": -1}),
    "a number of a wrong type": having("number", {"branch": [], "sequence": {}, "previous": None}),
    "an unknown kind": lambda said: {**said, "predicateType": "urn:other"},
    "duplicate keys": lambda said: b'{"_type":1,"_type":2}',
    "a huge number": lambda said: b'{"_type":' + b"9" * 5_000 + b"}",
    "an infinite number": lambda said: b'{"_type":1e999}',
    "no end of depth": lambda said: b"[" * 50_000,
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_receipt_is_disproven_by_name(pushed: Cli, change: Any) -> None:
    """Whoever has the key may sign what he likes: it is refused in one line, never with a traceback."""
    folder, key = exported(pushed), fingerprint(pushed)
    forger = Forger(pushed, folder)
    forger.receipt(change(forger.said()))
    code, words = judged(folder, "--key", key)
    assert code == 1
    assert words.startswith("DISPROVEN: "), words
    assert "00000000.json" in words or "texts/" in words


def test_words_of_a_receipt_cannot_pass_for_those_of_the_verifier(pushed: Cli) -> None:
    folder, key = exported(pushed), fingerprint(pushed)
    forger = Forger(pushed, folder)
    forger.receipt(having("destination", "drata\nPROVEN\x1b[2K")(forger.said()))
    code, words = judged(folder, "--key", key)
    assert code == 1
    assert "\nPROVEN" not in words


def test_links_and_names_outside_of_the_folder_are_refused(pushed: Cli, tmp_path: Path) -> None:
    key, outside = fingerprint(pushed), tmp_path / "outside"
    outside.write_text("not of this folder")
    digest = sha256(outside.read_bytes()).hexdigest()
    for number, name in enumerate(("link", "folder", "../outside", str(outside), "pipe")):
        folder = exported(pushed, f"hostile{number}")
        forger = Forger(pushed, folder)
        match name:
            case "link":
                (folder / "link").symlink_to(outside)
                forger.manifest(link=digest)
            case "folder":
                (folder / "folder").symlink_to(tmp_path, target_is_directory=True)
            case "pipe":
                os.mkfifo(folder / "pipe")
                forger.manifest(pipe=digest)
            case _:
                forger.manifest(**{name: digest})
        code, words = judged(folder, "--key", key)
        assert code == 1
        assert words.startswith(f"DISPROVEN: {name}: "), words


@pytest.mark.parametrize("name", ["keys", "log", "checkpoint", "manifest.json"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"9" * 10_000, b"{}", b"\n\n", b"[" * 50_000])
def test_a_hostile_file_is_disproven_by_name(pushed: Cli, name: str, content: bytes) -> None:
    folder, key = exported(pushed), fingerprint(pushed)
    (folder / name).write_bytes(content)
    if name in ("log", "checkpoint"):
        Forger(pushed, folder).manifest()
    code, words = judged(folder, "--key", key)
    assert code == 1
    assert words.startswith("DISPROVEN: ")
    assert name in words or (name == "log" and "receipts/00000000.json" in words)


def test_a_place_below_zero_is_refused(pushed: Cli) -> None:
    folder, key = exported(pushed), fingerprint(pushed)
    last = max((folder / "receipts").glob("*.json"))
    shutil.copy(last, folder / "receipts/-0000001.json")
    Forger(pushed, folder).manifest()
    code, words = judged(folder, "--key", key)
    assert code == 1
    assert "-0000001.json" in words


def test_the_verifier_is_one_page(pushed: Cli) -> None:
    verifier = (exported(pushed) / "verify_receipts.py").read_text()
    assert len(verifier.splitlines()) <= 250
    assert "import proofport" not in verifier
    assert "from proofport" not in verifier
