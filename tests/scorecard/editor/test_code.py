"""Edited bins as code."""

from __future__ import annotations

import numpy as np

from riskml.scorecard.editor.page import breaks
from riskml.scorecard.editor.widget import code_of, edits_of

BINS = {"Age": {"splits": [25, 30.5]}}


def test_overrides_are_written_as_python_and_as_yaml():
    assert code_of(BINS) == "overrides = {\n    'Age': {'splits': [25, 30.5]},\n}"
    yaml = "# in an experiment file: beneath models: fixed: scorecard:\noverrides:\n  Age: {splits: [25, 30.5]}"
    assert code_of(BINS, "yaml") == yaml


def test_edits_are_written_as_calls_without_an_author():
    assert edits_of(BINS) == "card = card.edit('Age', splits=[25, 30.5], by='', why='', when='', X=X, y=y)"


def test_a_trend_is_broken_at_the_bin_that_turns():
    assert breaks(np.array([0.3, 0.2, 0.25, 0.1]), "descending") == [2]
    assert breaks(np.array([0.3, 0.4, 0.2, 0.25]), "peak") == [3]
