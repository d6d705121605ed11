"""Mapping files as a weapon: whatever one holds, loading it ends soon, with a mapping or an error that has its line."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from proofport.errors import MappingError, Rejected, UsageError
from proofport.mapping import MappingLibrary, compile_source, load_file
from proofport.mapping.language import bounded

HEAD = "mapping: sources/t\nto: {evidence: 'custom:thing'}\n"
SOURCE = HEAD + "fields:\n  id: $.id\n"
SECRET = "S3cr3tPassw0rd-live-key"


def made(folder: Path, rule: str, record: dict[str, Any]) -> Any:
    """What a rule makes of a record."""
    file = folder / "m.yaml"
    file.write_text(f"{SOURCE}  f: {rule}\n")
    return compile_source(load_file(file)[0])({"id": "1", **record}).get("f")


class TestArithmetic:
    def test_numbers(self, tmp_path: Path) -> None:
        assert made(tmp_path, "'$.gb * 1024'", {"gb": 16}) == 16_384
        assert made(tmp_path, "'$.a - $.b'", {"a": 1.5, "b": 1}) == 0.5
        assert made(tmp_path, "'$.gb * 1024'", {}) is None
        for nothing in (None, [1], {"a": 1}):
            assert made(tmp_path, "'$.gb * 1024'", {"gb": nothing}) is None

    @pytest.mark.parametrize("value", ["16", "x" * 2_000_000, True], ids=["text", "long text", "true"])
    @pytest.mark.parametrize("rule", ["'$.gb * 1024'", "'$.gb + $.gb'"])
    def test_text_is_refused_and_not_multiplied(self, tmp_path: Path, rule: str, value: Any) -> None:
        with pytest.raises(Rejected, match=r"found data that breaks \$\.gb") as caught:
            made(tmp_path, rule, {"gb": value})
        assert caught.value.problem.field == "f"


class TestRegularExpressions:
    def test_they_match_as_python_has_it(self, tmp_path: Path) -> None:
        data = {"a": [{"n": "web-1", "v": 1}, {"n": "db", "v": 2}, {"n": 5, "v": 3}]}
        assert made(tmp_path, "\"$.a[?(@.n =~ '^w.*[0-9]$')].v\"", data) == 1
        assert made(tmp_path, r"'$.z.`sub(/^([a-z-]+-[0-9]+)[a-z]$/, \\1)`'", {"z": "eu-west-1a"}) == "eu-west-1"

    @pytest.mark.parametrize(
        "rule", ["\"$.a[?(@.n =~ '^(a|aa)+$')].n\"", "'$.n.`sub(/^(a|aa)+$/, x)`'"], ids=["=~", "sub"]
    )
    def test_exponential_time_is_cut_off(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
        monkeypatch.setattr(bounded, "MATCH_SECONDS", 0.01)
        text = "a" * 200 + "b"
        with pytest.raises(Rejected, match="takes too long"):
            made(tmp_path, rule, {"n": text, "a": [{"n": text}]})

    def test_a_substitution_does_not_grow_without_bounds(self, tmp_path: Path) -> None:
        with pytest.raises(Rejected):
            made(tmp_path, f"'$.n.`sub(/a/, {'b' * 1_000})`'", {"n": "a" * 100_000})


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (SOURCE + "  f: $" + ".a" * 900 + "\n", "5:6"),
        (SOURCE + "  f: $" + ".a" * 60_000 + "\n", "5:6"),
        (SOURCE + '  f: "$' + "[?(@.a" * 300 + ")]" * 300 + '"\n', "5:"),
        (SOURCE + "".join(f"  f{n}: $.a\n" for n in range(2_500)), "2004:"),
        ("#" * 2_000_000 + "\n" + SOURCE, "1:1"),
        (
            HEAD
            + "records: $.r[*]\nparent: {"
            + ", ".join(f"a{n}: $.b" for n in range(200))
            + "}\nfields: {id: $.id}\n",
            "4:",
        ),
        (HEAD + f"fields:\n  id: {'[' * 60_000}{']' * 60_000}\n", "4:"),
        (HEAD + f"fields:\n  id: {'{a: ' * 60_000}1{'}' * 60_000}\n", "4:"),
        (HEAD + "fields:\n" + "- " * 60_000 + "\n", "4:"),
    ],
    ids=["steps", "a long path", "filters", "rules", "bytes", "parents", "brackets", "braces", "dashes"],
)
def test_too_much_is_an_error_with_its_line(tmp_path: Path, text: str, place: str) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(text)
    with pytest.raises(MappingError) as caught:
        load_file(file)
    assert str(caught.value).removeprefix(f"{file}:").startswith(place)
    assert len(str(caught.value)) < 10_000


class TestFiles:
    def test_a_fifo_is_not_read(self, tmp_path: Path) -> None:
        """Reading one would wait for ever."""
        os.mkfifo(tmp_path / "f.yaml")
        (tmp_path / "zero.yaml").symlink_to("/dev/zero")
        assert MappingLibrary([tmp_path]).names() == MappingLibrary().names()
        for name in ("f.yaml", "zero.yaml"):
            with pytest.raises(UsageError, match="not a regular file"):
                load_file(tmp_path / name)

    @pytest.mark.parametrize("name", ["../secret", "tables/../../secret", "link", "secrets/link"])
    def test_an_include_stays_in_the_folder(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "secret").write_text(f"{SECRET}: x\n")
        folder = tmp_path / "mappings"
        (folder / "tables").mkdir(parents=True)
        (folder / "secrets").symlink_to(tmp_path)
        for link in (folder / "link", tmp_path / "link"):
            link.symlink_to(tmp_path / "secret")
        (folder / "m.yaml").write_text(SOURCE + f"tables: {{t: {{include: {name}}}}}\n")
        with pytest.raises(MappingError, match="a file in the folder of this file, or below it") as caught:
            load_file(folder / "m.yaml")
        assert SECRET not in str(caught.value)

    @pytest.mark.parametrize("content", [SECRET, f"!{SECRET}", f"*{SECRET}", f"'{SECRET}", f"{SECRET}\n{SECRET}: x"])
    def test_what_is_not_yaml_is_not_repeated(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "secret").write_text(content + "\n")
        (tmp_path / "m.yaml").write_text(SOURCE + "tables: {t: {include: secret}}\n")
        for file in ("m.yaml", "secret"):
            with pytest.raises(UsageError) as caught:
                load_file(tmp_path / file)
            assert SECRET not in str(caught.value)


def test_a_large_table_takes_no_minute(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    entries = "".join(f"    k{n}: v\n" for n in range(20_000))
    file.write_text(f"{SOURCE}tables:\n  t:\n{entries}")
    started = time.process_time()
    assert len(load_file(file)[0].tables["t"]) == 20_000
    assert time.process_time() - started < 30
