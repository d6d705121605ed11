"""What the Vanta emulator refuses: the words of a 400, limits, and pages where JSON is expected."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.vanta import SAMPLES, custom, macos, training, user_account, windows
from tests.unit.emulators.client import Vanta

ANA = user_account("ana")
TIME = "2026-01-31T08:00:00Z"


def without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {each: value for each, value in record.items() if each != name}


class TestWords:
    @pytest.mark.parametrize(
        ("record", "says"),
        [
            (without(ANA, "fullName"), "/1: must have property 'fullName'"),
            ({}, "/1: must have property 'displayName'"),
            ([], "/1: must be object"),
            (None, "/1: must be object"),
            ({**ANA, "uniqueId": 7}, "/1/uniqueId: must be string"),
            ({**ANA, "mfaEnabled": "true"}, "/1/mfaEnabled: must be boolean"),
            ({**ANA, "mfaEnabled": None}, "/1/mfaEnabled: must be boolean"),
            ({**ANA, "mfaMethods": None}, "/1/mfaMethods: must be array"),
            ({**ANA, "mfaMethods": ["OTP", "TOTP"]}, "/1/mfaMethods/1: must be equal to one of the allowed values"),
            ({**ANA, "permissionLevel": "USER"}, "/1/permissionLevel: must be equal to one of the allowed values"),
            ({**ANA, "permissionLevel": None}, "/1/permissionLevel: must be equal to one of the allowed values"),
            ({**ANA, "createdTimestamp": "yesterday"}, "/1/createdTimestamp: must be timestamp"),
            ({**ANA, "createdTimestamp": "2026-01-31"}, "/1/createdTimestamp: must be timestamp"),
            ({**ANA, "createdTimestamp": "2026-02-30T00:00:00Z"}, "/1/createdTimestamp: must be timestamp"),
            ({**ANA, "lastLoginTimestamp": None}, "/1/lastLoginTimestamp: must be timestamp"),
            (
                {**ANA, "jobTitle": "CEO", "customProperties": {}},
                "Too many fields on resource with uniqueId ana (element 1). Extra keys: jobTitle, customProperties",
            ),
        ],
    )
    async def test_of_a_user_account(self, vanta: Vanta, record: Any, says: str) -> None:
        assert await vanta.refused(user_account("bo"), record) == says

    @pytest.mark.parametrize(
        ("base_type", "record", "says"),
        [
            ("macos_user_computer", macos("m", drives=[{}]), "/0/drives/0: must have property 'name'"),
            ("macos_user_computer", macos("m", isXProtectEnabled=0), "/0/isXProtectEnabled: must be boolean"),
            (
                "macos_user_computer",
                macos("m", passwordPolicy={"minimumLengthRequirement": 1.5}),
                "/0/passwordPolicy/minimumLengthRequirement: must be int32",
            ),
            (
                "macos_user_computer",
                macos("m", systemScreenlockPolicies=[{"requiresPassword": True, "screenSleepTimeoutMs": 2**31}]),
                "/0/systemScreenlockPolicies/0/screenSleepTimeoutMs: must be int32",
            ),
            (
                "windows_user_computer",
                windows("w", drives=[{"name": "C", "encrypted": True, "filevaultEnabled": True}]),
                "/0/drives/0: must NOT have additional properties",
            ),
            ("windows_user_computer", without(windows("w"), "programs"), "/0: must have property 'programs'"),
            (
                "windows_user_computer",
                windows("w", windowsSecurityCenter={"firewall": "GOOD"}),
                "/0/windowsSecurityCenter: must have property 'autoupdate'",
            ),
            (
                "user_security_training_status",
                training("t", status="OVERDUE"),
                "/0/status: must be equal to one of the allowed values",
            ),
            ("custom_resource", without(custom("c"), "customProperties"), "/0: must have property 'customProperties'"),
        ],
    )
    async def test_of_the_others(self, vanta: Vanta, base_type: str, record: Any, says: str) -> None:
        assert await vanta.refused(record, base_type=base_type) == says

    @pytest.mark.parametrize(
        ("properties", "says"),
        [
            ({"managed": True, "size": 3, "since": TIME}, None),
            ({"managed": True, "size": 3.0, "since": TIME}, None),
            ({"managed": True, "size": 3}, "/0/customProperties: must have property 'since'"),
            ({"managed": None, "size": 3, "since": TIME}, "/0/customProperties/managed: must be boolean"),
            ({"managed": True, "size": 3.5, "since": TIME}, "/0/customProperties/size: must be int32"),
            ({"managed": True, "size": True, "since": TIME}, "/0/customProperties/size: must be int32"),
            ({"managed": True, "size": 3, "since": ""}, "/0/customProperties/since: must be timestamp"),
            (
                {"managed": True, "size": 3, "since": TIME, "b": 1, "a": 2},
                "Too many fields on resource with uniqueId c (element 0). Extra keys: b, a",
            ),
        ],
    )
    async def test_of_own_properties(self, vanta: Vanta, properties: dict[str, Any], says: str | None) -> None:
        types = {"managed": "boolean", "size": "int32", "since": "timestamp"}
        definition = {"properties": {name: {"type": each} for name, each in types.items()}}
        resource = {"id": vanta.resource("custom_resource"), "base_type": "custom_resource", "definition": definition}
        application = vanta.served.destination()["client_id"]
        await vanta.served.control("POST", "applications", id=application, resources=[resource])

        status, body = await vanta.sync(custom("c", **properties), base_type="custom_resource")

        assert (status, body) == ((200, {"success": True}) if says is None else (400, {"error": says}))

    async def test_what_may_be_null(self, vanta: Vanta) -> None:
        nothing = {"owner": None, "passwordPolicy": None, "lastEnrolledTimestamp": None}
        security = {"windowsSecurityProducts": None, "windowsSecurityCenter": None}
        for record, base_type in (
            (macos("m", isXProtectEnabled=None, **nothing), "macos_user_computer"),
            (windows("w", **nothing, **security), "windows_user_computer"),
        ):
            assert (await vanta.sync(record, base_type=base_type))[0] == 200

    async def test_other_readings(self, vanta: Vanta) -> None:
        await vanta.served.switch(mfa_enabled_null=True, training_status="any")

        assert (await vanta.sync({**ANA, "mfaEnabled": None}))[0] == 200
        assert (await vanta.sync(training("t", status="OVERDUE"), base_type="user_security_training_status"))[0] == 200

    async def test_the_first_record_that_is_wrong_is_named(self, vanta: Vanta) -> None:
        wrong = [{**user_account("bo"), "x": 1}, without(ANA, "email")]

        assert "(element 1)" in await vanta.refused(ANA, *wrong)


@pytest.mark.parametrize("base_type", SAMPLES)
async def test_a_refused_set_changes_nothing(vanta: Vanta, base_type: str) -> None:
    sample = SAMPLES[base_type]
    await vanta.sync(sample("a"), base_type=base_type)
    before = await vanta.rows(base_type)

    await vanta.refused(sample("b"), {**sample("c"), "more": 1}, base_type=base_type)

    assert await vanta.rows(base_type) == before


async def test_an_id_twice(vanta: Vanta) -> None:
    twice = [user_account("ana"), user_account("bo"), user_account("ana", fullName="Ana B")]
    assert await vanta.refused(*twice) == "Duplicate uniqueId ana (element 2)"

    await vanta.served.switch(duplicate="last_wins")
    await vanta.sync(*twice)
    assert {key: row["fullName"] for key, row in (await vanta.rows()).items()} == {"ana": "Ana B", "bo": "Bo"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ([], 400),
        ({}, 400),
        ({"resourceId": 7, "resources": []}, 400),
        ({"resourceId": "", "resources": []}, 400),
        ({"resourceId": "unknown"}, 404),
        ({"resourceId": "unknown", "resources": []}, 404),
    ],
)
async def test_a_body_that_names_no_resource(vanta: Vanta, body: Any, status: int) -> None:
    answered, said = await vanta("PUT", "/v1/resources/user_account", body)

    assert (answered, list(said)) == (status, ["error"])


async def test_a_body_that_is_no_set(vanta: Vanta) -> None:
    assert (await vanta.sync(resources={}))[0] == 400
    assert (await vanta("PUT", "/v1/resources/user_account", data=b"{oops"))[0] == 400


async def test_other_members_are_ignored_unless_switched(vanta: Vanta) -> None:
    assert (await vanta.sync(ANA, sourceId="one"))[0] == 200
    await vanta.served.switch(other_members=False)
    assert await vanta.sync(ANA, sourceId="one") == (400, {"error": "Unknown fields: sourceId"})


class TestLimits:
    async def test_of_records(self, vanta: Vanta) -> None:
        assert (await vanta.sync(*(user_account(f"u{n}") for n in range(10_000))))[0] == 200
        await vanta.served.switch(max_records=2)
        three = [user_account(key) for key in ("a", "b", "c")]
        assert (await vanta.sync(*three))[0] == 413
        await vanta.served.switch(too_many_records=400)
        assert (await vanta.sync(*three))[0] == 400
        assert (await vanta.sync(*three[:2]))[0] == 200

    async def test_of_bytes(self, vanta: Vanta) -> None:
        assert (await vanta.sync(user_account("ana", roleDescription="x" * 10_000_000)))[0] == 413
        await vanta.served.switch(max_body_bytes=0)
        assert (await vanta.sync(user_account("ana", roleDescription="x" * 10_000_000)))[0] == 200


class TestPages:
    """Answers that are HTML. `ask` gives the status, the type and the text."""

    async def ask(self, vanta: Vanta, method: str, path: str, **options: Any) -> tuple[int, str, str]:
        headers = {"Authorization": str(vanta.authorization)}
        url = vanta.served.origin + path
        async with vanta.served.client.request(method, url, headers=headers, **options) as answer:
            return answer.status, answer.content_type, await answer.text()

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/v1/resources/user_account"),
            ("DELETE", "/v1/resources/user_account/ana"),
            ("POST", "/v1/people"),
            ("PUT", "/v1/resources/user_account/sync_all"),
            ("GET", "/oauth/token"),
            ("GET", "/<script>"),
        ],
    )
    async def test_a_wrong_path(self, vanta: Vanta, method: str, path: str) -> None:
        vanta.authorization = None

        status, media, page = await self.ask(vanta, method, path)

        assert (status, media) == (404, "text/html")
        assert f"Cannot {method} " in page
        assert "<script>" not in page

    async def test_a_get_with_a_body(self, vanta: Vanta) -> None:
        path = f"/v1/resources/user_account?resourceId={vanta.resource('user_account')}"

        status, media, page = await self.ask(vanta, "GET", path, data=b"null")

        assert (status, media, "CloudFront" in page) == (403, "text/html", True)

    async def test_none_of_them(self, vanta: Vanta) -> None:
        await vanta.served.switch(html_errors="none")

        status, media, text = await self.ask(vanta, "POST", "/v1/people")

        assert (status, media, text) == (404, "application/json", '{"error":"Cannot POST /v1/people"}')

    async def test_all_of_them(self, vanta: Vanta) -> None:
        await vanta.served.switch(html_errors="all")
        await vanta.served.faults(status={"code": 502, "times": 1})

        assert (await self.ask(vanta, "GET", "/v1/resources/user_account"))[:2] == (502, "text/html")
        assert (await self.ask(vanta, "GET", "/v1/resources/user_account"))[:2] == (400, "text/html")


async def test_every_request_is_redirected_to_another_host(vanta: Vanta) -> None:
    await vanta.served.switch(redirect_to="http://127.0.0.1:9")

    status, _ = await vanta("GET", "/v1/resources/user_account?resourceId=x", allow_redirects=False)

    assert (status, vanta.headers["Location"]) == (308, "http://127.0.0.1:9/v1/resources/user_account?resourceId=x")
