"""What the parameters of the operations have in common: names, paging, and how they become a query or a body."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from proofport.adapter import Answer, Flow
from proofport.wire import Call
from proofport_drata.answers import CHECK_PARAMETERS, expect_ok
from proofport_drata.paging import Query, every_row

Number = int
"""The vendor types its ids as numbers; every one that was seen is a positive integer."""


class Parameters(BaseModel):
    """Named in snake case, sent in the vendor's camel case."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=AliasGenerator(serialization_alias=to_camel))

    def given(self, *path: str) -> dict[str, Any]:
        """What was given and does not stand in the path, under the vendor's names."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={*path})

    def query(self, *path: str) -> Query:
        """The same as a query; lists repeat the key with brackets, as `expand[]`."""
        pairs: list[tuple[str, str]] = []
        for name, value in self.given(*path).items():
            if isinstance(value, list):
                pairs += [(f"{name}[]", str(each)) for each in value]
            elif value is not None:
                pairs.append((name, str(value).lower() if isinstance(value, bool) else str(value)))
        return tuple(pairs)


class OnConnection(Parameters):
    connection_id: Number = Field(gt=0)


class Listing(Parameters):
    """A page, as the vendor cuts it, or with `all` every page from `cursor` on."""

    cursor: str | None = None
    size: int = Field(50, ge=1, le=500)
    sort: Literal["createdAt", "updatedAt"] | None = None
    sort_dir: Literal["ASC", "DESC"] | None = None
    include_total_count: bool = False
    all: bool = Field(False, description="follow the cursor to the end")


def ask(call: Call, asked: str, permission: str) -> Flow[Any]:
    """The decoded answer of one call. `asked` finishes the sentence "Drata refused to …"."""
    return expect_ok((yield call), asked, permission, missing=CHECK_PARAMETERS)


def listed(operation: str, path: str, parameters: Listing, permission: str, *in_path: str) -> Flow[Answer]:
    query = parameters.query("all", *in_path)
    if not parameters.all:
        return Answer((yield from ask(Call(operation, "GET", path, query), "list", permission)))
    rest = tuple(pair for pair in query if pair[0] not in ("cursor", "size"))
    rows = yield from every_row(
        operation, path, query=rest, permission=permission, missing=CHECK_PARAMETERS, start=parameters.cursor
    )
    return Answer({"data": rows, "pagination": {"cursor": None}})
