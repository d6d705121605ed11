"""What emulators receive and answer is recorded, and answered again from the recording."""

from __future__ import annotations

import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.contracts.vendors import vendor
from tests.support.emulators import NAMES, seeded
from tests.unit.emulators.client import Client

from proofport.errors import UsageError
from proofport.testing import Emulator, Recording, Running, replays, running

CONNECTIONS = "/public/v2/custom-connections"
RECORDS = f"{CONNECTIONS}/1/resources/101/records"


async def exchanges(served: Running, steps: list[tuple[str, str, Any]], authorization: str | None) -> list[Any]:
    """Every answer: the status, the type and the body."""
    found = []
    headers = {} if authorization is None else {"Authorization": authorization}
    for method, path, body in steps:
        async with served.client.request(method, served.origin + path, json=body, headers=headers) as answer:
            found.append((answer.status, answer.content_type, await answer.read()))
    return found


def replayed(file: Path, name: str = "drata") -> Emulator:
    emulator = seeded(name)
    emulator.replay = replays(file, NAMES)[name]
    return emulator


@pytest.mark.parametrize("name", NAMES)
async def test_a_replay_answers_as_was_recorded(name: str, tmp_path: Path) -> None:
    with Recording(tmp_path / "r.ndjson") as recording:
        emulator = vendor(name).filled()
        emulator.recording = recording
        async with running(emulator) as served:
            key = await vendor(name).authorization(served)
            steps: list[tuple[str, str, Any]] = [("GET", path, None) for path in vendor(name).WITNESSES]
            steps += [(method, path, {"a": [1]}) for method, path in vendor(name).HOSTILE]
            first = await exchanges(served, steps * 2, key)

    async with running(replayed(tmp_path / "r.ndjson", name)) as served:
        assert await exchanges(served, steps * 2, None) == first


async def test_a_recording_has_no_credentials_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "r.ndjson"
    with Recording(file) as recording:
        for name in NAMES:
            emulator = seeded(name)
            emulator.recording = recording
            async with running(emulator) as served:
                block = served.destination()
                key = await vendor(name).authorization(served)
                await exchanges(served, [(method, path, {}) for method, path in vendor(name).HOSTILE], key)
                secrets = {*key.split(), *(str(block[each]) for each in block if "key" in each or "secret" in each)}
                text = file.read_text(encoding="utf-8")
                assert [each for each in secrets - {"Bearer"} if each in text] == []

    assert {json.loads(line)["emulator"] for line in file.read_text().splitlines()} == set(NAMES)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """Of a replay that has two uploads of one body, and a list."""
    emulator = seeded("drata")
    with Recording(tmp_path / "r.ndjson") as recording:
        emulator.recording = recording
        async with running(emulator) as served:
            speak = Client(served, "Bearer drata-emulator-key")
            for _ in range(2):
                await speak("POST", RECORDS, {"data": [{"id": "a", "n": 1}]})
            await speak("GET", RECORDS + "?size=10&sort=createdAt")
    async with running(replayed(tmp_path / "r.ndjson")) as served:
        yield Client(served, None)


async def test_answers_to_one_request_come_in_their_order_and_once(client: Client) -> None:
    body = {"data": [{"n": 1, "id": "a"}]}
    statuses = [(await client("POST", RECORDS, body))[1][0]["statusCode"] for _ in range(2)]
    assert statuses == [201, 200]

    status, answer = await client("POST", RECORDS, body)
    assert status == 400
    assert answer["message"].endswith("is recorded, and its answers were all given. The last is line 1")
    assert (await client("GET", RECORDS + "?sort=createdAt&size=10"))[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "says"),
    [
        ("POST", RECORDS, {"data": [{"id": "b", "n": 1}]}, 'whose body has "a" at /data/0/id; sent was "b"'),
        ("POST", RECORDS, {"data": []}, "/data; sent was []"),
        ("GET", RECORDS + "?size=11&sort=createdAt", None, f"line 3: GET {RECORDS}?size=10&sort=createdAt"),
        ("POST", RECORDS.replace("101", "102"), {}, f"line 1: POST {RECORDS}"),
    ],
)
async def test_an_unknown_request_is_refused_and_the_nearest_is_named(
    client: Client, method: str, path: str, body: Any, says: str
) -> None:
    status, answer = await client(method, path, body)

    assert status == 400
    assert says in answer["message"]
    assert f"{method} {path}" in answer["message"]


async def test_of_another_emulator_nothing_is_recorded(client: Client, tmp_path: Path) -> None:
    async with running(replayed(tmp_path / "r.ndjson", "secureframe")) as served:
        status, answer = await Client(served, None)("GET", "/devices")

    assert (status, answer["message"]) == (
        400,
        "GET /devices is not in the recording r.ndjson, which has nothing of secureframe",
    )


async def test_what_is_cut_is_not_recorded(tmp_path: Path) -> None:
    file = tmp_path / "r.ndjson"
    emulator = seeded("drata")
    with Recording(file) as recording:
        emulator.recording = recording
        async with running(emulator) as served:
            for drop in ("before", "middle", "after"):
                await served.faults(drop=drop)
                with pytest.raises(aiohttp.ClientError):
                    await Client(served, "Bearer drata-emulator-key")("POST", RECORDS, {"data": []})

    assert file.read_text() == ""


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")

    with pytest.raises(UsageError, match="exists"):
        Recording(tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"emulator": "drata"}'])
def test_what_is_no_recording_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "r").write_text(text)

    with pytest.raises(UsageError, match=r"line 1: found .*expected an exchange"):
        replays(tmp_path / "r", NAMES)
    with pytest.raises(UsageError, match="cannot be read"):
        replays(tmp_path / "none", NAMES)
