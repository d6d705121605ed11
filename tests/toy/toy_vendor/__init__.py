"""A vendor that nobody has: everything an adapter needs, in one file, as a third party would write it.

It stages widgets in the open, makes them the live set on `publish`, and answers for each widget by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from proofport.accounting import CONFIRMED, Outcome, Tally, rejected, unknown
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
    Resource,
    Settings,
    Stages,
    StaticHeaders,
)
from proofport.errors import Blocked, OutcomeUnknown, Problem, Retryable, TooLarge, UnsupportedFeature, UsageError
from proofport.wire import Call, Reply, checked_origin


class ToySettings(Settings):
    base_url: Annotated[str, AfterValidator(checked_origin)]
    api_key: Credential


class Widget(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    id: Annotated[str, Field(min_length=1)]
    label: str
    colour: Literal["green", "red"] | None = None


WIDGET = Body("widget", "toy/widget", Widget, nulls="omit", arrays="refuse")


class ToyAdapter(Adapter):
    name = "toy"
    Settings = ToySettings
    settings: ToySettings

    @property
    def origin(self) -> str:
        return self.settings.base_url

    @property
    def auth(self) -> StaticHeaders:
        return StaticHeaders({"Authorization": self.settings.api_key.get_secret_value()})

    def resource(self, kind: str) -> Resource:
        if kind != "cloud_resource":
            raise UnsupportedFeature(f"toy knows no {kind}", hint="Push cloud resources.")
        return Widgets(self.settings, kind)

    @classmethod
    def bodies(cls, kind: str) -> Sequence[Body]:
        return (WIDGET,)


class Widgets(Resource, Stages, ListsWhole):
    empty_set = "refuse"
    lags = False
    lists_whole = True

    def __init__(self, settings: ToySettings, kind: str) -> None:
        super().__init__(kind)
        self.settings = settings

    @property
    def lane(self) -> str:
        return urlsplit(self.settings.base_url).netloc

    def limits(self, mode: Mode) -> Limits:
        if mode != "snapshot":
            raise UnsupportedFeature(f"toy knows no {mode}", hint="Push a snapshot.")
        return Limits(max_records=2, max_bytes=10_000)

    def body(self, mode: Mode) -> Body:
        return WIDGET

    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        body = b"[" + b",".join(batch.bodies) + b"]"
        answers = ok((yield Call("stage", "POST", f"/staged/{job.run_id}", body=body))).expect(list, of="stage")
        named = [answer for answer in answers if isinstance(answer, dict) and {"id", "why"} <= set(answer)]
        said = {answer["id"]: _outcome(answer["why"]) for answer in named}
        return [said.get(each, unknown("no_verdict")) for each in batch.ids]

    def complete(self, job: Job, memory: Memory, tally: Tally) -> Flow[None]:
        call = Call("publish", "POST", f"/staged/{job.run_id}/publish", lost="ask", destructive=True)
        try:
            said = ok((yield call)).json()
        except OutcomeUnknown:
            said = None
        if isinstance(said, dict) and said.get("run") == job.run_id:
            return
        live = ok((yield Call("read_live", "GET", "/live"))).expect(dict, "run", of="read_live")
        if live["run"] != job.run_id:
            raise Retryable("toy did not say that it has published, and the set is not live")

    def cancel(self, job: Job, memory: Memory) -> Flow[None]:
        dropped = ok((yield Call("drop", "DELETE", f"/staged/{job.run_id}"))).expect(dict, "dropped", of="drop")
        if dropped["dropped"] != job.run_id:
            raise Retryable("toy did not say that it has dropped the set")

    def page(self, cursor: str | None) -> Flow[Page]:
        live = ok((yield Call("read_live", "GET", "/live"))).expect(dict, "widgets", of="read_live")
        return Page([Observed(widget["id"], widget, whole=True) for widget in live["widgets"]])


def _outcome(why: str | None) -> Outcome:
    return rejected(Problem("a widget that toy refuses", "one it takes", vendor_message=why)) if why else CONFIRMED


def ok(reply: Reply) -> Reply:
    match reply.status:
        case 401:
            raise Blocked("toy does not know the key", hint="Ask toy for one.")
        case 413:
            raise TooLarge("too many widgets")
        case status if not reply.ok:
            raise UsageError(f"toy answered {status}")
    return reply
