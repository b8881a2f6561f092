"""The validator's tables and pictures: hostile words stay words, and what is absent is said to be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.config.experiment import Experiment
from riskml.report import evidence_tables, model_document, plots

HOSTILE = '<script>alert("1")</script>\'"&</td>{{ 7 * 7 }}'
SAID = {"name": "a", "title": HOSTILE, "task": "default", "data": {"source": "x.csv", "target": "bad"}}


def asked(**document: object) -> Experiment:
    return Experiment.model_validate(SAID | {"document": document})


def test_a_reason_of_hostile_words_stays_text() -> None:
    told = pd.DataFrame({"customer": [HOSTILE], "sentence": [f"{HOSTILE} is {HOSTILE}"]})
    shown = evidence_tables.reasons_table(told, pd.Series([0.4], index=[HOSTILE]))._repr_html_()
    assert "<script" not in shown
    assert "&lt;script" in shown


def test_what_the_owner_says_stays_text() -> None:
    experiment = asked(owner=HOSTILE, limits=[HOSTILE], changes=[HOSTILE])
    run = {"created": "now", "config_digest": "d", "riskml": "1"}
    shown = [
        model_document.purpose_table(experiment),
        model_document.limits_table(experiment, {"rows": 10}, 5),
        model_document.ownership_table(experiment, run),
    ]
    assert all("<script" not in table._repr_html_() for table in shown)


def test_what_nobody_gave_is_called_so() -> None:
    text = str(model_document.purpose_table(asked()))
    assert "not given (document.owner of the experiment)" in text
    assert "not given (document.purpose of the experiment)" in text


def test_an_alert_goes_to_the_owner() -> None:
    figure = {"value": 0.8, "low": 0.7, "high": 0.9}
    assessed = {
        "rows": 10,
        "metrics": {"auc": figure, "observed_expected": figure},
        "psi": {"value": 0.01, "no_shift": 0.3, "verdict": "stable"},
        "tiers": [{"tier": "high", "rows": 3, "jeffreys_p": 0.4}],
    }
    columns = pd.DataFrame({"column": ["age"], "csi": [0.02]})
    table = model_document.monitoring_table(asked(owner="the risk team"), assessed, columns)
    assert "Alerts go to: the risk team" in table.note
    # What chance alone reaches is no reason to act.
    assert [cell.text for cell in table.rows[0]][1:4] == ["0.010", "above 0.30", "above 0.30"]


@pytest.mark.parametrize(
    "table",
    [
        evidence_tables.policies_table(None),
        evidence_tables.fairness_table(pd.DataFrame()),
        evidence_tables.segments_table(pd.DataFrame(), nothing="no dates"),
        evidence_tables.concentration_table(None),
    ],
)
def test_what_was_not_asked_for_is_said_in_a_line(table: evidence_tables.Table) -> None:
    assert table.rows == []
    assert table.note


def test_a_figure_that_leaves_its_line_is_told_in_words() -> None:
    frame = pd.DataFrame(
        {"by": ["home"] * 2, "group": ["own", "rent"], "v": [1.0, 1.5], "l": [0.8, 1.2], "h": [1.2, 1.9]}
    )
    assert "home: rent 1.50" in plots.by_group(frame, "v", "l", "h", title="Observed / expected").alt


def test_a_learning_curve_says_what_the_last_step_brought() -> None:
    curve = pd.DataFrame({"rows": [10, 20], "metric": "auc", "train": [0.9, 0.85], "test": [0.70, 0.73]})
    assert "the last step adds +0.030" in plots.learning(curve).alt


def test_profit_is_told_at_the_chosen_cut_off() -> None:
    curve = pd.DataFrame({"share_acted": [0.0, 1.0], "profit_per_customer": [0.0, 1.0]})
    policies = pd.DataFrame({"policy": ["none", "best"], "share_acted": [0.0, 0.25], "earned": [0.0, 2.5]})
    assert "25% acted on earn +2.500 a customer" in plots.profit(curve, curve, policies).alt


def test_profiles_draw_numbers_levels_and_what_is_missing() -> None:
    shapes = pd.DataFrame(
        {
            "column": ["x", "x", "x", "home", "home"],
            "kind": ["numeric"] * 3 + ["categorical"] * 2,
            "value": ["0", "10", "missing", "own", "rent"],
            "sort": ["value", "value", "missing", "value", "value"],
            "share": [0.5, 0.4, 0.1, 0.5, 0.5],
            "probability": [0.1, 0.2, 0.4, 0.15, 0.25],
            "accumulated": [0.1, 0.2, np.nan, np.nan, np.nan],
        }
    )
    picture = plots.profiles(shapes)
    assert "x 10.0% to 40.0%; home 15.0% to 25.0%" in picture.alt
    assert picture.png().startswith(b"\x89PNG")
