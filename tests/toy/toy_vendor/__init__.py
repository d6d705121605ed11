"""A vendor that nobody has: everything an adapter needs, in one file, as a third party would write it.

It stages widgets in the open, makes them the live set on `publish`, and answers for each widget by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from proofport.accounting import CONFIRMED, Outcome, Tally, rejected, unknown
from proofport.adapter import (
    Adapter,
    Batch,
    Body,
    Capability,
    Credential,
    Flow,
    Job,
    Memory,
    Mode,
    ObjectSettings,
    Observed,
    Page,
    Settings,
)
from proofport.errors import Blocked, OutcomeUnknown, Problem, Retryable, TooLarge, UnsupportedFeature
from proofport.wire import Call, Reply, checked_origin


class ToySettings(Settings):
    base_url: Annotated[str, AfterValidator(checked_origin)]
    api_key: Credential
    objects: dict[str, ObjectSettings] = Field(default_factory=dict)


class Widget(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    id: Annotated[str, Field(min_length=1)]
    label: str
    colour: Literal["green", "red"] | None = None


class ToyAdapter(Adapter):
    name = "toy"
    Settings = ToySettings
    settings: ToySettings

    @property
    def origin(self) -> str:
        return self.settings.base_url

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": self.settings.api_key.get_secret_value()}

    def lane(self, kind: str) -> str:
        return urlsplit(self.origin).netloc

    def capability(self, kind: str, mode: Mode) -> Capability:
        if kind != "cloud_resource" or mode != "snapshot":
            raise UnsupportedFeature(f"toy knows no {mode} of {kind}", hint="Push a snapshot of cloud resources.")
        return Capability(max_records=2, max_bytes=10_000, staged=True, replaces=True)

    def body(self, kind: str, mode: Mode) -> Body:
        return Body("widget", "toy/widget", Widget, nulls="omit", arrays="refuse")

    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        body = b"[" + b",".join(batch.items) + b"]"
        answers = _ok((yield Call("stage", "POST", f"/staged/{job.run_id}", body=body))).json()
        said = {answer["id"]: _outcome(answer["why"]) for answer in answers}
        return [said.get(each, unknown("no_verdict")) for each in batch.ids]

    def close(self, job: Job, memory: Memory, tally: Tally) -> Flow[None]:
        call = Call("publish", "POST", f"/staged/{job.run_id}/publish", lost="ask", destructive=True)
        try:
            _ok((yield call))
        except OutcomeUnknown:
            if job.run_id != _ok((yield Call("read_live", "GET", "/live"))).json()["run"]:
                raise

    def abort(self, job: Job, memory: Memory) -> Flow[None]:
        _ok((yield Call("drop", "DELETE", f"/staged/{job.run_id}")))

    def observe(self, kind: str, cursor: str | None) -> Flow[Page | None]:
        live = _ok((yield Call("read_live", "GET", "/live"))).json()
        return Page([Observed(widget["id"], widget) for widget in live["widgets"]])


def _outcome(why: str | None) -> Outcome:
    return rejected(Problem("a widget that toy refuses", "one it takes", vendor_message=why)) if why else CONFIRMED


def _ok(reply: Reply) -> Reply:
    match reply.status:
        case 401:
            raise Blocked("toy does not know the key", hint="Ask toy for one.")
        case 413:
            raise TooLarge("too many widgets")
        case status if not reply.ok:
            after = float(reply.headers["retry-after"]) if "retry-after" in reply.headers else None
            raise Retryable(f"toy answered {status}", after=after)
    return reply
