"""The schemas that a vendor makes from what it is sent: what is known of them, and a person's word that one is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofport.adapter import Adapter, Schema
from proofport.errors import UnsupportedFeature, UsageError
from proofport.journal.contract import Journal


@dataclass(frozen=True, slots=True)
class SchemaView:
    """One schema of a destination. `known`: what its first delivery froze; None: nothing was published from here.

    `current`: the configuration delivers `kind` under this slug now.
    """

    kind: str
    slug: str
    known: Schema | None
    current: bool = True


async def schemas_of(adapter: Adapter, kinds: Sequence[str], journal: Journal) -> list[SchemaView]:
    """Those that are configured, then those that were published before under other slugs."""
    slugs = {slug: kind for kind in kinds if (slug := adapter.schema(kind)) is not None}
    lanes = dict.fromkeys(adapter.lane(kind) for kind in slugs.values())
    known = {schema.slug: schema for lane in lanes for schema in await journal.schemas(lane)}
    views = [SchemaView(kind, slug, known.get(slug)) for slug, kind in slugs.items()]
    return views + [SchemaView(each.kind, slug, each, False) for slug, each in known.items() if slug not in slugs]


async def confirmed(adapter: Adapter, kind: str, journal: Journal) -> Schema:
    """Note that a person has completed the schema of `kind` at the vendor. Raises UsageError when there is none."""
    slug = adapter.schema(kind)
    if slug is None:
        raise UnsupportedFeature(
            f"{kind} has no schema at this destination that a person would define",
            hint="`proofport schema list DEST` shows those that have.",
        )
    lane = adapter.lane(kind)
    if not await journal.confirm_schema(lane, slug):
        raise UsageError(
            f"nothing was published under {slug!r} from here yet, so there is nothing to confirm",
            hint="Push the whole state first: the vendor makes the schema from the first record.",
        )
    return next(schema for schema in await journal.schemas(lane) if schema.slug == slug)
