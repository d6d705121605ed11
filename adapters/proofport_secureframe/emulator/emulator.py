"""The Secureframe emulator: its keys, its seed, and its endpoints put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from aiohttp import web

from proofport.testing import Emulator, VendorError, json_response, object_shown
from proofport_secureframe.emulator.behaviours import BEHAVIOURS
from proofport_secureframe.emulator.mapping import MODELS
from proofport_secureframe.emulator.model import Company, Connection, Schema
from proofport_secureframe.emulator.processing import Processor, Workers
from proofport_secureframe.emulator.publish import Publish
from proofport_secureframe.emulator.read import Read
from proofport_secureframe.emulator.seeding import company_from, state_of

API_KEY = "secureframe-emulator-key"
API_SECRET = "secureframe-emulator-secret"  # noqa: S105 - it opens nothing but this emulator
OWNER = f"{API_KEY} {API_SECRET}"
READER = ("secureframe-reader-key", "secureframe-reader-secret")
CONNECTION_ID = "5f0c0c0e-0000-4000-8000-000000000001"
VENDOR_SLUG, VENDOR_NAME = "acme", "Acme"
SEEDED = {
    "cloud_resource": "cloud_resource",
    "training_record": "training_record",
    "personnel_account": "personnel_account",
    "device": "device",
    "custom:software_package": "software_package",
}


class SecureframeEmulator(Emulator):
    """One company. The first key may do everything, the second (`READER`) can only read."""

    name = "secureframe"
    behaviours: ClassVar = BEHAVIOURS

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.company = Company()
        self.processor = Processor(self.company, self.switches)
        self.workers = Workers(self.processor.process, self._delay_ms)

    def _delay_ms(self) -> float:
        return float(self.faults.processing_ms + self.switches["slow_processing"])

    def routes(self) -> Iterable[web.RouteDef]:
        publish = Publish(self.company, self.switches, self.workers, self.processor, OWNER)
        return [*publish.routes(), *Read(self.company, self.switches).routes()]

    def authorize(self, request: web.Request) -> None:
        if request.headers.get("Authorization") not in (OWNER, " ".join(READER)):
            raise VendorError(401, "Authorization failed")

    def failure(self, status: int, message: str, **more: Any) -> web.Response:
        return json_response({"message": message}, status, more.get("headers"))

    # ------------------------------------------------------------------ the control plane's side
    def state(self) -> dict[str, Any]:
        return state_of(self.company)

    def load(self, state: Mapping[str, Any]) -> None:
        company = company_from(state)
        self.workers.abandon()
        self.company.replace(company)

    def seed(self) -> None:
        company = Company()
        connection = company.connect(CONNECTION_ID, VENDOR_SLUG, VENDOR_NAME)
        for kind, slug in SEEDED.items():
            model = kind if kind in MODELS else None
            connection.schemas[slug] = Schema(slug, defined=True, primary_id="id", model=model)
        self.workers.abandon()
        self.company.replace(company)

    def define_schema(
        self, connection_id: str, slug: str, primary_id: str, model: str | None, fields: Mapping[str, str]
    ) -> None:
        connection = self.company.connections.get(connection_id.lower())
        if connection is None:
            raise ValueError(f"there is no connection {connection_id!r}")
        schema = connection.schemas.get(slug)
        if schema is None:
            raise ValueError(f"there is no schema {slug!r} yet: the first publication makes it")
        if model is not None and model not in MODELS:
            raise ValueError(f"there is no model {model!r}; the models are {', '.join(MODELS)}")
        if schema.defined and schema.primary_id != primary_id:
            raise ValueError(f"the primary ID of {slug!r} is {schema.primary_id!r} and can never be changed")
        if schema.fields is not None and primary_id not in schema.fields:
            raise ValueError(f"{slug!r} has no field {primary_id!r}; its fields are {', '.join(sorted(schema.fields))}")
        known = MODELS[model].strings | MODELS[model].booleans if model is not None else frozenset()
        if unknown := sorted(set(fields) - known):
            raise ValueError(f"{model} has no field {unknown[0]!r}")
        schema.defined, schema.primary_id, schema.model, schema.field_map = True, primary_id, model, dict(fields)
        self.company.version += 1
        self.processor.release(schema)

    async def settle(self) -> None:
        await self.workers.settle()

    async def stop(self) -> None:
        await self.workers.stop()

    def overview(self) -> list[dict[str, Any]]:
        return [
            object_shown(schema.slug, _note(connection, schema), [stored.data for stored in schema.resources.values()])
            for connection in self.company.connections.values()
            for schema in connection.schemas.values()
        ]

    def destination(self, origin: str) -> dict[str, Any]:
        connection = next(iter(self.company.connections.values()), None)
        schemas = connection.schemas if connection else {}
        return {
            "adapter": self.name,
            "base_url": origin,
            "api_key": API_KEY,
            "api_secret": API_SECRET,
            "connection_id": connection.id if connection else CONNECTION_ID,
            "vendor_slug": connection.vendor_slug if connection else VENDOR_SLUG,
            "vendor_name": connection.vendor_name if connection else VENDOR_NAME,
            "objects": {
                kind: {"schema_slug": slug, "defined": schemas[slug].defined}
                for kind, slug in SEEDED.items()
                if slug in schemas
            },
        }


def _note(connection: Connection, schema: Schema) -> str:
    parts = [f"connection {connection.id}", "defined" if schema.defined else "not defined yet"]
    parts += [f"mapped onto {schema.model}"] if schema.model else []
    parts += [f"{len(connection.queue)} waiting"] if connection.queue else []
    parts += [f"{len(schema.failures)} failed, last: {schema.failures[-1]['reason']}"] if schema.failures else []
    parts += [f"{schema.dropped} dropped"] if schema.dropped else []
    return ", ".join(parts)
