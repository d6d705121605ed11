"""Every built-in mapping loads, carries tests, and passes them; and the sample data goes through them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import proofport.cli.demo
from proofport.adapter import Body
from proofport.errors import Problem, Rejected
from proofport.mapping import (
    MappingLibrary,
    builtin_folder,
    compile_kind,
    compile_source,
    compile_vendor,
    load_file,
    run_tests,
)
from proofport.sources import Malformed, open_source

NAMES = MappingLibrary().names()
SAMPLES = Path(proofport.cli.demo.__file__).with_name("data")
VENDORS = ("drata", "secureframe")
KINDS = ("cloud_resource", "training_record", "personnel_account")

BodyOf = Callable[..., Body]


def test_the_mappings_that_are_promised_are_there() -> None:
    expected = [
        *(f"drata/{name}" for name in sorted((*KINDS, "device", "idp_person", "person"))),
        *(f"secureframe/{kind}" for kind in sorted((*KINDS, "device", "person"))),
        *(f"vanta/{kind}" for kind in sorted((*KINDS, "device"))),
    ]
    assert [name for name in NAMES if not name.startswith("sources/")] == expected
    assert len(NAMES) > len(expected), "docs/sources.md lists the sources"


@pytest.mark.parametrize("name", NAMES)
def test_a_mapping_passes_its_own_tests(name: str, library: MappingLibrary, body_of: BodyOf) -> None:
    mapping = library.find(name)
    results = run_tests(mapping, body_of)
    assert len(results) >= 2
    assert [(result.name, result.line, result.found) for result in results if not result.ok] == []
    first = load_file(mapping.path)[0].name
    assert mapping.path.relative_to(builtin_folder()).with_suffix("").as_posix() == first


@pytest.mark.parametrize("kind", KINDS)
def test_drata_gets_a_flat_schema_in_which_only_what_is_always_there_is_required(
    kind: str, library: MappingLibrary, body_of: BodyOf
) -> None:
    schema = compile_vendor(library.find(f"drata/{kind}"), body_of("drata", kind), kind, "drata").json_schema()
    scalar = {"string", "boolean", "number", "integer", "null"}
    for name, rule in schema["properties"].items():
        types = {rule["type"]} if isinstance(rule["type"], str) else set(rule["type"])
        assert types <= scalar
        always = {"id", "display_name"} | ({"type"} if kind == "cloud_resource" else set())
        always |= {"email", "course"} if kind == "training_record" else set()
        assert ("null" in types) == (name not in always), name
    assert set(schema["required"]) <= {"id", "type", "email", "course"}
    assert schema["additionalProperties"] is True


@pytest.mark.parametrize("kind", KINDS)
def test_secureframe_gets_the_fields_that_it_suggests(kind: str, library: MappingLibrary, body_of: BodyOf) -> None:
    body = body_of("secureframe", kind)
    mapping = compile_vendor(library.find(f"secureframe/{kind}"), body, kind, "secureframe")
    assert body.model is not None
    assert set(mapping.fields) == set(body.model.model_fields) - {"lifecycle_state"}


def test_every_neutral_type_leads_to_a_type_that_secureframe_lists(library: MappingLibrary, body_of: BodyOf) -> None:
    mapping = library.find("secureframe/cloud_resource")
    render = compile_vendor(mapping, body_of("secureframe", "cloud_resource"), "cloud_resource", "secureframe")
    (table,) = mapping.tables.values()
    made = [render({"id": "x", "type": neutral})["cloud_resource_type"] for neutral in table]
    assert made == list(table.values())
    providers = [str(neutral).partition(".")[0] for neutral in table]
    assert set(providers) == {"aws", "azure", "digitalocean", "gcp", "heroku", "kubernetes"}
    assert len(set(zip(providers, made, strict=True))) == len(made), "one provider's types stay apart"


def test_the_old_example_type_is_rejected_with_the_right_one_as_hint(library: MappingLibrary, body_of: BodyOf) -> None:
    render = compile_vendor(
        library.find("secureframe/cloud_resource"),
        body_of("secureframe", "cloud_resource"),
        "cloud_resource",
        "secureframe",
    )
    with pytest.raises(Rejected) as caught:
        render({"id": "i-1", "type": "aws_ec2_instance"})
    assert caught.value.problem.field == "cloud_resource_type"
    assert caught.value.problem.found == "'aws_ec2_instance'"
    assert "'ec2_instance'" in str(caught.value.problem.hint)


class TestSamples:
    """The sample data holds the mistakes that its README lists, and no others."""

    @staticmethod
    def read(
        library: MappingLibrary, body_of: BodyOf, kind: str, *inputs: tuple[str, str | None]
    ) -> tuple[list[str], list[Problem], dict[str, list[str | None]]]:
        """Ids, problems with the evidence, and the fields refused by each vendor."""
        ids: list[str] = []
        problems: list[Problem] = []
        neutrals: list[Any] = []
        for name, source in inputs:
            mapping = compile_source(library.find(source)) if source else None
            check = compile_kind(kind)
            for _, document in open_source(SAMPLES / name):
                if isinstance(document, Malformed):
                    problems.append(document.problem)
                    continue
                for record, parents in mapping.records(document) if mapping else [(document, ())]:
                    try:
                        neutrals.append(mapping(record, parents) if mapping else check(record))
                    except Rejected as rejected:
                        problems.append(rejected.problem)
        ids = [neutral["id"] for neutral in neutrals]
        refused: dict[str, list[str | None]] = {vendor: [] for vendor in VENDORS}
        for vendor in VENDORS:
            render = compile_vendor(library.find(f"{vendor}/{kind}"), body_of(vendor, kind), kind, vendor)
            for neutral in neutrals:
                try:
                    render(neutral)
                except Rejected as rejected:
                    refused[vendor].append(rejected.problem.field)
        return ids, problems, refused

    def test_cloud_resources(self, library: MappingLibrary, body_of: BodyOf) -> None:
        inputs = (("aws-instances.json", "aws.ec2.instances"), ("other-resources.ndjson", None))
        ids, problems, refused = self.read(library, body_of, "cloud_resource", *inputs)
        assert len(ids) == 19
        assert [id_ for id_, times in Counter(ids).items() if times > 1] == ["i-0c1a7e0000000009"]
        assert [problem.field for problem in problems] == ["id"]
        assert refused == {"drata": [], "secureframe": ["cloud_resource_type"]}

    def test_training(self, library: MappingLibrary, body_of: BodyOf) -> None:
        ids, problems, refused = self.read(library, body_of, "training_record", ("training.csv", "csv.training"))
        assert len(set(ids)) == len(ids) == 13
        assert sorted(str(problem.field) for problem in problems) == ["completed_at", "completed_at", "email"]
        assert refused == {"drata": [], "secureframe": ["training_slug"]}

    def test_accounts_and_a_week_later(self, library: MappingLibrary, body_of: BodyOf) -> None:
        before, problems, refused = self.read(library, body_of, "personnel_account", ("accounts.ndjson", None))
        assert [problem.field for problem in problems] == [None, "last_login_at"]
        assert refused == {"drata": [], "secureframe": ["email"]}
        after, problems, refused = self.read(library, body_of, "personnel_account", ("accounts-next.ndjson", None))
        assert problems == []
        assert Counter(before) - Counter(after) == Counter(["acct-02", "acct-06"])
        assert set(before) - set(after) == {"acct-06"}
