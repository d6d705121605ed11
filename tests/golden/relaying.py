"""Scenario: a relay in a process of its own, what it answers, and the commands that look after it."""

from __future__ import annotations

import json
import re
import signal
from typing import Any

from tests.golden.world import PATIENCE, World, account, device, fetch, first_line, program, resource, shipped, wait


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
        site = Relay(world, first_line(process).split()[-1])
        world.golden["openapi"] = described(site.get("/openapi.json"))
        page = site.get("/docs").decode()
        world.golden["problem types"] = sorted(set(re.findall(r"urn:proofport:problem:([a-z-]+)", page)))
        _evidence(site)
        _dead_letters(site)
        _snapshots(site)
        _mistakes(site)
        _operating(site)
        _keys(site)
        process.send_signal(signal.SIGTERM)
        world.golden["stopped"] = {"exit_code": process.wait(PATIENCE)}


def _evidence(site: Relay) -> None:
    post = "/v1/evidence/cloud_resource?to=drata"
    site.ask("accepted", "POST", post, [resource(1), resource(2)], Idempotency_Key="one")
    site.ask("repeated", "POST", post, [resource(1), resource(2)], Idempotency_Key="one")
    site.ask("another under that key", "POST", post, resource(3), Idempotency_Key="one")
    site.ask("several destinations", "POST", f"{post}&to=secureframe", resource(4))
    lines = b"\n".join(json.dumps(each).encode() for each in (resource(5), {"id": 7}))
    site.ask("lines", "POST", post, lines, Content_Type="application/x-ndjson")
    site.ask("the good ones", "POST", f"{post}&accept=valid", [resource(5), {"id": 7}])
    site.ask("removed", "POST", f"{post}&mode=remove", {"id": "i-5"})
    site.settle()
    site.ask("deliveries", "GET", "/v1/deliveries?limit=2")
    [first] = site.get("/v1/deliveries?submission=1")["items"]
    site.ask("delivery", "GET", f"/v1/deliveries/{first['id']}")
    site.ask("records", "GET", f"/v1/deliveries/{first['id']}/records")
    site.ask("preview", "POST", "/v1/preview?kind=cloud_resource", resource(1))
    mappings = site.get("/v1/mappings")["items"]
    site.world.golden["mappings"] = {"keys": sorted(mappings[0]), "names": shipped(each["name"] for each in mappings)}


def _dead_letters(site: Relay) -> None:
    """Over HTTP, and then from the command line."""
    world = site.world
    for number in range(5):
        site.ask(
            f"refused {number}", "POST", "/v1/evidence/cloud_resource?to=secureframe", resource(number, type="odd")
        )
    world.fault("drata", partial_item_failures=1, match={"path": "/103/"})
    site.ask("refused there", "POST", "/v1/evidence/personnel_account?to=drata", account(1))
    site.settle()
    world.fault("drata")
    site.ask("dead letters", "GET", "/v1/dead-letters?limit=2")
    letters = world.note("dead-letter list", "dead-letter", "list", "--json")
    one, two, three, four, _, sent = (str(letter["id"]) for letter in letters)
    site.ask("dead letter", "GET", f"/v1/dead-letters/{one}")
    site.ask("replay as it was", "POST", f"/v1/dead-letters/{one}/replay?as_it_was=true")
    site.ask("replay", "POST", f"/v1/dead-letters/{one}/replay")
    site.ask("replay again", "POST", f"/v1/dead-letters/{one}/replay")
    world.note("letter", "dead-letter", "show", sent)
    world.note("replayed as it was without a body", "dead-letter", "replay", two, "--as-it-was")
    world.note("replayed", "dead-letter", "replay", two)
    world.note("dropped", "dead-letter", "drop", three, "--reason", "nobody needs it")
    world.note("dropped again", "dead-letter", "drop", three, four, "--reason", "nobody needs it")
    world.note("replayed as it was", "dead-letter", "replay", sent, "--as-it-was")
    site.settle()
    world.fault("drata", status={"code": 401, "times": 1})
    site.ask("blocked", "POST", "/v1/evidence/cloud_resource?to=drata", resource(1))
    wait(lambda: site.parked() is not None)
    lane = site.parked()
    assert lane is not None
    site.ask("lanes", "GET", "/v1/lanes")
    wait(lambda: fetch("GET", f"{site.origin}/readyz")[0] == 503)
    site.ask("not ready", "GET", "/readyz")
    world.note("status of a parked lane", "status", lane, "--json")
    site.ask("resume", "POST", f"/v1/lanes/{lane.replace('/', '%2F')}/resume", view=sorted)
    world.note("resumed", "resume", lane)
    site.settle()


def _snapshots(site: Relay) -> None:
    world, snapshots = site.world, "/v1/snapshots"
    given = {"kind": "personnel_account", "to": ["drata"]}
    one = f"{snapshots}/{site.ask('open', 'POST', snapshots, given)['id']}"
    site.ask("part", "PUT", f"{one}/parts/a", [account(n) for n in range(3)])
    site.ask("part with mistakes", "PUT", f"{one}/parts/b", [{"id": 7}])
    site.ask("part without a name", "PUT", f"{one}/parts/%20", [account(1)])
    site.ask("another part", "PUT", f"{one}/parts/b", [account(3)])
    world.fault("drata", status={"code": 403, "times": 9})
    site.ask("not delivered", "POST", f"{one}/commit")
    world.fault("drata")
    site.ask("delivered", "POST", f"{one}/commit", {})
    site.ask("delivered before", "POST", f"{one}/commit")
    site.ask("closed", "PUT", f"{one}/parts/c", [account(4)])
    two = f"{snapshots}/{site.ask('open again', 'POST', snapshots, given)['id']}"
    site.ask("fewer", "PUT", f"{two}/parts/a", [account(1)])
    site.ask("refused by the guard", "POST", f"{two}/commit")
    site.ask("snapshot", "GET", two)
    site.ask("overridden", "POST", f"{two}/commit", {"override_guard": "two teams moved"})
    three = (
        f"{snapshots}/{site.ask('open to both', 'POST', snapshots, {**given, 'to': ['drata', 'secureframe']})['id']}"
    )
    site.ask("aborted", "POST", f"{three}/abort")
    site.ask("snapshots", "GET", snapshots)


def _mistakes(site: Relay) -> None:
    post = "/v1/evidence/cloud_resource?to=drata"
    site.ask("not found", "GET", "/v1/deliveries/999")
    site.ask("no path", "GET", "/v2")
    site.ask("no method", "DELETE", "/v1/deliveries")
    site.ask("wrong parameter", "GET", "/v1/deliveries?limit=x")
    site.ask("no destination", "POST", "/v1/evidence/cloud_resource", resource(1))
    site.ask("unknown destination", "POST", "/v1/evidence/cloud_resource?to=dratta", resource(1))
    site.ask("unknown kind", "POST", "/v1/evidence/account?to=drata", resource(1))
    site.ask("unknown source", "POST", f"{post}&source=aws.ec2.nothing", resource(1))
    site.ask("not deliverable", "POST", f"{post}&mode=patch", resource(1))
    site.ask("no JSON", "POST", post, b"{")
    site.ask("wrong records", "POST", post, [{"id": 7}, resource(1, name=7, nothing=1)])
    site.ask("no records", "POST", post, [])
    site.ask("too many records", "POST", post, [{"id": f"{n}", "type": "t"} for n in range(51)])
    site.ask("too large", "POST", post, resource(1, name="x" * 9000))
    site.ask("another type", "POST", post, b"<a/>", Content_Type="text/xml")
    site.ask("another encoding", "POST", post, b"[]", Content_Encoding="gzip")
    site.ask("expectation", "POST", post, resource(1), Expect="the impossible")
    site.ask("wrong body", "POST", "/v1/snapshots", {"kind": "cloud_resource"})
    site.ask("large header", "GET", "/healthz", None, X_Large="x" * 9000)
    site.ask("not dead", "POST", "/v1/dead-letters/1/replay")
    site.ask("no lane", "POST", "/v1/lanes/nowhere/resume")


METRIC = re.compile(r"# TYPE proofport_\w+(?<!_created) ")


def _operating(site: Relay) -> None:
    site.ask("health", "GET", "/healthz")
    wait(lambda: fetch("GET", f"{site.origin}/readyz")[0] == 200)
    site.ask("ready", "GET", "/readyz")
    site.ask("ready but for some", "GET", "/readyz?exclude=lanes&exclude=age")
    lines = site.get("/metrics").decode().splitlines()
    types = dict(line.split()[2:4] for line in lines if METRIC.match(line))
    labels: dict[str, set[str]] = {name: set() for name in types}
    for line in lines:
        name, _, rest = line.partition("{")
        base = name if name in labels else re.sub(r"_(bucket|sum|count|created)$", "", name)
        labels.get(base, set()).update(re.findall(r'(\w+)="', rest))
    site.world.golden["metrics"] = {name: [kind, *sorted(labels[name])] for name, kind in types.items()}


def _keys(site: Relay) -> None:
    world = site.world
    world.note("keys before there are any", "key", "list", "--json")
    scope = ("--to", "drata", "--kind", "device", "--write-only", "--expires", "90d")
    all_of = world.note("a key", "key", "create", "everything", "--json")["key"]
    some = world.note("a key for some", "key", "create", "hook", *scope, "--json")["key"]
    wait(lambda: "items" not in site.get("/v1/lanes"))
    site.ask("no key", "GET", "/v1/lanes")
    site.headers = {"Authorization": "Bearer pp_0000000000_" + "0" * 43}
    site.ask("a wrong key", "GET", "/v1/lanes")
    site.headers = {"Authorization": f"Bearer {some}"}
    site.ask("forbidden", "GET", "/v1/lanes")
    site.ask("allowed", "POST", "/v1/evidence/device?to=drata", device(1))
    site.ask("another destination", "POST", "/v1/evidence/device?to=secureframe", device(1))
    site.headers = {"Authorization": f"Bearer {all_of}"}
    site.settle()
    site.ask("with a key", "GET", "/v1/deliveries?limit=1")
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
