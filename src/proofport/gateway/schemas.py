"""The schemas that a vendor makes from what it is sent: what is known of them, and a person's word that one is done."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from proofport.adapter import Adapter, Finding, Schema
from proofport.delivery.last_state import frozen_schemas
from proofport.errors import UnsupportedFeature, UsageError
from proofport.journal.contract import Journal


@dataclass(frozen=True, slots=True)
class SchemaView:
    """One schema of a destination. `known`: what its first delivery froze; None: nothing was published from here.

    `current`: the configuration delivers `kind` under this slug now; `configured`: and says that it is defined.
    """

    kind: str
    slug: str
    known: Schema | None
    current: bool = True
    configured: bool = False

    @property
    def defined(self) -> bool:
        """Whether it is known to be complete at the vendor."""
        return self.configured or (self.known is not None and self.known.defined > 0)


async def schemas_of(adapter: Adapter, kinds: Sequence[str], journal: Journal) -> list[SchemaView]:
    """Those that are configured, then those that were published before under other slugs."""
    declared = {kind: found for kind in kinds if (found := adapter.schema(kind)) is not None}
    lanes = dict.fromkeys(adapter.lane(kind) for kind in declared)
    noted = [schema for lane in lanes for schema in frozen_schemas(await journal.adapter_memory(lane))]
    slugs = {each.slug for each in declared.values()}
    views = [SchemaView(kind, d.slug, d.known(noted), configured=d.defined) for kind, d in declared.items()]
    return views + [SchemaView(each.kind, each.slug, each, False) for each in noted if each.slug not in slugs]


def findings(views: Sequence[SchemaView]) -> list[Finding]:
    """What `doctor` says of them: whether what is delivered now has a schema that is complete at the vendor."""
    return [_finding(view) for view in views if view.current]


def _finding(view: SchemaView) -> Finding:
    subject = f"objects.{view.kind}"
    if view.defined:
        return Finding(True, subject, f"the schema {view.slug!r} is defined")
    return Finding(
        False,
        subject,
        f"the schema {view.slug!r} is not known to be defined",
        f"`proofport provision DEST --kind {view.kind}` says how a person does that at the vendor. Then: "
        f"`proofport schema confirm DEST --kind {view.kind}`.",
    )


async def confirmed(adapter: Adapter, kind: str, journal: Journal) -> Schema:
    """Note that a person has completed the schema of `kind` at the vendor. Raises UsageError when there is none."""
    declared = adapter.schema(kind)
    if declared is None:
        raise UnsupportedFeature(
            f"{kind} has no schema at this destination that a person would define",
            hint="`proofport schema list DEST` shows those that have.",
        )
    lane, slug = adapter.lane(kind), declared.slug
    known = (await journal.adapter_memory(lane)).get(slug)
    if not isinstance(known, dict):
        raise UsageError(
            f"nothing was published under {slug!r} from here yet, so there is nothing to confirm",
            hint="Push the whole state first: the vendor makes the schema from the first record.",
        )
    if not known["defined"]:
        await journal.keep_adapter_memory(lane, slug, {**known, "defined": time.time()}, before=known)
    return next(each for each in frozen_schemas(await journal.adapter_memory(lane)) if each.slug == slug)
