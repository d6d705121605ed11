"""A draft finds the records and their fields, says what it is unsure of, and makes nothing up."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from proofport.errors import UsageError
from proofport.mapping import MappingFile, compile_source, run_tests
from proofport.mapping.draft import Rules, draft
from proofport.mapping.language.syntax import read_mappings
from proofport.sources import open_source
from proofport.sources.detect import Format

USERS = [
    {
        "userId": f"u-{n}",
        "profile": {"login": f"{name.lower()}@acme.test", "firstName": name, "lastName": "Strand"},
        "isAdmin": name == "Karin",
        "status": status,
        "created": "2024-05-01T08:00:00Z",
        "costCentre": "C-7",
    }
    for n, (name, status) in enumerate([("Karin", "ACTIVE"), ("Jon", "SUSPENDED"), ("Liv", "STAGED")])
]


def drafted(
    sample: object, kind: str, name: str = "acme.users", form: Format = "json"
) -> tuple[str, Rules, MappingFile]:
    """A draft, which loads and passes its own tests."""
    content = sample.encode() if isinstance(sample, str) else json.dumps(sample).encode()
    with open_source(io.BytesIO(content), format=form) as reader:
        text, rules = draft(reader, kind, name)
    [mapping] = read_mappings(text.encode(), Path("draft.yaml"))
    assert [result for result in run_tests(mapping) if not result.ok] == []
    assert mapping.tests
    return text, rules, mapping


def evidence(mapping: MappingFile, *documents: Any) -> list[dict[str, Any]]:
    convert = compile_source(mapping)
    return [convert(record, around) for document in documents for record, around in convert.records(document)]


def comments(text: str, field: str) -> str:
    """The comments above a rule."""
    found = re.search(rf"((?:^  # .*\n)*)^  {field}: ", text, re.MULTILINE)
    assert found, text
    return found[1]


class TestRecords:
    def test_the_array_that_fits_the_kind_is_taken_and_not_the_longest(self) -> None:
        document = {"groups": [{"id": n, "members": [n]} for n in range(9)], "data": {"users": USERS}}
        _, rules, mapping = drafted(document, "personnel_account")
        assert rules.records == "$.data.users[*]"
        assert [record["id"] for record in evidence(mapping, document)] == ["u-0", "u-1", "u-2"]

    def test_nested_arrays_and_what_stands_around_them(self) -> None:
        machine = {"InstanceId": "i-1", "State": {"Name": "running"}}
        document = {
            "Reservations": [{"OwnerId": "111122223333", "Instances": [machine, {**machine, "InstanceId": "i-2"}]}]
        }
        _, rules, mapping = drafted(document, "cloud_resource", "cloud.machines")
        assert rules.records == "$.Reservations[*].Instances[*]"
        assert {name: each.rule for name, each in rules.parents.items()} == {"account_id": "$.Reservations[*].OwnerId"}
        assert [(each["id"], each["account_id"]) for each in evidence(mapping, document)] == [
            ("i-1", "111122223333"),
            ("i-2", "111122223333"),
        ]

    def test_an_object_around_one_record(self) -> None:
        document = {"cluster": {"arn": "arn:aws:eks:eu-west-1:111122223333:cluster/shop", "name": "shop"}}
        _, rules, mapping = drafted(document, "cloud_resource", "aws.eks.cluster")
        assert rules.records == "$.cluster"
        assert evidence(mapping, document)[0]["region"] == "eu-west-1"

    def test_an_array_of_arrays(self) -> None:
        _, rules, mapping = drafted([USERS[:1], USERS[1:]], "personnel_account")
        assert rules.records == "$[*]"
        assert len(evidence(mapping, USERS[:1], USERS[1:])) == 3

    def test_the_members_of_an_object_under_their_ids(self) -> None:
        document = {"users": {"2370": {"email": "ana@acme.test"}, "2371": {"email": "bo@acme.test"}}}
        _, rules, mapping = drafted(document, "personnel_account")
        assert rules.records == {"path": "$.users", "entries": True, "then": "$.value"}
        assert [record["email"] for record in evidence(mapping, document)] == ["ana@acme.test", "bo@acme.test"]
        anonymous = {"2370": {"theme": "dark"}, "2371": {"theme": "dark"}}
        _, _, mapping = drafted(anonymous, "personnel_account")
        assert [record["id"] for record in evidence(mapping, anonymous)] == ["2370", "2371"]

    def test_lists_by_region(self) -> None:
        document = {region: {"Vpcs": [{"VpcId": f"v-{region}"}]} for region in ("eu-west-1", "us-east-1")}
        _, _, mapping = drafted(document, "cloud_resource", "aws.ec2.vpcs")
        assert [record["region"] for record in evidence(mapping, document)] == ["eu-west-1", "us-east-1"]

    def test_lines_and_rows_are_records(self) -> None:
        lines = "\n".join(map(json.dumps, USERS))
        assert drafted(lines, "personnel_account", form="ndjson")[1].records is None
        assert drafted("id,email\n1,ana@acme.test\n", "personnel_account", form="csv")[1].records is None

    def test_the_token_and_the_total_of_a_page(self) -> None:
        document = {"items": USERS, "meta": {"nextCursor": "abc", "totalCount": 70}}
        text, rules, mapping = drafted(document, "personnel_account")
        assert (rules.incomplete_when, rules.total) == ("$.meta.nextCursor", "$.meta.totalCount")
        page = compile_source(mapping).page(document, "a.json", 3)
        assert page.more is not None
        assert page.total == 70
        assert "states 70 records; this sample has 3" in text

    def test_the_marker_of_the_page_itself_is_no_token(self) -> None:
        document = {"Marker": "this", "NextMarker": "", "items": USERS}
        assert drafted(document, "personnel_account")[1].incomplete_when == "$.NextMarker"

    @pytest.mark.parametrize("sample", ["[]", "{}", "[1, 2]", '{"items": []}'])
    def test_where_there_are_none_it_says_so(self, sample: str) -> None:
        with pytest.raises(UsageError, match="nothing can be drafted"):
            drafted(sample, "device")


class TestValues:
    def test_a_word_that_nobody_knows_is_left_out_and_never_false(self) -> None:
        text, _, mapping = drafted(USERS, "personnel_account")
        found = evidence(mapping, *USERS)
        assert [record.get("active", "left out") for record in found] == [True, False, "left out"]
        assert "STAGED" in comments(text, "active")
        assert "check: " in comments(text, "active")

    def test_a_flag_that_says_the_opposite_is_turned_round(self) -> None:
        users = [{"id": "1", "suspended": True}, {"id": "2", "suspended": False}, {"id": "3", "suspended": None}]
        text, _, mapping = drafted(users, "personnel_account")
        assert [record.get("active", "none") for record in evidence(mapping, *users)] == [False, True, None]
        assert "opposite" in comments(text, "active")

    @pytest.mark.parametrize(
        ("kind", "column", "field"),
        [
            ("personnel_account", "no_mfa", "mfa_enabled"),
            ("personnel_account", "unenrolled_mfa", "mfa_enabled"),
            ("personnel_account", "isNotActive", "active"),
            ("personnel_account", "no_longer_active", "active"),
            ("personnel_account", "non_admin", "admin"),
            ("device", "not_encrypted", "disk_encrypted"),
            ("device", "disable_firewall", "firewall_enabled"),
            ("device", "missing_antivirus", "antivirus_enabled"),
            ("device", "without_screen_lock", "screen_lock_enabled"),
            ("cloud_resource", "BlockPublicAccess", "public"),
        ],
    )
    def test_a_name_that_turns_a_flag_round_is_not_taken_for_it(self, kind: str, column: str, field: str) -> None:
        for record in ({"id": "1", column: True}, {"id": "1", column: "yes"}, {"id": "1", "flags": {column: True}}):
            text, rules, _ = drafted([record], kind, "acme.things")
            assert field not in rules.fields
            assert "# No rule reads: " in text

    def test_an_object_that_turns_its_flags_round_is_not_read(self) -> None:
        _, rules, _ = drafted([{"id": "1", "disabled": {"firewall": True}}], "device", "acme.things")
        assert "firewall_enabled" not in rules.fields

    def test_no_is_a_number_at_the_end_of_a_name(self) -> None:
        _, rules, _ = drafted([{"Asset No.": "7", "Serial No": "C02A"}], "device", "acme.things")
        assert rules.fields["serial_number"].paths == ("$['Serial No']",)

    def test_one_type_in_a_sample_is_read_from_the_file_all_the_same(self) -> None:
        machine, disk = "Microsoft.Compute/virtualMachines", "Microsoft.Compute/somethingNew"
        for sample in ([{"id": "1", "type": machine}], [{"id": "1", "type": machine}, {"id": "2"}]):
            text, _, mapping = drafted(sample, "cloud_resource", "cloud.things")
            other = {"id": "2", "type": disk}
            read = [each["type"] for each in evidence(mapping, *sample, other)]
            assert read == [*["azure.compute.virtual_machine"] * len(sample), disk]
            assert ("a record that names no type counts as azure" in text) is (len(sample) == 2)

    def test_a_manager_s_name_is_not_the_person_s(self) -> None:
        _, rules, _ = drafted(
            [{"id": "1", "manager": {"displayName": "Karin", "email": "k@acme.test"}}], "personnel_account"
        )
        assert not {"full_name", "email"} & set(rules.fields)

    def test_of_several_addresses_the_primary_one(self) -> None:
        user = {"id": "1", "emails": [{"value": "b@acme.test"}, {"value": "a@acme.test", "primary": True}]}
        text, _, mapping = drafted([user], "personnel_account")
        assert evidence(mapping, user)[0]["email"] == "a@acme.test"
        assert "primary" in comments(text, "email")

    def test_several_spellings_of_one_column(self) -> None:
        rows = "id,email,E-Mail\n1,ana@acme.test,\n2,,bo@acme.test\n"
        _, _, mapping = drafted(rows, "personnel_account", form="csv")
        read = [{"id": "1", "email": "ana@acme.test"}, {"id": "2", "E-Mail": "bo@acme.test"}]
        assert [record["email"] for record in evidence(mapping, *read)] == ["ana@acme.test", "bo@acme.test"]

    def test_words_for_nothing(self) -> None:
        users = [
            {"id": "1", "name": "N/A", "lastLogin": "0001-01-01T00:00:00Z", "title": "-"},
            {"id": "2", "name": "Bo", "lastLogin": "2026-01-31T09:00:00Z", "title": ""},
        ]
        text, rules, mapping = drafted(users, "personnel_account")
        assert rules.found.nothing == ["N/A", "-", "", {"starts": "0001-01-01"}]
        found = evidence(mapping, *users)
        assert ("full_name" in found[0], "last_login_at" in found[0]) == (False, False)
        assert (found[1]["full_name"], found[1]["last_login_at"]) == ("Bo", "2026-01-31T09:00:00Z")
        assert "# check: these are missing" in text

    @pytest.mark.parametrize("mark", ["T", " "])
    def test_a_midnight_among_midnights_is_somebody_s_date(self, mark: str) -> None:
        days = ["2000-01-01", "2001-03-01", "1970-01-01", "2020-02-01"]
        people = [{"id": str(n), "startDate": f"{day}{mark}00:00:00"} for n, day in enumerate(days)]
        text, rules, mapping = drafted(people, "person", "hr.people")
        assert rules.found.nothing == []
        assert [each["started_at"] for each in evidence(mapping, *people)] == [f"{day}T00:00:00Z" for day in days]
        assert f"2000-01-01{mark}00:00:00 may stand for no time" in comments(text, "started_at")

    def test_a_midnight_among_plain_dates_is_somebody_s_date(self) -> None:
        people = [{"id": "1", "startDate": "2000-01-01 00:00:00"}, {"id": "2", "startDate": "2001-03-01"}]
        assert drafted(people, "person", "hr.people")[1].found.nothing == []

    def test_a_midnight_among_times_of_the_day_is_none_and_a_comment_says_so(self) -> None:
        times = ["1970-01-01T00:00:00Z", "2026-01-31T09:00:00Z", "1970-01-01T00:00:00Z", "2026-01-30T00:00:07Z"]
        users = [{"id": str(n), "lastLogin": time} for n, time in enumerate(times)]
        text, rules, mapping = drafted(users, "personnel_account")
        assert rules.found.nothing == [{"starts": "1970-01-01T00:00:00"}]
        read = [each.get("last_login_at") for each in evidence(mapping, *users)]
        assert read == [None, times[1], None, times[3]]
        assert "# check: 1970-01-01T00:00:00 is taken for no time" in text

    def test_a_midnight_that_is_a_date_in_another_column_stays(self) -> None:
        users = [
            {"id": "1", "lastLogin": "1970-01-01T00:00:00Z", "created": "2024-01-01T00:00:00Z"},
            {"id": "2", "lastLogin": "2026-01-31T09:00:00Z", "created": "1970-01-01T00:00:00Z"},
        ]
        text, rules, mapping = drafted(users, "personnel_account")
        assert rules.found.nothing == []
        assert evidence(mapping, *users)[1]["created_at"] == "1970-01-01T00:00:00Z"
        assert "may stand for no time" in comments(text, "last_login_at")

    def test_no_person_has_a_date_before_1901(self) -> None:
        people = [{"id": str(n), "startDate": f"{year}-01-01T00:00:00"} for n, year in enumerate((1900, 2001))]
        assert drafted(people, "person", "hr.people")[1].found.nothing == [{"starts": "1900-01-01T00:00:00"}]

    @pytest.mark.parametrize(
        ("written", "read", "doubt"),
        [
            (["2026-01-31T09:00:00+01:00"], "2026-01-31T08:00:00Z", None),
            ([1769850000], "2026-01-31T09:00:00Z", None),
            (["1769850000000"], "2026-01-31T09:00:00Z", None),
            (["2026-01-31 09:00:00"], "2026-01-31T09:00:00Z", "without a zone"),
            (["2026-01-31"], "2026-01-31T00:00:00Z", "beginning of the day"),
            (["31/01/2026"], "2026-01-31T00:00:00Z", "beginning of the day"),
            (["01/31/2026 9:00 AM"], "2026-01-31T09:00:00Z", "without a zone"),
            (["03/02/2026"], "2026-02-03T00:00:00Z", "the other way round"),
            (["Sat, 31 Jan 2026 09:00:00 GMT"], "2026-01-31T09:00:00Z", None),
            (["/Date(1769850000000)/"], "2026-01-31T09:00:00Z", None),
            (["2026-01-31T09:00:00Z", 1769850000.0], "2026-01-31T09:00:00Z", None),
        ],
    )
    def test_times_as_tools_write_them(self, written: list[Any], read: str, doubt: str | None) -> None:
        users = [{"id": str(n), "lastLogin": value} for n, value in enumerate(written)]
        text, _, mapping = drafted(users, "personnel_account")
        assert {record["last_login_at"] for record in evidence(mapping, *users)} == {read}
        if doubt is None:
            assert comments(text, "last_login_at") == ""
        else:
            assert doubt in comments(text, "last_login_at")

    def test_what_is_no_time_is_told_and_not_read(self) -> None:
        text, rules, _ = drafted([{"id": "1", "lastLogin": "yesterday"}], "personnel_account")
        assert "last_login_at" not in rules.fields
        assert "last_login_at: $.lastLogin is called so, but" in text

    def test_tags_as_members_of_an_object(self) -> None:
        resource = {"id": "r-1", "tags": {"owner": "ana@acme.test", "cost": 7}}
        _, _, mapping = drafted([resource], "cloud_resource", "cloud.things")
        [found] = evidence(mapping, resource)
        assert found["tags"] == [{"key": "owner", "value": "ana@acme.test"}, {"key": "cost", "value": "7"}]
        assert found["owner_email"] == "ana@acme.test"

    def test_platforms_have_a_table(self) -> None:
        hosts = [
            {"serial": "A1", "os": "Mac OS X 15"},
            {"serial": "A2", "os": "Windows 11"},
            {"serial": "A3", "os": "Plan 9"},
        ]
        text, _, mapping = drafted(hosts, "device", "mdm.hosts")
        assert [record.get("platform") for record in evidence(mapping, *hosts)] == ["macos", "windows", None]
        assert "Plan 9" in comments(text, "platform")

    def test_a_name_to_check_says_so(self) -> None:
        text, *_ = drafted([{"id": "v-1", "LaunchTime": "2026-01-31T09:00:00Z"}], "cloud_resource", "cloud.machines")
        assert "`LaunchTime` may mean something else" in comments(text, "created_at")

    def test_what_another_column_may_say_has_a_comment(self) -> None:
        rows = [
            {"Email": "ana@acme.test", "Course": "GDPR", "Completed": "2026-01-31T09:00:00Z", "Result": "Failed"},
            {"Email": "bo@acme.test", "Course": "GDPR", "Completed": "2026-01-30T09:00:00Z", "Result": "Passed"},
        ]
        text, *_ = drafted(rows, "training_record", "lms.done")
        assert "does $.Result say when it counts?" in comments(text, "completed_at")
        users = [{"id": "1", "isAdmin": False, "isDelegatedAdmin": True}, {"id": "2", "isAdmin": True}]
        text, *_ = drafted(users, "personnel_account")
        assert "also fits: $.isDelegatedAdmin" in comments(text, "admin")

    def test_a_flag_that_is_false_where_nobody_has_looked_has_a_comment(self) -> None:
        text, *_ = drafted([{"id": "1", "isEncrypted": False}, {"id": "2", "isEncrypted": True}], "device", "mdm.hosts")
        assert "`false` is taken for no" in comments(text, "disk_encrypted")

    @pytest.mark.parametrize(
        ("kind", "record", "field", "value"),
        [
            ("personnel_account", {"id": "1", "Work Mail": "ana@acme.test"}, "email", "ana@acme.test"),
            ("personnel_account", {"id": "1", "mbox": "mailto:ana@acme.test"}, "email", "ana@acme.test"),
            ("personnel_account", {"id": "1", "created_on_utc": 1769850000}, "created_at", "2026-01-31T09:00:00Z"),
            ("cloud_resource", {"id": "1", "zone": "https://c.test/zones/europe-west1-b"}, "region", "europe-west1"),
            ("device", {"id": "1", "os_version": "Ubuntu 24.04.1 LTS"}, "os_version", "24.04.1"),
            ("device", {"id": "1", "os_version": "Ubuntu 24.04.1 LTS"}, "os_name", "Ubuntu"),
            ("device", {"id": "1", "ramMB": 0, "memory_mb": 16384}, "memory", "16384 MB"),
            ("device", {"id": "1", "wifiMac": "3c5282ab01cd"}, "mac_address", "3c:52:82:ab:01:cd"),
            ("training_record", {"id": "1", "email": "a@acme.test", "course": "x", "score": "92 %"}, "score", 92.0),
        ],
    )  # fmt: skip
    def test_values_of_a_form(self, kind: str, record: dict[str, Any], field: str, value: object) -> None:
        _, _, mapping = drafted([record], kind, "acme.things")
        assert evidence(mapping, record)[0][field] == value

    def test_a_number_beyond_all_measure_is_none(self) -> None:
        _, rules, _ = drafted(f"[{{id: a, memory: {10**400}, last_seen_at: {10**400}}}]", "device", form="yaml")
        assert "last_seen_at" not in rules.fields

    def test_zero_is_no_time(self) -> None:
        users = [{"id": "1", "lastLogin": 0}, {"id": "2", "lastLogin": 1769850000}]
        _, _, mapping = drafted(users, "personnel_account")
        assert [record.get("last_login_at") for record in evidence(mapping, *users)] == [None, "2026-01-31T09:00:00Z"]

    def test_a_kind_of_one_s_own_takes_every_column(self) -> None:
        _, rules, mapping = drafted(
            [{"key": "T-1", "Fixed On": "2026-01-31", "source": "x"}], "custom:ticket", "desk.tickets"
        )
        assert set(rules.fields) == {"id", "key", "fixed_on", "own_source"}
        assert evidence(mapping, {"key": "T-1", "Fixed On": "2026-01-31"})[0]["id"] == "T-1"


class TestWhatIsMissing:
    def test_a_required_field_is_told_in_the_first_line_and_comes_from_set(self) -> None:
        text, _, mapping = drafted([{"id": "1", "email": "ana@acme.test"}], "training_record", "lms.done")
        assert "FILL IN `course`" in text.splitlines()[0]
        convert = compile_source(mapping, {"course": "security"})
        assert convert({"id": "1", "email": "ana@acme.test"})["course"] == "security"

    def test_without_an_id_it_loads_and_says_so(self) -> None:
        text, *_ = drafted([{"colour": "red"}, {"colour": "red"}], "device", "mdm.hosts")
        assert text.startswith("# FILL IN the rule of `id`")

    def test_person_and_course_make_the_id_of_a_training(self) -> None:
        rows = [{"Email": "ana@acme.test", "Course Name": course} for course in ("GDPR", "Phishing")]
        text, _, mapping = drafted(rows, "training_record", "lms.done")
        assert [record["id"] for record in evidence(mapping, *rows)] == ["ana@acme.test/GDPR", "ana@acme.test/Phishing"]
        assert "check: " in comments(text, "id")

    def test_columns_and_fields_that_are_left_are_listed(self) -> None:
        text, *_ = drafted(USERS, "personnel_account")
        assert "# No rule reads: $.costCentre." in text
        assert re.search(r"# No column was found for: .*mfa_enabled", text, re.DOTALL)

    def test_records_that_the_rules_refuse_are_told(self) -> None:
        hosts = [{"serial": "A1"}, {"serial": "A2"}, {"os": "Windows"}]
        text, *_ = drafted(hosts, "device", "mdm.hosts")
        assert "check: `id` rejects 1 of 3 records of the sample" in text
        assert "1 of 3 records have no id" in comments(text, "id")


def test_the_tests_hold_nobody_s_values() -> None:
    device = {
        "id": "dev-77",
        "hostname": "karins-mac",
        "serial": "C02XK0AAJG5H",
        "user": {"email": "karin@acme.test"},
        "mac": "a4:83:e7:11:22:33",
        "ip": "10.20.30.40",
        "os_version": "15.2",
        "owner_note": "on loan to Jon",
    }
    text, *_ = drafted([device], "device", "mdm.hosts")
    for value in ("dev-77", "karin", "C02XK0AAJG5H", "a4:83:e7", "10.20.30.40", "Jon"):
        assert value not in text
    assert "15.2" in text
    text, *_ = drafted(USERS, "personnel_account")
    for value in ("acme.test", "Karin", "Strand", "u-0"):
        assert value not in text


@pytest.mark.parametrize("name", ["it's", 'a "b"', "where", "a.b", "@type", "x: y", "#", "true", "ümläut", "a`b"])
def test_odd_names_of_columns(name: str) -> None:
    _, _, mapping = drafted([{"id": "1", name: "x"}], "custom:thing", "acme.things")
    assert "x" in evidence(mapping, {"id": "1", name: "x"})[0].values()
