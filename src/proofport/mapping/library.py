"""Mappings found by name: the user's folder, then those of adapter packages, then the built-in ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from proofport.errors import UsageError
from proofport.mapping.language.nodes import MappingFile
from proofport.mapping.language.syntax import load_file
from proofport.text.wording import did_you_mean
from proofport.text.yaml_nodes import content_of

_NAME = re.compile(r"""^["']?mapping["']?\s*:\s*["']?([^\s"'#]+)""", re.MULTILINE)

UNKNOWN = "`proofport mapping list` shows what there is. `mappings:` of the configuration names the folder of yours."


def builtin_folder() -> Path:
    """The folder of the built-in mappings: inside the installed package, or the checkout's own."""
    packaged = Path(str(files("proofport"))) / "mappings"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "mappings"


def adapter_folders() -> list[Path]:
    """The `mappings/` folders of the packages that register adapters, found without importing them."""
    packages = sorted({entry.module.partition(".")[0] for entry in entry_points(group="proofport.adapters")})
    specs = [find_spec(package) for package in packages]
    roots = [Path(root) for spec in specs if spec for root in spec.submodule_search_locations or ()]
    return [folder for folder in (root / "mappings" for root in roots) if folder.is_dir()]


class MappingLibrary:
    """Every mapping that can be named. A file is parsed only when one of its mappings is asked for."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._folders = [*folders, *adapter_folders(), builtin_folder()]
        self._paths: dict[str, Path] = {}
        self._loaded: dict[Path, list[MappingFile]] = {}
        for folder in self._folders:
            self._index(folder)

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
        if path not in self._loaded:
            self._loaded[path] = load_file(path)
        for mapping in self._loaded[path]:
            if mapping.name == full:
                return mapping
        raise UsageError(f"{path} does not hold the mapping {full!r} at its beginning of a line")

    def texts(self, name: str) -> dict[str, str]:
        """The text of the file of a mapping, and of each file of tables that it includes, by what it is."""
        file = self.find(name)
        found = {f"mapping:{file.name}": content_of(file.path)}
        for path in file.included:
            found[f"table:{file.name}:{path.relative_to(file.path.parent)}"] = content_of(path)
        return {what: text.decode(errors="replace") for what, text in found.items()}

    def _index(self, folder: Path) -> None:
        """Note which file holds which mapping, by a look at its text; earlier folders win."""
        found: dict[str, Path] = {}
        for path in _yaml_files(folder):
            for name in _NAME.findall(content_of(path).decode(errors="replace")):
                if found.setdefault(name, path) != path:
                    raise UsageError(f"{found[name]} and {path} both hold the mapping {name!r}", hint="Rename one.")
        self._paths = {**found, **self._paths}


def _yaml_files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", hint="Check `mappings:` in the configuration.")
    return (path for path in sorted(folder.rglob("*.y*ml")) if path.suffix in (".yaml", ".yml") and path.is_file())
