"""Loading of models: from a run, a wheel, an artifact folder or a scorecard file."""

from __future__ import annotations

import atexit
import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from riskml.config.experiment import DEFAULT_TIERS, ExportConfig
from riskml.errors import InputError
from riskml.export.wheelfile import unpack
from riskml.runs.run import Run
from riskml.runtime.package import MANIFEST, Artifact, PackageError, Tier
from riskml.runtime.shapes import Levels

if TYPE_CHECKING:
    from riskml.scorecard import Scorecard


def load_model(path: Path) -> Artifact:
    """Load a model.

    Parameters
    ----------
    path : Path
        A run's folder (its chosen model), a wheel, an artifact folder, or a file that ``save`` of a `Scorecard` or a
        `SegmentedScorecard` wrote.

    Raises
    ------
    InputError
        When there is no model.
    PackageError
        When the model is damaged.
    """
    if path.suffix == ".whl" and path.is_file():
        return _of_wheel(path)
    if path.suffix.lower() in (".yaml", ".yml", ".json") and path.is_file():
        return _of_card(path)
    if (path / MANIFEST).is_file():
        return Artifact.load(path)
    if (path / "run.json").is_file():
        run = Run.open(path)
        if run.path("leaderboard.csv").is_file():
            return Artifact.load(run.path("models", run.champion))
        raise InputError("the run has no model yet", where=str(path), fix=f"riskml run … --resume {path}")
    what = "no model found" if path.exists() else "the model does not exist"
    raise InputError(
        what, where=str(path), fix="name a run's folder, a wheel, one of a run's folders in models/, or a card file"
    )


def _of_wheel(wheel: Path) -> Artifact:
    with tempfile.TemporaryDirectory(prefix="riskml-wheel-") as folder:
        unpack(wheel, folder)
        manifests = list(Path(folder).glob(f"*/model/{MANIFEST}"))
        if len(manifests) != 1:
            raise InputError("the wheel contains no riskml model", where=str(wheel), fix="name a wheel built by riskml")
        try:
            return Artifact.load(manifests[0].parent)
        except PackageError as error:
            # The temporary folder no longer exists.
            raise PackageError(f"{wheel}: {str(error).replace(f'{folder}{os.sep}', '')}") from None


def _of_card(file: Path) -> Artifact:
    """Return a scorecard file, segmented or not, as a model with the default tiers."""
    from riskml.scorecard import Scorecard, SegmentedScorecard
    from riskml.scorecard.card.file import read_document

    document = read_document(file)
    segmented = isinstance(document, Mapping) and "riskml_segmented_scorecard" in document
    card = SegmentedScorecard.load(file) if segmented else Scorecard.load(file)
    cards = list(card.cards_.values()) if isinstance(card, SegmentedScorecard) else [card]
    totals = np.sum([next(iter(one.binner_.bins_.values())).totals for one in cards], axis=0)
    return Artifact(
        name=file.stem,
        version="",
        family="segmented scorecard" if segmented else "scorecard",
        title=file.stem,
        task="",
        target="",
        event=card.classes_[1].item() if isinstance(card.classes_[1], np.generic) else card.classes_[1],
        unseen="score",
        columns=tuple(
            {
                "name": name,
                "kind": kind,
                "description": "",
                "special": list(cards[0].schema_[name].special),
                "levels": _levels(cards, name) if kind == "categorical" else None,
            }
            for name, kind in card.model_.kinds.items()
        ),
        tiers=tuple(Tier(**tier.model_dump()) for tier in DEFAULT_TIERS),
        reasons=ExportConfig().reasons,
        reference=_reference(cards, list(card.model_.kinds)),
        metrics={},
        training={"source": file.name, "rows": float(totals.sum()), "events": float(totals[1])},
        requires=(),
        model=card.model_,
    )


def _levels(cards: Sequence[Scorecard], column: str) -> list[str]:
    shapes = [card.binner_.bins_[column].shape for card in cards]
    return sorted({name for shape in shapes if isinstance(shape, Levels) for name in shape.levels})


def _reference(cards: Sequence[Scorecard], columns: Sequence[str]) -> dict[str, float]:
    """Return the mean log-odds of each column over the training rows."""
    total = dict.fromkeys(columns, 0.0)
    rows = 0.0
    for card in cards:
        rows += float(next(iter(card.binner_.bins_.values())).totals.sum())
        for shape in card.model_.shapes:
            counted = card.binner_.bins_[shape.column].counts.sum(axis=1)
            total[shape.column] += float(counted @ np.asarray(shape.value))
    return {name: value / rows for name, value in total.items()}


def import_wheel(wheel: Path) -> ModuleType:
    """Import the package of a wheel, without installing it.

    Parameters
    ----------
    wheel : Path
        ``riskml_<name>-<version>-py3-none-any.whl``.

    Returns
    -------
    module
        With ``score(frame)``, ``explain(frame, n)`` and ``schema()``.
    """
    name = wheel.name.split("-")[0]
    folder = tempfile.mkdtemp(prefix="riskml-wheel-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    unpack(wheel, folder)
    # A long-running kernel may have imported an earlier wheel of the same name.
    for stale in [module for module in sys.modules if module.split(".")[0] == name]:
        del sys.modules[stale]
    sys.path.insert(0, folder)
    try:
        importlib.invalidate_caches()
        return importlib.import_module(name)
    finally:
        sys.path.remove(folder)
