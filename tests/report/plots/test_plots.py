from __future__ import annotations

import io
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.font_manager import fontManager
from PIL import Image

from riskml import report
from riskml.models.families import family_colour
from riskml.report import plots
from riskml.report.plots import picture as picture_module
from riskml.scorecard import OptimalBinner


def _drawn(picture):
    """Go through all of the drawing but the dots."""
    picture.draw_without_rendering()


def _texts(picture):
    return [text.get_text() for text in picture.findobj(mpl.text.Text)]


def test_every_picture_is_drawn_titled_and_described(pictures, drawn):
    for name, picture in pictures.items():
        image = Image.open(io.BytesIO(drawn[name]))
        assert image.width > 600, name
        assert picture.get_suptitle(), name
        assert image.info["Description"] == picture.alt, name
        assert len(picture.alt) > 20, name


def test_pictures_keep_no_state_in_pyplot_and_nothing_else_of_the_report_knows_matplotlib():
    sources = {path: path.read_text(encoding="utf-8") for path in Path(report.__file__).parent.rglob("*.py")}
    assert not [path for path, code in sources.items() if "pyplot" in code.replace("needs no pyplot", "")]
    knowing = {path.parent.name for path, code in sources.items() if re.search("^(import|from) matplotlib", code, re.M)}
    assert knowing == {"plots"}


def test_the_same_picture_is_the_same_bytes(leaderboard):
    picture = plots.leaderboard(leaderboard)
    first = picture.png()
    picture.stale = True
    assert picture.png() == first == plots.leaderboard(leaderboard).png()


def test_saving_like_any_figure_gives_the_same_file(leaderboard, tmp_path):
    picture = plots.leaderboard(leaderboard)
    buffer = io.BytesIO()
    picture.savefig(buffer, format="png", metadata={"Software": None})
    assert picture.save(tmp_path / "figures" / "leaderboard.png").read_bytes() == buffer.getvalue()


def test_a_picture_shows_itself_in_a_notebook_at_its_size_on_paper(leaderboard):
    picture = plots.leaderboard(leaderboard)
    data, metadata = picture._repr_mimebundle_()
    assert data["text/plain"] == picture.alt
    assert metadata["image/png"]["width"] == round(picture.get_figwidth() * 96)


def test_a_picture_that_was_changed_is_drawn_anew(leaderboard):
    picture = plots.leaderboard(leaderboard)
    before = picture.png()
    picture.axes[0].set_xlabel("another label")
    assert picture.png() != before


def test_the_training_rows_are_on_top():
    parts = pd.DataFrame({"part": ["oot", "train"], "rows": [10, 20], "events": [1, 2]})
    labels = plots.target_overview(parts).axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == ["train", "oot"]


@pytest.mark.parametrize("top", [0.004, 0.03, 0.18, 0.25, 0.6, 1.0])
def test_shares_are_labelled_without_rounding(top):
    axes = plots.missing_and_kinds(pd.DataFrame({"column": ["a"], "kind": ["numeric"], "missing": [top]})).axes[0]
    ticks = axes.get_xticks()
    labels = [float(axes.xaxis.get_major_formatter()(tick).rstrip("%")) for tick in ticks]
    assert labels == pytest.approx(100 * ticks)


def test_values_of_a_customer_are_written_as_people_write_them():
    reasons = pd.DataFrame({"column": ["a", "b"], "value": [600.0, None], "contribution": [0.5, 0.4]})
    texts = _texts(plots.reasons_of_customer(reasons, reference=0.0))
    assert {"a = 600", "b = missing"} <= set(texts)


def test_the_style_of_the_session_is_neither_used_nor_changed(leaderboard):
    plain = plots.leaderboard(leaderboard).png()
    with mpl.rc_context({"axes.facecolor": "black", "font.size": 30, "lines.linewidth": 9, "savefig.dpi": 10}):
        before = dict(mpl.rcParams)
        assert plots.leaderboard(leaderboard).png() == plain
        assert dict(mpl.rcParams) == before


def test_letters_that_no_face_has_do_not_stop_a_picture(monkeypatch, leaderboard):
    monkeypatch.setattr(fontManager, "ttflist", [face for face in fontManager.ttflist if face.name == "DejaVu Sans"])
    picture_module._style.cache_clear()
    try:
        _drawn(plots.leaderboard(leaderboard.assign(family="模型")))
    finally:
        picture_module._style.cache_clear()


@pytest.mark.parametrize("name", ["$x_{$", "a\nb\tc", "<script>", "客户年龄段" * 20, "x" * 500, "{}%s", r"\frac{1}"])
def test_any_column_name_can_be_drawn(name, bins):
    table = bins["home"].assign(bin=name)
    profile = pd.DataFrame({"column": [name], "kind": ["categorical"], "missing": [0.5]})
    _drawn(plots.woe(table, name))
    _drawn(plots.missing_and_kinds(profile))


def test_a_dollar_sign_is_not_mathematics(profile):
    picture = plots.missing_and_kinds(profile.assign(column="$a$", missing=0.1))
    _drawn(picture)
    assert "$a$" in _texts(picture)


def test_no_missing_value_is_good_news_and_no_error(profile):
    picture = plots.missing_and_kinds(profile.assign(missing=0.0))
    assert any("No value is missing" in text for text in _texts(picture))


def test_of_many_columns_with_gaps_the_worst_are_shown():
    many = pd.DataFrame({"column": [f"c{at}" for at in range(80)], "kind": "numeric", "missing": np.arange(80) / 100})
    shown = _texts(plots.missing_and_kinds(many))
    assert "c79" in shown
    assert "c10" not in shown


def test_the_colour_of_a_family_is_the_same_in_every_picture(leaderboard, outcomes):
    board = plots.leaderboard(leaderboard)
    curve = pd.DataFrame({"false_positive_rate": [0, 0.2, 1], "true_positive_rate": [0, 0.7, 1]})
    ranked = plots.roc({"tree": curve, "blend": curve}, chosen="blend")
    for picture in (board, ranked):
        colours = {line.get_color() for line in picture.axes[0].lines}
        assert {family_colour("tree"), family_colour("blend")} <= colours


def test_the_chosen_curve_is_drawn_last_and_listed_in_the_given_order():
    curve = pd.DataFrame({"false_positive_rate": [0, 0.2, 1], "true_positive_rate": [0, 0.7, 1]})
    axes = plots.roc({"blend": curve, "tree": curve}, auc={"blend": (0.8, 0.7, 0.9)}, chosen="blend").axes[0]
    assert axes.lines[-1].get_color() == family_colour("blend")
    listed = [text.get_text() for text in axes.get_legend().get_texts()]
    assert listed == ["blend  AUC (test) 0.800 (0.700 to 0.900)", "tree"]


def test_a_band_around_the_curve_is_drawn_where_it_is_known():
    curve = pd.DataFrame({"false_positive_rate": [0, 0.2, 1], "true_positive_rate": [0, 0.7, 1]})
    plain = plots.roc({"tree": curve}).axes[0]
    band = plots.roc({"tree": curve.assign(lower=[0, 0.6, 1], upper=[0, 0.8, 1])}).axes[0]
    assert len(band.collections) == len(plain.collections) + 1


def test_unknown_values_and_intervals_leave_gaps(leaderboard, validation):
    board = leaderboard.assign(auc_test=np.nan, auc_cv_se=np.nan)
    _drawn(plots.leaderboard(board))
    tiers = pd.DataFrame(validation["tiers"]).assign(lower=np.nan, upper=np.nan)
    tiers.loc[1, ["expected", "event_rate"]] = np.nan
    tiers.loc[1, "rows"] = 0
    assert "no customers" in _texts(plots.tiers(tiers))
    bands = pd.DataFrame(validation["calibration"]).assign(lower=np.nan, upper=np.nan)
    _drawn(plots.calibration(bands))


def test_a_leaderboard_of_unknown_auc_can_be_drawn(leaderboard):
    board = leaderboard.head(1).assign(auc_cv=np.nan, auc_cv_se=np.nan, auc_test=np.nan)
    _drawn(plots.leaderboard(board))


def test_a_search_of_which_no_trial_ended_says_so():
    trials = pd.DataFrame({"family": ["tree", "tree"], "trial": [0, 1], "auc_cv": [np.nan, np.nan]})
    assert "no trial was finished" in _texts(plots.search_history(trials))


def test_rows_of_one_class_only_still_have_a_score_distribution():
    _drawn(plots.score_distribution([0.1, 0.2, 0.3], [0, 0, 0]))


def test_bins_without_rows_are_left_out(bins):
    table = bins["home"]
    blank = pd.DataFrame(
        {"bin": ["missing"], "count": [0], "event": [0], "event_rate": [np.nan], "woe": [0.0], "iv": [0.0]}
    )
    picture = plots.woe(pd.concat([table, blank]), "home")
    assert "missing" not in _texts(picture)


def test_the_most_telling_columns_given_first_are_the_ones_drawn(bins):
    shown = _texts(plots.event_rate_by_column(bins, overall=0.3, most=2))
    assert {"seniority", "records"} <= set(shown)
    assert "income" not in shown


def test_the_waterfall_ends_at_the_reference_plus_all_contributions():
    reasons = pd.DataFrame(
        {"column": [f"c{at}" for at in range(20)], "value": "1", "contribution": np.linspace(-1, 1.5, 20)}
    )
    picture = plots.reasons_of_customer(reasons, reference=-1.0, most=4)
    assert "16 other columns" in _texts(picture)
    assert f"+{-1.0 + reasons['contribution'].sum():.2f}" in _texts(picture)


def test_a_customer_like_the_reference_can_be_drawn():
    nothing = pd.DataFrame({"column": [], "value": [], "contribution": pd.Series(dtype=float)})
    _drawn(plots.reasons_of_customer(nothing, reference=-1.0))


def test_a_model_that_uses_no_column_says_so():
    nothing = pd.DataFrame({"column": [], "mean_abs_contribution": pd.Series(dtype=float)})
    assert "The model uses no column." in _texts(plots.drivers(nothing))


def test_the_event_rate_of_each_period_is_drawn_where_the_binner_knows_periods():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.integers(0, 9, 2000).astype(float)})
    y = (rng.random(2000) < 0.1 + 0.05 * X["x"]).astype(int)
    when = np.where(rng.random(2000) < 0.5, "2024Q1", "2024Q2")
    plain = plots.woe(OptimalBinner().fit(X, y), "x")
    picture = plots.woe(OptimalBinner().fit(X, y, periods=when), "x")
    lines = [len(axes.lines) for axes in picture.axes]
    assert lines[1] == [len(axes.lines) for axes in plain.axes][1] + 2
    assert picture.axes[1].get_xlabel() == "thin: in each of 2 periods"
