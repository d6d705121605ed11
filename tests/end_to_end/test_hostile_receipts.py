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
from tests.support.emulators import Emulators
from tests.support.receipts import exported, fingerprint, judged, sign, three_runs

from proofport.accounting import Status


class Forger:
    """Writes an export anew with the key of the company, which may lie: every signature in it is right."""

    def __init__(self, folder: Path, key: Path, fingerprint: str) -> None:
        from proofport.audit.keys import key_in_file

        self.folder, self.key, self._fingerprint = folder, key_in_file(key), fingerprint

    def judged(self) -> tuple[int, str]:
        return judged(self.folder, "--key", self._fingerprint)

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


@pytest.fixture(scope="module")
def original(started: Emulators, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """Exported once, into `out`. Every test forges a copy."""
    started.restart()
    cli = Cli(tmp_path_factory.mktemp("hostile"), started)
    sign(cli)
    three_runs(cli)
    exported(cli)
    return cli


@pytest.fixture(scope="module")
def key(original: Cli) -> str:
    return fingerprint(original)


@pytest.fixture
def forger(original: Cli, key: str, tmp_path: Path) -> Forger:
    folder = shutil.copytree(original.folder / "out", tmp_path / "out")
    return Forger(folder, original.folder / "receipts.key", key)


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
def test_a_hostile_receipt_is_disproven_by_name(forger: Forger, change: Any) -> None:
    """Whoever has the key may sign what he likes: it is refused in one line, never with a traceback."""
    forger.receipt(change(forger.said()))
    code, words = forger.judged()
    assert code == 1
    assert words.startswith("DISPROVEN: "), words
    assert "00000000.json" in words or "texts/" in words


def test_words_of_a_receipt_cannot_pass_for_those_of_the_verifier(forger: Forger) -> None:
    forger.receipt(having("destination", "drata\nPROVEN\x1b[2K")(forger.said()))
    code, words = forger.judged()
    assert code == 1
    assert "\nPROVEN" not in words


@pytest.mark.parametrize("name", ["link", "folder", "../outside", "an absolute path", "pipe"])
def test_links_and_names_outside_of_the_folder_are_refused(forger: Forger, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.write_text("not of this folder")
    digest = sha256(outside.read_bytes()).hexdigest()
    match name:
        case "link":
            (forger.folder / "link").symlink_to(outside)
        case "folder":
            (forger.folder / "folder").symlink_to(tmp_path, target_is_directory=True)
        case "pipe":
            os.mkfifo(forger.folder / "pipe")
        case "an absolute path":
            name = str(outside)
    if name != "folder":
        forger.manifest(**{name: digest})
    code, words = forger.judged()
    assert code == 1
    assert words.startswith(f"DISPROVEN: {name}: "), words


@pytest.mark.parametrize("name", ["keys", "log", "checkpoint", "manifest.json"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"9" * 10_000, b"{}", b"\n\n", b"[" * 50_000])
def test_a_hostile_file_is_disproven_by_name(forger: Forger, name: str, content: bytes) -> None:
    (forger.folder / name).write_bytes(content)
    if name in ("log", "checkpoint"):
        forger.manifest()
    code, words = forger.judged()
    assert code == 1
    assert words.startswith("DISPROVEN: ")
    assert name in words or (name == "log" and "receipts/00000000.json" in words)


def test_a_place_below_zero_is_refused(forger: Forger) -> None:
    last = max((forger.folder / "receipts").glob("*.json"))
    shutil.copy(last, forger.folder / "receipts/-0000001.json")
    forger.manifest()
    code, words = forger.judged()
    assert code == 1
    assert "-0000001.json" in words


def test_the_verifier_is_one_page(original: Cli) -> None:
    verifier = (original.folder / "out/verify_receipts.py").read_text()
    assert len(verifier.splitlines()) <= 250
    assert "import proofport" not in verifier
    assert "from proofport" not in verifier
