"""Add the ids of vendor objects to a configuration file, and leave every other line as it is."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import yaml

from proofport.config.names import place_of
from proofport.errors import ConfigError

Objects = Mapping[str, Mapping[str, Any]]


def store_objects(file: Path, destination: str, objects: Objects) -> list[str]:
    """Add the kinds that a destination does not have yet. Returns them.

    Raises ConfigError, and writes nothing, where the layout of the file allows no addition.
    """
    text = file.read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    block = reduce(getitem, place_of(destination), data)
    known = block.get("objects") or {}
    new = {kind: dict(settings) for kind, settings in objects.items() if kind not in known}
    if not new:
        return []
    edited = _added(text, destination, new)
    block["objects"] = {**known, **new}
    if edited is None or yaml.safe_load(edited) != data:
        raise ConfigError(
            f"the objects of {destination} cannot be written into {file.name}: its layout allows no addition",
            hint="Copy the printed lines under `objects:` of the destination by hand.",
        )
    replace_file(file, edited)
    return list(new)


def _added(text: str, destination: str, new: Objects) -> str | None:
    """The text with the new kinds at the end of `objects`, or None where that is not a block of lines."""
    block = reduce(_child, place_of(destination), yaml.compose(text, yaml.SafeLoader))
    if not isinstance(block, yaml.MappingNode) or block.flow_style or not block.value:
        return None
    lines = text.splitlines(keepends=True)
    column = block.value[0][0].start_mark.column
    objects = _child(block, "objects")
    if isinstance(objects, yaml.MappingNode) and objects.value:
        if objects.flow_style:
            return None
        return _insert(lines, _last_line(objects), _rendered(new, objects.value[0][0].start_mark.column))
    if objects is None:
        return _insert(lines, _last_line(block), f"{' ' * column}objects:\n{_rendered(new, column + 2)}")
    at = objects.start_mark.line
    lines[at] = f"{' ' * column}objects:\n"
    return _insert(lines, at, _rendered(new, column + 2))


def _child(node: yaml.Node | None, name: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for key, value in pairs if key.value == name), None)


def _last_line(node: yaml.Node) -> int:
    """The last line of a node's content. The node's own end mark lies after the blank lines and comments below it."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return int(node.end_mark.line - (node.end_mark.column == 0))


def _insert(lines: list[str], after: int, block: str) -> str:
    before = "".join(lines[: after + 1])
    return (before if before.endswith("\n") else before + "\n") + block + "".join(lines[after + 1 :])


def _rendered(objects: Objects, column: int) -> str:
    """The kinds as YAML, one setting a line. JSON is valid YAML, so values are written as JSON."""
    indent = " " * column
    return "".join(
        f"{indent}{json.dumps(kind) if ':' in kind else kind}:\n"
        + "".join(f"{indent}  {name}: {json.dumps(value)}\n" for name, value in settings.items())
        for kind, settings in objects.items()
    )


def replace_file(file: Path, text: str) -> None:
    """Write a file in one step, so that a reader never sees half of it. An existing file keeps its permissions."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    mode = file.stat().st_mode & 0o777 if file.exists() else None
    try:
        draft.touch(0o666 if mode is None else 0o600)
        draft.write_text(text, encoding="utf-8")
        if mode is not None:
            draft.chmod(mode)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
