"""Configuration base: strict YAML files, types that several files share, and errors that name the key."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from riskml.errors import ConfigError

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
Text = Annotated[str, StringConstraints(min_length=1)]
Model = TypeVar("Model", bound=BaseModel)
_PASSWORD = re.compile(r"://[^/?#@:]*:(?P<in_place>[^?]+)@|[?&]\w*(?:pass|pwd)\w*=(?P<in_query>[^&]+)", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{\w+\}")


class Part(BaseModel):
    """A part of a configuration file: immutable, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def _known_zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"unknown time zone {value!r}; write it as Europe/Berlin") from None
    return value


TimeZone = Annotated[str, AfterValidator(_known_zone)]


def refuse_password(address: str | None, key: str) -> None:
    """Refuse an address that holds a password: an experiment is copied into notebooks and MLflow."""
    match = _PASSWORD.search(address or "")
    if match and not _VARIABLE.fullmatch(match["in_place"] or match["in_query"]):
        raise ValueError(f"{key} holds a password, which would be written to disk: write ${{NAME}} in its place")


def first_duplicate(names: Iterable[str]) -> str | None:
    """Return the first name that occurs twice, or None."""
    seen: set[str] = set()
    return next((name for name in names if name in seen or seen.add(name)), None)  # type: ignore[func-returns-value]


def read_yaml(path: Path, what: str, fix: str = "start from an example in the docs") -> dict[str, Any]:
    """Return the keys and values of a YAML file, which has no key twice."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)
    except FileNotFoundError:
        raise ConfigError(f"the {what} file does not exist", where=str(path), fix=f"check the path, or {fix}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the {what} file cannot be read: {error}", where=str(path)) from None
    except _DuplicateKeyError as error:
        raise ConfigError(str(error), where=f"{path}, line {error.line}", fix="merge the two into one") from None
    except yaml.YAMLError as error:
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
    if isinstance(fault.get("input"), dict):
        return f"  - {key}: {expected}"
    return f"  - {key}: {expected}; got {fault.get('input')!r}"


class _DuplicateKeyError(Exception):
    """A mapping that has a key twice."""

    def __init__(self, key: object, first: int, line: int) -> None:
        super().__init__(f"duplicate key {key!r} (first defined on line {first})")
        self.line = line


class _UniqueKeys(yaml.SafeLoader):
    """A loader that refuses duplicate keys, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[Any, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key, line = self.construct_object(key_node, deep=True), key_node.start_mark.line + 1
            if isinstance(key, Hashable) and lines.setdefault(key, line) != line:
                raise _DuplicateKeyError(key, lines[key], line)
        return super().construct_mapping(node, deep)
