"""Mapping of a CRM's fields to columns, scores and alerts."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Mapping as Map
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from riskml.config.base import Name, Part, Text, TimeZone, read_yaml, validated
from riskml.crm.connector import Value
from riskml.errors import ConfigError

Type = Literal["text", "number", "integer", "boolean", "date", "timestamp"]
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_FIRST_DAY = dt.date(1970, 1, 1).toordinal()
_MICROSECOND = dt.timedelta(microseconds=1)


class ColumnMap(Part):
    """A field that becomes a column."""

    field: Text
    type: Type = "text"


def _column(spec: Any) -> Any:
    return {"field": spec} if isinstance(spec, str) else spec


class TableMap(Part):
    """An object of the CRM that becomes a table."""

    object: Text
    columns: dict[Text, Annotated[ColumnMap, BeforeValidator(_column)]] = Field(min_length=1)
    id: str | None = Field(None, description="csv: the column that numbers the records")
    modified: str | None = Field(None, description="csv: the column that tells when a record was changed last")

    @property
    def fields(self) -> list[str]:
        """The fields that are read, each once."""
        return list(dict.fromkeys(column.field for column in self.columns.values()))


class ScoreField(Part):
    """A field that a part of a score is written to."""

    field: Text
    label: Annotated[str, StringConstraints(min_length=1, max_length=25)] = Field(
        description="as users see it; Zoho takes 25 characters"
    )
    type: Literal["integer", "number", "text", "long_text", "choice", "date"] = "text"
    max_length: int = Field(255, ge=1, le=32_000)
    values: dict[str, str] = Field({}, description="choice: the option that stands for each of our values")


ScorePart = Literal["score", "tier", "reasons", "action", "model_version", "as_of"]


class ScoresMap(Part):
    """Where scores are written."""

    object: Text
    fields: dict[ScorePart, ScoreField] = Field(min_length=1)

    def only(self, parts: Sequence[str]) -> ScoresMap:
        """Return the mapping of some parts alone."""
        unknown = [part for part in parts if part not in self.fields]
        if unknown:
            raise ConfigError(
                f"the mapping writes no {unknown[0]!r}", where="--only", fix=f"it writes {', '.join(self.fields)}"
            )
        return self.model_copy(update={"fields": {part: self.fields[part] for part in self.fields if part in parts}})


class AlertsMap(Part):
    """Where alerts are raised."""

    object: Text
    fields: dict[Literal["key", "customer", "cause", "owner", "due", "text", "notified"], Text] = {}
    title: Text = "客户风险预警"
    priority: Text = "High"
    owners: dict[str, Text] = Field({}, description="names of our own → the CRM's user ids")
    default_owner: str = Field("", description="who gets the alerts that name nobody")

    def named(self, defaults: Map[str, str]) -> dict[str, str]:
        """Return the field of each part of an alert: the mapping's, or else the system's default."""
        own: dict[str, str] = {str(part): field for part, field in self.fields.items()}
        return {**defaults, **own}


class Mapping(Part):
    """A CRM's fields, as an experiment's tables name them."""

    system: Literal["zoho", "fxiaoke", "csv"]
    tables: dict[Name, TableMap] = Field(min_length=1)
    scores: ScoresMap | None = None
    alerts: AlertsMap | None = None
    timezone: TimeZone = Field("Asia/Shanghai", description="zone of times without one, and of days in milliseconds")
    encoding: str = Field("utf-8-sig", description="csv: that of the files; gb18030 for those of Chinese Excel")
    bulk: bool = Field(True, description="zoho: read everything by Bulk Read; false where its scope is not given")
    overlap_minutes: int = Field(
        60, ge=0, description="how far before the last pull changes are read again: late ones, and clocks that differ"
    )

    @property
    def customers(self) -> str:
        """The object of the customers: that of the scores, or else of the first table."""
        return self.scores.object if self.scores else next(iter(self.tables.values())).object

    @model_validator(mode="after")
    def _files_have_ids(self) -> Mapping:
        lacking = [name for name, table in self.tables.items() if not table.id]
        if self.system == "csv" and lacking:
            raise ValueError(f"a table of files needs id: the column that numbers its records ({', '.join(lacking)})")
        return self


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file."""
    fix = "correct these keys; docs/crm.md explains them"
    return validated(Mapping, read_yaml(path, "mapping"), "mapping file", where=str(path), fix=fix)


def canonical(value: Any, type: Type, zone: str) -> Value:
    """Return a CRM's value in the type of its column."""
    if isinstance(value, Map):
        value = value.get("id")
    if isinstance(value, list):
        value = value[0] if value else None
        value = value.get("id") if isinstance(value, Map) else value
    if value is None or value == "" or value == "null":
        return None
    if type == "text":
        return value if isinstance(value, str) else str(value)
    if type == "number":
        number = float(value.replace(",", "")) if isinstance(value, str) else float(value)
        if number != number or number in (float("inf"), float("-inf")):
            raise ValueError(value)
        return number
    if type == "integer":
        return int(value.replace(",", "")) if isinstance(value, str) else _whole(value)
    if type == "boolean":
        return _boolean(value)
    return _day(value, zone) if type == "date" else microseconds(value, zone)


def _whole(value: Any) -> int:
    if value != int(value):
        raise ValueError(value)
    return int(value)


def _boolean(value: Any) -> bool:
    text = str(value).strip().lower()
    if text in ("true", "1", "yes", "是"):
        return True
    if text in ("false", "0", "no", "否"):
        return False
    raise ValueError(value)


def _milliseconds(value: Any) -> int | None:
    if isinstance(value, int | float):
        return int(value)
    return int(value) if value.lstrip("-").isdigit() and len(value) > 8 else None


@lru_cache(maxsize=4096)
def _zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


def _day(value: Any, zone: str) -> int:
    since = _milliseconds(value)
    if since is not None:
        return (_EPOCH + dt.timedelta(milliseconds=since)).astimezone(_zone(zone)).date().toordinal() - _FIRST_DAY
    return dt.date.fromisoformat(value.strip()[:10].replace("/", "-")).toordinal() - _FIRST_DAY


def microseconds(value: Any, zone: str) -> int:
    """Return a moment as microseconds since 1970-01-01 UTC."""
    since = _milliseconds(value)
    if since is not None:
        return since * 1000
    moment = dt.datetime.fromisoformat(value.strip().replace("/", "-"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=_zone(zone))
    return (moment - _EPOCH) // _MICROSECOND


def clipped(text: str, most: int) -> str:
    """Return a text of at most some UTF-16 units; a shortened one ends in an ellipsis."""
    if _units(text) <= most:
        return text
    characters, room = [], most - 1
    for character in text:
        room -= _units(character)
        if room < 0:
            break
        characters.append(character)
    return "".join(characters) + "…"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
