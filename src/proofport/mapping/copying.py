"""The text of a mapping to copy and change: one file that needs no other."""

from __future__ import annotations

import re
from pathlib import Path

from proofport.mapping.language.nodes import MappingFile
from proofport.text.yaml_nodes import content_of

_INCLUDED = re.compile(r"""^([ ]*)(\S+):[ ]*\{[ ]*include:[ ]*["']?([^}"'\s]+)["']?[ ]*\}[ ]*$""", re.MULTILINE)
_RULES = re.compile(r"""^([ ]+)include:[ ]*["']?([^}"'\s]+)["']?[ ]*$""", re.MULTILINE)
_LEFT = re.compile(r"""^[^#\n]*\binclude:[ ]*["']?([^}"'\s]+)""", re.MULTILINE)


def to_copy(mapping: MappingFile, folder: str | None = None) -> str:
    """The file of a mapping with what it includes written out, and comments that say where to save it.

    `folder`: the one that the configuration names, if it names one.
    """
    name = f"{mapping.name.removeprefix('sources/')}.yaml"
    place = (
        f"{folder}/{name}"
        if folder
        else f"mappings/{name}, and name that folder in proofport.yaml: `mappings: mappings`"
    )
    beside = mapping.path.parent
    text = _INCLUDED.sub(lambda found: _table(beside, *found.groups()), content_of(mapping.path).decode())
    text = _RULES.sub(lambda found: _written_out(beside, *found.groups()), text)
    also = "".join(f"# Copy {path} too, to the same place beside this file.\n" for path in _LEFT.findall(text))
    return (
        f"# Save it as {place}.\n"
        f"# It is then used in place of this one. To have both, give it another name after `mapping:`.\n{also}{text}"
    )


def _table(folder: Path, indent: str, name: str, path: str) -> str:
    return f"{indent}{name}:\n{_written_out(folder, f'{indent}  ', path)}"


def _written_out(folder: Path, indent: str, path: str) -> str:
    lines = content_of(folder / path).decode().rstrip("\n").splitlines()
    return "\n".join(f"{indent}{line}".rstrip() for line in lines)
