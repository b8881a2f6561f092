"""A book, scored by an exported package: the list for those who decide."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskml.config.experiment import DEFAULT_TIERS
from riskml.errors import InputError
from riskml.export.wheel import build_wheel
from riskml.runs.model_loading import (
    book_by_tier,
    contributions_vs_average,
    drivers,
    high_risk_list,
    import_wheel,
    load_model,
)
from riskml.runtime.package import Artifact
from riskml.scorecard import Scorecard, SegmentedScorecard

SCORES = pd.DataFrame(
    {"probability": [0.1, 0.9, 0.6, 0.3], "tier": ["low", "high", "high", "medium"]}, index=["a", "b", "c", "d"]
)
REASONS = pd.DataFrame(
    {"customer": ["b", "b", "c"], "rank": [1, 2, 1], "column": ["Age", "Home", "Age"], "value": ["19", "rent", "22"]}
)


def test_the_list_holds_the_highest_tier_the_riskiest_first() -> None:
    listed = high_risk_list(SCORES, REASONS, DEFAULT_TIERS, n=3)
    assert listed["customer"].tolist() == ["b", "c"]
    assert listed["treatment"].tolist() == ["reviewed by an officer"] * 2
    assert listed.filter(like="reason_").values.tolist() == [["Age = 19", "Home = rent", ""], ["Age = 22", "", ""]]


def test_a_book_without_high_risk_gives_an_empty_list() -> None:
    assert high_risk_list(SCORES[SCORES["tier"] == "low"], REASONS.head(0), DEFAULT_TIERS, n=2).empty


def test_every_tier_is_counted() -> None:
    table = book_by_tier(SCORES[SCORES["tier"] != "medium"], DEFAULT_TIERS)
    assert table["rows"].tolist() == [1, 0, 2]
    assert table["expected"].iloc[2] == pytest.approx(0.75)


def test_a_customers_parts_add_up_to_the_score(artifacts: dict[str, Path], loans: pd.DataFrame) -> None:
    model = Artifact.load(artifacts["logistic"])
    parts = contributions_vs_average(model, loans.head(1))
    average = model.model.base + sum(model.reference.values())
    margin = model.contributions(loans.head(1)).sum(axis=1).iloc[0] + model.model.base
    assert average + parts["contribution"].sum() == pytest.approx(margin)


def test_drivers_come_strongest_first_with_their_meaning(artifacts: dict[str, Path], loans: pd.DataFrame) -> None:
    table = drivers(Artifact.load(artifacts["scorecard"]), loans)
    assert table["mean_abs_contribution"].is_monotonic_decreasing
    assert set(table["column"]) == {"Age", "Income", "Home"}
    assert table.set_index("column").loc["Age", "description"] == "years | at <application>"


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
