"""Models read from a wheel or a card file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskml.config.experiment import DEFAULT_TIERS
from riskml.errors import InputError
from riskml.export.wheel import build_wheel
from riskml.runs.model_loading import import_wheel, load_model
from riskml.runtime.package import Artifact
from riskml.scorecard import Scorecard, SegmentedScorecard


def test_a_wheel_is_imported_without_being_installed(
    artifacts: dict[str, Path], loans: pd.DataFrame, tmp_path: Path
) -> None:
    packages = [import_wheel(build_wheel(artifacts[kind], tmp_path / kind)) for kind in ("scorecard", "tree")]
    expected = [Artifact.load(artifacts[kind]).score(loans) for kind in ("scorecard", "tree")]
    for package, scores in zip(packages, expected, strict=True):
        pd.testing.assert_frame_equal(package.score(loans), scores)


def test_a_wheel_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x-1-py3-none-any.whl").write_bytes(b"no zip")
    with pytest.raises(InputError, match="cannot be read"):
        load_model(tmp_path / "x-1-py3-none-any.whl")


def test_a_signed_card_file_is_a_model(loans: pd.DataFrame, tmp_path: Path) -> None:
    y = np.where(np.arange(len(loans)) % 3, loans["Age"] < 35, loans["Age"] >= 35)
    card = Scorecard().fit(loans, y)
    card.save(tmp_path / "card.yaml")
    model = load_model(tmp_path / "card.yaml")
    scores = model.score(loans)
    assert scores["points"].tolist() == card.points(loans).tolist()
    assert scores["probability"].tolist() == pytest.approx(card.predict_proba(loans)[:, 1].tolist())
    assert set(scores["tier"]) <= {tier.name for tier in DEFAULT_TIERS}
    assert set(model.explain(loans)["column"]) <= set(model.model.kinds)


def test_signed_cards_of_segments_are_one_model(loans: pd.DataFrame, tmp_path: Path) -> None:
    y = np.where(np.arange(len(loans)) % 3, loans["Age"] < 35, loans["Age"] >= 35).astype(int)
    cards = SegmentedScorecard(segment_by="Home", min_segment_share=0.05, min_segment_events=5).fit(loans, y)
    cards.save(tmp_path / "cards.yaml")
    model = load_model(tmp_path / "cards.yaml")
    scores = model.score(loans)
    assert scores["points"].tolist() == cards.points(loans).tolist()
    assert scores["probability"].tolist() == pytest.approx(cards.predict_proba(loans)[:, 1].tolist())
    mean = model.contributions(loans).mean()
    assert model.reference == pytest.approx(mean.to_dict(), abs=1e-9)
