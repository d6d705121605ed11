"""Every command, program and configuration that the pages print is run as printed, in an empty folder, or listed below.

Each page has one set of emulators. Where a page names its destinations `drata-prod`, they are those at the emulators.
"""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.printed import PAGES, Block, Printed, Shell, blocks, for_production, shell, shown
from tests.support.programs import fetch

from proofport.config import Config
from proofport.config.notices import Webhook
from proofport.journal.contract import Notice
from proofport.notices.formats import body_of, headers_of

ELSEWHERE = {
    "README.md:export PATH": "tests/end_to_end/test_readme.py",
    "README.md:import asyncio": "tests/end_to_end/test_readme.py",
    "README.md:mkdir -p mine/sources": "tests/end_to_end/test_readme.py",
    "adapters/README.md:": "tests/toy/test_printed_adapter.py",
    "docs/recipes.md:": "tests/end_to_end/test_recipes.py",
    "docs/tutorial.md:$ ": "tests/end_to_end/test_tutorial.py",
    "docs/vanta.md:$ ": "tests/end_to_end/test_tutorial.py",
    'docs/vanta.md:{"properties"': "tests/generated/vanta.py, tests/mappings",
    'docs/vanta.md:{\n  "id": "mdm-1"': "tests/generated/vanta.py: the evidence of a test of the mapping",
    'docs/vanta.md:{\n  "resourceId"': "tests/generated/vanta.py: what the mapping makes of it",
}
"""The beginnings of blocks that another test runs, with that test."""

NOT_RUN = {
    "README.md:make demo": "installs from the network, and runs all tests; the tour: tests/end_to_end/test_cli_demo.py",
    "docs/tutorial.md:make demo": "installs from the network; what it leaves is what the tests run in",
    "docs/tutorial.md:proofport init --config": "asks for settings of real vendors: tests/unit/cli/test_init.py",
    "docs/dependencies.md:$ pip install": "installs from the network; the release builds the wheel",
    "docs/performance.md:$ make bench": "takes more than an hour",
    "docs/growing.md:CREATE ROLE": "needs a PostgreSQL server: tests/unit/cli/test_postgres_commands.py",
    "docs/scheduled-runs.md:concurrency:": "is a workflow of a CI service",
}
"""The beginnings of blocks that no test runs as printed, with the reason."""

PORT = "8080"
"""The relay of the printed commands listens there. Tests use a port that is free."""

Run = Callable[[Printed, Shell], None]
RUNS: dict[str, Run] = {}
"""What runs the blocks of a page."""


def runs(page: str) -> Callable[[Run], Run]:
    def note(run: Run) -> Run:
        RUNS[page] = run
        return run

    return note


def listed(block: Block) -> bool:
    """True for a block that is not run here."""
    return any(f"{block.page}:{block.text}".startswith(mark) for mark in (*ELSEWHERE, *NOT_RUN))


@pytest.mark.parametrize("name", PAGES)
def test_every_block_of_a_page(name: str, tmp_path: Path) -> None:
    page = Printed(name)
    if name in RUNS:
        with shell(tmp_path / "empty") as opened:
            RUNS[name](page, opened)
    assert [each.place for each in page.blocks if each not in page.taken and not listed(each)] == []


def test_the_lists_name_blocks_that_there_are() -> None:
    texts = [f"{block.page}:{block.text}" for page in PAGES for block in blocks(page)]
    assert [mark for mark in (*ELSEWHERE, *NOT_RUN) if not any(text.startswith(mark) for text in texts)] == []


# ---------------------------------------------------------------------- what a page takes for granted
def evidence(opened: Shell, name: str, *records: Any) -> None:
    (opened.folder / name).write_text("".join(json.dumps(record) + "\n" for record in records))


def table(opened: Shell, name: str, *rows: str) -> None:
    (opened.folder / name).write_text("\n".join(rows) + "\n")


def configured(opened: Shell, text: str, vendor: str | None = None, **destination: Any) -> Config:
    """Load a printed configuration. A part of one is put where it belongs: `objects:` into a destination."""
    given = yaml.safe_load(text)
    if "objects" in given:
        given = {"destinations": {"there": {"adapter": vendor, **destination, **given}}}
    file = opened.folder / "printed.yaml"
    file.write_text(yaml.safe_dump({"instance": "printed", "destinations": {}, **given}))
    config = Config.load(file)
    for name in config.destinations:
        config.adapter(name, offline=True)
    return config


def relay(opened: Shell, command: str) -> tuple[str, str]:
    """Start the relay with the printed command, but at a free port. The port, and what it said."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with (opened.folder / "proofport.yaml").open("a") as file:
        file.write(f"\nrelay: {{port: {port}}}\n")
    return port, opened.start(command, f"listening on http://127.0.0.1:{port}")


# ---------------------------------------------------------------------- the pages
@runs("docs/audit.md")
def audit(page: Printed, opened: Shell) -> None:
    opened.type("proofport receipt key create receipts.key")
    config = configured(opened, page.text("receipts:"))
    assert config.receipts is not None
    opened.start("proofport emulate --write-config proofport.yaml", "ready")
    with (opened.folder / "proofport.yaml").open("a") as file:
        file.write(f"\n{yaml.safe_dump({'receipts': {'key': 'file:receipts.key', 'ids': config.receipts.ids}})}")
    evidence(opened, "people.ndjson", {"id": "a-1", "email": "ana@example.com"})
    opened.type("proofport push people.ndjson --kind personnel_account --to drata")
    assert "to drata" in opened.type("proofport receipt list").words


@runs("docs/cli.md")
def command_line(page: Printed, opened: Shell) -> None:
    for_production(opened)
    reservations = [{"OwnerId": "1", "Instances": [{"InstanceId": "i-1"}]}]
    evidence(opened, "i.json", {"Reservations": reservations})
    evidence(opened, "b.json", {"Buckets": [{"Name": "logs"}]})
    [(push, _)] = page.commands("$ proofport push")
    assert "drata-prod confirmed 2. secureframe-prod queued 2" in opened.type(push).words
    told = json.loads(opened.type(f"{push} --json 2> /dev/null").out)
    printed = json.loads(page.text('{"run_id"'))
    assert printed.keys() == told.keys()
    [(source, unmatched)] = printed["unmatched"].items()
    assert unmatched.keys() == told["unmatched"][source].keys()
    assert printed["sources"][0].keys() == told["sources"][0].keys()
    assert printed["destinations"]["drata-prod"].keys() - told["destinations"]["drata-prod"].keys() == set()


@runs("docs/configuration.md")
def configuration(page: Printed, opened: Shell) -> None:
    (opened.folder / "secrets").mkdir()
    for name in ("secrets/secureframe", "drata", "acme"):
        (opened.folder / name).write_text("s3cret")
    whole = page.text("instance: prod")
    (opened.folder / "proofport.yaml").write_text(whole)
    assert set(Config.load(opened.folder / "proofport.yaml").destinations) == {"drata-prod", "secureframe-prod"}
    assert list(configured(opened, page.text("tenants:")).served()) == ["acme"]
    assert configured(opened, page.text("relay:")).relay.port == 8080
    (opened.folder / "mappings").mkdir()
    wrong = whole.partition("  secureframe-prod:")[0].replace("workspace_ids: [1]", "workspace_id: 1")
    (opened.folder / "proofport.yaml").write_text(wrong)
    [(doctor, expected)] = page.commands("$ proofport doctor")
    shown(expected, opened.type(f"export DRATA_API_KEY=x; {doctor}", code=1).out)


@runs("docs/drata.md")
def drata(page: Printed, opened: Shell) -> None:
    origin = for_production(opened)["drata-prod"]
    state = fetch("GET", f"{origin}/_emulator/state").body
    state["connections"][0]["id"], state["connections"][0]["resources"][0]["id"] = 42, 7
    fetch("POST", f"{origin}/_emulator/seed", state)
    stage = "upsert_session_records connection_id=42 resource_id=7 session_id=nightly"
    opened.type(f'proofport call drata-prod {stage} data=\'[{{"id": "i-1"}}]\'')
    person = {"id": "1", "email": "ana@example.com", "firstName": "Ana", "lastName": "Berg", "contractor": False}
    (opened.folder / "people.json").write_text(
        json.dumps([{**person, "isMfaEnabled": True, "date": "2024-10-18T01:28:40"}])
    )
    listing, cancel, create = [command for command, _ in page.commands("$ proofport call")]
    assert "nightly" in opened.type(listing).out
    assert "--yes" in opened.type(cancel, code=2).out, "it asks, and nobody is there to answer"
    assert "CANCEL" in opened.type(f"{cancel} --yes").out
    opened.type(create)


@runs("docs/drafting.md")
def drafting(page: Printed, opened: Shell) -> None:
    (opened.folder / "mappings").mkdir()
    accounts = [{"id": f"a-{n}", "email": f"u{n}@example.com", "status": "active"} for n in range(3)]
    (opened.folder / "accounts.json").write_text(json.dumps({"accounts": accounts}))
    opened.type(page.text("proofport mapping new"))
    assert "passed" in opened.type("proofport mapping test mappings/acme.accounts.yaml").out


@runs("docs/emulators.md")
def emulators(page: Printed, opened: Shell) -> None:
    opened.start(page.text("proofport emulate").strip(), "ready")
    config = yaml.safe_load((opened.folder / "proofport.yaml").read_text())
    drata, secureframe = (config["destinations"][name]["base_url"] for name in ("drata", "secureframe"))
    opened.type(f"export DRATA={drata} SECUREFRAME={secureframe}")
    opened.type(page.text('curl "$DRATA/_emulator/state"'))
    assert json.loads((opened.folder / "state.json").read_text()) == fetch("GET", f"{drata}/_emulator/state").body
    for origin, switch in ((drata, "required_default"), (secureframe, "completed_at_required")):
        opened.type(page.text("curl -X POST"))
        assert fetch("GET", f"{origin}/_emulator/switches").body[switch] is False
    record, replay = page.text("proofport emulate").splitlines()
    opened.start(record, "ready")
    evidence(opened, "people.ndjson", {"id": "a-1", "email": "ana@example.com"})
    push = "proofport push people.ndjson --kind personnel_account --to drata"
    opened.type(push)
    opened.start(replay, "ready")
    assert "drata confirmed 1." in opened.type(push).words


@runs("docs/growing.md")
def growing(page: Printed, opened: Shell) -> None:
    (opened.folder / "url").write_text("postgresql://proofport_app@db.internal/proofport")
    printed = page.text("journal:")
    assert str(configured(opened, printed.replace("env:PROOFPORT_JOURNAL", "file:url")).journal) != "url"


@runs("docs/leavers.md")
def leavers(page: Printed, opened: Shell) -> None:
    for_production(opened, person={"schema_slug": "person", "defined": True})
    table(
        opened, "people.csv", "id,email,separated_at", "p-1,ana@example.com,2026-01-31T00:00:00Z", "p-2,bo@example.com,"
    )
    opened.type("proofport push people.csv --kind person --to drata-prod")
    table(opened, "leavers.csv", "id", "p-2")
    for command, _ in page.commands("$ proofport push"):
        opened.type(command)


@runs("docs/library.md")
def library(page: Printed, opened: Shell) -> None:
    opened.start(page.text("proofport emulate").strip(), "ready")
    for printed in ("3 of 3 delivered", "done [('t-1', 'delivered')]"):
        (opened.folder / "example.py").write_text(page.text("import asyncio"))
        assert opened.type("python example.py").words == printed


@runs("docs/notices.md")
def notices(page: Printed, opened: Shell) -> None:
    file = opened.folder / "proofport.yaml"
    file.write_text(f"instance: printed\ndestinations: {{}}\n{page.text('notices:')}")
    first, second = Config.load(file).notices
    assert (first.format, second.format, second.on) == ("json", "slack", ["lane_parked", "guard_refused"])
    printed = json.loads(page.text('{\n  "id": 12'))
    since = datetime.fromisoformat(printed["since"]).timestamp()
    notice = Notice(printed["id"], 0, printed["event"], json.dumps(printed["about"]), since, None, 0)
    webhook = Webhook.model_validate({"url": "https://alerts.example.com", "secret": "s3cret"})
    body = body_of(notice, printed["instance"], webhook)
    assert json.loads(body) == printed
    program: dict[str, Any] = {}
    exec(page.text("import hashlib"), program)
    now = time.time()
    headers = headers_of(body, notice, webhook, now)
    genuine = [
        program["is_genuine"](headers, body, b"s3cret"),
        program["is_genuine"](headers, body + b" ", b"s3cret"),
        program["is_genuine"](headers, body, b"another"),
        program["is_genuine"](headers_of(body, notice, webhook, now - 600), body, b"s3cret"),
    ]
    assert genuine == [True, False, False, False]


@runs("docs/relay.md")
def the_relay(page: Printed, opened: Shell) -> None:
    emulate, listen = page.text("proofport emulate").splitlines()
    opened.type(emulate)
    opened.await_line("ready")
    port, _ = relay(opened, listen)
    post = opened.type(page.text("curl -i").replace(PORT, port)).out
    assert "202 Accepted" in post
    assert '"kind":"cloud_resource"' in post
    evidence(opened, "page-1.json", {"id": "a-1", "email": "ana@example.com"})
    evidence(opened, "page-2.json", {"id": "a-2", "email": "bo@example.com"})
    make, *rest = re.split(r"(?m)^(?=curl)", page.text("curl http").replace(PORT, port))[1:]
    number = json.loads(opened.type(make).out.strip().splitlines()[-1])["id"]
    committed = [opened.type(each.replace("/ID/", f"/{number}/")).out for each in rest][-1]
    assert '"delivered":2' in committed
    keys(page, opened, port)


def keys(page: Printed, opened: Shell, port: str) -> None:
    """The destination of the page about keys is another one: the relay reads its configuration at its start."""
    [(create, told), (post, _), (show, shape), (revoke, _)] = page.commands("$ export KEY")
    create, post = (each.replace("drata-prod", "drata") for each in (create, post))
    assert "It is shown only once. It writes device at drata, and expires 20" in opened.type(create).words
    assert told[0].startswith("It is shown only once. It writes device at drata-prod, and expires ")
    assert '"destination":"drata"' in opened.type(post.replace(PORT, port)).out
    found = opened.type(show).out
    prefix = found.split()[0]
    assert (shape[0].split()[1:], prefix[:3]) == (found.splitlines()[0].split()[1:], "pp_")
    opened.type(revoke.replace("pp_25czt5dvu0", prefix))
    [(public, error)] = page.commands("$ proofport relay")
    assert error[0].removeprefix("Error: ") in opened.type(public, code=2).words


@runs("docs/retention.md")
def retention(page: Printed, opened: Shell) -> None:
    kept = configured(opened, page.text("retention:")).retention
    assert kept is not None
    assert (kept.older_than, kept.every) == (90 * 86_400, 86_400)
    for_production(opened)
    evidence(opened, "people.ndjson", {"id": "a-1", "email": "ana@example.com"})
    opened.type("proofport push people.ndjson --kind personnel_account --to drata-prod")
    for command, _ in page.commands("$ proofport journal prune"):
        opened.type(command)


@runs("docs/scheduled-runs.md")
def scheduled(page: Printed, opened: Shell) -> None:
    watched = configured(opened, page.text("max_input_age"))
    assert (watched.max_input_age, watched.heartbeat is not None) == (26 * 3600, True)
    for_production(opened)
    table(opened, "eu.csv", "id,email", "e-1,ana@example.com", "e-2,bo@example.com")
    table(opened, "us.csv", "id,email", "u-1,chi@example.com")
    both, without = [command for command, _ in page.commands("$ proofport push")]
    assert "drata-prod confirmed 3." in opened.type(both).words
    told = opened.type(without, code=None)
    assert (told.code, "us" in told.out) == (4, True), told.out
    when, line = page.text("15 3").split("  ", 1)
    assert len(when.split()) == 5
    evidence(opened, "instances.json", {"Reservations": [{"OwnerId": "1", "Instances": [{"InstanceId": "i-1"}]}]})
    opened.type(line.replace("/srv/evidence", str(opened.folder)))
    assert json.loads((opened.folder / "last.json").read_text())["exit_code"] == 0


@runs("docs/secureframe.md")
def secureframe(page: Printed, opened: Shell) -> None:
    about = {"region": "us", "api_key": "env:K", "api_secret": "env:S", "vendor_slug": "acme"}
    about["connection_id"] = "5f0c0c0e-0000-4000-8000-000000000001"
    while any(each.language == "yaml" and each not in page.taken for each in page.blocks):
        assert configured(opened, page.text("objects:"), "secureframe", **about).destinations
    for_production(opened)
    (opened.folder / "form.json").write_text('[{"id": "form", "device_name": "a laptop"}]')
    [(publish, _)] = page.commands("$ proofport call secureframe-prod publish")
    assert "--yes" in opened.type(publish, code=2).out, "it asks, and nobody is there to answer"
    opened.type(f"{publish} --yes")
    for command, _ in page.commands("$ proofport call"):
        opened.type(command)


@runs("docs/tutorial.md")
def tutorial(page: Printed, opened: Shell) -> None:
    """The other commands are typed in tests/end_to_end/test_tutorial.py, on what this command leaves."""
    opened.start(page.text("proofport emulate").strip(), "ready")
    [(doctor, expected)] = page.commands("$ proofport doctor")
    shown(expected, opened.type(doctor).out)


@runs("docs/vanta.md")
def vanta(page: Printed, opened: Shell) -> None:
    (opened.folder / "cloud_resource.jtd.json").write_text(page.text('{"properties"'))
    about = {"client_id": "vci_1", "client_secret": "env:V"}
    while any(each.text.startswith("objects:") and each not in page.taken for each in page.blocks):
        assert configured(opened, page.text("objects:"), "vanta", **about).destinations
    assert configured(opened, page.text("destinations:")).destinations


@runs("mappings/README.md")
def mapping_files(page: Printed, opened: Shell) -> None:
    (opened.folder / "tables").mkdir()
    (opened.folder / "tables" / "types.yaml").write_text("aws.ec2.instance: ec2_instance\n")
    (opened.folder / "printed.yaml").write_text(page.text("mapping:"))
    assert "passed" in opened.type("proofport mapping test printed.yaml").out
