"""A model whose probabilities are right, on rows that it has never learnt from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.config.experiment import DEFAULT_TIERS
from riskml.gate import Evidence


@pytest.fixture(scope="package")
def evidence() -> Evidence:
    draw = np.random.default_rng(3)
    chance = draw.beta(1.2, 4.0, size=4000)
    index = pd.Index([f"k{i}" for i in range(2000)])
    probability = pd.Series(chance[:2000], index=index)
    y = pd.Series((draw.random(2000) < probability).astype(int), index=index)
    return Evidence(y, probability, pd.Series(chance[2000:]), DEFAULT_TIERS)
