"""A receipt as `explain` needs it: what became of a record, and whether the mappings are still those of then."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from proofport.accounting import Outcome
from proofport.adapter import Mode
from proofport.audit import explain
from proofport.audit.explain import Explanation
from proofport.delivery.target import Target
from proofport.errors import ProofportError
from proofport.evidence import Neutral
from proofport.gateway.explain.carried import Exchanges
from proofport.gateway.targets import Targets
from proofport.journal.contract import Journal, ReceiptView
from proofport.mapping import MappingLibrary
from proofport.mapping.language.nodes import MappingFile
from proofport.mapping.language.syntax import load_file


class Certified:
    """The content of a receipt, and of the files that are kept beside it."""

    def __init__(self, journal: Journal, library: MappingLibrary, receipt: ReceiptView) -> None:
        from proofport.audit.envelope import predicate_of, subjects_of

        self.receipt = receipt
        self.told: dict[str, Any] = predicate_of(receipt)
        self._subjects: Mapping[str, str] = subjects_of(receipt)
        self._journal = journal
        self._library = library

    async def file(self, name: str) -> bytes | None:
        """The file beside the receipt that has this name."""
        return await self._journal.receipt_file(self.receipt.place, name)

    async def exchanges(self) -> Exchanges | None:
        content = await self.file("exchanges")
        return None if content is None else Exchanges(content)

    async def listed(self, blinded: str | None) -> str | None:
        """The outcome in the list of the records that were not delivered. Empty: it is not in that. None: no list, or
        no key.

        `blinded`: the record's id as the list has it. None: there is no key to tell.
        """
        if self.told["from_journal"]:
            return None
        content = await self.file("ids")
        if content is None:
            return ""
        if blinded is None:
            return None
        for row in map(orjson.loads, content.splitlines()):
            if row["hmac"] == blinded:
                return f"{row['outcome']}" + (f": {row['reason']}" if row["reason"] else "")
        return ""

    # ------------------------------------------------------------------ mappings
    def check_texts(self, name: str, told: Explanation) -> bool:
        """True if the files of a mapping are those of the receipt."""
        if (what := self.changed(name)) is None:
            return True
        if what in self._subjects:
            told.missing.append(f"{what} was changed since: what it makes now may not be what was sent")
        else:
            told.missing.append(f"the receipt has no digest of {what}: it may have been changed since")
        return False

    def changed(self, name: str) -> str | None:
        """The first file of a mapping that is not that of the receipt."""
        texts = self._library.texts(name).items()
        digests = ((what, sha256(text.encode()).hexdigest()) for what, text in texts)
        return next((what for what, digest in digests if self._subjects.get(what) != digest), None)

    async def vendor_file(self, target: Target, told: Explanation) -> MappingFile | None:
        """The vendor mapping as the receipt knows it, from the kept text where the file was changed."""
        if target.mapping_name is None:
            return None
        file = self._library.find(target.mapping_name)
        if self.check_texts(target.mapping_name, told):
            return file
        text = await self._journal.kept_text(self._subjects.get(f"mapping:{file.name}", ""))
        if text is None or file.included:
            return file
        with tempfile.TemporaryDirectory() as folder:
            kept = Path(folder) / Path(file.path).name
            kept.write_text(text, encoding="utf-8")
            return next((each for each in load_file(kept) if each.name == file.name), file)

    async def tell_body(self, target: Target, mode: Mode, record: Neutral, told: Explanation) -> bool:
        """Tell the fields of the record body. False: there is none."""
        if mode == "remove":
            told.body = explain.as_it_is(record)
            return True
        vendor, body = await self.vendor_file(target, told), target.body_of(record)
        if not isinstance(body, dict):
            if told.outcome is None:
                told.missing.append(f"no body: {body}")
            return False
        told.body = (
            explain.as_it_is(body) if vendor is None else explain.fields_told(vendor, record, body, _fields_of(target))
        )
        return True


def target_of(targets: Targets, destination: str, kind: str, mode: Mode, told: Explanation) -> Target | None:
    """The destination as it is configured now. None: it cannot be made, which is told."""
    try:
        return targets.find(destination, kind, mode, offline=True)
    except ProofportError as error:
        told.missing.append(f"the destination cannot be made any more: {error.message}")
        return None


def in_words(outcome: Outcome) -> str:
    """The words of the vendor about a record, or of whoever decided before it."""
    words = str(outcome.status) if outcome.assurance is None else f"{outcome.status}, {outcome.assurance}"
    words += f", as {outcome.vendor_id} there" if outcome.vendor_id is not None else ""
    return ": ".join(str(each) for each in (words, outcome.reason, outcome.problem) if each)


def _fields_of(target: Target) -> list[str]:
    model = getattr(target.mapping, "model", None)
    return [] if model is None else [info.alias or name for name, info in model.model_fields.items()]
