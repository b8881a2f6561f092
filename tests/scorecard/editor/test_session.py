"""The bin editor without a browser: every number is the engine's, every edit is one that the binner takes."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from riskml.errors import ConfigError, DataError
from riskml.scorecard import OptimalBinner, Scorecard, SegmentedScorecard, count_levels, count_numeric, prebin_edges
from riskml.scorecard.editor import BinEditor
from riskml.scorecard.editor.page import breaks

SPECIAL = {"age": [-1.0]}


def _rows(seed: int = 1, n: int = 1500) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 75, n).astype(float)
    age[rng.random(n) < 0.05], age[rng.random(n) < 0.05] = np.nan, -1.0
    home = rng.choice(["own", "rent", "与父母同住", "other"], n, p=[0.4, 0.3, 0.2, 0.1])
    home[0] = "__class__"
    risk = 1 / (1 + np.exp((np.nan_to_num(age, nan=40) - 38) / 15 + (home == "own")))
    X = pd.DataFrame({"age": age, "home": np.where(rng.random(n) < 0.02, None, home), "noise": rng.normal(size=n)})
    return X, (rng.random(n) < risk).astype(int)


X, Y = _rows()
BINNER = OptimalBinner(special_values=SPECIAL).fit(X, Y)


@pytest.fixture
def editor() -> BinEditor:
    return BinEditor(BINNER, X, Y, column="age")


def test_it_begins_with_the_column_that_tells_most_and_with_the_binners_bins():
    editor = BinEditor(BINNER, X, Y)
    first = BINNER.summary_.sort_values("iv", ascending=False)["column"].iloc[0]
    assert editor.page["column"] == first
    for column in X:
        editor.pick(column)
        pd.testing.assert_frame_equal(editor.table, BINNER.tables_[column])
    assert editor.overrides == {}


def test_a_merge_joins_two_neighbours(editor):
    before = editor.table
    editor.merge(1)
    after = editor.table
    assert len(after) == len(before) - 1
    assert after["count"][1] == before["count"][1] + before["count"][2]


def test_numbers_merge_with_neighbours_only_and_missing_values_with_nothing(editor):
    with pytest.raises(ConfigError, match="only neighbouring bins"):
        editor.merge(0, 2)
    last = editor.page["regular"] - 1
    with pytest.raises(ConfigError, match="missing values and special codes keep bins of their own"):
        editor.merge(last)
    with pytest.raises(ConfigError, match="there is no bin -1"):
        editor.split(-1)


def test_a_split_without_a_value_is_the_best_of_all_single_cuts(editor):
    editor.merge(0)
    start = editor.page["iv"]
    edges = prebin_edges(X["age"].to_numpy(), BINNER.max_prebins, (-1.0,))
    low = editor.overrides["age"]["splits"][0]
    rows = len(X)
    found = []
    for edge in edges[edges < low]:
        editor.split(0, at=edge)
        if editor.table["count"][:2].min() >= BINNER.min_bin_size * rows:
            found.append(float(editor.table["iv"].sum()))
        editor.undo()
    assert editor.page["iv"] == start
    editor.split(0)
    assert editor.table["iv"].sum() == pytest.approx(max(found))


def test_rows_can_be_cut_between_the_pre_bins_counts_cannot():
    numbers = pd.DataFrame({"x": np.random.default_rng(2).normal(size=3000)})
    y = (np.random.default_rng(3).random(3000) < 0.3 + 0.2 * (numbers["x"] > 0)).astype(int)
    binner = OptimalBinner(max_prebins=16).fit(numbers, y)
    editor = BinEditor(binner, numbers, y)
    editor.split(0, at=-1.23456)
    assert -1.23456 in editor.overrides["x"]["splits"]
    assert editor.table["count"][0] == (numbers["x"] < -1.23456).sum()

    edges = prebin_edges(numbers["x"].to_numpy(), 16)
    counted = {"x": count_numeric(numbers["x"].to_numpy(), y.astype(np.int8), edges)}
    without = BinEditor(OptimalBinner(max_prebins=16).fit_counts(counted), counts=counted)
    with pytest.raises(DataError, match=r"the counts have no edge at -1\.23456"):
        without.split(0, at=-1.23456)
    without.split(0)
    assert without.overrides["x"]["splits"]


def test_counts_of_levels_are_enough_too():
    levels = count_levels(X["home"].to_numpy(), Y.astype(np.int8))
    editor = BinEditor(OptimalBinner().fit_counts({"home": levels}), counts={"home": levels})
    editor.merge(0, 1)
    assert len(editor.overrides["home"]["groups"]) == editor.page["regular"]


def test_a_split_outside_the_bin_or_without_rows_on_one_side_is_refused_and_nothing_changes(editor):
    table = editor.table
    with pytest.raises(ConfigError, match="does not lie inside the bin"):
        editor.split(0, at=1000)
    with pytest.raises(ConfigError, match="no row falls into a bin"):
        editor.split(0, at=-500)
    pd.testing.assert_frame_equal(editor.table, table)
    assert not editor.page["can_undo"]


@pytest.mark.parametrize("at", ["x", "30", np.nan, np.inf, True, [30]])
def test_a_cut_that_is_no_number_is_refused_and_nothing_changes(editor, at):
    with pytest.raises(ConfigError, match="a number is needed to cut at; got"):
        editor.split(0, at=at)
    assert not editor.page["can_undo"]


@pytest.mark.parametrize("bin_", ["x", 0.5, True, None, -1, 99])
@pytest.mark.parametrize("column", ["age", "home"])
def test_a_bin_that_is_none_is_refused(editor, column, bin_):
    editor.pick(column)
    for change in (editor.split, editor.merge, lambda at: editor.merge(at, 0)):
        with pytest.raises(ConfigError, match=f"there is no bin {bin_!r} to change"):
            change(bin_)


def test_groups_merge_wherever_they_stand_and_a_level_can_be_taken_out(editor):
    editor.pick("home")
    groups = editor.page["regular"]
    editor.merge(0, groups - 1)
    assert editor.page["regular"] == groups - 1
    level = editor.page["bins"][0]["levels"][-1]
    editor.take_out(level)
    assert [level] in [row["levels"] for row in editor.page["bins"]]
    with pytest.raises(ConfigError, match="already has its own group"):
        editor.take_out(level)
    with pytest.raises(ConfigError, match="there is no level 'nobody'"):
        editor.take_out("nobody")


def test_the_same_groups_in_another_order_are_no_edit(editor):
    editor.pick("home")
    editor.merge(0)
    editor.split(0)
    assert "home" not in editor.overrides


def test_undo_and_redo_go_through_all_columns(editor):
    editor.merge(0)
    editor.pick("home")
    editor.merge(0)
    both = editor.overrides
    editor.undo()
    editor.undo()
    assert editor.overrides == {}
    assert editor.page["column"] == "age"
    editor.redo()
    editor.redo()
    assert editor.overrides == both
    with pytest.raises(ConfigError, match="nothing to redo"):
        editor.redo()


def test_reset_is_for_one_column_and_can_be_undone(editor):
    editor.pick("home")
    editor.merge(0)
    editor.pick("age")
    editor.merge(0)
    merged = editor.overrides
    editor.reset()
    assert set(editor.overrides) == {"home"}
    editor.undo()
    assert editor.overrides == merged


def test_the_edited_binner_is_the_one_that_the_overrides_make(editor):
    editor.merge(0)
    editor.split(1, at=51)
    editor.pick("home")
    editor.merge(0)
    made = editor.binner()
    again = OptimalBinner(special_values=SPECIAL, overrides=editor.overrides).fit(X, Y)
    for column in X:
        pd.testing.assert_frame_equal(made.tables_[column], again.tables_[column])
    pd.testing.assert_frame_equal(made.transform(X), again.transform(X))
    assert made.overrides == editor.overrides
    # The binner that the editor began with is as it was.
    assert BINNER.overrides is None
    assert len(BINNER.tables_["age"]) != len(made.tables_["age"]) or not BINNER.tables_["age"].equals(
        made.tables_["age"]
    )


def test_other_options_of_an_edited_column_are_kept():
    binner = OptimalBinner(special_values=SPECIAL, overrides={"age": {"missing": "nearest"}}).fit(X, Y)
    editor = BinEditor(binner, X, Y, column="age")
    editor.merge(0)
    assert editor.binner().overrides["age"] == {"missing": "nearest", **editor.overrides["age"]}
    pd.testing.assert_frame_equal(editor.table, editor.binner().tables_["age"])


def test_the_code_is_python_and_yaml_of_the_overrides(editor):
    editor.merge(0)
    editor.pick("home")
    editor.merge(0)
    scope: dict[str, object] = {}
    exec(editor.code(), scope)
    assert scope["overrides"] == editor.overrides
    assert yaml.safe_load(editor.code("yaml")) == {"overrides": editor.overrides}
    assert "与父母同住" in editor.code("yaml")


def test_code_in_another_language_is_refused(editor):
    with pytest.raises(ConfigError, match="no code in 'zz'; it is one of 'python', 'yaml', 'edit'"):
        editor.code("zz")


def test_the_cards_of_segments_are_edited_one_by_one():
    cards = SegmentedScorecard(Scorecard(special_values=SPECIAL), ["age"], max_segments=1).fit(X, Y)
    with pytest.raises(ConfigError, match=r"pass one of them, such as \.cards_\['all'\]"):
        BinEditor(cards, X, Y)
    assert BinEditor(cards.cards_["all"], X, Y).overrides == {}


def test_a_card_is_edited_by_its_binner():
    card = Scorecard(special_values=SPECIAL).fit(X, Y)
    editor = BinEditor(card, X, Y, column="age")
    editor.merge(0)
    said = {"by": "Ana", "why": "the youngest are few", "when": "2026-03-01"}
    edited = card.edit("age", **said, X=X, y=Y, **editor.overrides["age"])
    pd.testing.assert_frame_equal(edited.tables_["age"], editor.table)


def test_weights_count_as_they_did_in_the_fit():
    weight = np.random.default_rng(4).integers(0, 4, len(X)).astype(float)
    binner = OptimalBinner(special_values=SPECIAL).fit(X, Y, weight)
    editor = BinEditor(binner, X, Y, weight, column="age")
    pd.testing.assert_frame_equal(editor.table, binner.tables_["age"])


def test_a_bin_that_departs_from_what_was_asked_says_so(editor):
    editor.split(0, at=19)
    notes = [note for row in editor.page["bins"] for note in row["notes"]]
    assert "fewer than 5% of all rows" in notes
    editor.reset()
    assert not [note for row in editor.page["bins"] for note in row["notes"]]


def test_a_break_of_the_trend_is_named():
    counts = np.array([[70, 30], [80, 20], [75, 25], [90, 10]], dtype=float)
    x = np.repeat(np.arange(4.0), 100)
    y = np.concatenate([np.repeat([0, 1], part.astype(int)) for part in counts])
    editor = BinEditor(OptimalBinner().fit(pd.DataFrame({"x": x}), y), pd.DataFrame({"x": x}), y)
    assert editor.page["trend"] == "descending"
    bin_ = next(at for at, row in enumerate(editor.page["bins"]) if "[0.5, 2.5)" in row["label"])
    editor.split(bin_, at=2)
    assert [row["notes"] for row in editor.page["bins"]][bin_ + 1] == ["breaks the descending trend"]
    assert editor.page["trend"] == "none"


def test_what_is_asked_from_the_page_and_cannot_be_is_answered_there(editor):
    editor._handle_msg({"content": {"data": {"method": "custom", "content": {"do": "undo"}}}, "buffers": []})
    assert editor.page["refused"]
    assert editor.page["message"] == "there is nothing to undo"


def test_the_page_is_plain_json(editor):
    editor.pick("home")
    assert json.loads(json.dumps(editor.page, allow_nan=False)) == editor.page


def test_without_a_kernel_the_bins_are_still_shown(editor):
    data, _ = editor._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "all bins" in data["text/html"]


def test_columns_that_hold_nothing_to_bin_are_shown_as_they_are():
    frame = pd.DataFrame({"empty": np.full(len(X), np.nan), "same": 1.0, "blank": None, "age": X["age"]})
    editor = BinEditor(Scorecard().fit(frame, Y), frame, Y)
    for column, labels in (("empty", ["Missing"]), ("same", ["(-inf, inf)"]), ("blank", ["Missing"])):
        editor.pick(column)
        assert [row["label"] for row in editor.page["bins"]] == labels
        with pytest.raises(ConfigError):
            editor.split(0)
    assert [row["regular"] for row in editor.page["bins"]] == [False]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({}, "needs either rows"),
        ({"X": X}, "needs either rows"),
        ({"X": X.drop(columns="home"), "y": Y}, "lack columns of the binner: home"),
        ({"X": X, "y": np.where(Y == 1, "bad", "good")}, "fitted on the classes"),
        ({"X": X, "y": Y, "column": "agee"}, "no column is called 'agee'"),
        ({"counts": {}}, "no counts are given for the column"),
        (
            {"counts": {name: count_levels(X["home"].to_numpy(), Y.astype(np.int8)) for name in X}},
            "the binner's column",
        ),
    ],
)
def test_what_does_not_fit_the_binner_is_refused(said, message):
    column = {"column": "age"} if "column" not in said else {}
    with pytest.raises((ConfigError, DataError), match=message):
        BinEditor(BINNER, **said, **column)


@given(
    st.lists(
        st.tuples(st.sampled_from(["merge", "split", "undo", "redo", "reset", "pick"]), st.integers(0, 6)), max_size=12
    )
)
def test_whatever_is_clicked_the_bins_hold_all_rows_and_the_binner_makes_them_again(clicks):
    editor = BinEditor(BINNER, X, Y)
    for what, at in clicks:
        asked = {"do": what, "bin": at, "other": at + 1, "column": list(X)[at % 3]}
        editor._handle_msg({"content": {"data": {"method": "custom", "content": asked}}, "buffers": []})
        assert editor.table["count"].sum() == len(X)
        assert editor.table["event"].sum() == Y.sum()
    again = OptimalBinner(special_values=SPECIAL, overrides=editor.overrides).fit(X, Y)
    for column in X:
        pd.testing.assert_frame_equal(editor.binner().tables_[column], again.tables_[column])


def test_the_code_makes_the_same_bins_where_the_binner_had_overrides_of_its_own():
    own = {"age": {"missing": "nearest"}, "home": {"groups": [["own", "__cla"], ["rent", "与父母同住", "other"]]}}
    binner = OptimalBinner(special_values=SPECIAL, overrides=own).fit(X, Y)
    editor = BinEditor(binner, X, Y, column="age")
    editor.merge(0)
    assert set(editor.edits) == {"age"}
    for said in (editor.overrides, yaml.safe_load(editor.code("yaml"))["overrides"]):
        again = OptimalBinner(special_values=SPECIAL, overrides=said).fit(X, Y)
        for column in X:
            pd.testing.assert_frame_equal(again.tables_[column], editor.binner().tables_[column])


def test_the_code_is_an_edit_of_a_card_too_that_wants_a_name_and_a_reason():
    card = Scorecard(special_values=SPECIAL).fit(X, Y)
    editor = BinEditor(card, X, Y, column="age")
    assert editor.code("edit") == "# no bin is changed"
    editor.merge(0)
    with pytest.raises(ConfigError, match="who made it and why"):
        exec(editor.code("edit"), {"card": card, "X": X, "y": Y})
    scope = {"card": card, "X": X, "y": Y}
    signed = editor.code("edit").replace("by=''", "by='Ana'").replace("why=''", "why='few rows'")
    exec(signed.replace("when=''", "when='2024-05-01'"), scope)
    pd.testing.assert_frame_equal(scope["card"].tables_["age"], editor.table)


def test_other_rows_and_forgotten_weights_are_refused():
    weight = np.random.default_rng(4).integers(1, 4, len(X)).astype(float)
    for rows, binner in ((1000, BINNER), (len(X), OptimalBinner(special_values=SPECIAL).fit(X, Y, weight))):
        with pytest.raises(DataError, match=r"not the rows that the binner was fitted on(?s:.*)sample_weight"):
            BinEditor(binner, X[:rows], Y[:rows])


def test_a_level_that_these_rows_lack_keeps_its_place():
    own = {"home": {"groups": [["own", "boat"], ["castle"], ["rent", "__cla", "与父母同住", "other"]]}}
    binner = OptimalBinner(overrides=own).fit(X, Y)
    editor = BinEditor(binner, X, Y, column="home")
    assert [row["levels"] for row in editor.page["bins"] if row["regular"]] == own["home"]["groups"]
    editor.take_out("boat")
    editor.merge(0, 1)
    assert ["boat"] not in editor.overrides["home"]["groups"] or ["castle"] in editor.overrides["home"]["groups"]
    assert json.loads(json.dumps(editor.page, allow_nan=False)) == editor.page


def test_a_bin_that_a_fold_may_lose_says_so(editor):
    editor.pick("home")
    editor.take_out("__cla")
    (row,) = [row for row in editor.page["bins"] if row["levels"] == ["__cla"]]
    assert "so few rows that a cross-validation may lose the bin" in row["notes"]


def _notes(editor: BinEditor) -> set[str]:
    return {note for row in editor.page["bins"] for note in row["notes"]}


def test_every_departure_from_what_was_asked_is_noted():
    rng = np.random.default_rng(8)
    x = rng.integers(0, 40, 4000).astype(float)
    y = (rng.random(4000) < 0.1 + 0.004 * x).astype(int)
    frame = pd.DataFrame({"x": x})
    asked = {"max_bins": 2, "min_events": 100, "min_nonevents": 2, "max_p_value": 0.01, "min_rate_difference": 0.05}
    editor = BinEditor(OptimalBinner(**asked, min_bins=2).fit(frame, y), frame, y)
    assert not _notes(editor)
    assert editor.page["notes"] == []
    editor.split(0, at=1)
    editor.split(1, at=2)
    assert editor.page["notes"] == ["more than max_bins=2"]
    said = " ".join(_notes(editor))
    for part in ("fewer than 100 events", "less than 5.0% from the bin before", "like the bin before: p 0"):
        assert part in said
    while editor.page["regular"] > 1:
        editor.merge(0)
    assert editor.page["notes"] == ["fewer than min_bins=2"]


@pytest.mark.parametrize(
    ("trend", "rate", "broken"),
    [
        ("ascending", [0.1, 0.3, 0.2], [2]),
        ("descending", [0.3, 0.1, 0.2], [2]),
        ("peak", [0.1, 0.4, 0.2, 0.3], [3]),
        ("peak", [0.1, 0.2, 0.3], []),
        ("valley", [0.4, 0.1, 0.3, 0.2], [3]),
        ("concave", [0.1, 0.2, 0.4], [2]),
        ("convex", [0.1, 0.3, 0.4], [2]),
        ("none", [0.3, 0.1, 0.2], []),
        ("ascending", [0.1, np.nan, 0.3, 0.2], [3]),
    ],
)
def test_the_bins_that_break_a_trend_are_found(trend, rate, broken):
    assert breaks(np.array(rate), trend) == broken


def test_a_peak_that_was_asked_for_is_kept_an_eye_on():
    rate = np.repeat([0.1, 0.4, 0.2, 0.3], 500)
    frame = pd.DataFrame({"x": np.repeat(np.arange(4.0), 500)})
    y = (np.tile(np.arange(500), 4) / 500 < rate).astype(int)
    editor = BinEditor(OptimalBinner(monotonic="peak").fit(frame, y), frame, y)
    assert not _notes(editor)
    last = editor.page["regular"] - 1
    editor.split(last, at=3)
    assert _notes(editor) == {"breaks the peak trend"}


def test_periods_are_drawn_and_named_where_they_break_the_trend():
    rng = np.random.default_rng(9)
    x = rng.integers(0, 20, 6000).astype(float)
    quarter = np.where(np.arange(6000) % 2, "2024Q1", "2024Q2")
    rate = np.select([x < 10, x < 15], [0.1, 0.3], np.where(quarter == "2024Q2", 0.2, 0.6))
    y = (rng.random(6000) < rate).astype(int)
    frame = pd.DataFrame({"x": x, "home": np.where(x > 9, "own", "rent")})
    binner = OptimalBinner(overrides={"x": {"splits": [10]}}).fit(frame, y, periods=quarter)
    editor = BinEditor(binner, frame, y, periods=quarter, column="x")
    assert [period["name"] for period in editor.page["periods"]] == ["2024Q1", "2024Q2"]
    shown = [[period["rates"][at] for period in editor.page["periods"]] for at in range(editor.page["regular"])]
    own = binner.by_period_.query("column == 'x'")["event_rate"].to_numpy().reshape(-1, 2)
    np.testing.assert_allclose(shown, own)
    assert not _notes(editor)
    editor.split(1, at=15)
    assert _notes(editor) == {"breaks the trend in 2024Q2"}
    editor.pick("home")
    assert "hand in" not in editor.page["message"]
    assert "with periods=" in BinEditor(binner, frame, y).page["message"]


def test_bounds_are_written_with_all_their_digits():
    frame = pd.DataFrame({"v": 1234567 + np.random.default_rng(1).random(3000) * 10})
    y = (np.random.default_rng(2).random(3000) < 0.2 + 0.05 * (frame["v"] - 1234567)).astype(int)
    editor = BinEditor(OptimalBinner().fit(frame, y), frame, y)
    texts = [part["cut_text"] for part in editor.page["fine"]][1:]
    assert len(set(texts)) == len(texts)
