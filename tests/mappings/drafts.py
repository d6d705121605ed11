"""How many of the rules that people wrote a draft meets. A mapping's own tests are the sample; its rules are hidden."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from proofport.accounting import LeftOut
from proofport.errors import Rejected
from proofport.evidence import Neutral, model_of
from proofport.mapping import MappingFile, MappingLibrary, compile_source
from proofport.mapping.compile.source import SourceMapping
from proofport.mapping.draft import Rules, draft
from proofport.mapping.language.syntax import read_mappings
from proofport.sources import open_source

SOURCES = (
    *("aws.cloudtrail.trails", "aws.dynamodb.tables", "aws.ec2.instances", "aws.ec2.security_groups"),
    *("aws.ec2.subnets", "aws.ec2.volumes", "aws.ec2.vpcs", "aws.ecr.repositories", "aws.eks.clusters"),
    *("aws.elbv2.load_balancers", "aws.iam.accounts", "aws.iam.users", "aws.kms.keys", "aws.lambda.functions"),
    *("aws.rds.clusters", "aws.rds.instances", "aws.s3.buckets", "aws.sns.topics", "aws.sqs.queues"),
    *("csv.personnel", "csv.training"),
)


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
    """The inputs of a mapping's tests, but for those that repeat a record. Documents with the same lists are merged into
    one; those of another form than the first are left out, as one call of a tool prints one form."""
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


def drafted(mapping: MappingFile) -> tuple[str, Rules]:
    """A draft from the sample under the mapping's name, as the command makes it."""
    documents = sample(mapping)
    text = b"\n".join(map(orjson.dumps, documents))
    stream = io.BytesIO(text)
    with open_source(stream, format="json" if len(documents) == 1 else "ndjson") as reader:
        return draft(reader, str(mapping.to), mapping.name.removeprefix("sources/"))


def figures(name: str) -> Figures:
    mapping = MappingLibrary().find(name)
    text, rules = drafted(mapping)
    [made] = read_mappings(text.encode(), Path("draft.yaml"))
    documents = sample(mapping)
    ours, theirs = _evidence(mapping, documents), _evidence(made, documents)
    if len(ours) == len(theirs):  # a draft knows nothing of whom a person leaves out
        kept = [number for number, record in enumerate(ours) if record is not None]
        ours, theirs = [ours[number] for number in kept], [theirs[number] for number in kept]
    found = Figures(mapping.name.removeprefix("sources/"))
    unknown = [name for name in rules.context if name not in rules.fields and name not in rules.parents]
    theirs = [record and {key: value for key, value in record.items() if key not in unknown} for record in theirs]
    written = [*mapping.fields, *(parent.field for parent in mapping.parents)]
    found.rules = len(written)
    found.checked = sum(bool(proposal.doubts) for proposal in rules.fields.values())
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
        if len(ours) != len(theirs) or any(map(partial(_differs, each), ours, theirs)):
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
