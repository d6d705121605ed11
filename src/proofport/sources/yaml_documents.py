"""YAML: each document of a file is one document; a list is an array of records. It is read whole."""

from __future__ import annotations

from collections.abc import Iterator

from proofport.errors import MappingError
from proofport.sources.reader import Reader
from proofport.text.yaml_nodes import Items, data, read_documents


class YamlReader(Reader):
    """By the rules of YAML 1.2: only `true` and `false` are booleans, and dates are text. A record has its line."""

    def _documents(self) -> Iterator[tuple[int, object]]:
        try:
            for document in read_documents(self._stream.rest(), self.name):
                for each in document.items if isinstance(document, Items) else (document,):
                    yield each.at.line, data(each)
        except MappingError as error:
            self.incomplete = str(error)
