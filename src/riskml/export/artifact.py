"""Artifact folder of a fitted model: JSON, boosters in their libraries' formats, checksums, no pickle."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from riskml.config.experiment import Experiment
from riskml.errors import InputError
from riskml.metrics.stability import baseline
from riskml.runtime.boosted import Boosted
from riskml.runtime.frame import Floats
from riskml.runtime.frame import columns as read_columns
from riskml.runtime.model import Blend, Model, probability
from riskml.runtime.package import FORMAT, MANIFEST, digest
from riskml.schema import Schema

ENOUGH = 20_000  # rows that settle a mean contribution; exact Shapley values of millions would take minutes


class Fitted(Protocol):
    """Any fitted estimator of the kit."""

    model_: Model
    schema_: Schema


@dataclass(frozen=True)
class ModelWithSchema:
    """Fitted model with the schema of its columns."""

    model_: Model
    schema_: Schema


def write_artifact(
    estimator: Fitted,
    folder: str | Path,
    *,
    experiment: Experiment,
    family: str,
    X_train: pd.DataFrame,
    metrics: Mapping[str, Any],
    events: int | None = None,
    statements: Mapping[str, Mapping[str, str]] | None = None,
) -> Path:
    """Write a fitted estimator as files, in place of those of an earlier one.

    Parameters
    ----------
    estimator : Fitted
        Has ``model_`` and ``schema_``.
    folder : path
        It is written whole or not at all; the same model gives the same bytes.
    experiment : Experiment
        Names the package, its tiers, and what is done with unseen categories.
    X_train : DataFrame of shape (n, any)
        The rows it was fitted on: ranges, levels and reference contributions are taken from them.
    events : int, optional
        Events among the rows, for the model card.
    statements : mapping of column name to mapping of language to text, optional
        What a notice says of a column; of others than the model's it is left out.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        When the folder cannot be written.
    """
    blobs: dict[str, bytes] = {}
    model = estimator.model_
    columns = read_columns(X_train, model.kinds)
    payload: dict[str, Any] = {
        "format": FORMAT,
        "name": experiment.name,
        "version": experiment.export.version,
        "family": family,
        "title": experiment.title,
        "task": experiment.task,
        "target": experiment.data.target,
        "event": experiment.data.event,
        "unseen": experiment.data.unseen,
        "schema": [_column(estimator.schema_, name, model.kinds[name], values) for name, values in columns.items()],
        "tiers": [tier.model_dump() for tier in experiment.tiers],
        "reasons": experiment.export.reasons,
        "reference": _reference(model, columns),
        "statements": {name: dict(texts) for name, texts in (statements or {}).items() if name in model.kinds},
        "distributions": _distributions(model, estimator.schema_, columns),
        "training": {"source": Path(experiment.data.source).name, "rows": len(X_train), "events": events},
        "metrics": metrics,
        "requires": requirements(model),
        "model": model.to_dict(blobs),
    }
    payload["files"] = {name: hashlib.sha256(content).hexdigest() for name, content in blobs.items()}
    payload = _plain(payload)
    payload["digest"] = digest(payload)
    text = json.dumps(payload, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return _write(Path(folder), {MANIFEST: text.encode("utf-8")} | blobs)


def requirements(model: Model) -> list[str]:
    """Return the requirements for scoring, as in package metadata; untested major versions are excluded."""
    libraries = ((name, version(name).split(".")) for name in sorted(_libraries(model)))
    return [
        "numpy>=1.26,<3",
        "pandas>=2.2,<4",
        *(f"{name}>={major}.{minor},<{int(major) + 1}" for name, (major, minor, *_) in libraries),
    ]


def _libraries(model: Model) -> set[str]:
    """Return the libraries that load a model's trees."""
    if isinstance(model, Blend):
        return set().union(*map(_libraries, model.models))
    return {model.library} if isinstance(model, Boosted) else set()


def _column(schema: Schema, name: str, kind: str, values: np.ndarray[Any, Any]) -> dict[str, Any]:
    known = schema[name]
    entry: dict[str, Any] = {"name": name, "kind": kind, "description": known.description, "special": known.special}
    if known.missing:
        entry["missing_words"] = list(known.missing)
    missing = pd.isna(values)
    there = values[~missing & ~np.isin(values, np.asarray(known.special, dtype=values.dtype))]
    if kind == "numeric":
        entry |= {"min": there.min() if len(there) else None, "max": there.max() if len(there) else None}
    else:
        entry |= {"levels": sorted(set(values[~missing]))}
    return entry | {"missing": float(missing.mean()) if len(values) else None}


def _reference(model: Model, columns: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, float]:
    rows = len(next(iter(columns.values()))) if columns else 0
    if not rows:
        return dict.fromkeys(model.kinds, 0.0)
    some = np.unique(np.linspace(0, rows - 1, min(rows, ENOUGH)).astype(int))
    means: Floats = model.contributions({name: values[some] for name, values in columns.items()}).mean(axis=0)
    return dict(zip(model.kinds, means.tolist(), strict=True))


def _distributions(model: Model, schema: Schema, columns: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
    """Return training's counts in fixed bins, of every column and of the probability; no row of it."""
    if not len(next(iter(columns.values()), ())):
        return {}
    distributions = {}
    for name, values in columns.items():
        # Text stays text where all of it is missing.
        series = pd.Series(values, dtype=np.float64 if model.kinds[name] == "numeric" else object)
        distributions[name] = baseline(series, special_values=schema[name].special)
    distributions["probability"] = baseline(probability(model.margin(columns)))
    return {name: one.to_dict() for name, one in distributions.items()}


def _plain(value: Any) -> Any:
    """Return a value as JSON's types; it knows no NaN."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _write(folder: Path, files: Mapping[str, bytes]) -> Path:
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for name, content in files.items():
            (fresh / name).write_bytes(content)
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
    except OSError as error:
        raise InputError(
            f"the model cannot be written: {error.strerror or error}",
            where=str(folder),
            fix="choose a folder that you may write to",
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return folder
