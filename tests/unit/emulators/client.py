"""A client that speaks to an emulator as a vendor's customer would."""

from __future__ import annotations

import io
from dataclasses import dataclass
from json import dumps
from typing import Any

from tests.support.vanta import authorization

from proofport.testing import Running


@dataclass(slots=True)
class Client:
    """`authorization` goes with every call; the headers of the last answer stay in `headers`."""

    served: Running
    authorization: str | None
    headers: Any = None

    async def __call__(self, method: str, path: str, json: Any = None, **options: Any) -> tuple[int, Any]:
        """The status, and the decoded body (None when it is empty)."""
        headers = {} if self.authorization is None else {"Authorization": self.authorization}
        headers |= options.pop("headers", {})
        if json is not None:
            options["data"] = io.BytesIO(dumps(json).encode())
            headers = {"Content-Type": "application/json", **headers}
        url = self.served.origin + path
        async with self.served.client.request(method, url, headers=headers, **options) as answer:
            self.headers = answer.headers
            return answer.status, await answer.json(content_type=None) if await answer.read() else None


@dataclass(slots=True)
class Vanta(Client):
    """The application of the seed, with a token."""

    async def mint(self, **changes: Any) -> None:
        self.authorization = await authorization(self.served, **changes)

    def resource(self, base_type: str) -> str:
        """The id of the first resource of a base type."""
        [connection, *_] = self.served.emulator.state()["connections"]
        found: str = next(each["id"] for each in connection["resources"] if each["base_type"] == base_type)
        return found

    async def sync(self, *records: Any, base_type: str = "user_account", **more: Any) -> tuple[int, Any]:
        body = {"resourceId": self.resource(base_type), "resources": list(records), **more}
        return await self("PUT", f"/v1/resources/{base_type}", body)

    async def rows(self, base_type: str = "user_account", **query: str) -> dict[str, Any]:
        """What a list shows, by uniqueId."""
        status, body = await self.list(base_type, **query)
        assert status == 200
        return {row["uniqueId"]: row for row in body["resources"]}

    async def list(self, base_type: str = "user_account", **query: str) -> tuple[int, Any]:
        params = {"resourceId": self.resource(base_type), **query}
        return await self("GET", f"/v1/resources/{base_type}", params=params)

    async def refused(self, *records: Any, base_type: str = "user_account") -> str:
        """The words of a 400."""
        status, body = await self.sync(*records, base_type=base_type)
        assert status == 400
        words: str = body["error"]
        return words
