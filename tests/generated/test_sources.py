"""Every source says what a user has to know before the first push."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.generated.matrix import adapter
from tests.generated.sources import LINES, PREFIX, said, sources
from tests.support.emulators import NAMES
from tests.support.sources import LIBRARY, samples

from proofport.errors import UnsupportedFeature
from proofport.mapping import MappingFile, compile_vendor
from proofport.mapping.language.kinds import wire_fields
from proofport.mapping.language.nodes import Vendor, selects

SOURCES = sources()
IDS = [source.name.removeprefix(PREFIX) for source in SOURCES]


@pytest.mark.parametrize("source", SOURCES, ids=IDS)
def test_the_comment_of_a_source_says_all_of_it(source: MappingFile) -> None:
    words = said(source)
    missing = [f"`# {name}: …`" for name in LINES if not words.get(name)]
    assert not missing, (
        f"{source.path.name}: the comment above `mapping: {source.name}` has no line {', '.join(missing)}. "
        "`input`: the command or call; `permissions`: what that needs; `end`: how the list shows that it is whole; "
        "`not said`: what vendors require and the tool does not know, or `nothing`. Lines that begin with "
        "`#   ` continue one."
    )


@pytest.mark.parametrize("source", SOURCES, ids=IDS)
def test_the_comment_names_what_a_vendor_requires_and_the_source_never_knows(source: MappingFile) -> None:
    words = said(source)["not said"]
    for vendor, field, read in _never_known(source):
        named = any(re.search(rf"\b{re.escape(name)}\b", words) for name in read)
        assert named, f"{source.path.name}: {vendor} requires {field}; name {' or '.join(read)} after `# not said:`"


def _never_known(source: MappingFile) -> Iterator[tuple[str, str, list[str]]]:
    """Vendor, field, and the fields of the evidence that it is made of, of what no record of the tests has."""
    made = [record for sample in samples(source) for record in sample.good]
    kind = str(source.to)
    for vendor in NAMES:
        try:
            bodies = adapter(vendor).bodies(kind)
        except UnsupportedFeature:
            continue
        for body in bodies:
            mapping = _of(vendor, kind, body.name)
            if mapping is None or body.model is None or body.partial:
                continue
            required = {name for name, info in wire_fields(body.model).items() if info.is_required()}
            convert = compile_vendor(mapping, replace(body, model=None), kind, vendor)
            for field in sorted(required.intersection(*(required - convert(record).keys() for record in made))):
                paths = [each.path.text.removeprefix("$.") for each in selects(mapping.fields[field])]
                yield vendor, field, [re.split(r"[.\[]", path)[0] for path in paths]


def _of(vendor: str, kind: str, body: str) -> MappingFile | None:
    files = [LIBRARY.find(name) for name in LIBRARY.names() if name.startswith(f"{vendor}/")]
    return next((each for each in files if each.to == Vendor(vendor, body) and each.from_kind == kind), None)
