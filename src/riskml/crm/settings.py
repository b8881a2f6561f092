"""How to log in to a CRM system: from the environment, or from a file that nobody else may read."""

from __future__ import annotations

import ipaddress
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from riskml.errors import ConfigError

System = Literal["zoho", "fxiaoke", "csv"]


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("127.0.0.1.example.com")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def secure_url(url: str) -> str:
    """Return a base URL without a closing slash; refuse one that would send secrets in clear over a network.

    >>> secure_url("https://open.fxiaoke.com/")
    'https://open.fxiaoke.com'
    """
    parts = urlsplit(url)
    if not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("a base URL is https://host, without user, query or fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError("only https may carry secrets (http only to this machine)")
    return url.rstrip("/")


Url = Annotated[str, AfterValidator(secure_url)]


class _Settings(BaseModel):
    """Immutable, strict about keys, and silent about what was put in when something is wrong with it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def secrets(self) -> list[str]:
        """Return what must never be seen."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]


def _host(url: str) -> str:
    return urlsplit(url).netloc


class ZohoSettings(_Settings):
    """Of a self client in Zoho's API console."""

    client_id: str = Field(min_length=1)
    client_secret: SecretStr = Field(min_length=1)
    refresh_token: SecretStr = Field(min_length=1)
    accounts_url: Url = "https://accounts.zoho.com"
    timeout_seconds: float = Field(60.0, gt=0)

    @property
    def account(self) -> str:
        """Whose records are meant, as far as the settings tell."""
        return f"Zoho client {self.client_id} of {_host(self.accounts_url)}"


class FxiaokeSettings(_Settings):
    """Of an application in Fxiaoke's open platform."""

    app_id: str = Field(min_length=1)
    app_secret: SecretStr = Field(min_length=1)
    permanent_code: SecretStr = Field(min_length=1)
    user: str = Field("", description="the user who acts: its open user id, FSUID_…")
    mobile: SecretStr | None = Field(None, description="of the user, where the open user id is not known")
    url: Url = "https://open.fxiaoke.com"
    auth: Literal["new", "legacy"] = "new"
    workers: int = Field(4, ge=1, le=16, description="calls under way at once when writing; the rate limit holds")
    calls: int = Field(100, ge=1, description="calls of an interface in 20 seconds, as they were bought")
    timeout_seconds: float = Field(60.0, gt=0)

    @model_validator(mode="after")
    def _somebody_acts(self) -> FxiaokeSettings:
        if not self.user and not self.mobile:
            raise ValueError("name the user who acts: user (its open user id), or mobile")
        return self

    @property
    def account(self) -> str:
        """Whose records are meant, as far as the settings tell."""
        return f"Fxiaoke application {self.app_id} of {_host(self.url)}"


class CsvSettings(_Settings):
    """Of a folder of files."""

    folder: Path
    out: Path | None = Field(None, description="where scores and alerts go; risk/ in the folder when left out")

    @property
    def account(self) -> str:
        """Whose records are meant."""
        return f"the files in {self.folder.expanduser().resolve()}"


Settings = ZohoSettings | FxiaokeSettings | CsvSettings
_KINDS: dict[str, type[ZohoSettings] | type[FxiaokeSettings] | type[CsvSettings]] = {
    "zoho": ZohoSettings,
    "fxiaoke": FxiaokeSettings,
    "csv": CsvSettings,
}


def read_settings(system: System, environment: Mapping[str, str], file: Path | None = None) -> Settings:
    """Return the settings of a system.

    Parameters
    ----------
    environment : mapping
        ``RISKML_ZOHO_CLIENT_ID`` and so on: the system and the setting in capitals. It overrules the file.
    file : Path, optional
        YAML, readable by its owner alone (mode 0600); ``RISKML_<SYSTEM>_SETTINGS`` of the environment when left out.

    Raises
    ------
    ConfigError
        When the file may be read by others, or a setting is missing or wrong. No value is shown.
    """
    kind, prefix = _KINDS[system], f"RISKML_{system.upper()}_"
    named = environment.get(f"{prefix}SETTINGS")
    path = file or (Path(named).expanduser() if named else None)
    values = _of_file(path) if path else {}
    values |= {
        name: environment[prefix + name.upper()] for name in kind.model_fields if prefix + name.upper() in environment
    }
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc'])) or 'settings'}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_context=False, include_url=False)
        ]
        raise ConfigError(
            "; ".join(faults),
            where=f"the settings of {system}" + (f" in {path}" if path else " in the environment"),
            fix=f"set {', '.join(prefix + name.upper() for name in kind.model_fields)}, or name a file",
        ) from None


def _of_file(path: Path) -> dict[str, Any]:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise ConfigError(
                f"others may read the file: its mode is {mode:04o}", where=str(path), fix=f"chmod 600 {path}"
            )
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"the settings cannot be read: {error.strerror}", where=str(path)) from None
    except (yaml.YAMLError, UnicodeDecodeError):  # what the parser says would show the line, and the secret in it
        raise ConfigError("the settings are no YAML", where=str(path), fix="write `name: value` lines") from None
    if not isinstance(values, dict):
        raise ConfigError("the settings are no YAML mapping", where=str(path), fix="write `name: value` lines")
    return {str(name): value for name, value in values.items()}
