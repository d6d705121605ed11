"""A vendor that nobody has, of the awkward sort: its tokens end, a new one revokes the old one, and it takes a set
only whole, in one request a kind. What that request lacks is gone, and stays listed as gone. Of logins that are gone it
wants to be told for a week, with the date.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from proofport.accounting import ACCEPTED, Outcome, rejected, unknown
from proofport.adapter import (
    Adapter,
    Batch,
    Body,
    Credential,
    Flow,
    Job,
    Limits,
    ListsWhole,
    Memory,
    Mode,
    Observed,
    Page,
    Replaces,
    Resource,
    Settings,
    Token,
    TokenFlow,
    Tombstone,
)
from proofport.errors import Blocked, Problem, TooLarge, UnsupportedFeature, UsageError
from proofport.evidence import format_timestamp
from proofport.wire import Call, Reply, checked_origin


class WholeSettings(Settings):
    base_url: Annotated[str, AfterValidator(checked_origin)]
    client_id: str
    client_secret: Credential


class Asset(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    id: Annotated[str, Field(min_length=1)]
    name: str


class Login(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    id: Annotated[str, Field(min_length=1)]
    email: str


BODIES: Mapping[str, Body] = {
    "cloud_resource": Body("asset", "whole/asset", Asset, nulls="omit", arrays="refuse"),
    "personnel_account": Body("login", "whole/login", Login, nulls="omit", arrays="refuse"),
}


class WholeAdapter(Adapter):
    name = "whole"
    Settings = WholeSettings
    settings: WholeSettings

    @property
    def origin(self) -> str:
        return self.settings.base_url

    @property
    def auth(self) -> TokenFlow:
        owner = sha256(self.settings.client_id.encode()).hexdigest()[:16]
        return TokenFlow(f"{self.origin}/{owner}", self._mint, exclusive=True, mints_per_minute=600)

    def _mint(self) -> Flow[Token]:
        body = {"id": self.settings.client_id, "secret": self.settings.client_secret.get_secret_value()}
        reply = yield Call("mint", "POST", "/token", body=json.dumps(body).encode())
        issued = _ok(reply, "issue a token").expect(dict, "token", "seconds", of="mint")
        return Token({"Authorization": f"Bearer {issued['token']}"}, float(issued["seconds"]))

    def resource(self, kind: str) -> Resource:
        if kind not in BODIES:
            raise UnsupportedFeature(f"whole knows no {kind}", hint=f"It takes {' and '.join(BODIES)}.")
        return WholeSet(self.settings, kind)

    @classmethod
    def bodies(cls, kind: str) -> Sequence[Body]:
        return (BODIES[kind],) if kind in BODIES else ()


class WholeSet(Resource, Replaces, ListsWhole):
    lags = False
    lists_whole = True
    limit: ClassVar[Limits] = Limits(max_records=1_000, max_bytes=100_000, empty="Keep one record.")

    def __init__(self, settings: WholeSettings, kind: str) -> None:
        super().__init__(kind)
        self.settings = settings

    @property
    def keeps_gone(self) -> int:
        return 7 if self.kind == "personnel_account" else 0

    @property
    def keeps_bodies(self) -> bool:
        return self.keeps_gone > 0

    @property
    def lane(self) -> str:
        return f"{urlsplit(self.settings.base_url).netloc}/{self.kind}"

    def limits(self, mode: Mode) -> Limits:
        if mode != "snapshot":
            raise UnsupportedFeature(f"whole takes only whole sets, no {mode}", hint="Push a snapshot.")
        return self.limit

    def body(self, mode: Mode) -> Body:
        return BODIES[self.kind]

    def replace(self, job: Job, memory: Memory, batch: Batch, tombstones: Sequence[Tombstone]) -> Flow[list[Outcome]]:
        body = b"[" + b",".join([*batch.bodies, *map(_gone, tombstones)]) + b"]"
        reply = yield Call("replace", "PUT", f"/sets/{self.kind}", body=body, destructive=True)
        if reply.status == 400:
            problem = Problem("a set that whole refuses", "one it takes", vendor_message=str(reply.json()))
            return [rejected(problem)] * len(batch)
        said = _ok(reply, "take the set").expect(dict, "held", of="replace")
        taken = said["held"] == len(batch) + len(tombstones)
        return [ACCEPTED if taken else unknown("no_verdict")] * len(batch)

    def page(self, cursor: str | None) -> Flow[Page]:
        query = (("after", cursor),) if cursor else ()
        reply = _ok((yield Call("list", "GET", f"/sets/{self.kind}", query)), "list the set")
        said = reply.expect(dict, "rows", "next", "total", of="list")
        records = [Observed(row["body"]["id"], row["body"], whole=True, ended=row["gone"]) for row in said["rows"]]
        return Page(records, said["next"], said["total"])


def _gone(tombstone: Tombstone) -> bytes:
    since = format_timestamp(datetime.fromtimestamp(tombstone.gone_at, UTC))
    email = json.loads(tombstone.body)["email"]
    return json.dumps({"id": tombstone.id, "email": email, "state": "gone", "since": since}).encode()


def _ok(reply: Reply, what: str) -> Reply:
    match reply.status:
        case 401:
            raise Blocked(f"whole refuses the credentials, and so to {what}", hint="Look at client_id and its secret.")
        case 413:
            raise TooLarge("the set is too large for whole")
        case status if not reply.ok:
            raise UsageError(f"whole answered {status} when asked to {what}")
    return reply
