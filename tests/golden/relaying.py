"""Scenario: a relay in a process of its own, what it answers, and the commands that look after it."""

from __future__ import annotations

import json
import re
import signal
from typing import Any

from tests.golden.world import World, named, shipped
from tests.support.evidence import device, personnel_account
from tests.support.programs import PATIENCE, fetch, first_line, program, wait


class Relay:
    """A relay in a process of its own, and what is asked of it."""

    def __init__(self, world: World, origin: str) -> None:
        self.world = world
        self.origin = origin
        self.headers: dict[str, str] = {}

    def ask(self, name: str, method: str, path: str, body: Any = None, **more: Any) -> Any:
        return self.world.ask(name, method, self.origin + path, body, **{**self.headers, **more})

    def get(self, path: str) -> Any:
        return fetch("GET", self.origin + path, None, self.headers)[2]

    def settle(self) -> None:
        """Wait until what can be delivered is."""
        wait(lambda: all(each["state"] != "queued" for each in self.get("/v1/deliveries?limit=500")["items"]))

    def parked(self) -> str | None:
        return next((str(lane["lane"]) for lane in self.get("/v1/lanes")["items"] if lane["parked"]), None)


def relay(world: World) -> None:
    """The OpenAPI document, an answer of each kind, each problem that can be had, and the dead letters."""
    world.configure(relay={"port": 0, "limits": {"records": 50, "body_bytes": 8192}})
    with program("relay", cwd=world.folder) as process:
        at = Relay(world, first_line(process).split()[-1])
        world.golden["openapi"] = described(at.get("/openapi.json"))
        page = at.get("/docs").decode()
        world.golden["problem types"] = sorted(set(re.findall(r"urn:proofport:problem:([a-z-]+)", page)))
        _evidence(at)
        _dead_letters(at)
        _snapshots(at)
        _mistakes(at)
        _operating(at)
        _keys(at)
        process.send_signal(signal.SIGTERM)
        world.golden["stopped"] = {"exit_code": process.wait(PATIENCE)}


def _evidence(at: Relay) -> None:
    post = "/v1/evidence/cloud_resource?to=drata"
    at.ask("accepted", "POST", post, [named(1), named(2)], Idempotency_Key="one")
    at.ask("repeated", "POST", post, [named(1), named(2)], Idempotency_Key="one")
    at.ask("another under that key", "POST", post, named(3), Idempotency_Key="one")
    at.ask("several destinations", "POST", f"{post}&to=secureframe", named(4))
    lines = b"\n".join(json.dumps(each).encode() for each in (named(5), {"id": 7}))
    at.ask("lines", "POST", post, lines, Content_Type="application/x-ndjson")
    at.ask("the good ones", "POST", f"{post}&accept=valid", [named(5), {"id": 7}])
    at.ask("removed", "POST", f"{post}&mode=remove", {"id": "i-5"})
    at.settle()
    at.ask("deliveries", "GET", "/v1/deliveries?limit=2")
    [first] = at.get("/v1/deliveries?submission=1")["items"]
    at.ask("delivery", "GET", f"/v1/deliveries/{first['id']}")
    at.ask("records", "GET", f"/v1/deliveries/{first['id']}/records")
    at.ask("preview", "POST", "/v1/preview?kind=cloud_resource", named(1))
    mappings = at.get("/v1/mappings")["items"]
    at.world.golden["mappings"] = {"keys": sorted(mappings[0]), "names": shipped(each["name"] for each in mappings)}


def _dead_letters(at: Relay) -> None:
    """Over HTTP, and then from the command line."""
    world = at.world
    for number in range(5):
        at.ask(f"refused {number}", "POST", "/v1/evidence/cloud_resource?to=secureframe", named(number, type="odd"))
    world.emulators.fault("drata", partial_item_failures=1, match={"path": "/103/"})
    at.ask("refused there", "POST", "/v1/evidence/personnel_account?to=drata", personnel_account(1))
    at.settle()
    world.emulators.fault("drata")
    at.ask("dead letters", "GET", "/v1/dead-letters?limit=2")
    letters = world.note("dead-letter list", "dead-letter", "list", "--json")
    one, two, three, four, _, sent = (str(letter["id"]) for letter in letters)
    at.ask("dead letter", "GET", f"/v1/dead-letters/{one}")
    at.ask("replay as it was", "POST", f"/v1/dead-letters/{one}/replay?as_it_was=true")
    at.ask("replay", "POST", f"/v1/dead-letters/{one}/replay")
    at.ask("replay again", "POST", f"/v1/dead-letters/{one}/replay")
    world.note("letter", "dead-letter", "show", sent)
    world.note("replayed as it was without a body", "dead-letter", "replay", two, "--as-it-was")
    world.note("replayed", "dead-letter", "replay", two)
    world.note("dropped", "dead-letter", "drop", three, "--reason", "nobody needs it")
    world.note("dropped again", "dead-letter", "drop", three, four, "--reason", "nobody needs it")
    world.note("replayed as it was", "dead-letter", "replay", sent, "--as-it-was")
    at.settle()
    world.emulators.fault("drata", status={"code": 401, "times": 1})
    at.ask("blocked", "POST", "/v1/evidence/cloud_resource?to=drata", named(1))
    wait(lambda: at.parked() is not None)
    lane = at.parked()
    assert lane is not None
    at.ask("lanes", "GET", "/v1/lanes")
    wait(lambda: fetch("GET", f"{at.origin}/readyz")[0] == 503)
    at.ask("not ready", "GET", "/readyz")
    world.note("status of a parked lane", "status", lane, "--json")
    at.ask("resume", "POST", f"/v1/lanes/{lane.replace('/', '%2F')}/resume", view=sorted)
    world.note("resumed", "resume", lane)
    at.settle()


def _snapshots(at: Relay) -> None:
    world, snapshots = at.world, "/v1/snapshots"
    given = {"kind": "personnel_account", "to": ["drata"]}
    one = f"{snapshots}/{at.ask('open', 'POST', snapshots, given)['id']}"
    at.ask("part", "PUT", f"{one}/parts/a", [personnel_account(n) for n in range(3)])
    at.ask("part with mistakes", "PUT", f"{one}/parts/b", [{"id": 7}])
    at.ask("part without a name", "PUT", f"{one}/parts/%20", [personnel_account(1)])
    at.ask("another part", "PUT", f"{one}/parts/b", [personnel_account(3)])
    world.emulators.fault("drata", status={"code": 403, "times": 9})
    at.ask("not delivered", "POST", f"{one}/commit")
    world.emulators.fault("drata")
    at.ask("delivered", "POST", f"{one}/commit", {})
    at.ask("delivered before", "POST", f"{one}/commit")
    at.ask("closed", "PUT", f"{one}/parts/c", [personnel_account(4)])
    two = f"{snapshots}/{at.ask('open again', 'POST', snapshots, given)['id']}"
    at.ask("fewer", "PUT", f"{two}/parts/a", [personnel_account(1)])
    at.ask("refused by the guard", "POST", f"{two}/commit")
    at.ask("snapshot", "GET", two)
    at.ask("overridden", "POST", f"{two}/commit", {"override_guard": "two teams moved"})
    three = f"{snapshots}/{at.ask('open to both', 'POST', snapshots, {**given, 'to': ['drata', 'secureframe']})['id']}"
    at.ask("aborted", "POST", f"{three}/abort")
    at.ask("snapshots", "GET", snapshots)


def _mistakes(at: Relay) -> None:
    post = "/v1/evidence/cloud_resource?to=drata"
    at.ask("not found", "GET", "/v1/deliveries/999")
    at.ask("no path", "GET", "/v2")
    at.ask("no method", "DELETE", "/v1/deliveries")
    at.ask("wrong parameter", "GET", "/v1/deliveries?limit=x")
    at.ask("no destination", "POST", "/v1/evidence/cloud_resource", named(1))
    at.ask("unknown destination", "POST", "/v1/evidence/cloud_resource?to=dratta", named(1))
    at.ask("unknown kind", "POST", "/v1/evidence/account?to=drata", named(1))
    at.ask("unknown source", "POST", f"{post}&source=aws.ec2.nothing", named(1))
    at.ask("not deliverable", "POST", f"{post}&mode=patch", named(1))
    at.ask("no JSON", "POST", post, b"{")
    at.ask("wrong records", "POST", post, [{"id": 7}, named(1, name=7, nothing=1)])
    at.ask("no records", "POST", post, [])
    at.ask("too many records", "POST", post, [{"id": f"{n}", "type": "t"} for n in range(51)])
    at.ask("too large", "POST", post, named(1, name="x" * 9000))
    at.ask("another type", "POST", post, b"<a/>", Content_Type="text/xml")
    at.ask("another encoding", "POST", post, b"[]", Content_Encoding="gzip")
    at.ask("expectation", "POST", post, named(1), Expect="the impossible")
    at.ask("wrong body", "POST", "/v1/snapshots", {"kind": "cloud_resource"})
    at.ask("large header", "GET", "/healthz", None, X_Large="x" * 9000)
    at.ask("not dead", "POST", "/v1/dead-letters/1/replay")
    at.ask("no lane", "POST", "/v1/lanes/nowhere/resume")


METRIC = re.compile(r"# TYPE proofport_\w+(?<!_created) ")


def _operating(at: Relay) -> None:
    at.ask("health", "GET", "/healthz")
    wait(lambda: fetch("GET", f"{at.origin}/readyz")[0] == 200)
    at.ask("ready", "GET", "/readyz")
    at.ask("ready but for some", "GET", "/readyz?exclude=lanes&exclude=age")
    lines = at.get("/metrics").decode().splitlines()
    types = dict(line.split()[2:4] for line in lines if METRIC.match(line))
    labels: dict[str, set[str]] = {name: set() for name in types}
    for line in lines:
        name, _, rest = line.partition("{")
        base = name if name in labels else re.sub(r"_(bucket|sum|count|created)$", "", name)
        labels.get(base, set()).update(re.findall(r'(\w+)="', rest))
    at.world.golden["metrics"] = {name: [kind, *sorted(labels[name])] for name, kind in types.items()}


def _keys(at: Relay) -> None:
    world = at.world
    world.note("keys before there are any", "key", "list", "--json")
    scope = ("--to", "drata", "--kind", "device", "--write-only", "--expires", "90d")
    all_of = world.note("a key", "key", "create", "everything", "--json")["key"]
    some = world.note("a key for some", "key", "create", "hook", *scope, "--json")["key"]
    wait(lambda: "items" not in at.get("/v1/lanes"))
    at.ask("no key", "GET", "/v1/lanes")
    at.headers = {"Authorization": "Bearer pp_0000000000_" + "0" * 43}
    at.ask("a wrong key", "GET", "/v1/lanes")
    at.headers = {"Authorization": f"Bearer {some}"}
    at.ask("forbidden", "GET", "/v1/lanes")
    at.ask("allowed", "POST", "/v1/evidence/device?to=drata", device(1))
    at.ask("another destination", "POST", "/v1/evidence/device?to=secureframe", device(1))
    at.headers = {"Authorization": f"Bearer {all_of}"}
    at.settle()
    at.ask("with a key", "GET", "/v1/deliveries?limit=1")
    world.note("keys", "key", "list", "--json")
    world.note("revoked", "key", "revoke", some)
    world.note("keys of one tenant", "key", "list", "--tenant", "default", "--json")


def described(document: dict[str, Any]) -> dict[str, Any]:
    """Of an OpenAPI document the paths, operations, parameters, status codes and names of properties."""

    def schema(node: Any, *seen: str) -> Any:
        if "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            return name if name in seen else schema(document["components"]["schemas"][name], *seen, name)
        for word in ("oneOf", "anyOf", "allOf"):
            if word in node:
                found = [schema(each, *seen) for each in node[word]]
                return " or ".join(found) if all(isinstance(each, str) for each in found) else {word: found}
        if "properties" in node:
            named = {
                name if name in node.get("required", ()) else f"{name}?": each
                for name, each in node["properties"].items()
            }
            return {name: schema(each, *seen) for name, each in named.items()}
        if "items" in node:
            return [schema(node["items"], *seen)]
        return " | ".join(node["enum"]) if "enum" in node else node.get("const") or node.get("type", "anything")

    problem = schema(document["components"]["schemas"]["Problem"])

    def content(node: dict[str, Any]) -> dict[str, Any]:
        found = {name: schema(each.get("schema", {})) for name, each in node.get("content", {}).items()}
        return {name: "problem" if each == problem else each for name, each in found.items()}

    def operation(node: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": node["operationId"],
            "parameters": {
                f"{each['in']} {each['name']}{'' if each.get('required') else '?'}": schema(each["schema"])
                for each in node.get("parameters", [])
            },
            "body": content(node["requestBody"]) if "requestBody" in node else None,
            "body_required": node.get("requestBody", {}).get("required", False),
            "responses": {
                status: {"headers": sorted(each.get("headers", {})), **content(each)}
                for status, each in node["responses"].items()
            },
        }

    return {
        "security": sorted(document["components"]["securitySchemes"]),
        "problem": problem,
        "operations": {
            f"{method.upper()} {path}": operation(node)
            for path, methods in document["paths"].items()
            for method, node in methods.items()
        },
    }
