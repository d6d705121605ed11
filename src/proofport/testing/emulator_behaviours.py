"""The claims of an emulator about its vendor, each with its source. A claim that nobody is sure of has a switch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

Tag: TypeAlias = Literal["documented", "observed", "client-only", "assumed"]
"""`client-only`: the code of a public client does so, and nothing shows that the vendor does."""
Value: TypeAlias = bool | int | str

_WORDS: dict[type, str] = {bool: "true or false", int: "a whole number", str: "a text"}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One thing the emulator does as the vendor does."""

    name: str  #: Also the name of its switch.
    says: str
    tag: Tag
    source: str
    default: Value | None = None  #: The first value of the switch. None: there is no switch.
    #: The values that the switch takes. Empty: any value of the default's type, numbers from 0.
    choices: tuple[Value, ...] = ()

    def problem(self, value: object) -> str | None:
        """The reason why this switch cannot have `value`. None: it can."""
        if self.default is None:
            return f"{self.name} is {self.tag} and cannot be switched"
        if self.choices and (value not in self.choices or type(value) is not type(self.default)):
            return f"{self.name} is {value!r}, expected one of {', '.join(map(repr, self.choices))}"
        if type(value) is not type(self.default):
            return f"{self.name} is {value!r}, expected {_WORDS[type(self.default)]}"
        if isinstance(value, int) and value < 0:
            return f"{self.name} is {value}, expected 0 or more"
        return None


def _behaviour(tag: Tag, name: str, says: str, source: str, *readings: Value) -> Behaviour:
    """Make a behaviour. `readings`: the default of its switch, then the other choices. One alone: any of its type."""
    return Behaviour(name, says, tag, source, readings[0] if readings else None, readings if len(readings) > 1 else ())


documented = partial(_behaviour, "documented")
observed = partial(_behaviour, "observed")
client_only = partial(_behaviour, "client-only")
assumed = partial(_behaviour, "assumed")


class Switches:
    """The value of every switch."""

    def __init__(self, behaviours: Iterable[Behaviour]) -> None:
        self._behaviours = {each.name: each for each in behaviours}
        self._values: dict[str, Any] = {}
        self.restore()

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def as_dict(self) -> dict[str, Value]:
        return dict(self._values)

    def restore(self) -> None:
        """Set every switch to its default."""
        self._values = {name: each.default for name, each in self._behaviours.items() if each.default is not None}

    def set(self, values: Mapping[str, object]) -> None:
        """Change these switches, or none of them. Raises ValueError with the first that cannot have its value."""
        for name, value in values.items():
            if name not in self._behaviours:
                raise ValueError(f"there is no switch {name!r}; the switches are {', '.join(self._values)}")
            problem = self._behaviours[name].problem(value)
            if problem:
                raise ValueError(problem)
        self._values.update(values)

    def listing(self) -> list[dict[str, Any]]:
        """Every behaviour as JSON, with its switch where it has one."""
        return [self._shown(each) for each in self._behaviours.values()]

    def _shown(self, behaviour: Behaviour) -> dict[str, Any]:
        shown = asdict(behaviour)
        default, choices = shown.pop("default"), shown.pop("choices")
        value = self._values.get(behaviour.name)
        return {
            **shown,
            "switch": None if default is None else {"value": value, "default": default, "choices": choices},
        }
