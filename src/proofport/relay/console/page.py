"""Makes the documentation for people from the OpenAPI document: one page that loads nothing and runs no script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from typing import Any

from proofport.relay.problems import CATALOGUE

STYLE = (files("proofport.relay.console") / "page.css").read_text(encoding="utf-8")
POLICY = (
    "default-src 'none'; frame-ancestors 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
)
"""The page may use its own style, and nothing else."""


def page(document: dict[str, Any]) -> str:
    info = document["info"]
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<title>{escape(info['title'])}</title><style>{STYLE}</style>"
        f"<header><h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>"
        f"<p>{escape(info['summary'])} The same for programs: <a href='/openapi.json'>/openapi.json</a>.</p></header>"
        f"<nav>{''.join(_links(document))}<a href='#shapes'>Shapes</a><a href='#problems'>Problems</a></nav>"
        f"<main>{''.join(_sections(document))}{_shapes(document)}{_problems()}</main>"
    )


def _links(document: dict[str, Any]) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"<a href='#{escape(_anchor(tag['name']))}'>{escape(tag['name'])}</a>"


def _anchor(text: str) -> str:
    return text.lower().replace(" ", "-")


def _sections(document: dict[str, Any]) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"<section id='{escape(_anchor(tag['name']))}'><h2>{escape(tag['name'])}</h2>"
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if tag["name"] in operation["tags"]:
                    yield _operation(method, path, operation, document["components"]["schemas"])
        yield "</section>"


def _operation(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    return (
        f"<article id='{escape(operation['operationId'])}'>"
        f"<h3><b class='{method}'>{method.upper()}</b> <code>{escape(path)}</code></h3>"
        f"<p>{_text(operation['summary'])} {_text(operation.get('description', ''))}</p>"
        f"{_parameters(operation)}{_body(operation, schemas)}{_answers(operation, schemas)}</article>"
    )


def _parameters(operation: dict[str, Any]) -> str:
    if not operation["parameters"]:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(each['name'])}</code>{' <em>required</em>' if each['required'] else ''}"
        f"<td>{escape(each['in'])}<td>{escape(_type(each['schema']))}<td>{_text(each['description'])}"
        for each in operation["parameters"]
    )
    return f"<h4>Parameters</h4><table>{rows}</table>"


def _body(operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    if "requestBody" not in operation:
        return ""
    content = operation["requestBody"]["content"]
    parts = (
        f"<p><code>{escape(media)}</code> {_text(each['schema'].get('description', ''))}</p>"
        f"{_fields(each['schema'], schemas)}"
        for media, each in content.items()
    )
    return f"<h4>Body</h4>{''.join(parts)}"


def _answers(operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    good = "".join(
        f"<p><b>{status}</b> {_text(answer['description'])}</p>"
        + "".join(_fields(each["schema"], schemas) for each in answer["content"].values())
        for status, answer in operation["responses"].items()
        if int(status) < 400
    )
    bad = "".join(
        f"<tr><td>{status}<td>{_text(answer['description'])}"
        for status, answer in operation["responses"].items()
        if int(status) >= 400
    )
    return f"<h4>Answers</h4>{good}<details><summary>Problems</summary><table>{bad}</table></details>"


def _fields(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    found = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
    if "properties" not in found:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code><td>{_linked(about)}<td>{_text(about.get('description', ''))}"
        for name, about in found["properties"].items()
    )
    return f"<table>{rows}</table>"


def _linked(schema: dict[str, Any]) -> str:
    """The type, with a link to the shape that it names."""
    words = escape(_type(schema))
    name = words.partition(",")[0].partition(" ")[0]
    return words.replace(name, f"<a href='#shape-{name}'>{name}</a>", 1) if name[:1].isupper() else words


def _shapes(document: dict[str, Any]) -> str:
    """Every model that an answer or a body holds."""
    schemas = document["components"]["schemas"]
    parts = (
        f"<article id='shape-{escape(name)}'><h3>{escape(name)}</h3><p>{_text(schema.get('description', ''))}</p>"
        f"{_fields(schema, schemas)}</article>"
        for name, schema in schemas.items()
        if "properties" in schema
    )
    return f"<section id='shapes'><h2>Shapes</h2>{''.join(parts)}</section>"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(_type(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"{_type(schema.get('items', {}))}, repeated"
    return str(schema.get("type", "any"))


def _problems() -> str:
    rows = "".join(
        f"<tr id='problem-{kind.name}'><td><code>{kind.type}</code><td>{kind.status}<td>{escape(kind.title)}."
        f"<td>{_text(kind.help)}"
        for kind in CATALOGUE.values()
    )
    return f"<section id='problems'><h2>Problems</h2><table>{rows}</table></section>"


def _text(words: str) -> str:
    """Backquotes mark code."""
    parts = escape(words).split("`")
    return "".join(f"<code>{part}</code>" if n % 2 else part for n, part in enumerate(parts))
