"""Makes the documentation for people from the OpenAPI document: one page that loads nothing and runs no script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
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
    info, tags = document["info"], [tag["name"] for tag in document["tags"]]
    links = "".join(f"<a href='#{_anchor(tag)}'>{escape(tag)}</a>" for tag in tags)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<title>{escape(info['title'])}</title><style>{STYLE}</style>"
        f"<header><h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>"
        f"<p>{escape(info['summary'])} The same for programs: <a href='/openapi.json'>/openapi.json</a>.</p></header>"
        f"<nav>{links}<a href='#shapes'>Shapes</a><a href='#problems'>Problems</a></nav>"
        f"<main>{''.join(_section(tag, document) for tag in tags)}{_shapes(document)}{_problems()}</main>"
    )


def _anchor(text: str) -> str:
    return escape(text.lower().replace(" ", "-"))


def _table(rows: Iterable[Sequence[str]]) -> str:
    cells = "".join("<tr><td>" + "<td>".join(row) for row in rows)
    return f"<table>{cells}</table>" if cells else ""


def _section(tag: str, document: dict[str, Any]) -> str:
    schemas = document["components"]["schemas"]
    parts = (
        _operation(method, path, operation, schemas)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if tag in operation["tags"]
    )
    return f"<section id='{_anchor(tag)}'><h2>{escape(tag)}</h2>{''.join(parts)}</section>"


def _operation(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    return (
        f"<article id='{escape(operation['operationId'])}'>"
        f"<h3><b class='{method}'>{method.upper()}</b> <code>{escape(path)}</code></h3>"
        f"<p>{_text(operation['summary'])} {_text(operation.get('description', ''))}</p>"
        f"{_parameters(operation)}{_body(operation, schemas)}{_answers(operation, schemas)}</article>"
    )


def _parameters(operation: dict[str, Any]) -> str:
    table = _table(
        (
            f"<code>{escape(each['name'])}</code>{' <em>required</em>' if each['required'] else ''}",
            escape(each["in"]),
            escape(_type(each["schema"])),
            _text(each["description"]),
        )
        for each in operation["parameters"]
    )
    return table and f"<h4>Parameters</h4>{table}"


def _body(operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    parts = "".join(
        f"<p><code>{escape(media)}</code> {_text(each['schema'].get('description', ''))}</p>"
        f"{_fields(each['schema'], schemas)}"
        for media, each in operation.get("requestBody", {"content": {}})["content"].items()
    )
    return parts and f"<h4>Body</h4>{parts}"


def _answers(operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    answers = operation["responses"].items()
    good = "".join(
        f"<p><b>{status}</b> {_text(answer['description'])}</p>"
        + "".join(_fields(each["schema"], schemas) for each in answer["content"].values())
        for status, answer in answers
        if int(status) < 400
    )
    bad = _table((status, _text(answer["description"])) for status, answer in answers if int(status) >= 400)
    return f"<h4>Answers</h4>{good}<details><summary>Problems</summary>{bad}</details>"


def _fields(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    found = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
    return _table(
        (f"<code>{escape(name)}</code>", _linked(about), _text(about.get("description", "")))
        for name, about in found.get("properties", {}).items()
    )


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
    table = _table(
        (
            f"<code id='problem-{kind.name}'>{kind.type}</code>",
            f"{kind.status}",
            f"{escape(kind.title)}.",
            _text(kind.help),
        )
        for kind in CATALOGUE.values()
    )
    return f"<section id='problems'><h2>Problems</h2>{table}</section>"


def _text(words: str) -> str:
    """Backquotes mark code."""
    parts = escape(words).split("`")
    return "".join(f"<code>{part}</code>" if n % 2 else part for n, part in enumerate(parts))
