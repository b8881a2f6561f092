"""A card file's text, YAML or JSON: to plain values and back, a bin to a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from riskml.errors import ConfigError, DataError
from riskml.io import replacing


class OneLine(dict[str, Any]):
    """A mapping that stands on one line."""


class OneLineList(list[Any]):
    """A list that stands on one line."""


class _Writer(yaml.SafeDumper):
    """Writes bins on one line, and no references from one place to another."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


class _Reader(yaml.SafeLoader):
    """Refuses a key that occurs twice, of which YAML would take the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise DataError(
                        f"the key {key.value!r} occurs twice", where=f"line {key.start_mark.line + 1}", fix="keep one"
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_Writer.add_representer(
    OneLine, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)
)
_Writer.add_representer(
    OneLineList, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)
)


def write_document(path: str | Path, document: Mapping[str, Any]) -> None:
    """Write a document as the file's suffix says."""
    text = (
        json.dumps(document, indent=1, ensure_ascii=False)
        if _is_json(path)
        else yaml.dump(document, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=10_000)
    )
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_document(path: str | Path) -> Any:
    """Return what a YAML or JSON file holds."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        if _is_json(path):
            return json.loads(text, object_pairs_hook=_once)
        return yaml.load(text, Loader=_Reader)  # noqa: S506 (a SafeLoader)
    except FileNotFoundError:
        raise DataError("the card file does not exist", where=str(path), fix="check the path") from None
    except DataError as error:
        raise DataError(error.what, where=f"{path}, {error.where}".removesuffix(", "), fix=error.fix) from None
    except RecursionError:
        raise DataError("the card file is nested too deeply to be a card", where=str(path)) from None
    # A number or a day that cannot be is a plain ValueError of either reader.
    except (OSError, ValueError, yaml.YAMLError) as error:
        if isinstance(error, ConfigError):
            raise
        raise DataError(f"the card file cannot be read: {error}", where=str(path)) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for key, value in pairs:
        if key in said:
            raise DataError(f"the key {key!r} occurs twice", fix="keep one")
        said[key] = value
    return said


def _is_json(path: str | Path) -> bool:
    suffix = Path(path).suffix.lower()
    if suffix not in (".json", ".yaml", ".yml"):
        raise ConfigError(f"a card is saved as .yaml or .json; got {suffix!r}", where=str(path))
    return suffix == ".json"
