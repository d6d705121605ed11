"""The list of `docs/sources.md`: each built-in source, and what the comment at the top of its file says of it.

The comment has a line `# input: …` and so on for each of `LINES`; lines that begin with `#   ` continue it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby

from proofport.mapping import MappingFile, MappingLibrary

PREFIX = "sources/"
LINES = {
    "input": "Input",
    "permissions": "Permissions",
    "end": "End",
    "not said": "Not said",
}
_LINE = re.compile(rf"^# ({'|'.join(LINES)}): (.*(?:\n#   .*)*)", re.MULTILINE)


def sources() -> list[MappingFile]:
    """By kind: those of the model first, then one's own, as in `docs/fields.md`; and by name."""
    library = MappingLibrary()
    found = [library.find(name) for name in library.names() if name.startswith(PREFIX)]
    return sorted(found, key=lambda source: (str(source.to).startswith("custom:"), str(source.to), source.name))


def said(source: MappingFile) -> Mapping[str, str]:
    """What the comment of a source says, by the words of `LINES`. A file of several sources may say it once."""
    text = source.path.read_text(encoding="utf-8")
    own = next(each for each in re.split(r"^---\n", text, flags=re.MULTILINE) if _is_of(source, each))
    found = _LINE.findall(own) or _LINE.findall(text)
    return {name: re.sub(r"\s*\n#\s*", " ", words).strip() for name, words in found}


def _is_of(source: MappingFile, document: str) -> bool:
    return re.search(rf"^mapping: *[\"']?{re.escape(source.name)}[\"']?\s*(#.*)?$", document, re.MULTILINE) is not None


def listing() -> str:
    parts = []
    for kind, group in groupby(sources(), key=lambda source: str(source.to)):
        parts.append(f"## {kind}")
        for source in group:
            words = said(source)
            rows = [
                f"- {shown}: {_code(words[name]) if name == 'input' else words[name]}" for name, shown in LINES.items()
            ]
            if source.skips:
                rows.append(f"- Left out: {'; '.join(dict.fromkeys(each.reason for each in source.skips))}")
            parts.append("\n".join([f"### {source.name.removeprefix(PREFIX)}", "", *rows]))
    return "\n\n".join(parts)


def _code(words: str) -> str:
    """A command as code, unless the words say what of them is code."""
    return words if "`" in words else f"`{words}`"


TABLES = {"sources": listing}
