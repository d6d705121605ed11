"""Describes one route: its handler, who may use it, and what OpenAPI and the page say about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias, get_type_hints

from aiohttp import web
from pydantic import BaseModel

from proofport.relay.access.caller import CALLER
from proofport.relay.api.parameters import query_of
from proofport.relay.problems import ProblemError

Handler: TypeAlias = Callable[[web.Request, Any], Awaitable[web.StreamResponse]]
Scope: TypeAlias = Literal["read", "write", "open", "operator"]
"""The right that a key must have. `open`: no key is needed. `operator`: see what belongs to all tenants."""


@dataclass(frozen=True)
class Route:
    """One operation of the API. The docstring of the handler is its summary and its description."""

    tag: str
    handler: Handler
    method: str
    path: str
    scope: Scope
    #: A model, or a media type.
    answer: type[BaseModel] | str
    status: Sequence[int] = (200,)
    #: The model of a JSON body, or the JSON Schema of each media type.
    body: type[BaseModel] | Mapping[str, Any] | None = None
    body_required: bool = True
    #: Headers of the request, each with its description.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Problems beside those that every route may answer with.
    problems: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The `operationId` of OpenAPI."""
        return self.handler.__name__

    @property
    def words(self) -> tuple[str, str]:
        """The first line of the handler's docstring, and the rest."""
        first, _, rest = (self.handler.__doc__ or "").partition("\n")
        return first, " ".join(rest.split())

    @cached_property
    def query(self) -> type[BaseModel]:
        """The model of the query: the type of the handler's argument."""
        model: type[BaseModel] = get_type_hints(self.handler)["query"]
        return model

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.scope != "open":
            caller = request[CALLER]
            allowed = {"read": caller.may_read, "write": caller.may_write, "operator": caller.is_operator}
            if not allowed[self.scope]:
                act = "see what belongs to all tenants" if self.scope == "operator" else self.scope
                raise ProblemError("forbidden", f"the key may not {act}")
        return await self.handler(request, query_of(request, self.query))


class Routes(list[Route]):
    """Routes with one tag. Calling it decorates a handler; the arguments are the fields of Route."""

    def __init__(self, tag: str) -> None:
        self.tag = tag

    def __call__(self, *fields: Any, **more: Any) -> Callable[[Handler], Handler]:
        def add(handler: Handler) -> Handler:
            self.append(Route(self.tag, handler, *fields, **more))
            return handler

        return add
