import json
import logging
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest

from aftersales.errors import BadSettings
from aftersales.redaction import redact
from aftersales.registry import Registry
from aftersales.secret import MAX_AGE_S, RETRY_S, KeptSecrets
from aftersales.setting import Settings


class Source:
    """Secrets in a dictionary that counts how often each is read; a missing one cannot be had."""

    def __init__(self, **held: str) -> None:
        self.held, self.asked = held, []

    def read(self, name: str) -> str:
        """The secret as it is held now."""
        self.asked.append(name)
        if name not in self.held:
            raise BadSettings(f"There is no secret {name}.", name=name)
        return self.held[name]


@pytest.fixture
def clock() -> SimpleNamespace:
    """A time that stands until it is moved."""
    return SimpleNamespace(at=1_000_000.0)


def kept(source: Source, clock: SimpleNamespace) -> KeptSecrets:
    """The secrets of this source by this clock."""
    return KeptSecrets(source, lambda: clock.at)


# --- reading and keeping ----------------------------------------------------------------------------------------------
def test_a_secret_is_read_once_and_kept(clock):
    """However often a secret is used, its keeper is asked once while it is young; white space around it does not count."""
    source = Source(token="a-token-secret\n")
    secrets = kept(source, clock)
    assert source.asked == []
    assert {secrets.value("token") for _ in range(5)} == {"a-token-secret"}
    clock.at += MAX_AGE_S - 1
    secrets.value("token")
    assert source.asked == ["token"]


def test_the_fields_of_a_secret_come_from_one_reading(clock):
    """A key and the serial that belongs to it are never of two versions of one secret."""
    source = Source(pay=json.dumps({"serial": "S1", "key": "K1"}))
    secrets = kept(source, clock)
    first = secrets.value("pay#serial")
    source.held["pay"] = json.dumps({"serial": "S2", "key": "K2"})
    assert (first, secrets.value("pay#key")) == ("S1", "K1")
    assert source.asked == ["pay"]


def test_a_rotated_secret_is_picked_up(clock):
    """Once a value is too old it is asked for again; a machine whose time was set back asks too."""
    source = Source(token="first-secret")
    secrets = kept(source, clock)
    secrets.value("token")
    source.held["token"] = "second-secret"
    assert secrets.value("token") == "first-secret"
    clock.at += MAX_AGE_S
    assert secrets.value("token") == "second-secret"
    source.held["token"] = "third-secret"
    clock.at -= 3600
    assert secrets.value("token") == "third-secret"


def test_a_secret_that_cannot_be_read_again_stays_in_use(clock, caplog):
    """When the keeper of secrets fails, what works goes on: the last value stays, a log says so, and it is soon tried again."""
    source = Source(token="first-secret")
    secrets = kept(source, clock)
    secrets.value("token")
    del source.held["token"]
    clock.at += MAX_AGE_S
    assert secrets.value("token") == secrets.value("token") == "first-secret"
    assert source.asked == ["token", "token"]
    assert "token" in caplog.text
    assert "first-secret" not in caplog.text
    source.held["token"] = "second-secret"
    clock.at += RETRY_S
    assert secrets.value("token") == "second-secret"


def test_a_secret_that_was_spoilt_does_not_stop_what_works(clock, caplog):
    """A new version without the field is told in the log, and the field's last value stays in use until it is mended."""
    source = Source(pay='{"key": "first-key"}')
    secrets = kept(source, clock)
    secrets.value("pay#key")
    for wrong in ("no JSON at all", "[1]", '{"kye": "x"}', '{"key": ""}', '{"key": 5}'):
        source.held["pay"] = wrong
        clock.at += MAX_AGE_S
        assert secrets.value("pay#key") == "first-key"
        assert wrong not in caplog.text
    assert caplog.text.count("stays in use") == 5
    source.held["pay"] = '{"key": "second-key"}'
    clock.at += MAX_AGE_S
    assert secrets.value("pay#key") == "second-key"


@pytest.mark.parametrize(
    ("address", "held"),
    [
        pytest.param("pay", None, id="missing"),
        pytest.param("pay", " \n", id="empty"),
        pytest.param("pay#key", "hunter2-plain-text", id="no JSON"),
        pytest.param("pay#key", '["hunter2-plain-text"]', id="no object"),
        pytest.param("pay#key", '{"other": "hunter2-plain-text"}', id="no such field"),
        pytest.param("pay#key", '{"key": {"a": "hunter2-plain-text"}}', id="no text"),
        pytest.param("pay#", '{"": ""}', id="nothing named"),
    ],
)
def test_a_secret_that_cannot_be_used_is_named_and_not_shown(clock, address, held):
    """The error names the secret, and neither it nor what caused it holds a word of what was read."""
    source = Source() if held is None else Source(pay=held)
    with pytest.raises(BadSettings, match="pay") as refusal:
        kept(source, clock).value(address)
    error: BaseException | None = refusal.value
    while error is not None:
        assert "hunter2" not in f"{error!r}{vars(error)}"
        error = error.__cause__ or error.__context__


# --- in a stage -------------------------------------------------------------------------------------------------------
@pytest.fixture
def stage(tmp_path, monkeypatch) -> dict[str, Any]:
    """A stage whose clock shows its settings, and whose secrets are a plugin of this test."""
    import plugins

    code = """
        class Clock:
            def __init__(self, settings):
                if settings.get("key") == "no-key-at-all":
                    raise ValueError(settings["key"])
                self.now = lambda: settings
        def build(settings):
            return Clock(settings)
    """
    name = f"telling_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(dedent(code), encoding="utf-8")
    monkeypatch.setattr(plugins, "__path__", [*plugins.__path__, str(tmp_path)])
    return {"ports": {"clock": name}, "settings": {name: {"zone": "UTC", "key": "secret:pay#key"}}, "name": name}


@pytest.fixture
def told(stage, clock) -> tuple[Registry, Source]:
    """That stage with a source of secrets, by a clock that stands."""
    registry, source = Registry(stage), Source(pay='{"key": "first-key"}')
    registry.put("secrets", source)
    registry.put("kept secrets", kept(source, clock))
    return registry, source


def test_no_secret_is_read_before_it_is_needed(told):
    """Starting reads nothing; the first use of a plugin reads the secrets of that plugin and of no other."""
    registry, source = told
    source.held["other"] = "x"
    assert source.asked == []
    assert registry.clock.now() == {"zone": "UTC", "key": "first-key"}
    assert source.asked == ["pay"]


def test_one_setting_reads_no_other_secret(stage):
    """Who asks for one setting does not need the secrets of the others."""
    registry, source = Registry(stage), Source()
    registry.put("secrets", source)
    assert registry.setting(stage["name"], "zone") == "UTC"
    assert source.asked == []
    with pytest.raises(BadSettings, match=rf"key of {stage['name']}.*pay"):
        registry.setting(stage["name"], "key")


def test_a_plugin_is_built_anew_with_a_rotated_secret(told, clock):
    """A channel whose key was changed signs with the new one, in a process that never ends; what did not change is kept."""
    registry, source = told
    first = registry.clock
    clock.at += MAX_AGE_S
    assert registry.clock is first
    source.held["pay"] = '{"key": "second-key"}'
    assert registry.clock is first
    clock.at += MAX_AGE_S
    assert registry.clock.now()["key"] == "second-key"
    assert registry.clock is registry.clock


def test_a_plugin_that_cannot_use_the_new_secret_goes_on_with_the_old(told, clock, caplog):
    """A wrong key that somebody put in place stops nobody who has the right one; the log says it once, without the key."""
    registry, source = told
    first = registry.clock
    source.held["pay"] = '{"key": "no-key-at-all"}'
    clock.at += MAX_AGE_S
    with caplog.at_level(logging.ERROR):
        assert registry.clock is registry.clock is first
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "no-key-at-all" not in caplog.text


def test_without_secrets_none_is_read_and_none_is_there(stage):
    """A process that is to know no secrets builds its plugins without them and never asks for one."""
    registry, source = Registry(stage, with_secrets=False), Source(pay='{"key": "first-key"}')
    registry.put("secrets", source)
    assert registry.clock.now() == {"zone": "UTC"}
    assert registry.setting(stage["name"], "key", "none") == "none"
    assert source.asked == []


def test_a_secret_has_no_default(stage):
    """A stage file is public: what would stand there as a default is refused, and not shown."""
    stage["settings"][stage["name"]]["key"] = "secret:pay#key|hunter2"
    registry = Registry(stage)
    registry.put("secrets", Source(pay='{"key": "first-key"}'))
    with pytest.raises(BadSettings, match=rf"key of {stage['name']}") as refusal:
        _ = registry.clock
    assert "hunter2" not in str(refusal.value)


def test_who_reads_secrets_is_not_told_by_one(stage):
    """The plugin that reads secrets cannot need one; the error says so instead of asking itself for ever."""
    stage["ports"]["secrets"] = stage["name"]
    with pytest.raises(BadSettings, match="cannot be secrets"):
        Registry(stage).check()


def test_without_a_keeper_a_secret_is_refused(stage):
    """A stage that names a secret and no plugin to read it says which port is missing."""
    with pytest.raises(BadSettings, match="secrets"):
        _ = Registry(stage).clock


def test_a_secret_from_the_environment_is_known_too(monkeypatch, tmp_path):
    """A setting that is a secret by its name is redacted from logs wherever it came from; a public key and a name are not."""
    (tmp_path / "key").write_text("signing-key-from-a-file\n", encoding="utf-8")
    for name, value in (("K1", "signing-key-from-outside"), ("K2", "public-key-from-outside"), ("K3", "a-table-from-outside")):
        monkeypatch.setenv(f"{name}_OF_TEST", value)
    told = {
        "key": f"file:{tmp_path / 'key'}",
        "phone_key": "env:K1_OF_TEST",
        "public_key": "env:K2_OF_TEST",
        "table": "env:K3_OF_TEST",
    }
    settings = Settings({"p": told}, None).of("p")
    assert redact(f"{settings['key']} {settings['phone_key']}") == "*** ***"
    for name in ("public_key", "table"):
        assert redact(settings[name]) == settings[name]
