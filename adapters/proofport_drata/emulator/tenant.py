"""The company and its workspaces, which some clients read before they deliver."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from proofport.testing import json_response
from proofport_drata.emulator.answers import timestamp
from proofport_drata.emulator.emulated import EmulatedOperations, expansions
from proofport_drata.emulator.model import Workspace


class EmulatedTenant(EmulatedOperations):
    async def list_workspaces(self, request: web.Request) -> web.Response:
        expand = expansions(request)
        more: dict[str, Any] = {"frameworks": []} if "frameworks" in expand else {}
        more |= {"scopedPersonnelCount": None} if "personnelScope" in expand else {}
        return self._drata.page(request, self._drata.company.workspaces, lambda each: {**_rendered(each), **more})

    async def v1_list_workspaces(self, request: web.Request) -> web.Response:
        wanted = request.query.get("q", "").lower()
        rows = [each for each in self._drata.company.workspaces if wanted in each.name.lower()]
        texts = {"description": "", "howItWorks": "", "url": "", "logo": ""}
        return self._drata.numbered(
            request, [{"id": each.id, "name": each.name, **texts, "primary": each.id == 1} for each in rows]
        )

    async def get_company(self, _: web.Request) -> web.Response:
        since = timestamp(self._drata.company.workspaces[0].created_at)
        return json_response(
            {
                "accountId": "aaaaaaaa-bbbb-4000-8000-dddddddddddd",
                "domain": "example.com",
                "name": "Example",
                "legalName": None,
                "description": None,
                "logoUrl": None,
                "securityTraining": "MANUAL",
                "hipaaTraining": "NOT_REQUIRED",
                "backgroundCheck": "MANUAL",
                "createdAt": since,
                "updatedAt": since,
                "agentEnabled": False,
                "manualUploadEnabled": True,
                "entitlements": [{"name": "Custom Connections and Tests", "type": "CUSTOM_CONNECTIONS_AND_TESTS"}],
                "language": "ENGLISH_US",
            }
        )


def _rendered(workspace: Workspace) -> dict[str, Any]:
    return {
        "id": workspace.id,
        "primary": workspace.id == 1,
        "name": workspace.name,
        "description": None,
        "createdAt": timestamp(workspace.created_at),
        "updatedAt": timestamp(workspace.updated_at),
        "howItWorks": None,
        "url": None,
        "logo": None,
    }
