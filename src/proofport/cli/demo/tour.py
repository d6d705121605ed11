"""The tour of `proofport demo`: sample evidence, delivered to emulated vendors and explained on the way."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias

from proofport import registry
from proofport.cli.connect import connect
from proofport.cli.demo.narration import Narrator
from proofport.cli.demo.relay import post_and_kill
from proofport.cli.output import show
from proofport.cli.push.preview import console, print_bodies
from proofport.cli.push.report import print_problems, print_report
from proofport.config import Config, Guard
from proofport.delivery.report.report import RunReport
from proofport.gateway import Input
from proofport.testing import running

Samples: TypeAlias = Sequence[tuple[str, str | None]]
"""Files of `data`, each with its source mapping; without one the file holds evidence."""

MACHINES: Samples = [("aws-instances.json", "aws.ec2.instances"), ("other-resources.ndjson", None)]
TRAINING: Samples = [("training.csv", "csv.training")]
ACCOUNTS: Samples = [("accounts.ndjson", None)]
ACCOUNTS_LATER: Samples = [("accounts-next.ndjson", None)]
SAMPLES = {"cloud_resource": MACHINES, "training_record": TRAINING, "personnel_account": ACCOUNTS}
LEAVER = "acct-06"
TOLERATED = 5
AT_ONCE = {"requests_per_minute": 0}
"""The emulators need no budget of requests, and the tour does not wait for one."""


class Sample(io.BytesIO):
    """A sample file in memory; reports call it by `name`."""

    def __init__(self, name: str) -> None:
        super().__init__((files("proofport.cli.demo") / "data" / name).read_bytes())
        self.name = name


async def tour() -> None:
    """Start the emulators, give the tour on stdout, and remove everything."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="proofport-demo-"))
        vendors = {
            name: await stack.enter_async_context(running(registry.load_emulator(name)()))
            for name in registry.names(registry.EMULATORS)
        }
        narrator = Narrator(vendors)
        show(
            "proofport reads the output of your tools, delivers it to every compliance product in that product's own "
            "form, and accounts for every record. On this tour the products are emulated on this machine:"
        )
        for name, vendor in vendors.items():
            show(f"{name}  {vendor.origin}", "  ", bold=True)
        destinations = {name: {**each.destination(), **AT_ONCE} for name, each in vendors.items()}
        config = Config(instance="demo", journal=Path(folder) / "journal.sqlite3", destinations=destinations)
        config = await _provisioned(narrator, config)
        await _one_record(narrator, config)
        await _set_with_mistakes(narrator, config)
        config = config.model_copy(update={"guard": Guard(max_rejected=TOLERATED)})
        await _all_kinds(narrator, config)
        await _leaver(narrator, config)
        await post_and_kill(narrator, config)
        narrator.step("That was all")
        show("Nothing was kept. Your own evidence: `proofport init`, `proofport doctor`, `proofport push`.")


async def _provisioned(narrator: Narrator, config: Config) -> Config:
    """Make the vendor objects that evidence is delivered to, where the vendor has an API for that."""
    narrator.step("A place for each kind of evidence", "proofport provision DEST")
    destinations = {name: {**block, "objects": {**block["objects"]}} for name, block in config.destinations.items()}
    async with connect(config) as gateway:
        for name, block in destinations.items():
            found = {kind: (await gateway.provision(name, kind=kind))[kind] for kind in SAMPLES}
            block["objects"] |= {kind: dict(each.settings) for kind, each in found.items() if each.settings}
            ways = {
                "made through its API": [kind for kind, each in found.items() if each.created],
                "there already, because the emulator begins with it": [
                    kind for kind, each in found.items() if each.settings and not each.created
                ],
                "no API for it. A person does it once in the browser; for this tour it is done": [
                    kind for kind, each in found.items() if not each.settings
                ],
            }
            for words, kinds in ways.items():
                if kinds:
                    show(f"{name}: {words}: {', '.join(kinds)}.")
    return config.model_copy(update={"destinations": destinations})


async def _one_record(narrator: Narrator, config: Config) -> None:
    """Show the same record in every vendor's own form."""
    [(name, source), *_] = MACHINES
    narrator.step("One record, in every vendor's own form", f"proofport preview {source}={name}")
    show("The cloud's own tool describes a machine like this:")
    show(json.dumps(json.loads(Sample(name).read())["Reservations"][0]["Instances"][0]), "  ", dim=True)
    show("Each vendor receives exactly this. What the tool did not say is not invented:")
    async with connect(config) as gateway:
        [preview] = await gateway.preview(Input(Sample(name), source=source))
    print_bodies(console(), preview.bodies)


async def _set_with_mistakes(narrator: Narrator, config: Config) -> None:
    """Push a set with mistakes, while none is allowed."""
    narrator.step("Deliver the accounts: a whole set, with mistakes in it", _command(narrator, ACCOUNTS))
    print_report(await _push(narrator, config, ACCOUNTS))
    show(
        "\nA vendor that replaces whole sets keeps its old set when the new one has mistakes. A vendor that takes "
        "records one by one has the good ones. Every bad record is named, with what would be right.",
        bold=True,
    )


async def _all_kinds(narrator: Narrator, config: Config) -> None:
    """Push all three kinds, while a few mistakes are allowed, and show what each vendor then has."""
    commands = [_command(narrator, samples, kind) for kind, samples in SAMPLES.items()]
    narrator.step("Deliver all three kinds, and allow a few bad records", *commands)
    show(f"A line in proofport.yaml allows them: guard: {{max_rejected: {TOLERATED}}}\n")
    reports = [await _push(narrator, config, samples, kind) for kind, samples in SAMPLES.items()]
    narrator.overview(reports)
    for report in reports:
        if report.kind != "personnel_account":
            print_problems(list(report.destinations.values()))
    narrator.step("What each vendor has now")
    await narrator.holdings()


async def _leaver(narrator: Narrator, config: Config) -> None:
    """Push the accounts a week later: the mistakes are corrected, and one person is gone."""
    narrator.step("A week later, finn has left", _command(narrator, ACCOUNTS_LATER))
    print_report(await _push(narrator, config, ACCOUNTS_LATER))
    show(f"\nThe account of finn is {LEAVER}:")
    await narrator.who_has(LEAVER, "still holds", "no longer holds")
    show(
        "\nWhere a vendor replaces whole sets, a person who is not in the new set is gone, or stays for a time as "
        "deactivated, with the date. Where it has no call to remove a record, the report says so, and names it.",
        bold=True,
    )


async def _push(narrator: Narrator, config: Config, samples: Samples, kind: str = "personnel_account") -> RunReport:
    inputs = [Input(Sample(name), source=source) for name, source in samples]
    async with connect(config) as gateway:
        return await gateway.push(inputs, to=list(narrator.vendors), kind=kind, mode="snapshot")


def _command(narrator: Narrator, samples: Samples, kind: str = "personnel_account") -> str:
    """The command that a person would type."""
    names = " ".join(f"{source}={name}" if source else name for name, source in samples)
    to = " ".join(f"--to {name}" for name in narrator.vendors)
    return f"proofport push {names} \\\n      --kind {kind} --mode snapshot {to}"
