"""Settings of a CRM login, from the environment or from a file that only its owner can read."""

from __future__ import annotations

import ipaddress
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from riskml.errors import ConfigError
from riskml.io import parse_yaml

System = Literal["zoho", "fxiaoke", "csv"]


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def secure_url(url: str) -> str:
    """Return a base URL without a closing slash; refuse one that would send secrets unencrypted."""
    parts = urlsplit(url)
    if not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("a base URL is https://host, without user, query or fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError("secrets need https (http only to this machine)")
    return url.rstrip("/")


Url = Annotated[str, AfterValidator(secure_url)]


class _Settings(BaseModel):
    """Settings without unknown keys, whose errors show no values."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def secrets(self) -> list[str]:
        """Return the secret values."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]


class ZohoSettings(_Settings):
    """Settings of a self client in Zoho's API console."""

    client_id: str = Field(min_length=1)
    client_secret: SecretStr = Field(min_length=1)
    refresh_token: SecretStr = Field(min_length=1)
    accounts_url: Url = "https://accounts.zoho.com"
    timeout_seconds: float = Field(60.0, gt=0)

    @property
    def account(self) -> str:
        """The account, as far as the settings determine it."""
        return f"Zoho client {self.client_id} of {urlsplit(self.accounts_url).netloc}"


class FxiaokeSettings(_Settings):
    """Settings of an application in Fxiaoke's open platform."""

    app_id: str = Field(min_length=1)
    app_secret: SecretStr = Field(min_length=1)
    permanent_code: SecretStr = Field(min_length=1)
    user: str = Field("", description="open user id of the acting user, FSUID_…")
    mobile: SecretStr | None = Field(None, description="mobile number of the user, if the open user id is unknown")
    url: Url = "https://open.fxiaoke.com"
    auth: Literal["new", "legacy"] = "new"
    workers: int = Field(4, ge=1, le=16, description="concurrent calls when writing, within the rate limit")
    calls: int = Field(100, ge=1, description="purchased calls per interface in 20 seconds")
    timeout_seconds: float = Field(60.0, gt=0)

    @model_validator(mode="after")
    def _user_is_known(self) -> FxiaokeSettings:
        if not self.user and not self.mobile:
            raise ValueError("set the acting user: user (its open user id), or mobile")
        return self

    @property
    def account(self) -> str:
        """The account, as far as the settings determine it."""
        return f"Fxiaoke application {self.app_id} of {urlsplit(self.url).netloc}"


class CsvSettings(_Settings):
    """Settings of a folder of files."""

    folder: Path
    out: Path | None = Field(None, description="folder of scores and alerts (default: risk/ in the folder)")

    @property
    def account(self) -> str:
        """The account."""
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
        ``RISKML_ZOHO_CLIENT_ID`` and so on, which override the file.
    file : Path, optional
        YAML with mode 0600 (default: the variable ``RISKML_<SYSTEM>_SETTINGS``).

    Raises
    ------
    ConfigError
        When others can read the file, or a setting is missing or invalid. No value is shown.
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
        text = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"the settings cannot be read: {error.strerror}", where=str(path)) from None
    if mode & 0o077:
        raise ConfigError(f"others can read the file: its mode is {mode:04o}", where=str(path), fix=f"chmod 600 {path}")
    try:
        values = parse_yaml(text.decode("utf-8"))
    except ValueError:  # the parser's message would show the secret
        raise ConfigError("the settings are not YAML", where=str(path), fix="write `name: value` lines") from None
    if not isinstance(values, dict):
        raise ConfigError("the settings are not a YAML mapping", where=str(path), fix="write `name: value` lines")
    return {str(name): value for name, value in values.items()}
