"""Explains records that were delivered, and lists where a value of a source ends up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proofport.audit.explain import Explanation, Whereabouts, from_around, how_of, reading
from proofport.config import Config
from proofport.errors import ProofportError, UsageError
from proofport.gateway.audit import signing_key
from proofport.gateway.explain.certified import Certified
from proofport.gateway.explain.queue import QueueExplainer
from proofport.gateway.explain.run import RunExplainer
from proofport.gateway.targets import Targets
from proofport.journal.contract import Journal, ReceiptView


async def explained(
    journal: Journal,
    targets: Targets,
    receipts: Sequence[ReceiptView],
    record: str,
    config: Config,
    values: Mapping[str, str],
    delivery: int | None = None,
) -> list[Explanation]:
    """A record, by every receipt of a run; or by every delivery of a receipt of the queue.

    `delivery`: by this one alone. Raises UsageError where no delivery holds the record.
    """
    blinded = signing_key(config).blinded(record) if config.receipts is not None else None
    found: list[Explanation] = []
    for each in receipts:
        certified = Certified(journal, targets.library, each)
        if certified.told["mode"] == "queue":
            found += await QueueExplainer(journal, targets, certified).explain(record, delivery)
        else:
            run = RunExplainer(journal, targets, certified, values, config.workbook_bytes)
            found.append(await run.explain(record, blinded))
    return found


def whereabouts(targets: Targets, config: Config, pointer: str, kind: str, source: str | None) -> list[Whereabouts]:
    """Where a value of the source ends up. Raises UsageError."""
    if not pointer.startswith("/"):
        raise UsageError(f"found {pointer!r}, expected a JSON pointer such as /Account/Id")
    names = [pointer.split("/")[1]]
    if source is not None:
        file = targets.library.find(source)
        names = list(dict.fromkeys([name for name, _ in reading(file, pointer)] + from_around(file, pointer)))
    found = []
    for destination in config.destinations:
        try:
            target = targets.in_any_mode(destination, kind)
        except ProofportError:
            continue
        vendor = targets.library.find(target.mapping_name) if target.mapping_name else None
        for name in names:
            if vendor is None:
                found.append(Whereabouts(destination, name, name, "copied", None))
                continue
            found += [
                Whereabouts(destination, name, wire, how_of(wire, rule), f"{rule.at.file}:{rule.at.line}")
                for wire, rule in reading(vendor, f"/{name}")
            ]
    return found
