"""How many of the rules that people wrote a draft meets. A mapping's own tests are the sample; its rules are hidden."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import orjson

from proofport.accounting import LeftOut
from proofport.errors import Rejected
from proofport.evidence import KINDS, Neutral, model_of
from proofport.mapping import MappingFile, MappingLibrary, compile_source
from proofport.mapping.compile.source import SourceMapping
from proofport.mapping.draft import Rules, draft
from proofport.mapping.language.syntax import read_mappings
from proofport.sources import open_source

FIRST = (
    *("aws.cloudtrail.trails", "aws.dynamodb.tables", "aws.ec2.instances", "aws.ec2.security_groups"),
    *("aws.ec2.subnets", "aws.ec2.volumes", "aws.ec2.vpcs", "aws.ecr.repositories", "aws.eks.clusters"),
    *("aws.elbv2.load_balancers", "aws.iam.accounts", "aws.iam.users", "aws.kms.keys", "aws.lambda.functions"),
    *("aws.rds.clusters", "aws.rds.instances", "aws.s3.buckets", "aws.sns.topics", "aws.sqs.queues"),
    *("csv.personnel", "csv.training"),
)
"""Sources that were there before the drafter."""


def later() -> list[str]:
    """The other built-in sources, but for kinds of one's own, whose fields have names that anybody may choose."""
    library = MappingLibrary()
    names = [name.removeprefix("sources/") for name in library.names() if name.startswith("sources/")]
    return [name for name in names if name not in FIRST and str(library.find(name).to) in KINDS]


@dataclass
class Figures:
    """The rules of one source: those of a person that the draft meets, and those of the draft that are wrong."""

    source: str
    rules: int = 0
    #: With a comment that says to check them.
    checked: int = 0
    unmet: list[str] = field(default_factory=list)
    met: list[str] = field(default_factory=list)
    doubted: list[str] = field(default_factory=list)
    #: Give another value than the person's rule, or one where that gives none, and no comment says to check them.
    wrong: list[str] = field(default_factory=list)


def sample(mapping: MappingFile) -> list[Any]:
    """The inputs of a mapping's tests, but for those that repeat a record. Documents with the same lists are merged in
    one. Those of another form than the first are left out, as one call of a tool prints one form."""
    inputs: list[Any] = []
    seen: set[object] = set()
    for test in mapping.tests:
        if test.rejected is None and test.expect not in (None, []):
            ids = {record["id"] for record in _evidence(mapping, [test.input]) if record}
            if not ids & seen:
                inputs.append(test.input)
            seen |= ids
    if not mapping.records:
        return inputs
    merged: dict[str, Any] = dict(inputs[0])
    for each in inputs[1:]:
        for name in merged.keys() & each.keys():
            if isinstance(each[name], list):
                merged[name] = [*merged[name], *each[name]]
    return [merged]


def drafted(documents: Sequence[Any], kind: str, name: str) -> tuple[str, Rules]:
    """A draft from a sample under a name, as the command makes it."""
    text = b"\n".join(map(orjson.dumps, documents))
    with open_source(io.BytesIO(text), format="json" if len(documents) == 1 else "ndjson") as reader:
        return draft(reader, kind, name)


@cache
def figures(name: str) -> Figures:
    mapping = MappingLibrary().find(name)
    documents = sample(mapping)
    _, rules, theirs = evidence_of(documents, str(mapping.to), name)
    ours = _evidence(mapping, documents)
    if len(ours) == len(theirs):  # a draft knows nothing of whom a person leaves out
        kept = [number for number, record in enumerate(ours) if record is not None]
        ours, theirs = [ours[number] for number in kept], [theirs[number] for number in kept]
    return compared(
        Figures(name), [*mapping.fields, *(parent.field for parent in mapping.parents)], ours, rules, theirs
    )


def evidence_of(documents: Sequence[Any], kind: str, name: str) -> tuple[MappingFile, Rules, list[Neutral | None]]:
    """A draft from a sample, and what it makes of the sample, without the fields that it asks for."""
    text, rules = drafted(documents, kind, name)
    [made] = read_mappings(text.encode(), Path("draft.yaml"))
    asked = {each for each in rules.context if each not in rules.fields and each not in rules.parents}
    found = _evidence(made, documents)
    return made, rules, [record and {key: record[key] for key in record if key not in asked} for record in found]


def compared(
    found: Figures,
    written: Sequence[str],
    ours: Sequence[Neutral | None],
    rules: Rules,
    theirs: Sequence[Neutral | None],
) -> Figures:
    """Count the fields that a person wrote rules for: `ours` is their evidence, `theirs` that of the draft."""
    found.rules = len(written)
    found.checked = sum(bool(proposal.doubts) for proposal in rules.fields.values())
    others = ours if len(ours) == len(theirs) else [None] * len(theirs)
    for each in dict.fromkeys([*written, *rules.fields, *rules.parents]):
        right = len(ours) == len(theirs) and all(
            a is not None and b is not None and a.get(each, "missing") == b.get(each, "missing")
            for a, b in zip(ours, theirs, strict=True)
        )
        if right and each in written and any(each in record for record in ours if record):
            found.met.append(each)
            continue
        if each in written:
            found.unmet.append(each)
        if any(map(partial(_differs, each), others, theirs)):
            doubts = [*rules.doubts, *(rules.fields[each].doubts if each in rules.fields else ())]
            (found.doubted if doubts else found.wrong).append(each)
    return found


def _differs(field: str, ours: Neutral | None, theirs: Neutral | None) -> bool:
    """True if a draft gives a value that the person's mapping does not give. Null is none."""
    found = theirs.get(field) if theirs is not None else None
    return found is not None and (ours is None or ours.get(field) != found)


def _evidence(mapping: MappingFile, documents: Sequence[Any]) -> list[Neutral | None]:
    """What a mapping makes of each record: None where it leaves it out, or refuses it."""
    needed = {name for name, info in model_of(str(mapping.to)).model_fields.items() if info.is_required()}
    given = {*mapping.fields, *(parent.field for parent in mapping.parents)}
    convert = compile_source(mapping, {name: "set" for name in mapping.context if name in needed - given})
    return [_one(convert, record, around) for document in documents for record, around in convert.records(document)]


def _one(convert: SourceMapping, record: Any, around: Any) -> Neutral | None:
    try:
        return convert(record, around)
    except (LeftOut, Rejected):
        return None
