from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import Field, SecretStr

from proofport import registry
from proofport.adapter import Adapter, ObjectSettings, Resource, Settings
from proofport.config import Config
from proofport.delivery.target import lane_of
from proofport.errors import ConfigError
from proofport.wire import is_loopback

SECRET = "hunter2-hunter2"


class ToyObject(ObjectSettings):
    table: int


class ToySettings(Settings):
    api_key: SecretStr
    api_secret: SecretStr | None = None
    base_url: str = "https://toy.example.com"
    objects: dict[str, ToyObject] = Field(default_factory=dict)


class ToyTable(Resource):
    @property
    def lane(self) -> str:
        return f"toy/{self.kind}"

    def limits(self, mode: Any) -> Any: ...
    def body(self, mode: Any) -> Any: ...


class Toy(Adapter):
    name = "toy"
    Settings: ClassVar[type[Settings]] = ToySettings

    @property
    def origin(self) -> str:
        return str(self.settings.base_url)

    @property
    def auth(self) -> Any: ...
    def resource(self, kind: str) -> ToyTable:
        return ToyTable(kind)

    @classmethod
    def bodies(cls, kind: str) -> Any: ...


@pytest.fixture(autouse=True)
def toy_is_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(registry, "names", lambda group: ["other", "toy"])
    monkeypatch.setattr(registry, "load_adapter", lambda name: Toy)
    monkeypatch.delenv("PROOFPORT_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


def write(text: str, path: str = "proofport.yaml") -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def with_destination(block: str) -> Config:
    lines = "".join(f"    {line}\n" for line in block.splitlines())
    return Config.load(write(f"instance: test\ndestinations:\n  prod:\n    adapter: toy\n{lines}"))


def refusal(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        Config.load(write(text))
    return caught.value


def refused_destination(block: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        with_destination(block).adapter("prod")
    return caught.value


class TestLoad:
    def test_defaults_stand_beside_the_file(self, tmp_path: Path) -> None:
        config = Config.load(write("instance: prod\n", "deep/proofport.yaml"))
        assert config.instance == "prod"
        assert config.journal == tmp_path / "deep/.proofport/journal.sqlite3"
        assert (config.guard.max_gone, config.guard.max_rejected) == (0.2, 0)
        assert config.destinations == {}

    def test_everything_can_be_said(self, tmp_path: Path) -> None:
        config = Config.load(
            write(
                "instance: prod\njournal: j.db\nguard: {max_gone: 0.5, max_rejected: 3}\nmappings: ./m\n"
                "patience: 5\ndestinations: {}\ntenants: {}\n"
            )
        )
        assert (config.journal, config.mappings) == (tmp_path / "j.db", tmp_path / "m")
        assert (config.guard.max_gone, config.guard.max_rejected, config.patience) == (0.5, 3, 5)

    def test_found_upward_from_the_working_directory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write("instance: above\n")
        (tmp_path / "a/b").mkdir(parents=True)
        monkeypatch.chdir(tmp_path / "a/b")
        assert Config.load().instance == "above"

    def test_the_variable_names_the_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write("instance: here\n")
        monkeypatch.setenv("PROOFPORT_CONFIG", str(write("instance: elsewhere\n", "other.yaml")))
        assert Config.load().instance == "elsewhere"

    def test_none_found_says_how_to_write_one(self) -> None:
        with pytest.raises(ConfigError) as caught:
            Config.load()
        assert "proofport init" in str(caught.value)

    @pytest.mark.parametrize(
        ("text", "message", "hint"),
        [
            ("instance: a\ndestination: {}\n", "proofport.yaml:2:1: destination: found an unknown key", "destinations"),
            ("instance: a\nguard:\n  max_gon: 1\n", "proofport.yaml:3:3: guard.max_gon: found an unknown", "max_gone"),
            ("instance: a\nguard: {max_gone: 2}\n", ":2:9: guard.max_gone: found 2, expected less than or equal", None),
            ("instance: a\nguard: null\n", ":2:1: guard: found null", None),
            ("instance: a\nguard: 5\n", ":2:1: guard: found 5, expected a mapping with max_gone", None),
            ("instance: a\ndestinations: 5\n", ":2:1: destinations: found 5, expected a mapping", None),
            ("journal: j\n", "proofport.yaml:1:1: instance: found nothing, expected a value", None),
            ("instance: a\npath: x\n", ":2:1: path: found an unknown key", None),
            ("instance: a\ntenants: {B: {}}\n", ":2:11: tenants.B: found 'B', expected up to 63 of a-z", None),
            ("instance: a\ntenants: {default: {}}\n", "tenants.default: found 'default'", "at the top of the file"),
            ("instance: a\ntenants: {b: {dest: {}}}\n", ":2:15: tenants.b.dest: found an unknown key", None),
            ("instance: a\ndestinations: {a/b: {}}\n", ":2:16: destinations.a/b: found 'a/b', expected a name", None),
            ("instance: a\ntenants: {b: {destinations: {'@b': {}}}}\n", "tenants.b.destinations.@b: found '@b'", None),
            (
                "instance: a\nrelay: {limits: {body: 1}}\n",
                "relay.limits.body: found an unknown key, expected one of body_bytes",
                None,
            ),
            ("instance: a\nrelay: {port: 70000}\n", ":2:9: relay.port: found 70000, expected less than", None),
            ("- a\n", "proofport.yaml:1:1: found a list, expected a mapping", None),
            ("", "found 0 YAML documents", None),
            ("a: 1\n---\nb: 2\n", "found 2 YAML documents", None),
            ("a: [\n", "proofport.yaml:2:1: found", None),
        ],
    )
    def test_mistakes_name_line_and_field(self, text: str, message: str, hint: str | None) -> None:
        error = refusal(text)
        assert message in error.message
        assert hint is None or hint in (error.hint or "")

    def test_files_that_cannot_be_read(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="there is no file nowhere"):
            Config.load("nowhere.yaml")
        (tmp_path / "latin.yaml").write_bytes(b"instance: caf\xe9\n")
        with pytest.raises(ConfigError, match="found a byte that is not UTF-8"):
            Config.load("latin.yaml")
        with pytest.raises(ConfigError, match="cannot be read"):
            Config.load(tmp_path)


class TestAdapter:
    def test_secrets_come_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TOY_KEY", SECRET)
        adapter = with_destination("api_key: env:TOY_KEY").adapter("prod")
        assert adapter.settings.api_key.get_secret_value() == SECRET
        assert SECRET not in repr(adapter.settings)

    def test_secrets_come_from_files_beside_the_configuration(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(f"{SECRET}\n", "keys/toy")
        config = with_destination("api_key: file:keys/toy")
        (tmp_path / "sub").mkdir()
        monkeypatch.chdir(tmp_path / "sub")
        assert config.adapter("prod").settings.api_key.get_secret_value() == SECRET

    @pytest.mark.parametrize("base_url", ["http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost:1"])
    def test_an_emulator_may_have_its_key_in_the_file(self, base_url: str) -> None:
        adapter = with_destination(f"api_key: {SECRET}\nbase_url: '{base_url}'").adapter("prod")
        assert adapter.settings.api_key.get_secret_value() == SECRET

    @pytest.mark.parametrize(
        "base_url", ["https://toy.example.com", "http://localhost.example.com", "http://0.0.0.0:1", "http://10.0.0.1"]
    )
    def test_anyone_else_may_not(self, base_url: str) -> None:
        error = refused_destination(f"api_key: {SECRET}\nbase_url: {base_url}")
        assert "proofport.yaml:5:5: destinations.prod.api_key: found a secret written into the file" in error.message
        assert "env:" in (error.hint or "")
        assert SECRET not in str(error)

    @pytest.mark.parametrize(
        ("block", "message", "hint"),
        [
            (
                "api_key: env:NOT_SET",
                ":5:5: destinations.prod.api_key: found the environment variable NOT_SET",
                "export",
            ),
            (
                "api_key: file:gone",
                ":5:5: destinations.prod.api_key: found a reference to a file",
                "Write the secret",
            ),
            ("api_key: ''", "destinations.prod.api_key: found an empty text", None),
            ("api_key: [1]", "destinations.prod.api_key: found a value that is not text", None),
            ("api_key: null", "destinations.prod.api_key: found null", None),
            ("base_url: http://x", ":3:3: destinations.prod.api_key: found nothing", None),
            ("api_key: env:K\napi_kee: x", ":6:5: destinations.prod.api_kee: found an unknown key", "api_key"),
            ("api_key: env:K\nobjects: {device: {tabel: 1}}", "objects.device.tabel: found an unknown key", "table"),
            ("api_key: env:K\nobjects: {device: {}}", "destinations.prod.objects.device.table: found nothing", None),
            (
                "api_key: env:K\nobjects: {device: {table: x}}",
                "device.table: found 'x', expected a valid integer",
                None,
            ),
            ("api_key: env:K\nobjects: {devices: {table: 1}}", "objects.devices: found 'devices'", "'device'?"),
            ("api_key: env:K\nrequests_per_minute: -1", "requests_per_minute: found -1, expected greater than", None),
        ],
    )
    def test_mistakes_in_settings_name_line_and_field(
        self, monkeypatch: pytest.MonkeyPatch, block: str, message: str, hint: str | None
    ) -> None:
        monkeypatch.setenv("K", SECRET)
        error = refused_destination(block)
        assert message in error.message
        assert hint is None or hint in (error.hint or "")
        assert SECRET not in str(error)

    def test_a_secret_in_the_wrong_place_is_not_repeated(self) -> None:
        assert SECRET not in str(refused_destination(f"api_kee: {SECRET}"))
        assert SECRET not in str(refused_destination(f"api_key: [{SECRET}]"))

    def test_an_unknown_destination_names_those_there_are(self) -> None:
        with pytest.raises(ConfigError) as caught:
            with_destination("api_key: env:K").adapter("prood")
        assert "configured: prod" in caught.value.message
        assert caught.value.hint == "Did you mean 'prod'?"

    @pytest.mark.parametrize(
        ("adapter", "message"),
        [("adapter: tooy", "2:26: destinations.a.adapter: found 'tooy'"), ("api_key: x", "adapter: found nothing")],
    )
    def test_an_unknown_adapter_names_those_installed(self, adapter: str, message: str) -> None:
        config = Config.load(write(f"instance: a\ndestinations: {{a: {{x: 1, {adapter}}}}}\n"))
        with pytest.raises(ConfigError) as caught:
            config.adapter("a")
        assert message in caught.value.message
        assert "one of other, toy" in caught.value.message

    def test_a_configuration_built_in_memory_needs_no_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("K", SECRET)
        config = Config(instance="memory", destinations={"a": {"adapter": "toy", "api_key": "env:K"}})
        assert config.adapter("a").settings.api_key.get_secret_value() == SECRET
        broken = Config(instance="memory", destinations={"a": {"adapter": "toy"}})
        with pytest.raises(ConfigError, match=r"the configuration: destinations.a.api_key: found nothing"):
            broken.adapter("a")


@pytest.mark.parametrize("origin", ["", "nonsense", "https://example.com", "http://2130706433"])
def test_only_this_machine_is_loopback(origin: str) -> None:
    assert not is_loopback(origin)


class TestTenants:
    TEXT = (
        "instance: test\n"
        "destinations:\n  prod: {adapter: toy, api_key: env:TOP}\n"
        "tenants:\n  acme:\n    destinations:\n"
        "      prod: {adapter: toy, api_key: env:ACME, base_url: https://acme.example.com}\n"
        "      bad: {adapter: toy, api_ke: env:ACME}\n"
        "  other: {}\n"
    )

    @pytest.fixture
    def config(self, monkeypatch: pytest.MonkeyPatch) -> Config:
        monkeypatch.setenv("TOP", SECRET)
        monkeypatch.setenv("ACME", f"{SECRET}-2")
        return Config.load(write(self.TEXT))

    def test_each_has_destinations_of_its_own(self, config: Config) -> None:
        assert [list(config.of_tenant(each)) for each in ("default", "acme", "other", "nobody")] == [
            ["prod"],
            ["prod", "bad"],
            [],
            [],
        ]
        assert config.all_destinations() == ["prod", "@acme/prod", "@acme/bad"]
        ours, theirs = config.adapter("prod"), config.adapter("@acme/prod")
        assert (ours.origin, theirs.origin) == ("https://toy.example.com", "https://acme.example.com")
        assert theirs.settings.api_key.get_secret_value() == f"{SECRET}-2"

    def test_their_lanes_are_their_own_where_the_vendor_numbers_alike(self, config: Config) -> None:
        lanes = [lane_of(name, config.adapter(name).resource("device")) for name in ("prod", "@acme/prod")]
        assert lanes == ["toy/device", "@acme/toy/device"]

    @pytest.mark.parametrize(
        "name", ["@default/prod", "@other/prod", "@acme", "@acme/", "@nobody/prod", "acme/prod", "@acme/../prod", "bad"]
    )
    def test_nothing_else_names_one(self, config: Config, name: str) -> None:
        with pytest.raises(ConfigError, match="there is no destination"):
            config.adapter(name)

    def test_a_mistake_lists_only_what_is_of_the_same_tenant(self, config: Config) -> None:
        with pytest.raises(ConfigError) as caught:
            config.adapter("@acme/prd")
        assert "configured: @acme/prod, @acme/bad" in caught.value.message
        assert "@acme/prod" in str(caught.value.hint)
        with pytest.raises(ConfigError) as caught:
            config.adapter("prd")
        assert "acme" not in str(caught.value)

    def test_mistakes_in_it_name_the_line(self, config: Config) -> None:
        with pytest.raises(
            ConfigError, match=r"proofport.yaml:8:27: tenants.acme.destinations.bad.api_ke: found an un"
        ):
            config.adapter("@acme/bad")
