"""Configuration base: strict YAML files, types that several files share, and errors that name the key."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from riskml.errors import ConfigError, holds_secrets, secrets, short_repr
from riskml.io import parse_yaml

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
Text = Annotated[str, StringConstraints(min_length=1)]
Model = TypeVar("Model", bound=BaseModel)


class Part(BaseModel):
    """A part of a configuration file: immutable, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, allow_inf_nan=False)


def _known_zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"unknown time zone {value!r}; write it as Europe/Berlin") from None
    return value


TimeZone = Annotated[str, AfterValidator(_known_zone)]


def refuse_password(address: str | None, key: str) -> None:
    """Refuse an address that holds a password: an experiment is copied into notebooks and MLflow."""
    if any(secrets(address or "")):
        raise ValueError(f"{key} holds a password, which would be written to disk: write ${{NAME}} in its place")


def first_duplicate(names: Iterable[str]) -> str | None:
    """Return the first name that occurs twice, or None."""
    seen: set[str] = set()
    return next((name for name in names if name in seen or seen.add(name)), None)  # type: ignore[func-returns-value]


def read_yaml(path: Path, what: str, fix: str = "start from an example in the docs") -> dict[str, Any]:
    """Return the keys and values of a YAML file, which has no key twice."""
    try:
        content = parse_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"the {what} file does not exist", where=str(path), fix=f"check the path, or {fix}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the {what} file cannot be read: {error}", where=str(path)) from None
    except ValueError as error:
        raise ConfigError(f"the {what} file is not valid YAML: {error}", where=str(path), fix="correct it") from None
    if not isinstance(content, dict):
        raise ConfigError(
            f"expected keys and values in the {what} file, got {type(content).__name__}", where=str(path), fix=fix
        )
    return content


def validated(model: type[Model], spec: Mapping[str, Any], what: str, *, where: str, fix: str) -> Model:
    """Return the model of a file's content; an error lists every faulty key."""
    try:
        return model.model_validate(spec)
    except ValidationError as error:
        raise ConfigError(
            "\n".join([f"invalid {what}", *map(_fault_line, error.errors())]), where=where, fix=fix
        ) from None


def _fault_line(fault: Mapping[str, Any]) -> str:
    """Return a fault that pydantic found as a line: key, expectation, value."""
    key = ".".join(map(str, fault["loc"])) or "the file"
    if fault["type"] == "extra_forbidden":
        # The bin editor's code is sometimes pasted in the wrong place.
        hint = "; edited bins belong below models: fixed: scorecard:" if fault["loc"][-1] == "overrides" else ""
        return f"  - {key}: unknown key{hint}"
    if fault["type"] == "missing":
        return f"  - {key}: missing, but required"
    expected = fault["msg"].removeprefix("Value error, ")
    if expected.startswith(f"{key}."):  # it names a key below
        return f"  - {expected}"
    if isinstance(fault.get("input"), dict) or any(holds_secrets(str(name)) for name in fault["loc"]):
        return f"  - {key}: {expected}"
    return f"  - {key}: {expected}; got {short_repr(fault.get('input'))}"
