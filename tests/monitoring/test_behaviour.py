"""Customers against their own past."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.config.monitoring import AspectConfig, BehaviourConfig
from riskml.config.panel import PanelConfig
from riskml.monitoring import behaviour

ASKED = BehaviourConfig(
    frequency=AspectConfig(recent="bought_90d", usual="bought_360d", scale=4),
    payment=AspectConfig(recent="late_90d", usual="late_360d"),
    complaints=AspectConfig(recent="moans_90d", usual="moans_360d", scale=4),
)
#            as ever, buys half, never bought, not known
BOOK = pd.DataFrame(
    {
        "bought_90d": [3, 1, 0, np.nan],
        "bought_360d": [12, 8, 0, 4],
        "late_90d": [2.0, 12.0, np.nan, 7.0],
        "late_360d": [2.0, 3.0, 1.0, 2.5],
        "moans_90d": [0, 1, 3, 0],
        "moans_360d": [0, 0, 3, 2],
    }
)


def test_purchases_are_held_against_the_customers_own_pace() -> None:
    found = behaviour(BOOK, BOOK, ASKED).customers
    assert found["frequency_change"].tolist()[:3] == [0, -4, 0]
    assert found["frequency_worse"].tolist() == [False, True, False, False]


def test_payments_are_worse_from_so_many_days_on() -> None:
    assert behaviour(BOOK, BOOK, ASKED).customers["payment_worse"].tolist() == [False, True, False, False]
    less = ASKED.model_copy(update={"payment_rise_days": 4.0})
    assert behaviour(BOOK, BOOK, less).customers["payment_worse"].tolist() == [False, True, False, True]


def test_one_complaint_of_late_from_who_never_complained_is_one_more() -> None:
    assert behaviour(BOOK, BOOK, ASKED).customers["complaints_worse"].tolist() == [False, True, True, False]


def test_how_many_fell_behind_stands_beside_training() -> None:
    training = BOOK.assign(late_90d=BOOK["late_360d"])
    row = behaviour(BOOK, training, ASKED).summary.set_index("aspect").loc["payment"]
    assert (row["customers"], row["worse"]) == (3, 1)
    assert row["share"] == pytest.approx(1 / 3)
    assert row["low"] < row["share"] < row["high"]
    assert row["share_in_training"] == 0


def test_what_the_data_do_not_hold_is_said_plainly() -> None:
    found = behaviour(BOOK.drop(columns="moans_90d"), BOOK, ASKED.model_copy(update={"frequency": None}))
    assert found.absent == {
        "frequency": "no columns are configured: name them in monitoring.behaviour.frequency",
        "complaints": "the data have no column 'moans_90d'",
    }
    assert found.summary["aspect"].tolist() == ["payment"]


def test_of_a_panel_the_columns_are_known() -> None:
    tables = {
        "shop": {"role": "purchases", "source": "a.csv", "time": "t", "amount": "amount"},
        "bills": {"role": "invoices", "source": "b.csv", "time": "t", "due": "due", "amount": "amount"},
        "desk": {"role": "service", "source": "c.csv", "time": "t"},
    }
    outcome = {"rule": "no_purchase", "table": "shop"}
    panel = PanelConfig.model_validate(
        {"tables": tables, "as_of": ["2026-01-01"], "windows": [30, 90, 360], "outcome": outcome}
    )
    own = AspectConfig(recent="a", usual="b")
    found = BehaviourConfig(payment=own).completed(panel).aspects()
    assert found["frequency"] == AspectConfig(recent="shop_count_90d", usual="shop_count_360d", scale=4)
    assert found["complaints"] == AspectConfig(recent="desk_complaints_90d", usual="desk_complaints_360d", scale=4)
    assert found["payment"] == own  # what the experiment says counts
