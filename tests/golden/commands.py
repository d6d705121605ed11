"""Scenarios: `--help`, what is refused before anything is sent, and the commands beside push."""

from __future__ import annotations

import re
from typing import Any

from tests.golden.world import VENDORS, World, accounts, named, shipped
from tests.support.cli import ACCOUNTS, BOTH, CLOUD, DRATA, SECUREFRAME, SNAPSHOT

OPTION = re.compile(r"^  (-\S.*?)(?:  .*)?$")


def helps(world: World) -> None:
    """Of every command its arguments, options and commands, with what is chosen when nothing is said."""
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        command = waiting.pop()
        code, out, _ = world.type(*command, "--help")
        assert code == 0
        found = parsed(out)
        others = [
            name for name in found["options"] if re.match(r"--\w+-port", name) and not name[2:].startswith(VENDORS)
        ]
        for name in others:
            del found["options"][name]
        world.golden[" ".join(("proofport", *command))] = found
        waiting += [(*command, name) for name in found["commands"]]


def parsed(text: str) -> dict[str, Any]:
    usage, _, rest = text.partition("\n\n")
    sections = dict(re.findall(r"^(Options|Commands):\n((?:  .*\n?)+)", rest, re.MULTILINE))
    options = re.split(r"\n(?=  -)", sections.get("Options", "").rstrip("\n"))
    return {
        "usage": " ".join(usage.removeprefix("Usage: ").split()),
        "options": dict(map(option, filter(None, options))),
        "commands": re.findall(r"^  (\S+)", sections.get("Commands", ""), re.MULTILINE),
    }


def option(lines: str) -> tuple[str, str | None]:
    """The names and value of one option, and its default where that is one word."""
    first = OPTION.match(lines.splitlines()[0])
    assert first is not None, lines
    default = re.search(r"\[default:\s+(\S+)\]", " ".join(lines.split()))
    return first[1], default and default[1]


def usage(world: World) -> None:
    """What cannot work is said before anything is sent."""
    file = accounts(world, "a.ndjson", 0)
    push = ("push", "--json", file)
    port = world.destinations["drata"]["base_url"].rpartition(":")[2]
    wrong: dict[str, tuple[str, ...]] = {
        "no command": (),
        "unknown command": ("pusch",),
        "unknown option": (*push, *ACCOUNTS, *DRATA, "--nothing"),
        "no destination": (*push, *ACCOUNTS),
        "unknown destination": (*push, *ACCOUNTS, "--to", "dratta"),
        "no kind": (*push, *DRATA),
        "unknown kind": (*push, "--kind", "account", *DRATA),
        "no object for the kind": (*push, "--kind", "custom:gadget", *BOTH),
        "several kinds": ("push", "--json", f"csv.training={file}", *ACCOUNTS, *DRATA),
        "no file": ("push", "--json", "missing.ndjson", *ACCOUNTS, *DRATA),
        "unknown source": ("push", "--json", f"csv.trainings={file}", *DRATA),
        "a value that no source takes": (*push, *ACCOUNTS, *DRATA, "--set", "region=x"),
        "no value": (*push, *ACCOUNTS, *DRATA, "--set", "region"),
        "no configuration": (*push, *ACCOUNTS, *DRATA, "--config", "no.yaml"),
        "no reason": (*push, *ACCOUNTS, *DRATA, "--override-guard", " "),
        "problems nowhere": (*push, *ACCOUNTS, *DRATA, "--problems", "no/such/folder"),
        "a mode that there is not": (*push, *ACCOUNTS, *DRATA, "--mode", "replace"),
        "a removal that cannot be said": (*push, *CLOUD, *SECUREFRAME, "--mode", "remove"),
        "a patch that is assumed": (*push, *CLOUD, *DRATA, "--mode", "patch"),
        "a patch of a device": (*push, "--kind", "device", *DRATA, "--mode", "patch"),
        "people without an object": (*push, "--kind", "person", *SECUREFRAME),
        "gone from no snapshot": (*push, *ACCOUNTS, *DRATA, "--delete-gone"),
        "gone where nothing is deleted": (*push, *CLOUD, *SECUREFRAME, *SNAPSHOT, "--delete-gone"),
        "no run to resume": (*push, *ACCOUNTS, *DRATA, "--resume", "0123456789ab"),
        "plan of nothing": ("plan", "missing.ndjson", *ACCOUNTS, *DRATA, "--json"),
        "preview of nothing": ("preview", "missing.ndjson", *ACCOUNTS, "--json"),
        "verify nowhere": ("verify", "nowhere", *ACCOUNTS, "--json"),
        "status of nothing": ("status", "nothing", "--json"),
        "resume of nothing": ("resume", "nothing"),
        "letter that there is not": ("dead-letter", "show", "99"),
        "replay of nothing": ("dead-letter", "replay", "99"),
        "drop of nothing": ("dead-letter", "drop", "99", "--reason", "x"),
        "drop without a reason": ("dead-letter", "drop", "99", "--reason", " "),
        "schema that there is not": ("schema", "show", "secureframe", "nothing", "--json"),
        "schema where there is none": ("schema", "confirm", "drata", *CLOUD),
        "schema that was never published": ("schema", "confirm", "secureframe", *CLOUD),
        "provision by hand": ("provision", "secureframe", "--kind", "training_record", "--json"),
        "provision nowhere": ("provision", "nowhere", "--json"),
        "operation that there is not": ("call", "drata", "nothing"),
        "parameter that there is not": ("call", "drata", "get_device", "deviceid=1"),
        "parameter without a value": ("call", "drata", "get_device", "device_id"),
        "destruction without a yes": ("call", "drata", "delete_custom_connection", "connection_id=1"),
        "key without a name": ("key", "create", " "),
        "key for nothing": ("key", "create", "x", "--read-only", "--write-only"),
        "key of nobody": ("key", "create", "x", "--tenant", "nobody"),
        "key to nowhere": ("key", "create", "x", "--to", "nowhere"),
        "key that is over": ("key", "create", "x", "--expires", "2020-01-01"),
        "key that there is not": ("key", "revoke", "pp_nothing"),
        "mapping that there is not": ("mapping", "check", "nothing"),
        "init over a file": ("init", "--adapter", "drata"),
        "init of nothing": ("init", "--config", "new.yaml"),
        "init of nobody": ("init", "--adapter", "nobody", "--config", "new.yaml"),
        "migrate a file": ("journal", "migrate"),
        "backup over a file": ("journal", "backup", file),
        "relay for everybody": ("relay", "--host", "0.0.0.0"),
        "relay at a port that is taken": ("relay", "--port", port),
        "emulators at a port that is taken": ("emulate", "--drata-port", port),
    }
    for name, arguments in wrong.items():
        world.note(name, *arguments)


def configurations(world: World) -> None:
    """Mistakes in the configuration and in mappings."""
    file = accounts(world, "a.ndjson", 0)
    push = ("push", file, *ACCOUNTS, *DRATA, "--json")
    mistakes: dict[str, dict[str, Any]] = {
        "unknown key": {"nothing": 1},
        "no adapter": {"drata": {"adapter": "nobody"}},
        "a secret that is missing": {"drata": {"api_key": "env:NO_SUCH_KEY"}},
        "a secret in plain sight": {"drata": {"base_url": "https://public-api.drata.com"}},
        "a journal of another kind": {"journal": "mysql://here"},
        "a journal that cannot be": {"journal": "a.ndjson/journal"},
        "something else as a journal": {"journal": "a.ndjson"},
        "a database that is not there": {"journal": "postgresql://postgres@127.0.0.1:1/none"},
        "no mappings": {"mappings": "nowhere"},
        "a wrong share": {"guard": {"max_gone": 2}},
        "an object of another kind": {"drata": {"objects": {"personnel": {}}}},
    }
    for name, changes in mistakes.items():
        world.configure(**changes)
        world.note(name, *push)
    world.write("proofport.yaml", "a: [")
    world.note("no YAML", *push)
    world.note("doctor without YAML", "doctor", "--json")
    world.write("proofport.yaml", "instance: golden")
    world.note("doctor without a destination", "doctor", "--json")
    mapping = (
        "mapping: sources/ours\nto: {evidence: personnel_account}\nfields: {id: $.id, active: {path: $.on, as: %s}}\n"
    )
    tests = "tests:\n  - {name: t, input: {id: a, on: true}, expect: {id: b}}\n"
    world.note("a mapping that is wrong", "mapping", "check", world.write("wrong.yaml", mapping % "boolean"))
    failing = world.write("failing.yaml", mapping % "bool" + tests)
    world.note("a mapping that is right", "mapping", "check", failing)
    world.note("a mapping whose test fails", "mapping", "test", failing)
    world.note("a mapping whose tests pass", "mapping", "test", "csv.training")


def operations(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {
            "destructive": each["destructive"],
            "parameters": sorted(each["parameters"].get("properties", {})),
            "required": sorted(each["parameters"].get("required", [])),
        }
        for name, each in answer.items()
    }


def looking(world: World) -> None:
    """Plan, preview, call, provision, doctor, init and what has no JSON."""
    old = world.write("old.ndjson", *map(named, range(4)))
    assert world.type("push", old, *CLOUD, *DRATA)[0] == 0
    new = world.write("new.ndjson", named(1), named(2), named(3, name="x"), named(9), {"id": "bad"})
    plan = ("plan", "--json", *CLOUD)
    world.note("plan", *plan, world.write("more.ndjson", *map(named, range(5))), *BOTH)
    world.note("plan with mistakes", *plan, new, *BOTH)
    world.note("plan of a snapshot", *plan, new, *BOTH, *SNAPSHOT)
    world.note("plan that the guard refuses", *plan, world.write("few.ndjson", named(1)), *DRATA, *SNAPSHOT)
    world.note("plan of a set that is cut off", *plan, world.write("cut.json", '[{"id": "i-1",'), *DRATA, *SNAPSHOT)
    world.note("preview", "preview", "--json", old, *CLOUD)
    world.note("preview of several", "preview", "--json", new, *CLOUD, "--limit", "9")
    world.note("preview of none", "preview", "--json", world.write("none.json", "[]"), *CLOUD)
    world.note("operations of drata", "call", "drata", "--json", view=operations)
    world.note("operations of secureframe", "call", "secureframe", "--json", view=operations)
    ids = ("connection_id=1", "resource_id=101")
    world.note("call", "call", "drata", "list_records", *ids, "--json", view=lambda answer: sorted(answer))
    world.emulators.fault("drata", partial_item_failures=1)
    world.note("call that is refused in part", "call", "drata", "upsert_records", *ids, 'data=[{"id": "a"}]')
    world.emulators.fault("drata", status={"code": 403, "times": 1})
    world.note("call that is refused", "call", "drata", "list_records", *ids, "--json")
    world.emulators.fault("drata")
    world.note("destruction", "call", "drata", "delete_record", *ids, "record_id=i-1", "--yes")
    world.note("provision", "provision", "drata", "--json", "--no-write")
    world.note("provision one", "provision", "drata", "--kind", "training_record", "--json")
    world.note("doctor", "doctor", "--json")
    world.configure(drata={"api_key": "not-the-key"})
    world.note("doctor with a wrong key", "doctor", "--json")
    world.note("init", "init", "--adapter", "drata", "--adapter", "secureframe", "--config", "new.yaml")
    code, out, _ = world.type("mapping", "list")
    world.golden["mapping list"] = {"exit_code": code, "names": shipped(line.split()[0] for line in out.splitlines())}
    world.golden["version"] = world.type("--version")[0]


def reading_back(world: World) -> None:
    """Schemas, verify and status."""
    push = ("push", "--json", *SECUREFRAME)
    world.note("status of nothing", "status", "--json")
    file = accounts(world, "a.ndjson", 0, 1, 2)
    run = world.note("accounts", *push, file, *ACCOUNTS, *SNAPSHOT)["run_id"]
    world.emulators.control("secureframe", "POST", "settle")
    state = world.emulators.control("secureframe", "GET", "state")
    for schema in state["connections"][0]["schemas"]:
        schema["resources"] = [{**each, "active": False} for each in schema["resources"][:2]]
    seen = ("verify", "secureframe", *ACCOUNTS, "--json")
    world.note("verified", *seen)
    world.emulators.control("secureframe", "POST", "seed", **state)
    world.note("differs", *seen)
    world.note("verify nothing", "verify", "drata", *ACCOUNTS, "--json")
    world.note("a run", "status", run, "--json")
    status = world.note("status", "status", "--json")
    [lane] = [each["lane"] for each in status["lanes"]]
    world.note("a lane", "status", lane, "--json")
    world.note("resume", "resume", lane)
    world.configure(secureframe={"objects": {"custom:thing": {"schema_slug": "thing"}}})
    custom = ("--kind", "custom:thing")
    thing = world.write("t.ndjson", {"id": "x", "name": "a", "size": 1, "on": True})
    world.note("a schema that is not defined", *push, thing, *custom)
    world.note("schemas", "schema", "list", "secureframe", "--json")
    world.note("confirm", "schema", "confirm", "secureframe", *custom)
    world.note("a schema that is confirmed", "schema", "show", "secureframe", "custom:thing", "--json")
    world.note("one that is defined", *push, thing, *custom)
    other = world.write("o.ndjson", {"id": "y", "name": 7}, {"id": "z", "name": "a", "colour": "red"})
    world.note("fields that the schema lacks", *push, other, *custom)
    world.note("not readable", "verify", "secureframe", *custom, "--json")
    world.note("no schemas", "schema", "list", "drata", "--json")
    world.note("backup", "journal", "backup", "copy.sqlite3")
