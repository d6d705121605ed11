"""The parts of the emulator, and what they share: the tenant, the switches, and the objects that a path names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import Any, Literal

from aiohttp import web

from proofport.testing import Switches, VendorError
from proofport_drata.emulator.answers import Row, number, page
from proofport_drata.emulator.model import Connection, Resource, Tenant


class Context:
    """Shared by all parts."""

    def __init__(self, switches: Switches) -> None:
        #: Another one after a reset or a seed.
        self.tenant = Tenant()
        self.switches = switches

    def connection(self, request: web.Request) -> Connection:
        """The connection of the path. Raises VendorError (400, 404)."""
        connection_id = number(request, "connectionId")
        if connection_id not in self.tenant.connections:
            raise VendorError(404, f"Connection with id {connection_id} not found")
        return self.tenant.connections[connection_id]

    def connection_of(self, provider: Literal["MDM", "HRIS"], request: web.Request) -> Connection:
        """The connection of the path, which must be an MDM or HRIS one. Raises VendorError (400, 404)."""
        connection = self.connection(request)
        if connection.type != provider:
            raise VendorError(400, f"Connection {connection.id} is not an {provider} connection")
        return connection

    def resource(self, request: web.Request) -> Resource:
        """The resource of the path. Raises VendorError (400, 404)."""
        connection, resource_id = self.connection(request), number(request, "resourceId")
        if resource_id not in connection.resources:
            raise VendorError(404, f"Resource with id {resource_id} not found")
        return connection.resources[resource_id]

    def page(
        self, request: web.Request, rows: Collection[Row], render: Callable[[Row], dict[str, Any]]
    ) -> web.Response:
        """One page of `rows` (given in the order of their creation). Raises VendorError (400) on a bad parameter."""
        return page(request, rows, render, self.switches["default_sort_dir"])


class Part(ABC):
    """Some of the vendor's operations."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._switches = context.switches

    @abstractmethod
    def routes(self) -> list[web.RouteDef]: ...
