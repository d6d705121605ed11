"""Mappings found by name: the user's folder, then those of adapter packages, then the built-in ones."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from proofport.errors import UsageError
from proofport.mapping.language.nodes import MappingFile, Vendor
from proofport.mapping.language.syntax import load_file
from proofport.text.wording import did_you_mean
from proofport.text.yaml_nodes import content_of

_NAME = re.compile(r"""^["']?mapping["']?\s*:\s*["']?([^\s"'#]+)""", re.MULTILINE)

UNKNOWN = "`proofport mapping list` shows what there is. `mappings:` of the configuration names the folder of yours."
_VENDOR = re.compile(r"""\bvendor["']?\s*:""")
_INCLUDED = re.compile(r"""^([ ]*)(\S+):[ ]*\{[ ]*include:[ ]*["']?([^}"'\s]+)["']?[ ]*\}[ ]*$""", re.MULTILINE)
_RULES = re.compile(r"""^([ ]+)include:[ ]*["']?([^}"'\s]+)["']?[ ]*$""", re.MULTILINE)
_LEFT = re.compile(r"""^[^#\n]*\binclude:[ ]*["']?([^}"'\s]+)""", re.MULTILINE)


def builtin_folder() -> Path:
    """The folder of the built-in mappings: inside the installed package, or the checkout's own."""
    packaged = Path(str(files("proofport"))) / "mappings"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "mappings"


def adapter_folders() -> list[Path]:
    """The `mappings/` folders of the packages that register adapters, found without importing them.

    The metadata of all installed packages is read once for each import path.
    """
    return _adapter_folders(tuple(sys.path))


@cache
def _adapter_folders(path: tuple[str, ...]) -> list[Path]:
    packages = sorted({entry.module.partition(".")[0] for entry in entry_points(group="proofport.adapters")})
    specs = [find_spec(package) for package in packages]
    roots = [Path(root) for spec in specs if spec for root in spec.submodule_search_locations or ()]
    return [folder for folder in (root / "mappings" for root in roots) if folder.is_dir()]


class MappingLibrary:
    """Every mapping that can be named; of two with one name, the one in the earlier folder. `folders` are the user's.

    A file is parsed only when one of its mappings is asked for.
    """

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._paths: dict[str, Path] = {}
        #: The user's files that were parsed.
        self._loaded: dict[Path, list[MappingFile]] = {}
        #: The texts of the user's files.
        self._own: dict[Path, str] = {}
        for folder in folders:
            texts = _texts(folder)
            self._own |= texts
            self._paths = {**_named(texts), **self._paths}
        for folder in (*adapter_folders(), builtin_folder()):
            self._paths = {**_installed(folder), **self._paths}

    def names(self) -> list[str]:
        return sorted(self._paths)

    def find(self, name: str) -> MappingFile:
        """The mapping of that name; a source may be named without `sources/`. Raises UsageError or MappingError."""
        full = name if name in self._paths else f"sources/{name}"
        path = self._paths.get(full)
        if path is None:
            short = [known.removeprefix("sources/") for known in self._paths]
            raise UsageError(
                f"there is no mapping {name!r}",
                hint=did_you_mean(name, [*self._paths, *short]) or UNKNOWN,
            )
        for mapping in self._load(path):
            if mapping.name == full:
                return mapping
        raise UsageError(f"{path} does not hold the mapping {full!r} at its beginning of a line")

    def texts(self, name: str) -> dict[str, str]:
        """The text of the file of a mapping, and of each file of tables or rules that it includes, by what it is."""
        file = self.find(name)
        text_of = _text if file.path in self._own else _installed_text
        found = {f"mapping:{file.name}": text_of(file.path)}
        for path in file.included:
            found[f"table:{file.name}:{path.relative_to(file.path.parent)}"] = text_of(path)
        return found

    def own(self, vendor: str, kind: str) -> list[MappingFile]:
        """The user's own mappings from a kind to a vendor. Raises MappingError where a file that has one is wrong."""
        files = [path for path, text in self._own.items() if vendor in text and kind in text and _VENDOR.search(text)]
        found = [mapping for path in files for mapping in self._load(path)]
        return [
            each for each in found if isinstance(each.to, Vendor) and (each.to.vendor, each.from_kind) == (vendor, kind)
        ]

    def _load(self, path: Path) -> list[MappingFile]:
        if path not in self._own:
            return _loaded(path)
        if path not in self._loaded:
            self._loaded[path] = load_file(path)
        return self._loaded[path]


@cache
def _installed(folder: Path) -> dict[str, Path]:
    """The mappings of an installed package. What is installed while the process runs counts in the next one."""
    return _named(_texts(folder))


@cache
def _loaded(path: Path) -> list[MappingFile]:
    """A file of an installed package. Its texts are kept with the rules: receipts name both."""
    found = load_file(path)
    for each in (path, *(included for file in found for included in file.included)):
        _installed_text(each)
    return found


def _text(path: Path) -> str:
    return content_of(path).decode(errors="replace")


_installed_text = cache(_text)


def _texts(folder: Path) -> dict[Path, str]:
    return {path: _text(path) for path in _yaml_files(folder)}


def _named(texts: Mapping[Path, str]) -> dict[str, Path]:
    """Which file holds which mapping, by a look at its text."""
    found: dict[str, Path] = {}
    for path, text in texts.items():
        for name in _NAME.findall(text):
            if found.setdefault(name, path) != path:
                raise UsageError(f"{found[name]} and {path} both hold the mapping {name!r}", hint="Rename one.")
    return found


def _yaml_files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", hint="Check `mappings:` in the configuration.")
    return (path for path in sorted(folder.rglob("*.y*ml")) if path.suffix in (".yaml", ".yml") and path.is_file())


def to_copy(mapping: MappingFile, folder: str | None = None) -> str:
    """The file of a mapping with what it includes written out, and comments that say where to save it.

    `folder`: the one that the configuration names, if it names one.
    """
    name = f"{mapping.name.removeprefix('sources/')}.yaml"
    place = (
        f"{folder}/{name}"
        if folder
        else f"mappings/{name}, and name that folder in proofport.yaml: `mappings: mappings`"
    )
    beside = mapping.path.parent
    text = _INCLUDED.sub(lambda found: _table(beside, *found.groups()), content_of(mapping.path).decode())
    text = _RULES.sub(lambda found: _written_out(beside, *found.groups()), text)
    also = "".join(f"# Copy {path} too, to the same place beside this file.\n" for path in _LEFT.findall(text))
    return (
        f"# Save it as {place}.\n"
        f"# It is then used in place of this one. To have both, give it another name after `mapping:`.\n{also}{text}"
    )


def _table(folder: Path, indent: str, name: str, path: str) -> str:
    return f"{indent}{name}:\n{_written_out(folder, f'{indent}  ', path)}"


def _written_out(folder: Path, indent: str, path: str) -> str:
    lines = content_of(folder / path).decode().rstrip("\n").splitlines()
    return "\n".join(f"{indent}{line}".rstrip() for line in lines)
