"""Records, paths and rules made to break a mapping: few names, so that they meet, and every awkward value."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from typing import Any

SOAK = bool(os.environ.get("PROOFPORT_SOAK"))
NAMES = ["a", "b", "c"]
ODD_NAMES = ["a.b", "x:y", "it's", 'q"t', "ü", "", "0", "*", "a b", "null", "true", "back\\slash", "$", "{$.a}"]
NUMBERS = [0, 1, 2, -1, 1.0, 1.5, 2**53, 1e300, 10**30, -(10**30)]
TEXTS = ["", "a", "b", "1", "true", "FALSE", "null", "ü", "日本", "😀", "a.b", "x\ny", "{$.a}", "'", "1.5", "-7"]
TEXTS += ['{"a": {"b": 1}}', "[1, null]", "eyJhIjogW119", "a,b\n1,2\n3,\n", "a;b\n", "YSxiCjEsMgo="]
TEXTS += ["A", " a ", "B,a,, ", "TRUE", "a1b2", "12"]
SUBSTITUTIONS = [("a", "x"), ("^([a-z])([0-9])", r"\2-\1"), ("[0-9]+", ""), ("(?i)TRUE|b", r"<\g<0>>")]
DECODED = ["json", "base64", "csv", ["base64", "json"], ["base64", "csv"], ["json", "base64"]]
TIMES = [
    "2026-01-31T09:00:00+00:00",
    "2026-01-31T09:00:00Z",
    "2026-01-31 09:00:00+02:00",
    "2026-01-31",
    "20260131T0900Z",
    "2026-01-31t09:00:00z",
    "20260131090000Z",
    "2026-01-31 09:00:00",
    "Sat, 31 Jan 2026 09:00:00 +0100",
    "/Date(1769850000062)/",
    "31/01/2026",
    "1769850000.062",
    1769850000,
    1769850000.062,
    1769850000062,
]
LITERALS = ["1", "-1", "1.5", "0", "'a'", "'ü'", "''", "true", "false", "null", '"b"']
OPERATORS = ["==", "==", "!=", "<", "<=", ">", ">=", "="]
INTERPRETED = [
    ".`len`",
    ".`keys`",
    ".`parent`",
    "[\\a]",
    "[/b]",
    ".`sorted`",
    "[::0]",
    "[?@.a =~ 'a']",
    "[?@.a == $.b]",
]
INTERPRETED += ["[?@.a[*] == 1]", ".`sub(/a/, b)`", ".`split(a, 0, -1)`", ".`str()`", ".$.a", ".`this`"]
"""Steps that are left to jsonpath-ng's own engine."""
FORMS = ["iso", "epoch_seconds", "epoch_ms", "rfc1123", "json_date", "%d/%m/%Y", "%Y-%m-%d %H:%M:%S"]
CONVERSIONS = ["int", "number", "bool", "date", "datetime", "string"]


def seeds(sample: int, soak: int) -> Iterator[Hostile]:
    """`sample` generators, the same in every run; with PROOFPORT_SOAK, `soak` others."""
    start = random.SystemRandom().randrange(2**40) if SOAK else 0
    return (Hostile(seed) for seed in range(start, start + (soak if SOAK else sample)))


def quoted(name: str) -> str:
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"


class Hostile(random.Random):
    """One case, made from its seed."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.number = seed

    def odds(self, share: float) -> bool:
        return self.random() < share

    def some(self, make: Callable[[], Any], least: int, most: int) -> list[Any]:
        return [make() for _ in range(self.randint(least, most))]

    # ------------------------------------------------------------------ records
    def name(self) -> str:
        return self.choice(NAMES if self.odds(0.8) else ODD_NAMES)

    def scalar(self) -> Any:
        numbers = NUMBERS if self.odds(0.1) else NUMBERS[:6]
        return self.choice([None, True, False, self.choice(numbers), self.choice(TEXTS), self.choice(TIMES)])

    def object(self, depth: int) -> dict[str, Any]:
        found = {name: self.document(depth - 1) for name in NAMES if self.odds(0.7)}
        if self.odds(0.3):
            found[self.choice(ODD_NAMES)] = self.document(depth - 1)
        return found

    def document(self, depth: int) -> Any:
        kind = self.random()
        if depth <= 0 or kind < 0.3:
            return self.scalar()
        return self.object(depth) if kind < 0.7 else self.some(lambda: self.document(depth - 1), 0, 3)

    def record(self) -> Any:
        return self.object(self.choice([1, 1, 2, 3, 4])) if self.odds(0.95) else self.document(2)

    # ------------------------------------------------------------------ paths
    def path(self) -> str:
        return "$" + "".join(self.some(self.step, 1, 3 if self.odds(0.8) else 6))

    def odd_path(self) -> str:
        return self.path() + self.choice(INTERPRETED) + "".join(self.some(self.step, 0, 1))

    def step(self) -> str:
        return self.single() if self.odds(0.65) else self.loop()

    def single(self) -> str:
        kind = self.random()
        if kind < 0.6:
            return f".{self.choice(NAMES)}"
        return f"[{quoted(self.name())}]" if kind < 0.8 else f"[{self.randint(-3, 3)}]"

    def loop(self) -> str:
        match self.randrange(9):
            case 0 | 1 | 2:
                return self.choice(["[*]", "[*]", ".*"])
            case 3:
                return self.choice(["..*", "..a", "..[0]", "..['a.b']", "..[*]"])
            case 4:
                return f"[{','.join(quoted(self.name()) for _ in range(2))}]"
            case 5:
                return f"[{self.randint(-2, 2)},{self.randint(-2, 2)}]"
            case 6:
                return f"[{self.bound()}:{self.bound()}{self.choice(['', ':', ':2', ':-1', ':1'])}]"
            case _:
                return f"{self.choice(['', '', '..'])}[?({self.test()})]"

    def bound(self) -> str:
        return self.choice(["", str(self.randint(-3, 3))])

    def test(self, depth: int = 1) -> str:
        if depth and self.odds(0.3):
            return f"{self.test(0)} {self.choice(['&&', '||'])} {self.choice(['{}', '({})']).format(self.test(0))}"
        target = "@" + "".join(self.some(self.single, 0, 2))
        if self.odds(0.25):
            return self.choice(["{}", "!{}"]).format(target)
        return f"{target} {self.choice(OPERATORS)} {self.choice(LITERALS)}"

    # ------------------------------------------------------------------ rules, as YAML would hold them
    def selector(self) -> str:
        return f"$.{self.choice(NAMES)}" if self.odds(0.6) else self.path()

    def constant(self) -> Any:
        return self.choice([None, True, False, 0, 1, 1.5, "", "a", [], {"a": None}, [1, "a"], {}])

    def key(self) -> Any:
        return self.choice(["a", "b", "", "1", "true", 1, 0, True, False, 1.5])

    def unknown(self) -> Any:
        return self.choice(["reject", "omit", "keep", {"value": self.constant()}])

    def steps(self) -> dict[str, Any]:
        """Steps on text."""
        rule: dict[str, Any] = {name: True for name in ("trim", "lower") if self.odds(0.1)}
        if self.odds(0.1):
            pattern, put = self.choice(SUBSTITUTIONS)
            rule["sub"] = {"pattern": pattern, "with": put, "unmatched": self.choice(["keep", "omit", "reject"])}
        if self.odds(0.1):
            rule["split"] = self.choice([",", "a", ";"])
        return rule

    def rule(self, depth: int = 2) -> Any:
        if depth == 0 or self.odds(0.15):
            return self.selector()
        rule = self.source(depth)
        if self.odds(0.25):
            rule["when"] = self.condition()
        if self.odds(0.2):
            rule["if_null"] = self.constant()
        if self.odds(0.2):
            rule["default"] = self.constant()
        elif self.odds(0.1):
            rule["required"] = True
        return rule

    def source(self, depth: int) -> dict[str, Any]:
        match self.randrange(10):
            case 9:
                return self.opened(depth)
            case 0 | 1:
                return {"path": self.selector(), **self.steps(), **self.converted()}
            case 2 | 3:
                return {"path": self.path(), **self.listed(depth)}
            case 4 | 5:
                return {"template": self.template(), **self.steps()}
            case 6:
                return {"first_of": self.some(lambda: self.rule(depth - 1), 2, 3), **self.steps()}
            case 7:
                return {"fields": {name: self.rule(depth - 1) for name in {self.name() or "x" for _ in range(2)}}}
            case _:
                return {"value": self.constant()}

    def opened(self, depth: int) -> dict[str, Any]:
        """A path that goes on in what it opens."""
        rule: dict[str, Any] = {"path": self.selector()}
        if self.odds(0.4):
            rule["decode"] = self.choice(DECODED)
        if "decode" not in rule or (rule["decode"] in ("json", ["base64", "json"]) and self.odds(0.5)):
            rule["entries"] = True
        if self.odds(0.4):
            rule["then"] = "$" + "".join(self.some(self.step, 0, 2))
        return {**rule, **(self.listed(depth) if self.odds(0.5) else {})}

    def time(self) -> dict[str, Any]:
        forms = self.sample(FORMS, self.randint(1, 3))
        if {"epoch_seconds", "epoch_ms"} <= set(forms):
            forms.remove("epoch_ms")
        rule: dict[str, Any] = {"as": self.choice(["date", "datetime"]), "from": forms}
        if self.odds(0.5):
            rule["zone"] = self.choice(["UTC", "-05:30", "Asia/Tokyo"])
        if self.odds(0.5) and rule["as"] == "datetime":
            rule["at"] = self.choice(["00:00", "23:59:59"])
        return rule

    def converted(self) -> dict[str, Any]:
        match self.randrange(5):
            case 4:
                return self.time()
            case 0:
                return {}
            case 1:
                table = {key: self.constant() for key in self.some(self.key, 1, 4)}
                return {"table": table, "unknown": self.unknown(), **self.folded()}
            case 2:
                lists = {"true": ["a", 1, "TRUE"], "false": ["b", 0, "1"]}
                return {"as": "bool", **lists, "unknown": self.unknown(), **self.folded()}
            case _:
                return {"as": self.choice(CONVERSIONS)}

    def listed(self, depth: int) -> dict[str, Any]:
        glue = self.choice([",", "", "é"])
        return self.choice(
            [
                {"all": True},
                {"join": glue},
                {"each": self.rule(depth - 1)},
                {"each": self.rule(depth - 1), "join": glue},
            ]
        )

    def template(self) -> list[str]:
        """Texts and paths in turn."""
        literals = ["", "-", "{", "}", "é ", 'it\'s \\ "q" {x}']
        return [*(part for _ in range(self.randint(1, 3)) for part in (self.choice(literals), self.selector())), "!"]

    def nothing(self) -> list[Any]:
        """The words of a file that stand for nothing; in most files there are none."""
        if self.odds(0.7):
            return []
        words: list[Any] = ["", "a", "null", "1", 0, 1, True, False, {"starts": "2026"}, {"starts": "x"}]
        return self.sample(words, self.randint(1, 4))

    def folded(self) -> dict[str, Any]:
        return {"fold": True} if self.odds(0.4) else {}

    def condition(self, depth: int = 2) -> dict[str, Any]:
        if depth and self.odds(0.2):
            inner = self.some(lambda: self.condition(depth - 1), 1, 3)
            return {self.choice(["all", "any"]): inner, **self.choice([{}, {"not": True}])}
        if self.odds(0.2):
            word = self.choice(["above", "below", "at_least", "at_most"])
            return {"path": self.selector(), word: self.choice([0, 1, 1.5, -7]), **self.choice([{}, {"not": True}])}
        test = self.choice(
            [{"present": True}, {"null": True}, {"is": self.scalar()}, {"in": self.some(self.scalar, 0, 3)}]
        )
        if {"is", "in"} & set(test):
            test |= self.choice([{}, {"fold": True}])
        return {"path": self.selector(), **test, **self.choice([{}, {"not": True}])}
