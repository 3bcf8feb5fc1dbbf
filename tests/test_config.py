"""Settings: each wrong one gives one clear sentence, secrets stay unsaid, and keys are there before strangers are."""

import os
from pathlib import Path

import pytest

from bot.config import Settings, WrongSettings, load_settings, sealer
from bot.store.crypto import new_key

TOKEN = "4711:made-up-token"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment without any OMSBOT_ setting, in a folder without `.env`."""
    for name in [name for name in os.environ if name.startswith("OMSBOT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


class Elsewhere(Settings):
    """Settings whose own key file lies in the folder of the test."""

    @property
    def key_file(self) -> Path:
        return Path("data/oms-bot.key").resolve()


def test_nothing_has_to_be_set(environment: pytest.MonkeyPatch) -> None:
    """Without any setting the program serves this machine alone, with no messenger."""
    settings = load_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.telegram_token.get_secret_value() == ""
    assert (settings.content_dir / "structure.yaml").is_file()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", "eighty", "OMSBOT_PORT: .*integer"),
        ("PORT", "65536", "OMSBOT_PORT: .*65535"),
        ("PORT", "-1", "OMSBOT_PORT: .*0"),
        ("DATABASE_URL", "mysql://127.0.0.1/x", "OMSBOT_DATABASE_URL: must begin with sqlite"),
        ("DATABASE_URL", "data.db", "OMSBOT_DATABASE_URL: must begin with sqlite"),
        ("TELEGRAM_API_URL", "http://example.com", "OMSBOT_TELEGRAM_API_URL: must be an https:// address"),
        ("TELEGRAM_API_URL", "api.telegram.org", "OMSBOT_TELEGRAM_API_URL: must be an https:// address"),
        ("TELEGRAM_API_URL", "ftp://127.0.0.1", "OMSBOT_TELEGRAM_API_URL: must be an https:// address"),
        ("LOG_LEVEL", "LOUD", "OMSBOT_LOG_LEVEL: .*DEBUG"),
        ("LOG_FORMAT", "xml", "OMSBOT_LOG_FORMAT: .*console"),
        ("TELEGRAM_TOKEN", TOKEN, "OMSBOT_DATA_KEYS must be set before a messenger is connected"),
    ],
)
def test_a_wrong_setting_is_named(environment: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    """A wrong setting is refused in one line that names it as the operator wrote it and says what would be right."""
    environment.setenv(f"OMSBOT_{name}", value)
    with pytest.raises(WrongSettings, match=f"^{says}") as refusal:
        load_settings()
    sentence = str(refusal.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert "Value error" not in sentence
    assert "pydantic" not in sentence
    assert TOKEN not in sentence


@pytest.mark.parametrize("url", ["http://127.0.0.1:8081", "http://localhost/", "http://[::1]:1/", "https://example.com/"])
def test_a_local_server_may_be_plain(environment: pytest.MonkeyPatch, url: str) -> None:
    """The Bot API may be any server that speaks it: encrypted, or on this machine."""
    environment.setenv("OMSBOT_TELEGRAM_API_URL", url)
    assert load_settings().telegram_api_url == url.rstrip("/")


def test_a_messenger_with_a_key_is_fine(environment: pytest.MonkeyPatch) -> None:
    """With a data key the token is taken."""
    environment.setenv("OMSBOT_TELEGRAM_TOKEN", TOKEN)
    environment.setenv("OMSBOT_DATA_KEYS", new_key())
    assert load_settings().telegram_token.get_secret_value() == TOKEN


@pytest.mark.parametrize("empty", ["", " ", ",", " , "])
def test_a_list_of_no_keys_is_no_key(environment: pytest.MonkeyPatch, empty: str) -> None:
    """A messenger is refused as well when the keys are set and none is in there."""
    environment.setenv("OMSBOT_TELEGRAM_TOKEN", TOKEN)
    environment.setenv("OMSBOT_DATA_KEYS", empty)
    with pytest.raises(WrongSettings, match="OMSBOT_DATA_KEYS"):
        load_settings()


def test_settings_come_from_the_env_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`.env` in the working folder is read, and the environment wins over it; an empty value is no value."""
    (tmp_path / ".env").write_text("OMSBOT_PORT=8001\nOMSBOT_LOG_LEVEL=DEBUG\nOMSBOT_HOST=\n")
    environment.setenv("OMSBOT_LOG_LEVEL", "ERROR")
    settings = load_settings()
    assert (settings.port, settings.log_level, settings.host) == (8001, "ERROR", "127.0.0.1")


def test_secrets_are_not_printed(environment: pytest.MonkeyPatch) -> None:
    """Neither keys nor token are in what a log or traceback would show of the settings."""
    key = new_key()
    environment.setenv("OMSBOT_TELEGRAM_TOKEN", TOKEN)
    environment.setenv("OMSBOT_DATA_KEYS", key)
    shown = repr(load_settings()) + str(load_settings())
    assert "telegram_token" in shown
    assert TOKEN not in shown
    assert key not in shown


def test_the_key_of_the_first_run_is_for_its_owner_only(environment: pytest.MonkeyPatch) -> None:
    """Without keys one is made in a file that only its owner can read, and found again at the next start."""
    old = os.umask(0)
    try:
        sealed = sealer(Elsewhere()).seal("words")
    finally:
        os.umask(old)
    file = Elsewhere().key_file
    assert file.stat().st_mode & 0o777 == 0o600
    assert sealer(Elsewhere()).open(sealed) == b"words"


def test_a_given_key_makes_no_file(environment: pytest.MonkeyPatch) -> None:
    """With keys of the operator's own no key is written anywhere."""
    sealer(Elsewhere(data_keys=new_key()))  # type: ignore[arg-type]
    assert not Elsewhere().key_file.exists()


def test_the_first_key_seals_and_all_open(environment: pytest.MonkeyPatch) -> None:
    """In a list of keys, spaces allowed, the first one seals and every one opens."""
    old, new = new_key(), new_key()
    sealed = sealer(Elsewhere(data_keys=old)).seal("words")  # type: ignore[arg-type]
    both = sealer(Elsewhere(data_keys=f" {new} , {old} "))  # type: ignore[arg-type]
    assert both.open(sealed) == b"words"
    assert sealer(Elsewhere(data_keys=new)).open(both.seal("fresh")) == b"fresh"  # type: ignore[arg-type]


@pytest.mark.parametrize("keys", ["short", "x" * 44, new_key()[:-2]])
def test_a_wrong_key_is_refused_unsaid(environment: pytest.MonkeyPatch, keys: str) -> None:
    """Something that is no key is refused in a sentence that does not repeat it."""
    with pytest.raises(WrongSettings, match="OMSBOT_DATA_KEYS: each key must be one that") as refusal:
        sealer(Elsewhere(data_keys=keys))  # type: ignore[arg-type]
    assert keys not in str(refusal.value)


def test_a_spoilt_key_file_is_named(environment: pytest.MonkeyPatch) -> None:
    """When the key file of the first run is empty or spoilt the sentence names that file, not a setting nobody has made."""
    file = Elsewhere().key_file
    file.parent.mkdir()
    file.touch()
    with pytest.raises(WrongSettings, match=r"oms-bot\.key"):
        sealer(Elsewhere())
