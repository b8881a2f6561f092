"""Each family: scikit-learn's rules, raw frames, and a runtime model that says what the fitted library says."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from riskml.errors import ConfigError, DataError
from riskml.models.boosting import RiskBooster
from riskml.models.families import FAMILIES, estimator
from riskml.models.logistic import Logistic
from riskml.models.tree import RiskTree, by_event_rate
from riskml.runtime.frame import columns
from riskml.runtime.model import model_from_dict


def _where_installed(family):
    needs = FAMILIES[family].package
    absent = bool(needs) and find_spec(needs) is None
    return pytest.param(family, marks=pytest.mark.skipif(absent, reason=f"riskml[{family}] is not installed"))


# Small ones of what takes long to grow.
SMALL = {"ebm": {"bags": 2, "max_rounds": 200, "max_bins": 64}}
every_family = pytest.mark.parametrize("family", [_where_installed(name) for name in FAMILIES])


def start(family):
    return {**FAMILIES[family].defaults, **SMALL.get(family, {})}


@parametrize_with_checks([Logistic(), RiskTree(), RiskBooster(bags=2, max_rounds=20)])
def test_scikit_learn_estimator_check(estimator, check):
    check(estimator)


@pytest.fixture
def book():
    """A raw frame: a number with missing values and a special code, an outlier, a category with missing levels."""
    rng = np.random.default_rng(5)
    rows = 600
    frame = pd.DataFrame(
        {
            "debt": rng.lognormal(size=rows),
            "age": rng.integers(18, 80, rows).astype(float),
            "home": rng.choice(["own", "rent", "parents", None], rows, p=[0.5, 0.3, 0.15, 0.05]),
        },
        index=[f"c{i}" for i in range(rows)],
    )
    margin = -1.5 + frame["debt"] - 0.02 * (frame["age"] - 40) + 0.8 * (frame["home"] == "rent")
    target = pd.Series(rng.random(rows) < 1 / (1 + np.exp(-margin)), index=frame.index).astype(int)
    frame.loc[frame.index[:30], "debt"] = np.nan
    frame.loc[frame.index[30:60], "age"] = -1
    frame.loc["c70", "debt"] = 1e12
    return frame, target


@every_family
def test_every_family_scores_missing_extreme_and_unseen_values(book, family):
    frame, target = book
    model = estimator(family, start(family), special_values={"age": [-1]}, random_state=0).fit(frame, target)
    dirty = frame.head(4).copy()
    dirty["home"] = ["a castle", None, "own", "rent"]
    dirty["debt"] = [np.nan, 1e30, -1e30, 1.0]
    scored = model.predict_proba(dirty)[:, 1]
    assert np.isfinite(scored).all()
    assert ((scored > 0) & (scored < 1)).all()


@every_family
def test_contributions_add_up_to_the_log_odds(book, family):
    frame, target = book
    model = estimator(family, start(family), special_values=None, random_state=0).fit(frame, target)
    contributions = model.contributions(frame)
    assert list(contributions.index) == list(frame.index)
    # XGBoost sums its Shapley values in single precision.
    tolerance = 1e-4 if family == "boosting" else 1e-9
    total = contributions.sum(axis=1) + model.model_.base
    np.testing.assert_allclose(total, model.decision_function(frame), atol=tolerance)


@every_family
def test_what_is_written_scores_as_what_was_fitted(book, family):
    frame, target = book
    model = estimator(family, start(family), special_values={"age": [-1]}, random_state=0).fit(frame, target)
    blobs: dict[str, bytes] = {}
    said = json.loads(json.dumps(model.model_.to_dict(blobs)))
    again = model_from_dict(said, blobs)
    read = columns(frame, again.kinds)
    np.testing.assert_allclose(again.margin(read), model.decision_function(frame), rtol=0, atol=1e-12)


@every_family
def test_two_fits_with_the_same_seed_are_the_same_bytes(book, family):
    frame, target = book
    written = []
    for _ in range(2):
        model = estimator(family, start(family), special_values=None, random_state=3).fit(frame, target)
        blobs: dict[str, bytes] = {}
        written.append((model.model_.to_dict(blobs), blobs))
    assert written[0] == written[1]


@pytest.mark.parametrize("family", [_where_installed(name) for name in FAMILIES])
@pytest.mark.parametrize(("direction", "sign"), [("ascending", 1), ("descending", -1)])
def test_the_risk_goes_the_way_it_is_told(book, family, direction, sign):
    frame, target = book
    model = estimator(
        family, start(family), special_values={"age": [-1]}, monotone={"debt": direction}, random_state=0
    ).fit(frame, target)
    grid = np.linspace(0.0, 10.0, 60)
    for home in ("own", "rent", None):
        rows = pd.DataFrame({"debt": grid, "age": 40.0, "home": [home] * len(grid)})
        assert (sign * np.diff(model.decision_function(rows)) >= -1e-6).all()


@pytest.mark.parametrize("family", [name for name, family in FAMILIES.items() if family.extra])
def test_a_family_whose_library_is_absent_says_which_extra_brings_it(family, monkeypatch):
    monkeypatch.setitem(sys.modules, FAMILIES[family].package, None)
    with pytest.raises(ConfigError, match=rf"(?s)needs {FAMILIES[family].package}.*pip install riskml\[{family}\]"):
        estimator(family, {}, special_values=None, random_state=0)


def test_a_logistic_of_bent_lines_is_scikit_learns_spline_pipeline():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 1))
    target = (x[:, 0] ** 2 + rng.normal(size=400) > 1).astype(int)
    ours = Logistic(knots=5, C=2.0).fit(x, target)
    knots = np.quantile(x[:, 0], np.linspace(0.01, 0.99, 5))[:, None]
    theirs = make_pipeline(
        SplineTransformer(degree=1, knots=knots, extrapolation="constant"),
        LogisticRegression(C=2.0, solver="newton-cg", tol=1e-6),
    ).fit(x, target)
    np.testing.assert_allclose(ours.decision_function(x), theirs.decision_function(x), atol=1e-6)


def test_a_logistic_takes_a_special_code_as_no_quantity(book):
    frame, target = book
    with_code = Logistic(special_values={"age": [-1]}).fit(frame, target)
    without = Logistic(special_values={"age": [-1]}).fit(frame.assign(age=frame["age"].replace(-1, -999)), target)
    row = frame.iloc[[100]].assign(age=-1.0)
    younger = frame.iloc[[100]].assign(age=18.0)
    age = list(with_code.model_.kinds).index("age")
    assert with_code.contributions(row).iloc[0, age] != with_code.contributions(younger).iloc[0, age]
    assert without.contributions(row).iloc[0, age] == 0.0, "a code that training never saw counts as average"


def test_an_outlier_moves_a_logistic_no_further_than_the_last_knot(book):
    frame, target = book
    model = Logistic().fit(frame, target)
    outlier, high = frame.iloc[[3]].assign(debt=1e15), frame.iloc[[3]].assign(debt=frame["debt"].quantile(0.995))
    assert model.predict_proba(outlier)[0, 1] == model.predict_proba(high)[0, 1]


def test_a_tree_without_smoothing_is_scikit_learns_tree(book):
    frame, target = book
    ours = RiskTree(max_depth=4, min_leaf_share=0.05, smoothing=1e-9).fit(frame, target)
    encoding = by_event_rate(ours.schema_.conform(frame), target, ours.schema_)
    columns = {name: ours.schema_.conform(frame)[name].to_numpy() for name in encoding.kinds}
    theirs = DecisionTreeClassifier(max_depth=4, min_samples_leaf=30, random_state=0)
    matrix = encoding.matrix(columns)
    expected = theirs.fit(matrix, target).predict_proba(matrix)[:, 1]
    np.testing.assert_allclose(ours.predict_proba(frame)[:, 1], expected, atol=1e-8)


def test_levels_are_numbered_in_order_of_event_rate():
    frame = pd.DataFrame({"home": ["own"] * 50 + ["rent"] * 50 + ["parents"] * 50})
    target = [0] * 45 + [1] * 5 + [0] * 20 + [1] * 30 + [0] * 40 + [1] * 10
    model = RiskTree().fit(frame, target)
    assert model.model_.encoding.levels["home"] == {"own": 0.0, "parents": 1.0, "rent": 2.0}


def test_boosting_is_the_mean_of_its_boosters_log_odds(book):
    frame, target = book
    model = RiskBooster(bags=3, folds=3, max_rounds=30).fit(frame, target)
    conforming = model.schema_.conform(frame)
    matrix = model.model_.encoding.matrix({name: conforming[name].to_numpy() for name in conforming})
    table = xgboost.DMatrix(matrix, feature_types=["float", "float", "c"], enable_categorical=True)
    margins = [booster.predict(table, output_margin=True) for booster in model.model_.boosters]
    assert len(margins) == 3
    np.testing.assert_allclose(model.decision_function(frame), np.mean(margins, axis=0), atol=1e-6)


@every_family
def test_infinite_values_are_refused_with_column_and_row(book, family):
    frame, target = book
    frame.loc["c7", "age"] = np.inf
    with pytest.raises(DataError, match="age.*c7"):
        estimator(family, start(family), special_values=None, random_state=0).fit(frame, target)
