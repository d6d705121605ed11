"""Every error that the relay answers with, in the form of RFC 9457: https://www.rfc-editor.org/rfc/rfc9457

A problem has a `type` that programs may rely on, a `title` that goes with the type, a `status`, and a `detail` that
says what is wrong this time. Some have more members, such as `errors`, with one entry for each mistake.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from proofport.errors import ConfigError, JournalError, Problem, ProofportError
from proofport.logs import get_logger
from proofport.text.wording import short

MEDIA_TYPE = "application/problem+json"
PREFIX = "urn:proofport:problem:"
REQUEST_ID = web.RequestKey("request_id", str)
"""Where a request holds its id, by which caller and log name it."""

LONGEST_NAME = 200
"""Characters of a caller's name or id that an answer repeats."""

log = get_logger("relay")


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of problem."""

    name: str
    status: int
    title: str
    #: What the caller can do about it.
    help: str

    @property
    def type(self) -> str:
        return PREFIX + self.name


CATALOGUE = {
    kind.name: kind
    for kind in (
        Kind("bad-request", 400, "The request is not understood", "Correct the request; `detail` says what is wrong."),
        Kind("invalid-parameters", 400, "A parameter is wrong", "`errors` names each parameter, and what it takes."),
        Kind("malformed-body", 400, "The body cannot be read", "Send whole JSON or NDJSON in UTF-8."),
        Kind("unauthorized", 401, "A key is needed", "Send `Authorization: Bearer KEY` with a key that is valid."),
        Kind("forbidden", 403, "The key may not do this", "Use a key with this scope, or have one made."),
        Kind("not-found", 404, "There is nothing here", "Check the path and the id; `/docs` lists the paths."),
        Kind("method-not-allowed", 405, "The path has no such method", "`Allow` lists the methods there are."),
        Kind("request-timeout", 408, "The body did not come in time", "Send the body at once, or in smaller parts."),
        Kind("snapshot-closed", 409, "The snapshot is closed", "`state` says how it ended. Open another one."),
        Kind(
            "snapshot-not-delivered", 409, "Not all of the snapshot was delivered", "`report` says why. Commit again."
        ),
        Kind(
            "snapshot-incomplete",
            409,
            "The snapshot does not hold what it should",
            "`records` counts what it holds. Add the missing parts, then commit again.",
        ),
        Kind(
            "guard-refused", 409, "Too much would disappear", "If this is intended, commit again with `override_guard`."
        ),
        Kind("not-dead", 409, "The delivery is not a dead letter", "Only dead letters can be replayed."),
        Kind("not-queued", 409, "The delivery is not queued", "Only what is queued can be set aside."),
        Kind("bodies-not-kept", 409, "The bodies were not kept", "Replay without `as_it_was`: it is mapped again."),
        Kind("payload-too-large", 413, "The body is too large", "Send it in parts; a snapshot takes any number."),
        Kind("unsupported-media-type", 415, "The body is of another type", "Send application/json or x-ndjson."),
        Kind("expectation-failed", 417, "The expectation cannot be met", "Send `Expect: 100-continue`, or none."),
        Kind("idempotency-key-reused", 422, "The key was used for something else", "Use a new key for new evidence."),
        Kind("invalid-body", 422, "The body does not fit", "`errors` names each field, and what it takes."),
        Kind("invalid-records", 422, "Records are wrong", "Correct those in `errors`, or send `accept=valid`."),
        Kind("unknown-name", 422, "A name is not known", "`errors` says which, and may suggest another."),
        Kind("not-deliverable", 422, "It cannot be delivered there", "`detail` says what the destination lacks."),
        Kind("too-many-requests", 429, "Too many requests", "Wait for the seconds in `Retry-After`."),
        Kind("backlog-full", 429, "Too much of yours waits", "`detail` says where. Send it again after `Retry-After`."),
        Kind("headers-too-large", 431, "The headers are too large", "Send fewer or shorter headers."),
        Kind("internal-error", 500, "The relay broke down", "Report it with the `instance`; the log has the details."),
        Kind("misconfigured", 500, "The relay is not configured for this", "Tell whoever runs the relay."),
        Kind("journal-unavailable", 503, "The journal cannot be written", "Send it again after `Retry-After`."),
        Kind("not-ready", 503, "Something is not as it should be", "`checks` says what; the log has the details."),
        Kind("overloaded", 503, "Too much waits to be delivered", "Send it again after `Retry-After`."),
        Kind("shutting-down", 503, "The relay is stopping", "Send it again after `Retry-After`."),
    )
}

IN_THE_API = (
    (re.compile("`?--mode snapshot`?"), "a snapshot (POST /v1/snapshots)"),
    (re.compile(r"--set (\w+)=…"), r"the parameter set=\1=…"),
    (re.compile(r'--override-guard "why"'), "`override_guard` in the commit"),
    (re.compile(r"--without '([^']*)'"), r"`without` in the commit, which names \1"),
)
"""Options of the command line in hints that come from below, and the words of the API for them."""

RETRY_AFTER = 5
"""Seconds after which a caller may try again, when the journal could not be written, the relay is stopping, or
many large bodies arrive at the same time."""


class ProblemError(Exception):
    """Raise it anywhere below the middleware to answer with a problem of the catalogue. `more`: further members."""

    def __init__(self, name: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.kind = CATALOGUE[name]
        self.detail = detail
        self.headers = headers or {}
        self.more = more


def entry(problem: Problem, **place: Any) -> dict[str, Any]:
    """One of `errors`: the place (a JSON pointer, a parameter), and what was found, expected and would help."""
    return {**place, "found": problem.found, "expected": problem.expected, "hint": problem.hint}


def wrong_parameter(name: str, parameter: str, found: str, expected: str, hint: str | None = None) -> ProblemError:
    """The problem `name`, about one parameter."""
    errors = [entry(Problem(found, expected, hint=hint), parameter=parameter)]
    return ProblemError(name, f"{parameter}: found {found}, expected {expected}", errors=errors)


def pointer_of(path: Sequence[int | str]) -> str:
    """Write a path as a JSON pointer (RFC 6901: https://www.rfc-editor.org/rfc/rfc6901). Long names are cut."""
    return "".join("/" + short(str(part), LONGEST_NAME).replace("~", "~0").replace("/", "~1") for part in path)


def in_the_api(text: str | None) -> str | None:
    """A hint for whoever has no command line."""
    for option, words in IN_THE_API if text else ():
        text = option.sub(words, text or "")
    return text


def response(error: ProblemError, instance: str | None = None) -> web.Response:
    kind = error.kind
    body = {"type": kind.type, "title": kind.title, "status": kind.status, "detail": error.detail}
    if instance is not None:
        body["instance"] = instance
    answer = web.Response(
        body=orjson.dumps(body | error.more), status=kind.status, headers=error.headers, content_type=MEDIA_TYPE
    )
    if error.headers.get("Connection") == "close":  # the header alone would only say so
        answer.force_close()
    return answer


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The middleware that turns every exception into a problem."""
    try:
        return await handler(request)
    except ProblemError as error:
        return response(error, _instance_of(request))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return response(_of_http(request, error), _instance_of(request))
    except Exception as error:
        return response(_of_exception(request, error), _instance_of(request))


def _instance_of(request: web.Request) -> str | None:
    """The URN of a request, by which its problem is named."""
    return f"urn:proofport:request:{request[REQUEST_ID]}" if REQUEST_ID in request else None


def _of_http(request: web.Request, error: web.HTTPException) -> ProblemError:
    """The problem for an error that aiohttp raised itself."""
    match error:
        case web.HTTPNotFound():
            return ProblemError("not-found", f"there is no {request.path}")
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(error.allowed_methods))
            detail = f"{request.path} has no {request.method}; it takes {allowed}"
            return ProblemError("method-not-allowed", detail, headers={"Allow": allowed})
    name = next((kind.name for kind in CATALOGUE.values() if kind.status == error.status), "bad-request")
    return ProblemError(name, error.text or error.reason)


def _of_exception(request: web.Request, error: Exception) -> ProblemError:
    match error:
        case JournalError():
            log.error("journal_unavailable", path=request.path, error=error.message)
            return ProblemError("journal-unavailable", error.message, headers={"Retry-After": str(RETRY_AFTER)})
        case ConfigError():
            log.error("misconfigured", path=request.path, error=str(error))
            return ProblemError("misconfigured", "the relay's configuration lacks something; its log says what")
        case ProofportError():
            return ProblemError("not-deliverable", error.message, hint=in_the_api(error.hint))
    log.exception("request_failed", method=request.method, path=request.path)
    return ProblemError("internal-error", "an error that the relay did not foresee; its log has the details")
