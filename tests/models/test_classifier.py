"""RiskClassifier: one comparison on the same folds, one choice, one model."""

from __future__ import annotations

import json
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from riskml import RiskClassifier
from riskml.config.experiment import ModelsConfig
from riskml.errors import ConfigError, DataError, FitError, InputError
from riskml.models.classifier import choose, nested_auc
from riskml.models.families import DEFAULT_FAMILIES, FAMILIES, check_families
from riskml.models.search.budget import Budget
from riskml.runtime.model import Blend, probability

QUICK = {"n_trials": 1, "cv": 3, "random_state": 3}


@parametrize_with_checks([RiskClassifier(families=("tree", "logistic", "blend"), n_trials=1, cv=2)])
def test_scikit_learn_estimator_check(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def book():
    rng = np.random.default_rng(11)
    rows = 500
    frame = pd.DataFrame(
        {
            "income": rng.normal(50, 15, rows),
            "debt": rng.lognormal(size=rows),
            "home": rng.choice(["own", "rent", None], rows),
        },
        index=np.arange(rows) + 1000,
    )
    margin = 0.8 * frame["debt"] - 0.05 * (frame["income"] - 50) + (frame["home"] == "rent") - 1.5
    return frame, (rng.random(rows) < probability(margin.to_numpy())).astype(int)


@pytest.fixture(scope="module")
def fitted(book):
    return RiskClassifier(**QUICK).fit(*book)


def test_the_leaderboard_has_every_family_best_first_and_one_chosen(fitted):
    board = fitted.leaderboard_
    assert set(board["family"]) == {"scorecard", "logistic", "tree", "boosting", "blend"}
    assert board["auc_cv"].is_monotonic_decreasing
    assert board.loc[board["chosen"], "family"].tolist() == [fitted.best_family_]


def test_the_figures_are_the_mean_and_standard_error_over_the_given_folds(book):
    frame, target = book
    fold = np.arange(len(target)) % 4
    model = RiskClassifier(families=("logistic", "tree"), n_trials=1, cv=fold).fit(frame, target)
    oof = model.oof_["tree"].to_numpy()
    aucs = [roc_auc_score(target[fold == k], oof[fold == k]) for k in range(4)]
    row = model.leaderboard_.set_index("family").loc["tree"]
    assert row["auc_cv"] == pytest.approx(np.mean(aucs))
    assert row["auc_cv_se"] == pytest.approx(np.std(aucs, ddof=1) / 2)


def test_it_predicts_with_the_chosen_family(fitted, book):
    chosen = fitted.estimators_[fitted.best_family_]
    np.testing.assert_array_equal(fitted.predict_proba(book[0]), chosen.predict_proba(book[0]))


def test_out_of_fold_probabilities_keep_the_index_and_come_from_models_that_have_not_seen_the_row(fitted, book):
    frame, target = book
    assert fitted.oof_.index.equals(frame.index)
    seen = roc_auc_score(target, fitted.estimators_["boosting"].predict_proba(frame)[:, 1])
    assert roc_auc_score(target, fitted.oof_["boosting"]) < seen


def test_the_blend_weighs_the_other_families_and_no_weight_is_negative(fitted, book):
    blend = fitted.estimators_["blend"].model_
    assert isinstance(blend, Blend)
    assert min(blend.weights) > 0
    columns = {name: fitted.schema_.conform(book[0])[name].to_numpy() for name in blend.kinds}
    parts = sum(w * model.margin(columns) for w, model in zip(blend.weights, blend.models, strict=True))
    np.testing.assert_allclose(blend.margin(columns), blend.intercept + parts)


def test_what_went_into_the_final_models_is_told(fitted):
    blend = fitted.estimators_["blend"].model_
    assert tuple(fitted.weights_.values()) == blend.weights
    assert set(fitted.settings_) == set(fitted.estimators_) - {"blend"}
    for family, several in fitted.settings_.items():
        own = fitted.trials_.loc[fitted.trials_["family"] == family, "params"].map(json.loads).tolist()
        assert all(one in own for one in several)


def test_the_same_seed_gives_the_same_results(book):
    first, second = (RiskClassifier(n_trials=2, cv=3, random_state=5).fit(*book) for _ in range(2))
    pd.testing.assert_frame_equal(first.leaderboard_, second.leaderboard_, check_exact=True)
    pd.testing.assert_frame_equal(first.oof_, second.oof_, check_exact=True)
    pd.testing.assert_frame_equal(first.trials_, second.trials_, check_exact=True)


@pytest.mark.filterwarnings("ignore:the outcomes are text")
def test_labels_may_be_text_and_the_greater_one_is_the_event(book):
    frame, target = book
    labels = np.where(target == 1, "lost", "kept")
    model = RiskClassifier(families=("logistic",), **QUICK).fit(frame, labels)
    assert model.classes_.tolist() == ["kept", "lost"]
    assert roc_auc_score(target, model.predict_proba(frame)[:, 1]) > 0.7


def test_what_is_set_by_hand_is_not_searched(book):
    by_hand = {"scorecard": {"overrides": {"income": {"splits": [40.0, 60.0]}}, "C": 0.7}}
    model = RiskClassifier(families=("scorecard",), n_trials=2, cv=3, fixed=by_hand).fit(*book)
    card = model.estimators_["scorecard"]
    assert card.C == 0.7
    assert next(shape for shape in card.model_.shapes if shape.column == "income").splits == (40.0, 60.0)
    assert not model.trials_["params"].str.contains('"C"').any()


def test_progress_is_told_of_every_trial(book):
    told = []
    RiskClassifier(families=("tree",), n_trials=3, cv=3, progress=told.append).fit(*book)
    assert [(step.family, step.trial, step.trials) for step in told] == [("tree", k, 3) for k in (1, 2, 3)]


def test_a_family_beyond_the_time_budget_is_left_out_and_the_others_are_compared(book):
    endless = {"boosting": {"learning_rate": 1e-4, "patience": 20_000, "max_rounds": 20_000, "max_depth": 8}}
    with pytest.warns(UserWarning, match="is left out"):
        model = RiskClassifier(families=("tree", "boosting"), n_trials=1, time_budget=2.0, cv=3, fixed=endless).fit(
            *book
        )
    assert model.leaderboard_["family"].tolist() == ["tree"]
    assert "boosting" in model.failures_


def test_when_the_time_is_up_the_cheapest_family_is_delivered_all_the_same(book, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(Budget, "left", property(lambda self: self.seconds - sum(clock)))

    def dawdle(step):
        if step.family == "logistic":
            clock.append(100.0)

    model = RiskClassifier(families=("tree", "logistic"), n_trials=1, time_budget=50.0, cv=3, progress=dawdle)
    with pytest.warns(UserWarning, match="logistic is left out: no time is left to fit it on all rows: it needs"):
        model.fit(*book)
    assert model.leaderboard_["family"].tolist() == ["tree"]


def test_a_budget_too_small_for_one_fit_is_refused(book):
    with pytest.warns(UserWarning, match="is left out"), pytest.raises(FitError, match="no family could be fitted"):
        RiskClassifier(time_budget=1e-4, cv=3).fit(*book)


def test_a_search_that_was_killed_goes_on_from_its_storage(book, tmp_path):
    asked = {"families": ("tree",), "cv": 3, "storage": str(tmp_path / "search.log")}
    RiskClassifier(n_trials=2, **asked).fit(*book)
    told = []
    model = RiskClassifier(n_trials=5, progress=told.append, **asked).fit(*book)
    assert [step.trial for step in told] == [3, 4, 5]
    assert len(model.trials_) == 5


def test_the_procedures_own_figure_lets_the_other_folds_choose_the_family():
    aucs = {"tree": np.array([0.9, 0.6, 0.6]), "logistic": np.array([0.5, 0.65, 0.65])}
    assert np.mean(aucs["tree"]) > np.mean(aucs["logistic"])
    assert nested_auc(aucs, "best") == pytest.approx(np.mean([0.5, 0.6, 0.6]))


def test_the_procedures_own_figure_follows_the_rule_of_choice_even_on_two_folds():
    aucs = {"boosting": np.array([0.9, 0.9]), "logistic": np.array([0.8, 0.8])}
    assert nested_auc(aucs, "interpretable") == pytest.approx(0.8)
    assert nested_auc(aucs, "one_se") == pytest.approx(0.9)


def test_families_that_rank_the_same_are_told_apart_by_simplicity():
    board = pd.DataFrame({"family": ["blend", "boosting", "tree"], "auc_cv": 0.8, "auc_cv_se": 0.01})
    assert choose(board, "best") == "tree"


def test_a_leaderboard_of_equals_begins_with_the_simplest(book):
    frame, target = book
    flat = pd.DataFrame({"x": np.zeros(len(target))})  # whatever reads it ranks all the same
    model = RiskClassifier(families=("logistic", "tree", "boosting"), n_trials=1, cv=3).fit(flat, target)
    assert model.leaderboard_["auc_cv"].tolist() == [0.5, 0.5, 0.5]
    assert model.leaderboard_["family"].tolist() == ["tree", "logistic", "boosting"]
    assert model.best_family_ == "tree"


def test_a_family_that_fails_on_one_fold_is_left_out(book, monkeypatch):
    from riskml.models.logistic import Logistic

    def fail(self, X, y):
        raise RuntimeError("singular")

    monkeypatch.setattr(Logistic, "fit", fail)
    with pytest.warns(UserWarning, match="logistic is left out: RuntimeError: singular"):
        model = RiskClassifier(families=("tree", "logistic"), n_trials=1, cv=3).fit(*book)
    assert model.leaderboard_["family"].tolist() == ["tree"]


BEYOND = {"scorecard": {"overrides": {"income": {"splits": [50.0, 900.0]}}}}


@pytest.fixture(scope="module")
def one_beyond(book):
    """A book in which one row alone lies above a bound that is set by hand."""
    frame = book[0].copy()
    frame.iloc[7, 0] = 1000.0
    return frame, book[1]


def test_bins_that_a_fold_cannot_fill_leave_the_scorecard_out_and_the_others_go_on(one_beyond):
    with pytest.warns(UserWarning, match="scorecard is left out"):
        model = RiskClassifier(families=("scorecard", "tree"), n_trials=1, cv=3, fixed=BEYOND).fit(*one_beyond)
    assert model.leaderboard_["family"].tolist() == ["tree"]
    assert "income" in model.failures_["scorecard"]


@pytest.mark.filterwarnings("ignore:scorecard is left out")
def test_where_it_is_the_only_family_its_own_error_is_told(one_beyond):
    with pytest.raises(InputError, match="income"):
        RiskClassifier(families=("scorecard",), n_trials=1, cv=3, fixed=BEYOND).fit(*one_beyond)


@pytest.mark.parametrize("families", [("tree", "logistic"), ("tree",)])
def test_a_family_that_fails_on_a_fold_that_judges_is_left_out(book, monkeypatch, families):
    from riskml.models.search import cv_task as tasks

    fit = tasks.Task.fit

    def fails(self, family, params, without=()):
        if family == "tree" and without == (1,):
            raise FitError("the fold is too small")
        return fit(self, family, params, without)

    monkeypatch.setattr(tasks.Task, "fit", fails)
    model = RiskClassifier(families=families, n_trials=1, cv=3)
    if len(families) == 1:
        with pytest.raises(FitError, match="the fold is too small"):
            model.fit(*book)
        return
    with pytest.warns(UserWarning, match="tree is left out: the fold is too small"):
        model.fit(*book)
    assert model.leaderboard_["family"].tolist() == ["logistic"]


def test_a_direction_is_kept_by_every_family_and_by_the_blend(book):
    model = RiskClassifier(monotone={"income": "ascending"}, **QUICK).fit(*book)
    row = book[0].head(3)
    for income in (20.0, 40.0, 50.0, 60.0):
        lower, higher = (row.assign(income=value) for value in (income, income + 15.0))
        for family, fitted in model.estimators_.items():
            rise = fitted.decision_function(higher) - fitted.decision_function(lower)
            assert (rise >= -1e-6).all(), family


def test_the_default_families_need_no_extra():
    check_families(ModelsConfig().families)
    assert ModelsConfig().families == DEFAULT_FAMILIES == ("scorecard", "logistic", "tree", "boosting", "blend")
    assert ModelsConfig(families=("boosting", "ebm"), select="interpretable").select == "interpretable"


@pytest.mark.parametrize("family", [name for name in FAMILIES if FAMILIES[name].extra])
def test_a_family_of_an_extra_competes_where_it_is_asked_for(book, family):
    pytest.importorskip(FAMILIES[family].package)
    small = {family: {"bags": 1, "max_rounds": 40}}
    model = RiskClassifier(families=("logistic", family), n_trials=1, cv=2, fixed=small).fit(*book)
    assert set(model.leaderboard_["family"]) == {"logistic", family}
    assert model.oof_[family].between(0.0, 1.0).all()


def test_a_family_of_an_extra_that_is_not_there_is_refused_before_anything_is_fitted(book, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    told = []
    with pytest.raises(ConfigError, match="riskml.lightgbm."):
        RiskClassifier(families=("tree", "lightgbm"), progress=told.append, **QUICK).fit(*book)
    assert told == []


def test_an_explainable_boosting_machine_counts_as_interpretable():
    board = pd.DataFrame({"family": ["boosting", "ebm", "logistic"], "auc_cv": [0.9, 0.89, 0.8], "auc_cv_se": 0.02})
    assert choose(board, "interpretable") == "ebm"
    assert choose(board, "one_se") == "ebm"


def test_it_can_be_cloned_with_its_parameters():
    model = RiskClassifier(families=("tree",), n_trials=3, special_values={"age": [-1]})
    assert clone(model).get_params() == model.get_params()


BOARD = pd.DataFrame(
    {
        "family": ["blend", "boosting", "logistic", "scorecard", "tree"],
        "auc_cv": [0.850, 0.848, 0.845, 0.838, 0.790],
        "auc_cv_se": [0.006, 0.006, 0.006, 0.006, 0.006],
    }
)


@pytest.mark.parametrize(("rule", "chosen"), [("best", "blend"), ("one_se", "logistic"), ("interpretable", "logistic")])
def test_the_rule_chooses(rule, chosen):
    assert choose(BOARD, rule) == chosen


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"families": ("logistic", "forest")}, "forest"),
        ({"families": ()}, "some of"),
        ({"families": ("logistic", "blend")}, "at least two other"),
        ({"select": "luckiest"}, "luckiest"),
        ({"families": ("boosting",), "select": "interpretable"}, "needs one of scorecard"),
        ({"cv": [0, 1]}, "a fold for each"),
        ({"fixed": {"forest": {}}}, "unknown family 'forest'"),
        ({"fixed": {"tree": {"depth": 3}}}, "no parameter 'depth'"),
        ({"fixed": 3}, "fixed must be a mapping; got 3"),
        ({"fixed": {"tree": 3}}, "fixed.tree must be a mapping; got 3"),
        ({"families": 3}, "families are a list of names; got 3"),
        ({"n_trials": "a"}, "n_trials must be a whole number from 1; got 'a'"),
        ({"n_trials": 0}, "n_trials must be a whole number from 1; got 0"),
        ({"time_budget": "x"}, "time_budget must be a number of seconds above 0; got 'x'"),
        ({"random_state": "a"}, "random_state must be a whole number from 0; got 'a'"),
        ({"special_values": 3}, "special_values map columns to lists of codes; got 3"),
        ({"special_values": {"debt": -1}}, "special_values map columns to lists of codes"),
        ({"monotone": 3}, "monotone must be a mapping; got 3"),
        ({"monotone": {"debt": ["ascending"]}}, "is no direction"),
        ({"fixed": {"scorecard": {"overrides": {"incom": {}}}}}, "no column is called 'incom'"),
        ({"time_budget": float("nan")}, "a number of seconds above 0; got nan"),
        ({"time_budget": 0}, "a number of seconds above 0; got 0"),
        ({"time_budget": -3.0}, "a number of seconds above 0; got -3.0"),
        ({"cv": 1}, "at least 2 folds; got 1"),
        ({"cv": True}, "a number of folds, or a fold for each of 500 rows; got True"),
        ({"cv": None}, "got None"),
        ({"cv": np.zeros(500)}, "all rows are in fold 0; at least two"),
        ({"cv": [np.nan, *[0, 1] * 249, 0]}, "folds must be whole numbers; row 0 has"),
        ({"cv": [*[0, 1] * 249, 0, 0.5]}, "row 499 has"),
        ({"cv": ["a", "b"] * 250}, "folds must be whole numbers; row 0 has 'a'"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(book, params, message):
    with pytest.raises(ConfigError, match=message):
        RiskClassifier(**params).fit(*book)


@pytest.mark.parametrize(("outcome", "words"), [(0, "without"), (1, "with")])
def test_a_fold_with_one_kind_of_outcome_is_named(book, outcome, words):
    frame, target = book
    fold = np.where((target == outcome) & (np.arange(500) < 100), 7, np.arange(500) % 2)
    with pytest.raises(DataError, match=f"fold 7 has .* rows, all {words} the event"):
        RiskClassifier(families=("tree",), n_trials=1, cv=fold).fit(frame, target)


def test_folds_may_be_whole_numbers_of_any_kind(book):
    fold = pd.Series(np.arange(500) % 3, index=book[0].index, dtype="Int64")
    boards = [
        RiskClassifier(families=("tree",), n_trials=1, cv=cv).fit(*book).leaderboard_
        for cv in (fold, fold.to_numpy(dtype=float), fold.tolist())
    ]
    assert boards[0].equals(boards[1])
    assert boards[0].equals(boards[2])


def test_a_budget_may_be_without_end(book):
    model = RiskClassifier(families=("boosting",), n_trials=1, cv=2, time_budget=np.inf).fit(*book)
    assert model.stopped_by_ == {"boosting": "trials"}


def test_too_few_events_for_folds_are_refused():
    frame = pd.DataFrame({"x": np.arange(30.0)})
    with pytest.raises(FitError, match="rarer class has 3 rows"):
        RiskClassifier(**QUICK).fit(frame, [1, 1, 1] + [0] * 27)


def test_periods_of_another_length_are_refused(book):
    with pytest.raises(DataError, match="one period for each of the 500 rows; got 2"):
        RiskClassifier(families=("logistic",), **QUICK).fit(*book, periods=[1, 2])
