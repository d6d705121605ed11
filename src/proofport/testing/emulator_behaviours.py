"""What an emulator claims about its vendor, each claim with its source; what nobody knows for sure is a switch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Tag: TypeAlias = Literal["documented", "observed", "assumed"]
Value: TypeAlias = bool | int | str

_WORDS: dict[type, str] = {bool: "true or false", int: "a whole number", str: "a text"}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One thing the emulator does as the vendor does.

    `name` is also the switch's name. `default` None: it cannot be switched. `choices` limits the values; without them
    any value of the default's type is taken (numbers from 0).
    """

    name: str
    says: str
    tag: Tag
    source: str
    default: Value | None = None
    choices: tuple[Value, ...] = ()

    def problem(self, value: object) -> str | None:
        """Why `value` cannot be this switch's value, or None when it can."""
        if self.default is None:
            return f"{self.name} is {self.tag} and cannot be switched"
        if self.choices and (value not in self.choices or type(value) is not type(self.default)):
            return f"{self.name} is {value!r}, expected one of {', '.join(map(repr, self.choices))}"
        if type(value) is not type(self.default):
            return f"{self.name} is {value!r}, expected {_WORDS[type(self.default)]}"
        if isinstance(value, int) and value < 0:
            return f"{self.name} is {value}, expected 0 or more"
        return None


class Switches:
    """The present reading of every behaviour that has more than one."""

    def __init__(self, behaviours: Iterable[Behaviour]) -> None:
        self._behaviours = {each.name: each for each in behaviours}
        self._values: dict[str, Any] = {}
        self.restore()

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def as_dict(self) -> dict[str, Value]:
        return dict(self._values)

    def restore(self) -> None:
        """Back to the defaults."""
        self._values = {name: each.default for name, each in self._behaviours.items() if each.default is not None}

    def set(self, values: Mapping[str, object]) -> None:
        """Change some switches, all or none. Raises ValueError naming the first that cannot be."""
        for name, value in values.items():
            if name not in self._behaviours:
                raise ValueError(f"there is no switch {name!r}; the switches are {', '.join(self._values)}")
            problem = self._behaviours[name].problem(value)
            if problem:
                raise ValueError(problem)
        self._values.update(values)

    def listing(self) -> list[dict[str, Any]]:
        """Every behaviour as JSON, with its switch where it has one."""
        return [
            {
                "name": each.name,
                "says": each.says,
                "tag": each.tag,
                "source": each.source,
                "switch": None
                if each.default is None
                else {"value": self._values[each.name], "default": each.default, "choices": list(each.choices)},
            }
            for each in self._behaviours.values()
        ]
