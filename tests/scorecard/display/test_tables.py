"""Bins and cards as tables for people."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from riskml.errors import ConfigError
from riskml.report import tables
from riskml.scorecard import Edit, OptimalBinner, Scorecard, SegmentedScorecard
from riskml.scorecard.display.tables import strength, with_rates

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def rows() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(3)
    age = rng.integers(18, 70, 600).astype(float)
    age[:40] = np.nan
    home = rng.choice(["own", HOSTILE, "与父母同住"], 600)
    risk = 1 / (1 + np.exp((np.nan_to_num(age, nan=30) - 35) / 12 + (home == "own")))
    return pd.DataFrame({"age": age, HOSTILE: home}), (rng.random(600) < risk).astype(int)


@pytest.fixture(scope="module")
def binner(rows) -> OptimalBinner:
    return OptimalBinner().fit(*rows)


@pytest.fixture(scope="module")
def card(rows) -> Scorecard:
    return Scorecard().fit(*rows)


class _Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.text += data


def test_a_binning_table_ends_with_all_bins_together(binner):
    shown = tables.binning_table(binner.tables_["age"], "age")
    last = [cell.text for cell in shown.rows[-1]]
    assert last[:3] == ["all bins", "600", "100.0%"]
    assert last[-1] == f"{binner.summary_.set_index('column')['iv']['age']:.3f}"
    assert shown.marked == {len(shown.rows) - 1}


def test_each_bin_has_a_bar_of_its_event_rate_the_riskiest_the_longest(binner):
    table = binner.tables_["age"]
    bars = [row[4].bar for row in tables.binning_table(table).rows[:-1]]
    assert bars == pytest.approx(list(table["event_rate"] / table["event_rate"].max()))
    assert max(bars) == 1.0


def test_what_a_column_holds_cannot_act_in_the_page(binner, card):
    shown = [
        tables.binning_table(binner.tables_[HOSTILE], HOSTILE),
        tables.binner_table(binner.summary_),
        tables.card_table(card.card_, card.tables_),
        tables.selection_table(card.selection_),
        tables.coefficients_table(card.coefficients_),
        tables.edits_table([Edit("age", HOSTILE, HOSTILE, "2026-03-01", points={HOSTILE: 3})]),
    ]
    for table in shown:
        page = _Tags(table._repr_html_())
        assert "img" not in page.tags
        assert HOSTILE in page.text


def test_columns_are_ranked_by_information_value_with_a_word_for_it(binner):
    shown = tables.binner_table(binner.summary_)
    values = [float(row[1].text) for row in shown.rows]
    assert values == sorted(values, reverse=True)
    assert [row[2].text for row in shown.rows] == [strength(value) for value in values]


@pytest.mark.parametrize(
    ("iv", "word"),
    [(0.0199, "next to nothing"), (0.02, "weak"), (0.1, "medium"), (0.3, "strong"), (0.5, "very strong: ask why")],
)
def test_words_for_information_values_are_those_of_siddiqi(iv, word):
    assert strength(iv) == word


def test_a_card_shows_share_and_event_rate_when_it_knows_the_bins(card):
    shown = tables.card_table(card.card_, card.tables_)
    heads = [head.text for head in shown.heads]
    assert heads == ["column", "bin", "share", "event rate", "weight of evidence", "points"]
    first = card.tables_["age"].iloc[0]
    assert shown.rows[0][3].text == f"{100 * first['event_rate']:.1f}%"


def test_whole_points_are_written_without_decimals(card):
    shown = tables.card_table(card.card_)
    assert [row[-1].text for row in shown.rows] == [str(points) for points in card.card_["points"]]


def test_a_bin_that_no_row_fell_into_has_no_rate(card):
    rated = with_rates(card.card_, card.tables_).set_index(["column", "bin"])
    assert np.isnan(rated.loc[(HOSTILE, "Unseen"), "event_rate"])


def test_merged_missing_values_have_the_rate_of_their_bin(rows):
    card = Scorecard(overrides={"age": {"missing": "nearest"}}).fit(*rows)
    rated = with_rates(card.card_, card.tables_)
    age = rated[rated["column"] == "age"].set_index("bin")["event_rate"]
    assert age["Missing"] in set(age.drop("Missing"))


def test_the_selection_says_why_a_column_went(rows):
    X, y = rows
    card = Scorecard().fit(X.assign(noise=np.arange(len(y)) % 7), y)
    shown = tables.selection_table(card.selection_)
    assert [row[2].text for row in shown.rows] == ["on the card", "on the card", "dropped"]
    assert "noise" in shown.rows[-1][0].text
    assert "min_iv" in shown.rows[-1][3].text


def test_edits_say_who_changed_what_and_why():
    edits = [
        Edit("age", "Li Wei", "two bins of equal risk", "2026-03-01", splits=[25, 40]),
        Edit("home", "Ana", "policy", "2026-03-02", groups=[["own"], ["rent", "parents"]]),
        Edit("age", "Ana", "no reward for old age", "2026-03-02", points={"[40, inf)": 55}),
        Edit("time", "Ana", "carries nothing", "2026-03-02", splits=[]),
    ]
    shown = [[cell.text for cell in row] for row in tables.edits_table(edits).rows]
    assert [row[1] for row in shown] == [
        "cut at 25, 40",
        "groups: own | rent, parents",
        "points: [40, inf) → 55",
        "no cut",
    ]
    assert shown[0][2:] == ["Li Wei", "two bins of equal risk", "2026-03-01"]
    assert tables.edits_table([]).note == "No manual changes."


def test_edits_say_what_was_before():
    said = ("Ana", "policy", "2026-03-02")
    edits = [
        Edit("age", *said, points={"[40, inf)": 55}, before={"[40, inf)": 61}),
        Edit("age", *said, splits=[], before=[25, 40]),
        Edit("home", *said, groups=[["own", "rent"]], before=[["own"], ["rent"]]),
    ]
    shown = [row[1].text for row in tables.edits_table(edits).rows]
    assert shown == [
        "points: [40, inf) 61 → 55",
        "no cut; before: cut at 25, 40",
        "groups: own, rent; before: groups: own | rent",
    ]


def test_fitted_objects_are_shown_as_their_frames_are(binner, card):
    assert str(tables.binning_table(binner, "age")) == str(tables.binning_table(binner.tables_["age"], "age"))
    assert str(tables.card_table(card)) == str(tables.card_table(card.card_, card.tables_))
    with pytest.raises(ConfigError, match="no column is called 'agee'(?s:.*)did you mean 'age'"):
        tables.binning_table(binner, "agee")


def test_groups_of_levels_are_sorted_and_go_no_way(binner):
    ways = {row[0].text: row[-1].text for row in tables.binner_table(binner).rows}
    assert ways == {HOSTILE: "sorted", "age": binner.summary_.set_index("column").loc["age", "trend"]}


def test_every_level_of_a_large_group_can_be_read():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"state": rng.choice([f"S{at:02d}" for at in range(20)], 1000)})
    binner = OptimalBinner(max_bins=1).fit(X, rng.integers(0, 2, 1000))
    page = _Tags(tables.binning_table(binner, "state")._repr_html_())
    assert "details" in page.tags
    assert all(f"S{at:02d}" in page.text for at in range(20))


def test_a_few_rows_do_not_shorten_the_other_bars():
    table = pd.DataFrame({"bin": ["a", "b", "c"], "count": [990, 999, 11], "event": [99, 50, 11]})
    table = table.assign(event_rate=table["event"] / table["count"], woe=0.0, iv=0.0)
    assert [row[4].bar for row in tables.binning_table(table).rows[:-1]] == pytest.approx([1, 0.5005, 1], abs=1e-3)


def test_the_rows_of_a_characteristic_belong_together_for_those_who_hear_the_page(card):
    html = tables.card_table(card)._repr_html_()
    assert html.count('scope="rowgroup"') == card.card_["column"].nunique()
    assert html.count("<tbody") == card.card_["column"].nunique()


def test_a_card_and_a_binner_show_what_they_found_and_not_their_parameters(binner, card, rows):
    assert "points mean" in _html(card)
    assert "information value" in _html(binner)
    assert all("table" in _Tags(_html(shown)).tags for shown in (card, binner))
    segmented = SegmentedScorecard(segment_by="age", min_segment_events=20).fit(*rows)
    assert "segments, one card each" in _html(segmented)
    edited = card.edit("age", points={card.card_["bin"][0]: 1}, by=HOSTILE, why="policy", when="2024-05-01")
    assert HOSTILE in _Tags(_html(edited)).text
    assert "img" not in _Tags(_html(edited)).tags


def test_what_is_not_fitted_shows_its_parameters():
    assert "sk-" in _html(Scorecard())


def _html(estimator) -> str:
    return estimator._repr_mimebundle_()["text/html"]
