"""Rules of the configuration that leave evidence out at one destination: `objects.<kind>.skip`."""

from __future__ import annotations

import json
from collections.abc import Sequence

from proofport.config.configuration import Config
from proofport.config.lines import node_at
from proofport.config.names import own_name, place_of, tenant_of
from proofport.errors import ConfigError, MappingError
from proofport.evidence import model_of
from proofport.mapping.language.kinds import check_paths
from proofport.mapping.language.nodes import Skip
from proofport.mapping.language.skips import skips_of
from proofport.mapping.possible import check_tests
from proofport.text.yaml_nodes import Node, read_documents

IN_MEMORY = "the configuration"


def configured_skips(config: Config, destination: str, kind: str) -> Sequence[Skip]:
    """The rules for a kind at a destination. Raises ConfigError, with the place in the file."""
    try:
        node = _node(config, destination, kind)
        skips = skips_of(node) if node is not None else ()
        rules = [skip.rule for skip in skips]
        check_paths(rules, model_of(kind), kind)
        check_tests(rules, kind)
    except MappingError as error:
        raise ConfigError(error.message) from None
    return skips


def _node(config: Config, destination: str, kind: str) -> Node | None:
    """Read what stands under `skip:`. A configuration that no file holds is read as if one did."""
    settings = config.of_tenant(tenant_of(destination)).get(own_name(destination), {})
    objects = settings.get("objects") or {}
    given = (objects.get(kind) or {}).get("skip")
    if given is None:
        return None
    found = node_at(config.node, (*place_of(destination), "objects", kind, "skip")) if config.node is not None else None
    return found or next(iter(read_documents(json.dumps(given).encode(), IN_MEMORY)))
