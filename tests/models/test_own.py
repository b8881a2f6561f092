"""A classifier of scikit-learn as a family: from the comparison to the artifact."""

import numpy as np
import pandas as pd
import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from riskml import ConfigError, Family, RiskClassifier
from riskml.export.artifact import ModelWithSchema, write_artifact
from riskml.models.families import ALL_FAMILIES, FAMILIES, check_families, family_label
from riskml.models.own import OwnModel
from riskml.runtime.package import Artifact

FILE = """
from optuna.distributions import IntDistribution
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from riskml import Family

def forest():
    return Family("forest", RandomForestClassifier(20), space={"max_depth": IntDistribution(2, 6)}, label="the forest")

def linear():
    return LogisticRegression()

def number():
    return 7

def broken():
    return 1 / 0
"""


class OutOfReach(ClassifierMixin, BaseEstimator):
    """A classifier that cannot be fitted."""

    def fit(self, X, y):
        raise MemoryError("too many rows")

    def predict_proba(self, X):
        return np.zeros((len(X), 2))


class NotANumber(OutOfReach):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), 2), np.nan)


@pytest.fixture(autouse=True)
def _registry():
    before = dict(FAMILIES), dict(ALL_FAMILIES)
    yield
    for registry, families in zip((FAMILIES, ALL_FAMILIES), before, strict=True):
        registry.clear()
        registry.update(families)


@pytest.fixture(scope="module")
def rows():
    draw = np.random.default_rng(3)
    debt, income = draw.normal(size=400), draw.normal(size=400)
    income[::9] = np.nan
    home = draw.choice(np.array(["own", "rent", None], dtype=object), 400)
    chance = 1 / (1 + np.exp(0.5 - debt - 1.5 * (home == "rent") + np.nan_to_num(income)))
    frame = pd.DataFrame({"debt": debt, "income": income, "home": home})
    return frame, (draw.random(400) < chance).astype(int)


def pipeline():
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    return make_pipeline(
        make_column_transformer(
            (numbers, make_column_selector(dtype_include="number")),
            (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include=object)),
        ),
        LogisticRegression(),
    )


@pytest.mark.parametrize(
    "classifier",
    [
        RandomForestClassifier(20, min_samples_leaf=5),
        HistGradientBoostingClassifier(max_iter=20),
        LogisticRegression(),
        pipeline(),
    ],
    ids=lambda classifier: type(classifier).__name__,
)
def test_any_classifier_competes_and_travels_in_an_artifact(classifier, rows, loan_experiment, tmp_path):
    X, y = rows
    families = ("tree", Family("mine", classifier), "blend")
    model = RiskClassifier(families, n_trials=1, cv=3).fit(X, y)
    board = model.leaderboard_.set_index("family")
    assert set(board.index) == {"tree", "mine", "blend"}
    assert board.loc["mine", "auc_cv"] > 0.75
    mine = model.estimators_["mine"]
    folder = write_artifact(
        ModelWithSchema(mine.model_, model.schema_),
        tmp_path / "mine",
        experiment=loan_experiment,
        family="mine",
        X_train=X,
        metrics={},
    )
    loaded = Artifact.load(folder)
    score = loaded.score(X)["probability"].to_numpy()
    np.testing.assert_array_equal(score, mine.predict_proba(X)[:, 1])
    added = loaded.contributions(X.head(5)).sum(axis=1) + loaded.model.base
    np.testing.assert_allclose(1 / (1 + np.exp(-added)), score[:5], rtol=1e-12)
    record = {name: None if pd.isna(value) else value for name, value in X.iloc[0].items()}
    assert loaded.score_record(record)["probability"] == pytest.approx(score[0], rel=1e-12)
    assert any(requirement.startswith("scikit-learn>=") for requirement in loaded.requires)


def test_its_parameters_are_searched_from_its_own_and_may_be_fixed(rows):
    space = {"max_depth": IntDistribution(2, 6), "criterion": CategoricalDistribution(("gini", "entropy"))}
    mine = Family("mine", RandomForestClassifier(10, max_depth=4), space=space)
    assert mine.defaults == {"max_depth": 4, "criterion": "gini"}
    fixed = {"mine": {"min_samples_leaf": 9}}
    model = RiskClassifier((mine,), n_trials=2, cv=3, fixed=fixed).fit(*rows)
    assert len(model.trials_) == 2
    assert model.estimators_["mine"].params["min_samples_leaf"] == 9
    with pytest.raises(ConfigError, match="mine has no parameter 'leaves'"):
        RiskClassifier((mine,), fixed={"mine": {"leaves": 9}}).fit(*rows)


def test_a_start_outside_of_its_distribution_is_replaced():
    assert (
        Family("mine", RandomForestClassifier(), space={"max_depth": IntDistribution(2, 6)}).defaults["max_depth"] == 2
    )


def test_a_seed_makes_it_reproducible(rows):
    X, y = rows
    first, second = (OwnModel(RandomForestClassifier(10), random_state=5).fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))


def test_a_gap_in_a_complete_column_is_near_the_median(rows):
    X, y = rows
    model = OwnModel(LogisticRegression()).fit(X, y)
    gap = model.predict_proba(X.head(1).assign(debt=np.nan))
    np.testing.assert_allclose(gap, model.predict_proba(X.head(1).assign(debt=X["debt"].median())), rtol=1e-6)


def test_a_direction_is_kept_where_the_classifier_can(rows):
    X, y = rows
    model = OwnModel(HistGradientBoostingClassifier(max_iter=20), monotone={"debt": "ascending"}).fit(X, y)
    risk = [model.predict_proba(X.head(1).assign(debt=debt))[0, 1] for debt in (-2.0, 0.0, 2.0)]
    assert risk == sorted(risk)
    with pytest.raises(ConfigError, match="LogisticRegression cannot keep to a declared direction of debt"):
        OwnModel(LogisticRegression(), monotone={"debt": "ascending"}).fit(X, y)


def test_a_file_names_its_families(tmp_path):
    file = tmp_path / "my_models.py"
    file.write_text(FILE)
    assert check_families([f"{file}:forest", f"{file}:linear", "tree"]) == ["forest", "linear", "tree"]
    assert family_label("forest") == "the forest"


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("trees", "defines no 'trees'"),
        ("number", "number returns int"),
        ("broken", "broken fails: ZeroDivisionError"),
    ],
)
def test_a_factory_that_makes_no_model_is_refused(tmp_path, factory, message):
    file = tmp_path / "my_models.py"
    file.write_text(FILE)
    with pytest.raises(ConfigError, match=message):
        check_families([f"{file}:{factory}"])


def test_a_file_that_cannot_be_imported_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.py cannot be imported: FileNotFoundError"):
        check_families([f"{tmp_path / 'absent.py'}:forest"])
    with pytest.raises(ConfigError, match="no_such_module cannot be imported: ModuleNotFoundError"):
        check_families(["no_such_module:forest"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Family("mine", LinearSVC()), "LinearSVC has no predict_proba"),
        (lambda: Family("Mine", LogisticRegression()), "the family 'Mine' needs another name"),
        (lambda: Family("mine", LogisticRegression(), space={"c": IntDistribution(1, 2)}), "has no parameter 'c'"),
        (lambda: Family("mine", LogisticRegression(), space={"C": [1, 2]}), "expected a distribution of Optuna"),
        (lambda: check_families([Family("tree", LogisticRegression())]), "the family 'tree' is built in"),
        (lambda: check_families([Family("mine", LogisticRegression())] * 2), "two families are called 'mine'"),
        (lambda: check_families([LogisticRegression()]), "a family is a name or a riskml.Family"),
        (lambda: check_families([Family("mine", OutOfReach())], exported=True), "would not load .*OutOfReach"),
    ],
)
def test_a_family_that_cannot_work_is_refused_before_any_fit(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


@pytest.mark.parametrize(("classifier", "reason"), [(OutOfReach(), "too many rows"), (NotANumber(), "is no number")])
def test_one_that_fails_is_left_out_and_the_others_go_on(classifier, reason, rows):
    with pytest.warns(UserWarning, match=f"mine is left out: .*{reason}"):
        model = RiskClassifier(("tree", Family("mine", classifier)), n_trials=1, cv=3).fit(*rows)
    assert model.best_family_ == "tree"
