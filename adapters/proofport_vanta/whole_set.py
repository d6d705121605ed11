"""A kind at Vanta: a set that goes whole, in one request for each resource that it has.

There is no other way: no call adds, changes or removes one record (OAS). What a request lacks is gone.
Sources: OAS, the vendor's OpenAPI document; GUIDE, its pages; observed: llamalync and speakeasy-api/gram.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import JsonValue

from proofport.accounting import ACCEPTED, CONFIRMED, Outcome, Status, withheld
from proofport.adapter import (
    Batch,
    Blueprint,
    Body,
    Flow,
    Job,
    Limits,
    Lists,
    Memory,
    Mode,
    Observed,
    Page,
    Provisioned,
    Provisions,
    ReadBack,
    ReadsBack,
    Replaces,
    Resource,
    Splits,
    Tombstone,
)
from proofport.errors import ProofportError, UnsupportedFeature, UsageError
from proofport_vanta.bodies import BASE_TYPES, ID_FIELD, MODELS, CustomResource, body_of
from proofport_vanta.common import VantaBody, note, wire_names
from proofport_vanta.computers import COMPUTERS as MACHINES
from proofport_vanta.objects import VantaObject
from proofport_vanta.parts import EMPTY, MAX_BYTES, MAX_RECORDS, Part, Row
from proofport_vanta.provisioning import provision
from proofport_vanta.settings import VantaSettings
from proofport_vanta.tokens import owner_of

TOO_MANY = (
    "Nothing was sent, and a set cannot be split: each request replaces the one before. Make another resource in "
    "Vanta, and push a part of the records to a destination of its own that names it."
)
WAYS = {
    "upsert": "Push the whole set: --mode snapshot.",
    "patch": "Push the whole set, with complete records: --mode snapshot.",
    "remove": "Push the whole set without them, with --mode snapshot: what it lacks is gone at Vanta.",
}
"""The way that works instead of each mode."""
LOOKS = 3
"""Reads after a request, until it shows. The budget of requests puts seconds between them."""

COMPUTERS = {"macos_resource_id": "macos_user_computer", "windows_resource_id": "windows_user_computer"}
CUSTOM = "custom_resource"


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a set that goes to one resource."""

    part: Part
    #: The records of the batch, by their index, in the order in which they are sent.
    indexes: Sequence[int]
    bodies: Sequence[bytes]
    #: The ids of all bodies, those that follow the records among them.
    ids: Sequence[str]


class VantaSet(Resource, Replaces, Lists, ReadsBack, Provisions):
    """One kind of one application."""

    lags = False
    keeps_bodies = True
    keeps_gone = 0

    def __init__(self, kind: str, settings: VantaSettings) -> None:
        super().__init__(kind)
        self.settings = settings

    @property
    def configured(self) -> VantaObject | None:
        return self.settings.objects.get(self.kind)

    @property
    def parts(self) -> Sequence[Part]:
        """Its resources, in the order in which they are sent. Raises ConfigError when none is configured."""
        found = self.settings.of(self.kind)
        return [self._part(setting, each) for setting, each in found.resources.items()]

    @property
    def lane(self) -> str:
        """Host, application and resources. A request replaces all that the application has of a resource."""
        return f"{self._application}/{'+'.join(part.resource_id for part in self.parts)}"

    @property
    def objects(self) -> Sequence[str]:
        return [f"{self._application}/{part.resource_id}" for part in self.parts]

    @property
    def _application(self) -> str:
        return f"{urlsplit(self.settings.origin).netloc}/{owner_of(self.settings)}"

    def limits(self, mode: Mode) -> Limits:
        if mode != "snapshot":
            raise UnsupportedFeature(f"Vanta takes only whole sets of {self.kind}, no {mode}", hint=WAYS[mode])
        parts = self.parts
        return Limits(MAX_RECORDS * len(parts), sum(part.room for part in parts), too_large=TOO_MANY, empty=EMPTY)

    def body(self, mode: Mode) -> Body:
        return body_of(self.kind, self.configured)

    def provision(self, blueprint: Blueprint) -> Flow[Provisioned]:
        return (yield from provision(blueprint, self.configured, self.parts if self.configured else ()))

    # ------------------------------------------------------------------ sending
    def replace(self, job: Job, memory: Memory, batch: Batch, tombstones: Sequence[Tombstone]) -> Flow[list[Outcome]]:
        """Replace the resources, one after the other, then look if the records are there.

        When Vanta does not surely take a set, those that follow are not sent, and stay as they are.
        """
        shares = self._shares(batch, self.follow(memory, batch, tombstones))
        for share in shares:
            _require_room(share)
        outcomes, sent = [withheld("not_sent")] * len(batch), list[Share]()
        for share in shares:
            ends = yield from share.part.put(share.bodies, share.ids, len(share.indexes))
            for index, end in zip(share.indexes, ends, strict=True):
                outcomes[index] = end
            _note(memory, share.part, ends)
            if not all(end == ACCEPTED for end in ends):
                break  # never for a set without a record of the batch: a refusal of that is raised
            sent.append(share)
            memory["taken"] = [index for each in sent for index in each.indexes]
        for share in sent:
            shown = yield from _look(share)
            for index in shown:
                outcomes[index] = CONFIRMED
        return outcomes

    def follow(self, memory: Memory, batch: Batch, tombstones: Sequence[Tombstone]) -> Sequence[tuple[str, bytes]]:
        """The records, with their ids, that go with the set although they are not in it."""
        return ()

    def _shares(self, batch: Batch, follow: Sequence[tuple[str, bytes]]) -> list[Share]:
        ids = [*batch.ids, *(each for each, _ in follow)]
        sent = [_without_platform(body) for body in (*batch.bodies, *(body for _, body in follow))]
        shares = []
        for part in self.parts:
            places = [place for place, (platform, _) in enumerate(sent) if platform == part.platform]
            indexes = [place for place in places if place < len(batch)]
            shares.append(Share(part, indexes, [sent[each][1] for each in places], [ids[each] for each in places]))
        return shares

    # ------------------------------------------------------------------ reading
    def page(self, cursor: str | None) -> Flow[Page]:
        """One page of one resource; after its last page comes the next resource."""
        parts = self.parts
        number, _, place = (cursor or "0").partition(":")
        rows = yield from parts[int(number)].page(place or None)
        following = str(int(number) + 1) if int(number) + 1 < len(parts) else None
        cursor = following if rows.cursor is None else f"{number}:{rows.cursor}"
        return Page([self.observed(row) for row in rows.live], cursor, rows=rows.all)

    rows = page

    def observed(self, row: Row) -> Observed:
        return Observed(row[ID_FIELD], row, whole=True)

    @property
    def read_back(self) -> ReadBack:
        names = dict.fromkeys(name for part in self.parts for name in sorted(part.fields) if name != ID_FIELD)
        return ReadBack((ID_FIELD,), tuple(names))

    @property
    def ended_fields(self) -> Mapping[str, JsonValue]:
        """None: what is gone is left out, sooner or later."""
        return {}

    def _part(self, setting: str, resource_id: str) -> Part:
        if self.kind == "device" and setting in COMPUTERS:
            platform = setting.partition("_")[0]
            return Part(COMPUTERS[setting], resource_id, fields_of(MACHINES[platform]), platform=platform)
        if self.kind in BASE_TYPES:
            return Part(BASE_TYPES[self.kind], resource_id, fields_of(MODELS[self.kind]))
        declared = self.configured.properties if self.configured else None
        times = None if declared is None else frozenset(n for n, each in declared.types.items() if each == "timestamp")
        return Part(CUSTOM, resource_id, fields_of(CustomResource), times)


class ComputerSet(VantaSet, Splits):
    """The devices of one application: a set of its own for each platform that has a resource."""

    def object_of(self, body: bytes) -> str:
        platform = json.loads(body).get("platform", "")
        part = next((each for each in self.parts if each.platform == platform), self.parts[-1])
        return f"{part.base_type} {part.resource_id}"


def fields_of(model: type[VantaBody]) -> frozenset[str]:
    """The fields that are sent."""
    return frozenset(wire_names(model)) - {"platform"}


def _note(memory: Memory, part: Part, ends: Sequence[Outcome]) -> None:
    """Put Vanta's words into the report where they are about no record that is counted."""
    if ends and ends[0].status is Status.WITHHELD and (problem := ends[0].problem) is not None:
        note(memory, f"Vanta refused the set of {part.base_type} {part.resource_id}: {problem}")


def _without_platform(body: bytes) -> tuple[str, bytes]:
    """The platform of a device, and its body as it is sent."""
    record = json.loads(body)
    platform = record.pop("platform", "")
    return platform, json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() if platform else body


def _require_room(share: Share) -> None:
    """Raise UsageError where a resource would get more than fits into one request. Nothing was sent yet."""
    records, size = len(share.bodies), sum(map(len, share.bodies)) + len(share.bodies)
    if records > MAX_RECORDS or size > share.part.room:
        raise UsageError(
            f"{records:,} records ({size:,} bytes) are for Vanta's {share.part.base_type}, which takes "
            f"{MAX_RECORDS:,} and {MAX_BYTES:,} bytes in its one request",
            hint=TOO_MANY,
        )


def _look(share: Share) -> Flow[list[int]]:
    """The indexes of the records that are shown as they were sent. What cannot be read stays accepted."""
    waiting = dict(zip(share.ids, share.indexes, strict=False))
    bodies = dict(zip(share.ids, share.bodies, strict=True))
    found: list[int] = []
    for _ in range(LOOKS if waiting else 0):
        try:
            rows = yield from share.part.live(may_fail=True)
        except ProofportError:
            break
        for row in rows:
            record_id = row[ID_FIELD]
            if record_id in waiting and share.part.shows(row, json.loads(bodies[record_id])):
                found.append(waiting.pop(record_id))
        if not waiting:
            break
    return found
