"""The tour of `proofport demo`: sample evidence on its way to imitated vendors, told in plain words."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias

from rich.console import Console

from proofport import registry
from proofport.cli import narration as tell
from proofport.cli.connect import connect
from proofport.cli.demo_relay import a_post
from proofport.cli.report import counts, print_problems, print_remarks
from proofport.cli.side_by_side import print_bodies
from proofport.config import Config, Guard
from proofport.delivery.report import RunReport
from proofport.errors import UnsupportedFeature
from proofport.gateway import Input
from proofport.testing import Running, running

Samples: TypeAlias = Sequence[tuple[str, str | None]]
"""Files of `demo_data`, each with its source mapping; without one it holds evidence already."""

MACHINES: Samples = [("aws-instances.json", "aws.ec2.instances"), ("other-resources.ndjson", None)]
TRAINING: Samples = [("training.csv", "csv.training")]
ACCOUNTS: Samples = [("accounts.ndjson", None)]
ACCOUNTS_LATER: Samples = [("accounts-next.ndjson", None)]
SAMPLES = {"cloud_resource": MACHINES, "training_record": TRAINING, "personnel_account": ACCOUNTS}
LEAVER = "acct-06"
TOLERATED = 5


class Sample(io.BytesIO):
    """A sample file in memory; reports call it by `name`."""

    def __init__(self, name: str) -> None:
        super().__init__((files("proofport.cli") / "demo_data" / name).read_bytes())
        self.name = name


async def tour(out: Console) -> None:
    """Start the vendors' emulators, tell the story on `out`, and leave nothing behind."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="proofport-demo-"))
        vendors = {
            name: await stack.enter_async_context(running(registry.load_emulator(name)()))
            for name in registry.names(registry.EMULATORS)
        }
        tell.opening(out, {name: vendor.origin for name, vendor in vendors.items()})
        destinations = {name: vendor.destination() for name, vendor in vendors.items()}
        config = Config(instance="demo", journal=Path(folder) / "journal.sqlite3", destinations=destinations)
        story = Story(out, await with_objects(out, config), vendors)
        await story.one_record()
        await story.a_first_push()
        await story.everything()
        await story.what_they_hold()
        await story.a_leaver()
        await a_post(out, story.config, vendors)
        tell.closing(out)


async def with_objects(out: Console, config: Config) -> Config:
    """Make the vendor objects that evidence is delivered to, where the vendor has an API for that."""
    tell.step(out, "A place for each kind of evidence", "proofport provision DEST")
    destinations = {name: {**block, "objects": {**block["objects"]}} for name, block in config.destinations.items()}
    async with connect(config) as gateway:
        for name, block in destinations.items():
            try:
                for kind in SAMPLES:
                    made = await gateway.provision(name, kind=kind)
                    block["objects"][kind] = dict(made[kind].settings)
            except UnsupportedFeature:
                tell.line(out, f"{name}: no API for it. A person does it once in the browser; here that has happened.")
            else:
                tell.line(out, f"{name}: made through its API, for {', '.join(SAMPLES)}.")
    return config.model_copy(update={"destinations": destinations})


class Story:
    """What becomes of the samples."""

    def __init__(self, out: Console, config: Config, vendors: Mapping[str, Running]) -> None:
        self.out = out
        self.config = config
        self.vendors = vendors

    async def one_record(self) -> None:
        """The same record in every vendor's own form."""
        [(name, source), *_] = MACHINES
        tell.step(self.out, "One record, in every vendor's own form", f"proofport preview {source}={name}")
        tell.before_one_record(self.out, json.loads(Sample(name).read())["Reservations"][0]["Instances"][0])
        async with connect(self.config) as gateway:
            [preview] = await gateway.preview(Input(Sample(name), source=source))
        print_bodies(self.out, preview.bodies)

    async def a_first_push(self) -> None:
        """A set with mistakes in it, under the rule that nothing may be wrong."""
        tell.step(
            self.out,
            "Deliver the accounts: a whole set, with mistakes in it",
            self._command("personnel_account", ACCOUNTS),
        )
        report = await self._push("personnel_account", ACCOUNTS)
        self._show(report)
        tell.after_a_first_push(self.out)

    async def everything(self) -> None:
        """All three kinds, under the rule that a few mistakes may stay out."""
        self.config = self.config.model_copy(update={"guard": Guard(max_rejected=TOLERATED)})
        commands = [self._command(kind, samples) for kind, samples in SAMPLES.items()]
        tell.step(self.out, "Deliver all three kinds, and let a few bad records stay out", *commands)
        tell.before_everything(self.out, TOLERATED)
        reports = [await self._push(kind, samples) for kind, samples in SAMPLES.items()]
        self.out.print(tell.overview(reports))
        tell.reasons(self.out, [report for report in reports if report.kind != "personnel_account"])

    async def what_they_hold(self) -> None:
        tell.step(self.out, "What each vendor holds now")
        for name, vendor in self.vendors.items():
            tell.holdings(self.out, name, await vendor.holdings())

    async def a_leaver(self) -> None:
        """A week later: the mistakes are corrected, and one person is gone."""
        tell.step(self.out, "A week later, finn has left", self._command("personnel_account", ACCOUNTS_LATER))
        report = await self._push("personnel_account", ACCOUNTS_LATER)
        self._show(report)
        self.out.print()
        for name, vendor in self.vendors.items():
            holds = any(record["id"] == LEAVER for each in await vendor.holdings() for record in each["records"])
            tell.line(
                self.out, f"{name} {'still holds' if holds else 'no longer holds'} {LEAVER}, finn's account.", "bold"
            )
        tell.after_a_leaver(self.out)

    async def _push(self, kind: str, samples: Samples) -> RunReport:
        inputs = [Input(Sample(name), source=source) for name, source in samples]
        async with connect(self.config) as gateway:
            return await gateway.push(inputs, to=list(self.vendors), kind=kind, mode="snapshot")

    def _show(self, report: RunReport) -> None:
        destinations = list(report.destinations.values())
        self.out.print(counts(destinations))
        for destination in destinations:
            print_remarks(self.out, destination)
        print_problems(self.out, destinations, None)

    def _command(self, kind: str, samples: Samples) -> str:
        """What a person would type."""
        names = " ".join(f"{source}={name}" if source else name for name, source in samples)
        to = " ".join(f"--to {name}" for name in self.vendors)
        return f"proofport push {names} \\\n      --kind {kind} --mode snapshot {to}"
