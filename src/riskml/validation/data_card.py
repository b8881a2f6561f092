"""Data card: source, content and quality of a run's data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from riskml.config.experiment import Experiment
from riskml.data.catalog import sample, samples
from riskml.data.dataset import Dataset
from riskml.schema import Schema


def data_card(experiment: Experiment, features: Dataset, schema: Schema, *, digest: str, quick: int) -> dict[str, Any]:
    """Return the content of data.json."""
    source = experiment.data.source
    known = sample(source) if source in {entry.name for entry in samples()} else None
    by_part = features.y.groupby(features.part, sort=False)
    return {
        "source": source if known else str(Path(source)),
        "title": known.title if known else Path(source).name,
        "rows": len(features.X),
        "columns": features.X.shape[1],
        "event_rate": float(features.y.mean()),
        "parts": {str(name): {"rows": len(y), "events": int(y.sum())} for name, y in sorted(by_part, reverse=True)},
        "digest": digest,
        "sample": quick,
        "licence": known.licence if known else "",
        "truth": f"{known.nature}: {known.caveat}" if known else "",
        "schema": schema.to_dict()["columns"],
        **({"inputs": list(schema.inputs), "made": schema.made} if schema.inputs else {}),
    }
