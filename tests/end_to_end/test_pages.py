"""Pages of one list: given together they are a chain, and a chain that is not whole is no set."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.cli import DRATA, SNAPSHOT, Cli

WHOLE = (*SNAPSHOT, *DRATA)
MAPPINGS = {
    "flag": "incomplete_when: $.has_more",
    "cursor": "incomplete_when: $.meta.next_cursor",
    "counted": "total: $.meta.total",
    "plain": "",
}
SCIM = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


@pytest.fixture
def paged(cli: Cli) -> Cli:
    folder = cli.folder / "mappings/sources"
    folder.mkdir(parents=True)
    for name, line in MAPPINGS.items():
        records = "$['users','Resources'][*]"
        head = f"mapping: sources/{name}\nto: {{evidence: personnel_account}}\nrecords: {records}\n{line}\n"
        (folder / f"{name}.yaml").write_text(head + "fields: {id: $.id, email: $.email}\n")
    cli.configure(mappings="mappings")
    return cli


def users(*names: str, **more: Any) -> dict[str, Any]:
    return {"users": [{"id": name, "email": f"{name}@example.com"} for name in names], **more}


def instances(name: str, **more: Any) -> dict[str, Any]:
    return {"Reservations": [{"OwnerId": "123456789012", "Instances": [{"InstanceId": name}]}], **more}


def scim(total: int, *names: str) -> dict[str, Any]:
    resources = {"Resources": users(*names)["users"]} if names else {}
    return {"schemas": [SCIM], "totalResults": total, "itemsPerPage": len(names), **resources}


def file(cli: Cli, name: str, document: Any) -> str:
    (cli.folder / name).write_text(json.dumps(document))
    return name


def whole(cli: Cli, *arguments: str) -> int:
    """The number of records of a snapshot that is whole, and so delivered."""
    code, report = cli.report("push", *arguments, *WHOLE)
    assert code == 0, report
    assert [source["incomplete"] for source in report["sources"]] == [None] * len(report["sources"])
    return int(report["destinations"]["drata"]["delivered"])


def refused(cli: Cli, *arguments: str) -> list[str | None]:
    """Why each input of a snapshot is not whole. Nothing of it is delivered."""
    code, report = cli.report("push", *arguments, *WHOLE)
    books = report["destinations"]["drata"]
    assert (code, books["delivered"], books["withheld"]) == (4, 0, books["input"])
    return [source["incomplete"] for source in report["sources"]]


def test_only_the_last_token_of_several_files_counts(cli: Cli) -> None:
    one, two = file(cli, "1.json", instances("i-1", NextToken="x")), file(cli, "2.json", instances("i-2"))
    assert whole(cli, f"aws.ec2.instances={one}", f"aws.ec2.instances={two}") == 2
    assert cli.held("drata", "cloud_resource") == {"i-1", "i-2"}
    first, last = refused(cli, f"aws.ec2.instances={two}", f"aws.ec2.instances={one}")
    assert first is None
    assert last == (
        "1.json is the last page that was given, and $.NextToken says that more follow; "
        "2 records were read from 2 pages"
    )


def test_only_the_last_token_of_several_lines_counts(cli: Cli) -> None:
    one, two = instances("i-1", NextToken="x"), instances("i-2", NextToken="y")
    assert whole(cli, f"aws.ec2.instances={cli.write('p.ndjson', one, two, instances('i-3'))}") == 3
    [why] = refused(cli, f"aws.ec2.instances={cli.write('p.ndjson', instances('i-3'), one)}")
    assert "p.ndjson:2 is the last page" in str(why)


def test_only_the_last_token_of_several_documents_in_an_array_counts(cli: Cli) -> None:
    pages = file(cli, "p.json", [instances("i-1", NextToken="x"), instances("i-2")])
    assert whole(cli, f"aws.ec2.instances={pages}") == 2


def test_each_source_is_a_chain_of_its_own(paged: Cli) -> None:
    more, last = file(paged, "1.json", users("1", has_more=True)), file(paged, "2.json", users("2", has_more=False))
    other = file(paged, "o.json", users("3", meta={"next_cursor": None}))
    assert whole(paged, f"flag={more}", f"cursor={other}", f"flag={last}") == 3
    whys = refused(paged, f"cursor={other}", f"flag={more}")
    assert [why is None for why in whys] == [True, False]


def test_a_label_makes_a_chain_of_its_own(paged: Cli) -> None:
    one, two = file(paged, "1.json", scim(2, "u1", "u2")), file(paged, "2.json", scim(1, "u3"))
    assert whole(paged, f"eu:plain={one}", f"us:plain={two}") == 3
    more = file(paged, "1.json", users("u1", "u2", has_more=True))
    whys = refused(paged, f"eu:flag={more}", f"us:flag={file(paged, '2.json', users('u3'))}")
    assert [why is None for why in whys] == [False, True]


@pytest.mark.parametrize("end", [False, "", None])
def test_false_and_empty_and_null_are_the_end(paged: Cli, end: object) -> None:
    assert whole(paged, f"flag={file(paged, 'p.json', users('1', has_more=end, next_cursor='stale'))}") == 1
    assert whole(paged, f"cursor={file(paged, 'p.json', users('1', meta={'next_cursor': end}))}") == 1


@pytest.mark.parametrize("page", [{"Vpcs": []}, {}, []])
def test_an_empty_page_is_no_rejected_record(cli: Cli, page: object) -> None:
    name = file(cli, "p.json", page)
    code, report = cli.report("push", f"aws.ec2.vpcs={name}", *DRATA)
    assert (code, report["destinations"]["drata"]["input"]) == (0, 0)
    shown = cli.type("preview", f"aws.ec2.vpcs={name}")
    assert (shown.code, "no record to show" in shown.err) == (1, True)


def test_a_document_of_another_tool_is_a_rejected_record(paged: Cli) -> None:
    documents: list[dict[str, Any]] = [{"message": "Bad credentials"}, {"users": None}, {"Vpcs": [{}]}]
    for document in documents:
        code, report = paged.report("push", f"flag={file(paged, 'p.json', document)}", *DRATA)
        assert (code, report["destinations"]["drata"]["rejected"]) == (1, 1)


def test_a_document_of_another_tool_does_not_end_a_chain(paged: Cli) -> None:
    pages = paged.write("p.ndjson", users("1", has_more=True), {"message": "Bad gateway"})
    paged.configure(mappings="mappings", guard={"max_rejected": 5})
    [why] = refused_in_part(paged, f"flag={pages}")
    assert "p.ndjson:1 is the last page" in str(why)


def test_a_last_page_that_cannot_be_read_may_have_had_a_token(paged: Cli) -> None:
    damaged = b'{"users": [{"id": "2", "first_name": "\xff"}], "has_more": true}\n'
    (paged.folder / "p.ndjson").write_bytes(json.dumps(users("1")).encode() + b"\n" + damaged)
    paged.configure(mappings="mappings", guard={"max_rejected": 5})
    assert "p.ndjson:2 is the last page that was given, and it cannot be read" in str(
        refused_in_part(paged, "flag=p.ndjson")[0]
    )


def refused_in_part(cli: Cli, *arguments: str) -> list[str | None]:
    code, report = cli.report("push", *arguments, *WHOLE)
    assert (code, report["destinations"]["drata"]["delivered"]) in ((1, 0), (4, 0))
    return [source["incomplete"] for source in report["sources"]]


@pytest.mark.parametrize("source", ["counted", "plain"])
def test_a_total_is_compared_with_all_pages(paged: Cli, source: str) -> None:
    """A list of SCIM is known as one, whether or not the mapping names its total."""
    pages = [scim(3, "u1", "u2"), scim(3, "u3"), scim(3)]
    if source == "counted":
        pages = [users("u1", "u2", meta={"total": 3}), users("u3", meta={"total": "3"}), users(meta={"total": 3})]
    names = [f"{source}={file(paged, f'{number}.json', page)}" for number, page in enumerate(pages)]
    assert whole(paged, *names) == 3
    assert paged.held("drata", "personnel_account") == {"u1", "u2", "u3"}
    [why] = refused(paged, names[0])
    assert why is not None
    assert "0.json states a total of 3 in $." in why
    assert why.endswith("; 2 records were read from 1 page")
    assert "; 1 record was read from 1 page" in str(refused(paged, names[1])[0])
    assert paged.held("drata", "personnel_account") == {"u1", "u2", "u3"}
    code, report = paged.report("push", names[0], *DRATA)
    assert (code, report["destinations"]["drata"]["rejected"]) == (1, 0), "an upsert reports it"


def test_a_page_that_is_given_twice_does_not_stand_for_the_one_that_is_missing(paged: Cli) -> None:
    paged.configure(mappings="mappings", guard={"max_rejected": 5})
    one, two = file(paged, "1.json", scim(3, "u1", "u2")), file(paged, "2.json", scim(3, "u2"))
    why = refused_in_part(paged, f"plain={one}", f"plain={two}")[-1]
    assert "3 records (1 of them repeated) were read from 2 pages" in str(why)


def test_a_list_that_changes_while_it_is_fetched_is_not_whole(paged: Cli) -> None:
    one, two = file(paged, "1.json", scim(4, "u1", "u2")), file(paged, "2.json", scim(3, "u4"))
    whys = refused(paged, f"plain={one}", f"plain={two}")
    assert whys[0] is None
    assert "2.json states a total of 3 in $.totalResults, but 1.json states a total of 4" in str(whys[1])


def test_a_list_of_nobody_is_an_empty_set_and_no_rejected_record(paged: Cli) -> None:
    name = file(paged, "none.json", scim(0))
    code, report = paged.report("push", f"plain={name}", *WHOLE)
    assert (code, report["destinations"]["drata"]["rejected"]) == (4, 0)
    assert "the new set is empty" in " ".join(report["destinations"]["drata"]["notes"])


def test_a_plan_says_the_same(paged: Cli) -> None:
    name = file(paged, "1.json", scim(3, "u1", "u2"))
    plan = paged.type("plan", f"plain={name}", *WHOLE, "--json")
    assert plan.code == 4
    assert "states a total of 3" in plan.json["incomplete"]["1.json"]
    assert "states a total of 3" in plan.json["destinations"]["drata"]["guard"]
