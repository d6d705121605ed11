"""Evidence as it stands, to checked neutral records: by the guards of its kind, else by the model itself."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import lru_cache
from typing import Annotated, Any, Optional

import orjson
from pydantic import BaseModel, ValidationError, create_model

from proofport.adapter import Mode
from proofport.errors import Rejected
from proofport.evidence import Evidence, Neutral, model_of
from proofport.mapping.compile.checks import is_text
from proofport.mapping.compile.guards import acceptor_of, shape_of
from proofport.text.wording import MOST_MISTAKES, describe, listing, problem_of, reject, short, too_many_mistakes

KINDS_KEPT = 128
"""Checks of evidence that stay compiled: there may be any number of kinds after `custom:`."""

LONGEST_LIST = 20_000
"""Items of a list that a model checks. Only what the guards did not accept gets there."""
LONGEST_FIELD = 1_000
"""Characters of a field's name that a model checks. None of its own is as long."""


@lru_cache(KINDS_KEPT)
def compile_kind(kind: str, mode: Mode = "upsert") -> Callable[[object], Neutral]:
    """The check of input that is evidence already: a function from it to its neutral dict in canonical form.

    Raises Rejected for each record that does not fit. `patch` and `remove` need only the id.
    """
    model = model_for(kind, mode)
    shape, by_model = shape_of(model), model_check(model, kind)
    if not shape.quick:
        return by_model
    accept = acceptor_of(shape)

    def check(record: object) -> Neutral:
        neutral: Neutral | None = accept(record)
        return neutral if neutral is not None else by_model(record)

    return check


def id_of_evidence(record: object) -> str | None:
    """The id of evidence that is refused, empty if it is; None where it is no text."""
    found = record.get("id") if isinstance(record, dict) else None
    return found if is_text(found) else None


@lru_cache(KINDS_KEPT)
def model_for(kind: str, mode: Mode) -> type[Evidence]:
    model = model_of(kind)
    return partial_model(model, "id") if mode in ("patch", "remove") else model


def partial_model(model: type[Any], keep: str = "", *, nulls: bool = False) -> type[Any]:
    """A model of which only the field `keep` is required; with `nulls`, any other field may be null."""
    fields: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        if (info.serialization_alias or name) == keep or not (info.is_required() or nulls):
            continue
        loose = copy(info)
        loose.default, loose.metadata = None, []
        annotation = Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
        fields[name] = (Optional[annotation] if nulls else annotation, loose)  # noqa: UP045 - made at run time
    return create_model(model.__name__, __base__=model, **fields) if fields else model


def model_check(model: type[Evidence], kind: str) -> Callable[[object], Neutral]:
    """The model's own check, for what the guards do not accept: it decides, and words the rejection."""
    closed = model.model_config.get("extra") == "forbid"

    def by_model(record: object) -> Neutral:
        if not isinstance(record, dict | BaseModel):
            raise reject(None, describe(record), f"an object: one {kind}")
        if closed and isinstance(record, dict):
            _refuse_bulk(record, model, kind)
        try:
            neutral = model.model_validate(record).neutral()
            orjson.dumps(neutral)
        except ValidationError as error:
            raise Rejected(problem_of(error, kind, model.model_fields)) from None
        except (ValueError, TypeError, RecursionError) as error:
            raise not_json(error) from error
        return neutral

    return by_model


def _refuse_bulk(record: dict[str, Any], model: type[Evidence], kind: str) -> None:
    """Raise Rejected before the model notes each of very many mistakes, which takes time and memory."""
    unknown = len(record) - len(model.model_fields)
    if unknown > MOST_MISTAKES:
        raise Rejected(too_many_mistakes(f"{len(record):,} fields", f"{kind}: {listing(list(model.model_fields))}"))
    for name, value in record.items():
        if isinstance(name, str) and len(name) > LONGEST_FIELD:  # a host may hand in keys that are no text
            raise reject(short(name), f"a field name of {len(name):,} characters", f"at most {LONGEST_FIELD:,}")
        if isinstance(value, list) and len(value) > LONGEST_LIST:
            raise reject(short(name), describe(value), f"at most {LONGEST_LIST:,} items")


def not_json(error: Exception) -> Rejected:
    """The exception for what JSON cannot carry, such as integers beyond 64 bits."""
    return reject(
        None, f"data that JSON cannot carry ({error})", "text in UTF-8, integers within 64 bits, finite numbers"
    )
