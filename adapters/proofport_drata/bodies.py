"""What Drata accepts: records of a CUSTOM resource, whose schema is the tenant's own."""

from __future__ import annotations

from proofport.adapter import Body, Mode

CUSTOM_KINDS = ("cloud_resource", "training_record", "personnel_account")


def is_custom_record(kind: str) -> bool:
    return kind in CUSTOM_KINDS or kind.startswith("custom:")


def custom_record(kind: str, mode: Mode) -> Body:
    """The body of one record. No model: its JSON Schema comes from the mapping and is sent by `provision`.

    A plain `string` property refuses null, a type union accepts it (observed: speakeasy-api/gram, commit b5f47cb), so
    nulls go where the mapping says `nullable`. Arrays are stored, yet tests over them are fragile (observed:
    drata-rv/OCI-custom-connection): the built-in mappings keep records flat.
    """
    return Body(
        name="custom_record",
        mapping=f"drata/{kind}" if kind in CUSTOM_KINDS else None,
        nulls="nullable",
        arrays="send",
        partial=mode == "patch",
    )
