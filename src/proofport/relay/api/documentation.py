"""What the relay says of itself. Anybody may read it."""

from __future__ import annotations

from functools import cache

import orjson
from aiohttp import web

from proofport.relay import openapi, page
from proofport.relay.routes import NoQuery, route


@route("GET", "/openapi.json", scope="open", tag="Documentation", answers={200: "application/json"})
async def get_openapi(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """This documentation for programs: OpenAPI 3.1."""
    return web.Response(body=_document(), content_type="application/json")


@route("GET", "/docs", scope="open", tag="Documentation", answers={200: "text/html"})
async def get_docs(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """This documentation for people. It loads nothing from anywhere."""
    headers = {"Content-Security-Policy": page.POLICY}
    return web.Response(text=_page(), content_type="text/html", headers=headers)


@cache
def _document() -> bytes:
    return orjson.dumps(openapi.document())


@cache
def _page() -> str:
    return page.page(openapi.document())
