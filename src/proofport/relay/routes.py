"""What the relay can be asked: each handler says beside its code what OpenAPI and the page say of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, TypeAlias

from aiohttp import web
from pydantic import BaseModel

from proofport.relay.caller import CALLER
from proofport.relay.parameters import query_of
from proofport.relay.problems import CATALOGUE, ProblemError

Answer: TypeAlias = Awaitable[web.StreamResponse]
Scope: TypeAlias = Literal["read", "write", "open", "operator"]
"""What the caller must be allowed to. `open`: anybody may ask, also without a key. `operator`: see all tenants."""


_ACTS = {"operator": "see what is of all tenants"}


class NoQuery(BaseModel, extra="forbid"):
    pass


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. `body`: the model of a JSON body, or media types with their JSON Schema. `answers`: by status.

    `problems`: the names of those that are its own; every route may also answer with those that all have.
    """

    method: str
    path: str
    handler: Callable[[web.Request, Any], Answer]
    scope: Scope
    tag: str
    query: type[BaseModel] = NoQuery
    body: type[BaseModel] | Mapping[str, Any] | None = None
    body_required: bool = True
    answers: Mapping[int, type[BaseModel] | str | None] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    problems: Sequence[str] = ()

    def __post_init__(self) -> None:
        unknown = [name for name in self.problems if name not in CATALOGUE]
        assert not unknown, f"{self.path}: no such problem: {unknown}"

    @property
    def name(self) -> str:
        """What OpenAPI calls the operation."""
        return self.handler.__name__

    @property
    def words(self) -> tuple[str, str]:
        """The first line of the handler's docstring, and the rest."""
        first, _, rest = (self.handler.__doc__ or "").partition("\n")
        return first, " ".join(rest.split())

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.scope != "open":
            caller = request[CALLER]
            allowed = {"read": caller.may_read, "write": caller.may_write, "operator": caller.is_operator}
            if not allowed[self.scope]:
                raise ProblemError("forbidden", f"the key may not {_ACTS.get(self.scope, self.scope)}")
        return await self.handler(request, query_of(request, self.query))


ROUTES: list[Route] = []
"""Filled as the modules of `proofport.relay.api` are loaded, in the order in which they are documented."""


def is_open(request: web.Request) -> bool:
    """Whether anybody may ask this. A path that is not there tells nobody anything, so it is not open."""
    return (request.method, path_of(request)) in _open_routes()


@cache
def _open_routes() -> frozenset[tuple[str, str | None]]:
    """Asked for once all of them are declared."""
    return frozenset((each.method, each.path) for each in ROUTES if each.scope == "open")


def path_of(request: web.Request) -> str | None:
    """The template of the path; None for what no route answers."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else None


def route(
    method: str, path: str, **about: Any
) -> Callable[[Callable[[web.Request, Any], Answer]], Callable[[web.Request, Any], Answer]]:
    """Declare a handler: `async def handler(request, query) -> response`. `about`: see `Route`."""

    def declare(handler: Callable[[web.Request, Any], Answer]) -> Callable[[web.Request, Any], Answer]:
        ROUTES.append(Route(method, path, handler, **about))
        return handler

    return declare
