"""The whole card on one page."""

from __future__ import annotations

import io

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from riskml.errors import ConfigError
from riskml.report import plots
from riskml.scorecard import Scorecard, SegmentedScorecard
from riskml.scorecard.display.tables import binning_table, card_table

SCALE = {"pdo": 20.0, "base_score": 600.0, "base_odds": 50.0}
CARD = pd.DataFrame(
    [
        ("age", "(-inf, 30)", 0.8, 100),
        ("age", "[30, inf)", -0.4, 120),
        ("age", "Missing", 0.0, 110),
        ("客户年龄段", "青年", 1.2, 90),
        ("客户年龄段", "$x_1$ & others", -0.3, 140),
        ("客户年龄段", "Missing", 0.0, 120),
        ("客户年龄段", "Unseen", 0.0, 120),
    ],
    columns=["column", "bin", "woe", "points"],
)
TABLES = {
    "age": pd.DataFrame(
        {"bin": ["(-inf, 30)", "[30, inf) or Missing"], "count": [60, 40], "event": [30, 10], "event_rate": [0.5, 0.25]}
    ),
    "客户年龄段": pd.DataFrame(
        {"bin": ["青年", "$x_1$ & others"], "count": [25, 75], "event": [15, 25], "event_rate": [0.6, 1 / 3]}
    ),
}


def _said(picture: plots.Picture) -> list[str]:
    return [text.get_text() for text in picture.findobj(mpl.text.Text) if text.get_text()]


def _left(picture: plots.Picture) -> dict[str, tuple[float, float]]:
    return {text.get_text(): text.get_window_extent().x0 for text in picture.findobj(mpl.text.Text) if text.get_text()}


@pytest.fixture(scope="module")
def picture() -> plots.Picture:
    return plots.card(CARD, TABLES, **SCALE, title="Card of applicants")


def test_every_bin_stands_with_its_points_and_event_rate(picture):
    said = _said(picture)
    for text in (*CARD["bin"], "100", "140", "50.0%", "33.3%", "Card of applicants", "客户年龄段"):
        assert text in said


def test_the_scale_is_said_in_words_and_on_a_ruler(picture):
    said = _said(picture)
    assert any(
        "600 points stand for 50 non-events per event; every 20 points more double that" in text for text in said
    )
    # The card reaches from 190 to 260 points: 200 points are 20 doublings below 600.
    assert "200" in said
    assert "260" in said


def test_the_ruler_tells_the_event_rate_of_a_score():
    far = CARD.assign(points=[250, 300, 280, 250, 300, 280, 280])
    said = _said(plots.card(far, TABLES, **SCALE))
    # At the base score of 600 the odds are 50 to 1.
    assert "600" in said
    assert "2.0%" in said


def test_characteristics_stand_in_the_order_of_how_much_they_move_the_score(picture):
    picture.draw_without_rendering()
    left = _left(picture)
    assert left["客户年龄段"] < left["age"]


def test_bins_without_rows_are_hollow(picture):
    bars = {
        axes: [patch for patch in axes.patches if isinstance(patch, mpl.patches.Rectangle)] for axes in picture.axes
    }
    panel = next(bars_ for axes, bars_ in bars.items() if len(bars_) == 4)
    assert [bool(patch.get_facecolor()[3]) for patch in panel] == [True, True, False, False]


def test_missing_values_merged_with_another_bin_share_its_event_rate(picture):
    assert _said(picture).count("25.0%") == 2


def test_it_can_be_drawn_without_the_bins_tables():
    said = _said(plots.card(CARD, **SCALE))
    assert "100" in said
    assert "event rate" in said  # on the ruler, and nowhere else
    assert said.count("event rate") == 1


def test_it_is_described_in_words(picture):
    assert Image.open(io.BytesIO(picture.png())).info["Description"] == picture.alt
    assert picture.alt.startswith("Scorecard of 2 characteristics; points from 190 to 260.")


def test_no_text_leaves_the_page(picture):
    picture.draw_without_rendering()
    page = picture.bbox
    for text in picture.findobj(mpl.text.Text):
        box = text.get_window_extent()
        if text.get_text():
            assert box.x0 >= page.x0, text.get_text()
            assert box.x1 <= page.x1, text.get_text()
            assert box.y0 >= page.y0, text.get_text()


def test_a_card_of_many_characteristics_says_what_it_leaves_out():
    rng = np.random.default_rng(0)
    many = pd.concat(
        CARD.iloc[:3].assign(column=f"c{at}", points=rng.integers(0, 50, 3)) for at in range(30)
    ).reset_index(drop=True)
    picture = plots.card(many, **SCALE)
    assert len(picture.axes) == 1 + 24
    assert any("6 characteristics that move the score less are not shown" in text for text in _said(picture))


def _many(characteristics: int, bins: int) -> pd.DataFrame:
    labels = [f"[{at}, {at + 1})" for at in range(bins)]
    one = pd.DataFrame({"bin": labels, "woe": 0.1, "points": range(bins)})
    return pd.concat([one.assign(column=f"c{at}") for at in range(characteristics)], ignore_index=True)


@pytest.mark.parametrize("characteristics", [3, 12, 18, 24])
def test_the_page_is_no_taller_than_paper_and_its_title_stands_clear(characteristics):
    picture = plots.card(_many(characteristics, 10), **SCALE, title="A title")
    width, height = picture.get_size_inches()
    assert height <= 1.42 * width
    picture.draw_without_rendering()
    boxes = {text.get_text(): text.get_window_extent() for text in picture.findobj(mpl.text.Text)}
    words = next(box for text, box in boxes.items() if text.startswith("A score is the sum"))
    assert boxes["A title"].y0 > words.y1
    assert boxes["A title"].y1 <= picture.bbox.y1


def test_both_ends_of_an_interval_are_there_however_long():
    frame = pd.DataFrame({"column": "tiny", "bin": ["(-inf, -1.681e-07)", "[-1.681e-07, -8.82e-08)"], "woe": 0.0})
    said = _said(plots.card(frame.assign(points=[1, 2]), **SCALE))
    assert "[-1.681e-07,\n-8.82e-08)" in said


@pytest.fixture(scope="module")
def fitted_card() -> Scorecard:
    rng = np.random.default_rng(4)
    state = rng.choice([f"S{at:02d}" for at in range(30)], 3000)
    X = pd.DataFrame({"state": state, "age": rng.integers(18, 70, 3000)})
    y = (rng.random(3000) < 0.1 + 0.2 * np.isin(state, [f"S{at:02d}" for at in range(15)])).astype(int)
    return Scorecard(max_bins=2, min_iv=0).fit(X, y)


def test_a_fitted_card_brings_its_scale_its_tables_and_all_levels(fitted_card):
    said = _said(plots.card(fitted_card))
    assert any("600 points stand for 50 non-events" in text for text in said)
    shown = {name for text in said for name in text.replace("\n", " ").split(", ")}
    assert {f"S{at:02d}" for at in range(30)} <= shown
    with pytest.raises(ConfigError, match="scale of the points is not known"):
        plots.card(fitted_card.card_)


def test_one_card_s_bins_are_those_of_its_binner(fitted_card):
    binner = fitted_card.binner_
    assert _said(plots.woe(fitted_card, "age")) == _said(plots.woe(binner, "age"))
    assert str(binning_table(fitted_card, "state")) == str(binning_table(binner, "state"))
    with pytest.raises(ConfigError, match="expected a fitted OptimalBinner or Scorecard, got dict"):
        binning_table({}, "age")


@pytest.mark.parametrize(
    "show",
    [plots.card, card_table, lambda cards: plots.woe(cards, "age"), lambda cards: binning_table(cards, "age")],
)
def test_one_card_is_shown_and_not_those_of_segments(show):
    X = pd.DataFrame({"home": ["own", "rent"] * 400, "age": np.arange(800) % 50})
    cards = SegmentedScorecard(segment_by="home", min_segment_events=20).fit(X, np.arange(800) % 3 == 0)
    with pytest.raises(ConfigError, match=r"cards of 2 segments.*\n.*such as \.cards_\['own'\]"):
        show(cards)


def test_the_ruler_leaves_out_scores_that_nobody_has():
    far = pd.DataFrame({"column": "x", "bin": ["a", "b"], "woe": 0.0, "points": [0, 1000]})
    picture = plots.card(far, **SCALE)
    rates = [float(text.rstrip("%")) for text in _said(picture) if text.endswith("%")]
    assert min(rates) >= 0.2
    assert max(rates) <= 99


def test_a_card_without_characteristics_is_a_page_with_its_scale():
    picture = plots.card(CARD.iloc[:0], {}, **SCALE)
    assert len(picture.axes) == 1
    assert picture.png()
