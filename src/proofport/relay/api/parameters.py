"""Reads the query of a request, or a small JSON body, as a model, and lists every mistake."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar, get_origin

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from proofport.errors import Problem
from proofport.relay.body.documents import parse
from proofport.relay.body.limits import LIMITS, Body
from proofport.relay.problems import ProblemError, entry, pointer_of
from proofport.text.wording import MOST_MISTAKES, NO_OBJECT, describe, did_you_mean, short

M = TypeVar("M", bound=BaseModel)
LARGEST_PAGE = 500


class NoQuery(BaseModel, extra="forbid"):
    """No parameters at all."""


class PageQuery(BaseModel, extra="forbid"):
    cursor: Annotated[int | None, Field(ge=1, le=2**62, description="`next` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE, description="At most so many items.")] = 50


def query_of(request: web.Request, model: type[M]) -> M:
    """The query as a model. A field that is a list takes its parameter any number of times.

    Raises ProblemError (invalid-parameters).
    """
    given: dict[str, Any] = {}
    errors = []
    for name in dict.fromkeys(request.query):
        values, field = request.query.getall(name), model.model_fields.get(name)
        if field is not None and get_origin(field.annotation) is list:
            given[name] = values
        elif len(values) > 1 and field is not None:
            errors.append(entry(Problem(f"{name} {len(values)} times", "it once"), parameter=name))
        else:
            given[name] = values[0]
    try:
        if not errors:
            return model.model_validate(given)
    except ValidationError as error:
        errors = [entry(_problem(each, model), parameter=str(each["loc"][0])) for each in error.errors()]
    more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
    raise ProblemError("invalid-parameters", f"{_sentence(errors[0], 'parameter')}{more}", errors=errors)


async def body_of(request: web.Request, model: type[M], *, optional: bool = False) -> M:
    """A JSON body as a model. `optional`: an empty body is all defaults.

    Raises ProblemError (unsupported-media-type, malformed-body, invalid-body), and what reading a body raises.
    """
    body = await Body(request).whole()
    if optional and not body:
        return model()
    if request.content_type != "application/json":
        raise ProblemError("unsupported-media-type", f"found {request.content_type}, expected application/json")
    given = parse(body, request.app[LIMITS], expected="JSON")
    try:
        return model.model_validate(given, strict=True)
    except ValidationError as error:
        if error.error_count() > MOST_MISTAKES:
            raise ProblemError("invalid-body", f"found {error.error_count():,} mistakes in the body") from None
        errors = [entry(_problem(each, model), pointer=pointer_of(each["loc"])) for each in error.errors()]
        raise ProblemError("invalid-body", _sentence(errors[0], "pointer"), errors=errors) from None


def _problem(detail: ErrorDetails, model: type[BaseModel]) -> Problem:
    match detail["type"]:
        case "missing":
            return Problem("nothing", "a value")
        case "extra_forbidden":
            known = ", ".join(model.model_fields) or "no parameters"
            name = detail["loc"][-1]
            return Problem(f"the parameter {short(str(name))}", known, hint=did_you_mean(name, model.model_fields))
    if detail["type"] in NO_OBJECT:
        return Problem(describe(detail["input"]), "an object")
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return Problem(describe(detail["input"]), message)


def _sentence(error: dict[str, Any], place: str) -> str:
    return f"{error[place] or 'the body'}: found {error['found']}, expected {error['expected']}"
