"""Settings, from the environment and `.env`, all with the prefix OMSBOT_. README lists them."""

import os
import re
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url

from bot.store.crypto import Sealer, new_key

_ROOT = Path(__file__).parents[1]


class WrongSettings(Exception):
    """A setting is missing or wrong; the text says which and what to do."""


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if not parts.hostname or parts.scheme not in ("http", "https") or (parts.scheme == "http" and not local):
        raise ValueError("must be an https:// address (http:// only on this machine)")
    return url.rstrip("/")


def known_database(url: str) -> str:
    """`url` if we can use it. Raises ValueError."""
    if url in ("sqlite+aiosqlite:///", "sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:"):
        raise ValueError("names no file: everything would be lost at the stop")
    if not url.startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://")):
        raise ValueError("must begin with sqlite+aiosqlite:/// or postgresql+asyncpg://")
    if url.startswith("postgresql") and find_spec("asyncpg") is None:
        raise ValueError("needs a driver that is not installed: `.venv/bin/pip install asyncpg`")
    return url


def _public_url(url: str) -> str:
    if url and not url.startswith("https://"):
        raise ValueError("must begin with https://")
    return url.rstrip("/")


def _smtp_url(url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value().strip())
        sound = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0 and not parts.path.strip("/")
    except ValueError:
        sound = False
    if url.get_secret_value() and not sound:
        raise ValueError("must look like smtps://user:password@mail.example.org:465 (%40 for an @ in the name)")
    return url


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="OMSBOT_", env_file=".env", extra="ignore", env_ignore_empty=True)

    host: str = "127.0.0.1"
    public_url: Annotated[str, AfterValidator(_public_url)] = ""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    database_url: Annotated[str, AfterValidator(known_database)] = f"sqlite+aiosqlite:///{_ROOT / 'data' / 'oms-bot.db'}"
    backups: Annotated[int, Field(ge=0, le=3650)] = 14
    content_dir: Path = _ROOT / "content"
    data_keys: SecretStr = SecretStr("")
    telegram_token: SecretStr = SecretStr("")
    telegram_mode: Literal["polling", "webhook"] = "polling"
    telegram_webhook_secret: SecretStr = SecretStr("")
    telegram_rate: Annotated[float, Field(gt=0, le=100_000)] = 30
    telegram_chat_rate: Annotated[float, Field(gt=0, le=100_000)] = 1
    telegram_api_url: Annotated[str, AfterValidator(_base_url)] = "https://api.telegram.org"
    whatsapp_token: SecretStr = SecretStr("")
    whatsapp_phone_number_id: Annotated[str, Field(pattern=r"^\d{0,30}$")] = ""
    whatsapp_app_secret: SecretStr = SecretStr("")
    whatsapp_verify_token: SecretStr = SecretStr("")
    whatsapp_template: Annotated[str, Field(pattern=r"^[a-z0-9_]{0,512}$")] = ""
    whatsapp_rate: Annotated[float, Field(gt=0, le=100_000)] = 80
    whatsapp_api_url: Annotated[str, AfterValidator(_base_url)] = "https://graph.facebook.com/v23.0"
    telegram_staff_chat: Annotated[str, Field(pattern=r"^(-\d{1,20})?$")] = ""
    smtp_url: Annotated[SecretStr, AfterValidator(_smtp_url)] = SecretStr("")
    smtp_from: Annotated[str, Field(pattern=r"^([^@\s<>]+@[^@\s<>]+)?$")] = ""
    staff_email: Annotated[str, Field(pattern=r"^([^@\s<>,]+@[^@\s<>,]+)?$")] = ""
    staff_language: Literal["en", "de"] = "en"
    metrics_token: SecretStr = SecretStr("")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["console", "json"] = "console"

    @model_validator(mode="after")
    def _keys_before_strangers(self) -> "Settings":
        if (self.telegram_token.get_secret_value() or self.whatsapp_token.get_secret_value()) and not self.keys:
            raise ValueError(
                "OMSBOT_DATA_KEYS must be set before a messenger is connected. Make one key with `oms-bot key`, "
                "keep it apart from the database and its backups"
            )
        return self

    @model_validator(mode="after")
    def _webhook_is_whole(self) -> "Settings":
        if self.telegram_mode == "webhook":
            if not self.public_url:
                raise ValueError("OMSBOT_PUBLIC_URL must be set for Telegram to reach us by webhook")
            if not re.fullmatch(r"[A-Za-z0-9_-]{16,256}", self.telegram_webhook_secret.get_secret_value()):
                raise ValueError(
                    "OMSBOT_TELEGRAM_WEBHOOK_SECRET must be 16 to 256 letters, digits, _ or -: `oms-bot key` makes one up to its ="
                )
        return self

    @model_validator(mode="after")
    def _whatsapp_is_whole(self) -> "Settings":
        needed = {
            "PHONE_NUMBER_ID": self.whatsapp_phone_number_id,
            "APP_SECRET": self.whatsapp_app_secret.get_secret_value(),
            "VERIFY_TOKEN": self.whatsapp_verify_token.get_secret_value(),
        }
        missing = [f"OMSBOT_WHATSAPP_{name}" for name, value in needed.items() if not value]
        if self.whatsapp_token.get_secret_value() and missing:
            raise ValueError(f"{' and '.join(missing)} must be set with OMSBOT_WHATSAPP_TOKEN: see README, Connect WhatsApp")
        return self

    @model_validator(mode="after")
    def _mail_is_whole(self) -> "Settings":
        given = [bool(self.smtp_url.get_secret_value()), bool(self.smtp_from), bool(self.staff_email)]
        if any(given) and not all(given):
            raise ValueError("OMSBOT_SMTP_URL, OMSBOT_SMTP_FROM and OMSBOT_STAFF_EMAIL belong together: set all three or none")
        return self

    @property
    def database_file(self) -> Path | None:
        """The SQLite file; None on PostgreSQL."""
        url = make_url(self.database_url)
        return Path(url.database or "") if url.get_backend_name() == "sqlite" else None

    @property
    def keys(self) -> list[str]:
        return [key.strip() for key in self.data_keys.get_secret_value().split(",") if key.strip()]

    @property
    def key_file(self) -> Path:
        """Where the key made on the first run lies, for trying the program out."""
        return _ROOT / "data" / "oms-bot.key"


def load_settings() -> Settings:
    """Raises WrongSettings with one clear sentence."""
    try:
        return Settings()
    except ValidationError as invalid:
        mistake = invalid.errors(include_url=False, include_input=False)[0]
        name = f"OMSBOT_{str(mistake['loc'][0]).upper()}: " if mistake["loc"] else ""
        raise WrongSettings(f"{name}{mistake['msg'].removeprefix('Value error, ')}.") from None


def sealer(settings: Settings) -> Sealer:
    """The sealer with the configured keys, or with the one made on the first run. Raises WrongSettings."""
    if settings.keys:
        return _sealer(settings.keys, "OMSBOT_DATA_KEYS: each key must be one that `oms-bot key` has made.")
    try:
        key = _embedded_key(settings.key_file)
    except OSError as error:
        raise WrongSettings(f"No data key can be kept in {settings.key_file.parent} ({error.strerror}): set OMSBOT_DATA_KEYS.") from None
    return _sealer([key], f"{settings.key_file.name} holds no key: bring it back from a backup; without it the data cannot be read.")


def _sealer(keys: list[str], otherwise: str) -> Sealer:
    try:
        return Sealer(keys)
    except ValueError:
        raise WrongSettings(otherwise) from None


def _embedded_key(file: Path) -> str:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all, and only one of two programs that start at once makes it.
        with NamedTemporaryFile("w", dir=file.parent, prefix=".key-") as made, suppress(FileExistsError):
            made.write(new_key() + "\n")
            made.flush()
            os.fsync(made.fileno())
            os.link(made.name, file)
    return file.read_text().strip()
