"""Scenarios: the ways in which a push can end."""

from __future__ import annotations

import json
import signal

from tests.golden.world import World, accounts, named, shape
from tests.support.cli import ACCOUNTS, BOTH, CLOUD, DRATA, SECUREFRAME, SNAPSHOT
from tests.support.evidence import device, personnel_account
from tests.support.programs import PATIENCE, program, wait


def reports(world: World) -> None:
    """The report of each way in which a push can end."""
    push = ("push", *ACCOUNTS, "--json")
    old, some = accounts(world, "old.ndjson", 0, 1, 2, 3), accounts(world, "some.ndjson", 0, 1, 2, 3, 4)
    half = accounts(world, "half.ndjson", 2, 3, 4)
    bad = world.write("bad.ndjson", personnel_account(0), personnel_account(1, roles="admin"), '{"id": ', {"id": ""})
    world.note("dry run", *push, old, *BOTH, "--dry-run")
    world.note("dry run with mistakes", *push, bad, *BOTH, "--dry-run")
    world.note("snapshot", *push, old, *BOTH, *SNAPSHOT)
    world.note("upsert", *push, some, *BOTH)
    world.note("upsert with mistakes", *push, bad, *BOTH, "--problems", "problems.ndjson")
    lines = (world.folder / "problems.ndjson").read_text(encoding="utf-8").splitlines()
    world.golden["problems file"] = [shape(json.loads(line)) for line in lines]
    world.note("snapshot with mistakes", *push, bad, *BOTH, *SNAPSHOT)
    world.note("snapshot that the guard refuses", *push, half, *BOTH, *SNAPSHOT)
    world.note("snapshot that is overridden", *push, half, *BOTH, *SNAPSHOT, "--override-guard", "two teams moved")
    changed = world.write(
        "changed.ndjson", personnel_account(2), personnel_account(3, admin=True), personnel_account(5)
    )
    world.note("skip unchanged", *push, changed, *BOTH, "--skip-unchanged", "--assume-unique")
    world.note("skip all", *push, changed, *BOTH, "--skip-unchanged")
    world.note("require verified", *push, changed, *SECUREFRAME, "--require", "verified")
    world.note("duplicates", *push, world.write("twice.ndjson", personnel_account(8), personnel_account(8)), *BOTH)
    gone = world.write("gone.ndjson", {"id": "a3"}, {"id": "nobody"})
    world.note("remove", *push, gone, *BOTH, "--mode", "remove")
    world.note("remove again", *push, gone, *SECUREFRAME, "--mode", "remove")
    patch = world.write("patch.ndjson", {"id": "a2", "admin": None}, {"id": "nobody", "admin": True})
    world.note("patch", *push, patch, *SECUREFRAME, "--mode", "patch")
    older = {"observed_at": "2025-01-01T00:00:00Z"}
    world.note("newer", *push, accounts(world, "n.ndjson", 2, observed_at="2026-01-01T00:00:00Z"), *SECUREFRAME)
    world.note("older", *push, accounts(world, "o.ndjson", 2, **older), *SECUREFRAME)
    array = json.dumps([personnel_account(n) for n in range(5)])
    cut = world.write("cut.json", array[: array.index('"a4"')])
    world.note("cut off", *push, cut, *BOTH)
    world.note("snapshot cut off", *push, cut, *BOTH, *SNAPSHOT)
    world.note("empty", *push, world.write("empty.json", "[]"), *BOTH)
    world.note("empty snapshot", *push, "empty.json", *BOTH, *SNAPSHOT)


def kinds(world: World) -> None:
    """Reports of what only some kinds and vendors have."""
    push = ("push", "--json")
    devices = world.write("d.ndjson", *map(device, range(6)), device(6, platform="ios"))
    world.note("devices", *push, devices, "--kind", "device", *DRATA)
    fewer = world.write("fewer.ndjson", *map(device, range(5)))
    world.note("devices that are gone", *push, fewer, "--kind", "device", *DRATA, *SNAPSHOT)
    world.note("devices that are deleted", *push, fewer, "--kind", "device", *DRATA, *SNAPSHOT, "--delete-gone")
    people = world.write("p.ndjson", *({"id": f"p{n}", "email": f"p{n}@example.com"} for n in range(3)))
    world.note("people", *push, people, "--kind", "person", *DRATA)
    left = world.write("left.ndjson", {"id": "p2", "separated_at": "2026-01-31T00:00:00Z"})
    world.note("people who left", *push, left, "--kind", "person", *DRATA, "--mode", "remove")
    world.note("direct records", *push, world.write("r.ndjson", *map(named, range(4))), *CLOUD, *DRATA)
    rest = world.write("rest.ndjson", *map(named, range(1, 5)))
    guarded = ("--override-guard", "meant")
    world.note("direct records that go", *push, rest, *CLOUD, *DRATA, *SNAPSHOT, "--skip-unchanged", *guarded)
    odd = world.write("odd.ndjson", named(1), named(2, type="nobody.knows.this"))
    world.note("a type without a word", *push, odd, *CLOUD, *SECUREFRAME)
    custom = ("--kind", "custom:software_package")
    tags = world.write("tags.ndjson", {"id": "x", "tags": ["a"]})
    world.note("an array", *push, tags, *custom, *SECUREFRAME)
    csv = "Email,Course,Completed At\nana@example.com,security_awareness,2026-01-11T14:01:00Z\n"
    world.note("standard input", *push, "csv.training=-", *BOTH, stdin=csv)
    instances = {"Reservations": [{"Instances": [{"InstanceId": "i-1", "State": {"Name": "running"}}]}]}
    file = world.write("instances.json", instances)
    source = f"aws.ec2.instances={file}"
    world.note("a source", *push, source, "--set", "region=eu-west-1", "--set", "account_id=1", *BOTH)


def trouble(world: World) -> None:
    """Vendors that refuse, ask to wait, are out of order or are not there; which exit code counts of several."""
    push = ("push", "--json", *ACCOUNTS)
    file = accounts(world, "a.ndjson", 0, 1)
    for status in (401, 402, 403, 412):
        world.emulators.fault("drata", status={"code": status, "times": 1})
        world.note(f"{status} of one", *push, file, *BOTH)
    world.emulators.fault("secureframe", status={"code": 403, "times": 9})
    world.note("403 in a snapshot", *push, file, *SECUREFRAME, *SNAPSHOT)
    world.emulators.fault("secureframe", status={"code": 404, "times": 9})
    world.note("404", *push, file, *SECUREFRAME)
    world.emulators.fault("secureframe", status={"code": 400, "times": 9})
    world.note("400", *push, file, *SECUREFRAME)
    world.emulators.fault("secureframe")
    world.emulators.fault("drata", partial_item_failures=0.5)
    world.note("one refused", *push, file, *DRATA)
    world.emulators.fault("drata", status={"code": 429, "times": 9, "retry_after": 31})
    world.note("429", *push, file, *BOTH)
    world.note("429 in a snapshot", *push, file, *DRATA, *SNAPSHOT)
    world.emulators.fault("drata", status={"code": 401, "times": 9})
    world.emulators.fault("secureframe", status={"code": 429, "times": 9, "retry_after": 31})
    world.note("blocked before away", *push, file, *BOTH)
    world.emulators.fault("drata")
    world.emulators.fault("secureframe")
    world.note("before", *push, accounts(world, "b.ndjson", 0, 1, 2, 3), *BOTH, *SNAPSHOT)
    world.emulators.fault("drata", status={"code": 429, "times": 9, "retry_after": 31})
    world.note("guard before away", *push, accounts(world, "c.ndjson", 0, 1), *BOTH, *SNAPSHOT)
    world.emulators.fault("drata", status={"code": 401, "times": 9})
    world.note("blocked before guard", *push, "c.ndjson", *BOTH, *SNAPSHOT)
    world.emulators.fault("drata", status={"code": 503, "times": 9})
    world.note("503", *push, file, *DRATA)
    world.configure(drata={"base_url": "http://127.0.0.1:1"})
    world.note("not there", *push, file, *BOTH)


def interrupted(world: World) -> None:
    """Ctrl-C in the middle of a set, and a run that goes on; a process that is killed, and its lane."""
    file = accounts(world, "a.ndjson", 0, 1)
    push = ("push", file, *ACCOUNTS, *DRATA, *SNAPSHOT, "--json")
    _cut_off(world, signal.SIGINT, push)
    [run] = world.note("status of what was interrupted", "status", "--json")["interrupted"]
    resumed = ("--resume", run["run"])
    world.note("resumed with other options", *push, "--mode", "upsert", *resumed)
    world.note("resumed", *push, *resumed)
    world.note("resumed again", *push, *resumed)
    _cut_off(world, signal.SIGKILL, push)
    world.configure(lease=1)  # of this one, which waits so long for the lane; the other's lease is longer
    world.note("a lane that is held", *push)
    world.note("status of a lane that is held", "status", "--json")


def _cut_off(world: World, number: signal.Signals, push: tuple[str, ...]) -> None:
    """Send a signal to a push while its first records are on their way."""
    world.emulators.fault("drata", latency_ms=60_000, match={"method": "POST"})
    before = len(world.emulators.received("drata"))
    with program(*push, cwd=world.folder) as process:
        wait(lambda: _posted(world, before))
        process.send_signal(number)
        world.golden[number.name] = {"exit_code": process.wait(PATIENCE)}
    world.emulators.fault("drata")


def _posted(world: World, before: int) -> bool:
    return any(each["method"] == "POST" for each in world.emulators.received("drata")[before:])
