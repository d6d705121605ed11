"""The steps that a person takes to define a schema. There is no API for it (R2, R3)."""

from __future__ import annotations

from proofport.adapter import Blueprint, Provisioned
from proofport_secureframe.bodies import MODELS
from proofport_secureframe.settings import SecureframeObject


def guide(blueprint: Blueprint, configured: SecureframeObject | None) -> Provisioned:
    """The steps of Define Schema for one kind: no program can take them."""
    slug = configured.schema_slug if configured else blueprint.kind.removeprefix("custom:")
    fields = ", ".join(blueprint.fields) or "those of your records"
    if configured and configured.lifecycle_field is not None:
        fields += f"; {configured.lifecycle_field} is added"
    model = MODELS.get(blueprint.kind)
    mapping = (
        f"map the fields to the model “{model.vendor_model}”: the names are the vendor's own"
        if model
        else "leave it without a model: custom tests read the fields as they are"
    )
    declared = (
        f'Add to the configuration, under `objects:` of this destination: "{blueprint.kind}": {{schema_slug: {slug}}}'
    )
    steps = (
        *(() if configured else (f"{declared}.",)),
        f"Push {blueprint.kind} once; the schema gets those fields that the first record has ({fields}).",
        f"In Secureframe open the custom connection and choose Define Schema for {slug!r}.",
        "Set `id` as the primary ID. It can never be changed.",
        f"Then {mapping}.",
        f"Say so: `proofport schema confirm DEST --kind {blueprint.kind}`.",
        "Push everything again: whether records sent before are kept is not documented.",
    )
    return Provisioned({}, created=False, notes=[f"{number}. {step}" for number, step in enumerate(steps, start=1)])
