"""Chooses the vendor mapping: the configured one, the user's own for this vendor and kind, or the built-in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofport.adapter import Adapter, Body
from proofport.mapping import MappingFile, MappingLibrary, Vendor
from proofport.text.wording import listing


@dataclass(frozen=True, slots=True)
class Chosen:
    """A vendor mapping, and what is to be said about the choice."""

    #: None: evidence goes as it is.
    name: str | None
    #: True if nobody has named it: it is there, and so it is used.
    found: bool = False
    notes: Sequence[str] = ()


def chosen(library: MappingLibrary, adapter: Adapter, kind: str, body: Body) -> Chosen:
    """Raises MappingError where a mapping of the user's for this vendor and kind is wrong."""
    objects = adapter.settings.objects
    if kind in objects and objects[kind].mapping is not None:
        return Chosen(objects[kind].mapping)
    own = library.own(adapter.name, kind)
    fitting = [each for each in own if _body(each) == body.name]
    named_alike = [each for each in fitting if each.name == body.mapping]
    known = {each.name for each in type(adapter).bodies(kind)} | {body.name} if own else set()
    notes = [_no_body(each, known) for each in own if _body(each) not in known]
    if len(named_alike or fitting) > 1:
        names = listing([each.name for each in fitting])
        notes.append(f"Not used: {names}. All of them are for {kind}: name one as `mapping:` under `objects.{kind}`.")
        return Chosen(body.mapping, notes=notes)
    if not fitting:
        return Chosen(body.mapping, notes=notes)
    [only] = named_alike or fitting
    instead = f"in place of the built-in {body.mapping}" if body.mapping else "which has no built-in one"
    return Chosen(only.name, True, [*notes, f"The mapping {only.name} of {only.path} is used for {kind}, {instead}."])


def _body(file: MappingFile) -> str:
    assert isinstance(file.to, Vendor)
    return file.to.body


def _no_body(file: MappingFile, known: set[str]) -> str:
    return (
        f"Not used: {file.name} of {file.path}. It makes the body {_body(file)}, and for {file.from_kind} there is "
        f"{listing(sorted(known))}."
    )
