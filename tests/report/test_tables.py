from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.display.table import Cell, Head, Table
from riskml.report import tables

HOSTILE = '<script>alert("1")</script>\'"&</td>{{ 7 * 7 }}'


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "td":
            self.cells.append("")
        for name, _ in attrs:
            assert not name.startswith("on")
            assert name in {"class", "style", "scope", "title", "aria-hidden"}

    def handle_data(self, data):
        if self.tags[-1] in {"td", "span"}:
            self.cells[-1] += data.strip("\n")


def _read(table) -> _Reader:
    reader = _Reader()
    reader.feed(table._repr_html_())
    return reader


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc")), min_size=1))
def test_any_text_comes_out_as_it_went_in(text):
    reader = _read(Table([Head(text, hint=text)], [[Cell(text)]]))
    assert reader.cells == [text]
    assert set(reader.tags) <= {"table", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.parametrize("show", [tables.notes_table, tables.drivers_table, tables.profile_table, tables.watch_list])
def test_hostile_values_stay_text(show, notes, drivers, profile, high_risk):
    frames = {"notes_table": notes, "drivers_table": drivers, "profile_table": profile, "watch_list": high_risk}
    frame = frames[show.__name__].copy()
    texts = [name for name in frame.columns if frame[name].dtype.kind not in "fib"]
    frame[texts] = HOSTILE
    html = show(frame)._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "{{ 7 * 7 }}" in html


def test_what_columns_mean_is_shown_where_it_is_known(profile):
    first = profile["column"].iloc[0]
    told = profile.assign(description=["days past due (days)", *[""] * (len(profile) - 1)])
    shown = tables.profile_table(told)
    assert shown.heads[1].text == "description"
    assert [cell.text for cell in shown.rows[0][:2]] == [first, "days past due (days)"]
    assert shown.rows[1][1].text == "–"
    silent = tables.profile_table(profile.assign(description=float("nan")))
    assert "what it means" not in [head.text for head in silent.heads]


def test_the_chosen_family_alone_is_marked(leaderboard):
    table = tables.leaderboard_table(leaderboard)
    assert table.marked == {0}
    assert [row[0].text for row in table.rows][:2] == ["blend ★", "boosting"]
    assert table.rows[0][1].text == "0.853 ± 0.006"


def test_a_leaderboard_without_the_rows_set_aside_has_fewer_columns(leaderboard):
    table = tables.leaderboard_table(leaderboard[["family", "auc_cv", "auc_cv_se"]])
    assert [head.text for head in table.heads] == ["family", "AUC (CV)"]
    assert table.marked == set()


def test_a_scorecard_names_each_column_once(scorecard):
    table = tables.card_table(scorecard)
    assert [row[0].text.strip() for row in table.rows] == ["seniority", "", "", "records", ""]
    assert table.rows[4][3].text == "22.0"


def test_warnings_come_before_notes(notes):
    assert [row[0].text for row in tables.notes_table(notes).rows] == ["income", "home", "branch"]


def test_nothing_found_is_said():
    nothing = pd.DataFrame(columns=["column", "finding", "severity", "done"])
    assert "No findings." in str(tables.notes_table(nothing))


def test_unknown_numbers_are_dashes(validation):
    tiers = pd.DataFrame(validation["tiers"]).assign(event_rate=np.nan, lower=np.nan)
    row = dict(
        zip([head.text for head in tables.tiers_table(tiers).heads], tables.tiers_table(tiers).rows[0], strict=True)
    )
    assert row["observed rate"].text == row["interval"].text == "–"
    assert row["observed rate"].bar is None


def test_a_table_of_tiers_without_customers_can_be_shown():
    table = tables.tiers_table(pd.DataFrame({"tier": ["low"], "rows": [0]}))
    assert table.rows[0][-1].text == "–"


def test_the_watch_list_shows_the_riskiest_first_and_how_many_there_are(high_risk):
    table = tables.watch_list(high_risk.sample(frac=1, random_state=1), most=5, tiers=["low", "medium", "high"])
    shown = [row[1].text for row in table.rows]
    assert shown == sorted(shown, reverse=True)
    assert len(table.rows) == 5
    assert table.note == "5 of 60 customers on the list."
    assert table.rows[0][3].text == "records = yes; seniority = 1"


def test_a_measure_without_an_interval_has_none(validation):
    rows = {row[0].text: row for row in tables.metrics_table(validation["metrics"]).rows}
    assert rows["KS"][2].text == "–"
    assert " to " in rows["AUC"][2].text


def test_an_unknown_measure_is_shown_under_its_own_name():
    assert tables.metrics_table({"my_measure": {"value": 0.5}}).rows[0][0].text == "my measure"


def test_bars_stay_within_their_cells(drivers, validation):
    shown = [*tables.drivers_table(drivers).rows, *tables.gains_table(pd.DataFrame(validation["gains"])).rows]
    bars = [cell.bar for row in shown for cell in row if cell.bar is not None]
    assert bars
    assert all(0 <= bar <= 1 for bar in bars)


def test_a_table_reads_as_text_too(notes):
    lines = str(tables.notes_table(notes)).splitlines()
    assert lines[0].split() == ["column", "finding", "severity", "done"]
    assert len(lines) == 4
