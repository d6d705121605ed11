"""The text of one Python function while it is being written.

Nothing of a mapping file gets into the text: names through `repr()`, everything else as a constant of the namespace.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from proofport.mapping.compile.functions import MISSING
from proofport.mapping.compile.projection import Part
from proofport.mapping.language.values import Nothing

MAX_BLOCKS = 16
"""Python allows 20 loops inside one another; a path that needs more is left to jsonpath-ng."""


class Code:
    """The lines of one function, and the namespace that they refer to."""

    def __init__(self, nothing: Nothing | None = None) -> None:
        self._nothing = nothing
        #: The variables that hold what the projection's decoder makes: an object or a list of them, None for none.
        self.parts: dict[str, Part] = {}
        self.namespace: dict[str, Any] = {"M": MISSING}
        self.loops = 0
        self._lines: list[str] = []
        self._indent = 1
        self._count = 0

    def line(self, text: str) -> None:
        self._lines.append("    " * self._indent + text)

    @contextmanager
    def block(self, header: str) -> Iterator[None]:
        self.line(header)
        self._indent += 1
        self.loops += header.startswith("for ")
        yield
        self.loops -= header.startswith("for ")
        self._indent -= 1

    def name(self, prefix: str = "t") -> str:
        """A name that no other part of the function uses."""
        self._count += 1
        return f"{prefix}{self._count}"

    def copy(self, value: str) -> str:
        """A new variable with the value of an expression."""
        copy = self.name("v")
        self.line(f"{copy} = {value}")
        return copy

    def constant(self, value: Any) -> str:
        """An expression for a constant: None, True and False stand for themselves."""
        return repr(value) if value is None or value is True or value is False else self.bind("c", value)

    def drop_nothing(self, variable: str) -> None:
        """Make a variable missing if its value stands for nothing."""
        if self._nothing is not None:
            with self.block(f"if {self._holds_nothing(variable, self._nothing)}:"):
                self.line(f"{variable} = M")

    @contextmanager
    def unless_nothing(self, variable: str) -> Iterator[None]:
        """Run the block unless the value of a variable stands for nothing."""
        if self._nothing is None:
            yield
            return
        with self.block(f"if not ({self._holds_nothing(variable, self._nothing)}):"):
            yield

    def _holds_nothing(self, variable: str, nothing: Nothing) -> str:
        """Text is looked up at once, because most of what is read is text that stands for something."""
        held = self.name("s")
        test = f"({held} := {variable}.strip()) in {self.constant(nothing.values)}"
        if nothing.starts:
            test += f" or {held}.startswith({self.constant(nothing.starts)})"
        if all(isinstance(value, str) for value in nothing.values):
            return f"{variable}.__class__ is str and ({test})"
        return f"({test}) if {variable}.__class__ is str else {self.use(nothing.holds)}({variable})"

    def bind(self, prefix: str, value: Any) -> str:
        """A name of the namespace for `value`."""
        name = self.name(prefix)
        self.namespace[name] = value
        return name

    def use(self, function: Callable[..., Any]) -> str:
        """The name under which the generated code calls a function of ours."""
        self.namespace[function.__name__] = function
        return function.__name__

    def function(self, signature: str, title: str) -> Callable[..., Any]:
        """Compile it. The source is registered, so that a traceback could show its lines."""
        source = "\n".join([f"def {signature}:", *self._lines, ""])
        filename = f"<mapping {title}>"
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        exec(compile(source, filename, "exec"), self.namespace)  # noqa: S102 - our own text, see above
        function: Callable[..., Any] = self.namespace[signature.partition("(")[0]]
        return function
