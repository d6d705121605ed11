"""HRIS identities: upserted in batches. Null clears a field, and a separation date is written only once."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from aiohttp import web

from proofport.testing import FAULTS, Faults, VendorError, json_body, json_response
from proofport_drata.emulator.answers import timestamp
from proofport_drata.emulator.document import SCHEMAS
from proofport_drata.emulator.emulated import EmulatedOperations
from proofport_drata.emulator.model import Connection, HrisIdentity, now
from proofport_drata.emulator.schemas import in_words, violations

IDENTITY = SCHEMAS["HrisIdentityInput"]
LARGEST = 1000


class EmulatedIdentities(EmulatedOperations):
    async def list_hris_identities(self, request: web.Request) -> web.Response:
        identities = self._drata.connection_of("HRIS", request).identities.values()
        return self._drata.page(request, [each for each in identities if not each.deleted], _rendered)

    async def get_hris_identity(self, request: web.Request) -> web.Response:
        return json_response(_rendered(self._identity(request)))

    async def delete_hris_identity(self, request: web.Request) -> web.Response:
        self._identity(request).deleted = True
        return web.Response(status=204)

    async def upsert_hris_identities(self, request: web.Request) -> web.Response:
        connection, items = self._drata.connection_of("HRIS", request), await json_body(request)
        if not isinstance(items, list) or not 1 <= len(items) <= LARGEST:
            raise VendorError(400, f"the body must be an array of 1 to {LARGEST} identities")
        doubtful = self._repeated(items)
        results = [
            self._refused("identityId occurs more than once in this request")
            if place in doubtful
            else self._written(connection, item, request[FAULTS])
            for place, item in enumerate(items)
        ]
        statuses = {result["statusCode"] for result in results}
        if statuses == {400} and self._switches["all_identities_failed"] == 400:
            raise VendorError(400, "no identity could be written")
        if 400 in statuses:
            return json_response(results, 207)
        return json_response(results, 201 if statuses == {201} else 200)

    def _repeated(self, items: list[Any]) -> set[int]:
        """The places of the copies that fail when an identityId occurs more than once."""
        keys = [item.get("identityId") if isinstance(item, dict) else None for item in items]
        texts = [key if isinstance(key, str) else None for key in keys]
        counts = Counter(text for text in texts if text is not None)
        places = {place for place, text in enumerate(texts) if text is not None and counts[text] > 1}
        if self._switches["repeated_identity"] == "later":
            places -= {texts.index(text) for text in counts}
        return places

    def _written(self, connection: Connection, item: Any, faults: Faults) -> dict[str, Any]:
        if faults.item_fails():
            return self._refused("the emulator was told to let this item fail")
        if wrong := in_words(violations(IDENTITY, item)):
            return self._refused(wrong)
        if untimely := [name for name in ("startedAt", "separatedAt") if not _is_a_time(item.get(name))]:
            return self._refused(f"{untimely[0]} must be a valid ISO 8601 date string")
        changes = {name: item[name] for name in IDENTITY["properties"] if name in item}
        identity = connection.identities.get(item["identityId"])
        if identity is None:
            return {"statusCode": 201, "data": _rendered(self._drata.company.add_identity(connection, changes))}
        restored, identity.deleted = identity.deleted, False
        if identity.body.get("separatedAt") is not None and changes.get("separatedAt") is not None:
            del changes["separatedAt"]
        if not restored and all(identity.body.get(name) == value for name, value in changes.items()):
            return {"statusCode": 200, "data": None}
        identity.body.update(changes)
        identity.updated_at = now()
        status = self._switches["restored_identity"] if restored else 200
        return {"statusCode": status, "data": _rendered(identity)}

    @staticmethod
    def _refused(message: str) -> dict[str, Any]:
        return {"statusCode": 400, "data": None, "error": {"message": message}}

    def _identity(self, request: web.Request) -> HrisIdentity:
        """The identity of the path: the vendor's number, or `identity-id:` and the caller's own id."""
        connection, text = self._drata.connection_of("HRIS", request), request.match_info["userIdentityId"]
        if text.startswith("identity-id:"):
            found = connection.identities.get(text.removeprefix("identity-id:"))
        else:
            found = next((each for each in connection.identities.values() if each.id == int(text)), None)
        if found is None or found.deleted:
            raise VendorError(404, f"HrisIdentity {text} not found")
        return found


def _is_a_time(value: str | None) -> bool:
    try:
        return value is None or bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _rendered(identity: HrisIdentity) -> dict[str, Any]:
    return {
        "id": identity.id,
        **{name: identity.body.get(name) for name in IDENTITY["properties"]},
        "createdAt": timestamp(identity.created_at),
        "updatedAt": timestamp(identity.updated_at),
    }
