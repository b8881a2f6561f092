"""A card file changed by hand into nonsense is refused: the message has the file, the place, and what does not hold."""

from __future__ import annotations

import json
import warnings
from copy import deepcopy

import numpy as np
import pytest
import yaml

from riskml.errors import DataError
from riskml.scorecard import Scorecard

AGE, HOME, NOISE = 0, 2, 3  # the characteristics' places in the file
NAN, HUGE = float("nan"), 10**400


@pytest.fixture(scope="module")
def document(made, tmp_path_factory):
    """Return the file of a card with an edit of points, and with a column that was dropped."""
    path = tmp_path_factory.mktemp("card") / "card.json"
    X = made.X.assign(noise=made.X["debt"].to_numpy()[::-1])
    rows = Scorecard(special_values={"age": [-1]}, overrides={"noise": {"max_bins": 1}}).fit(X, made.y)
    riskiest = rows.card_.query("column == 'debt'").sort_values("woe")["bin"].iloc[-1]
    rows.edit("debt", points={riskiest: 250}, by="A", why="w", when="2026-03-01").save(path)
    return json.loads(path.read_text())


def of(characteristic, bin_=None):
    steps = ("characteristics", characteristic)
    return steps if bin_ is None else (*steps, "bins", bin_)


DEL = "(taken out)"
# Where, what is put there, and what the message says besides the file's name.
CORRUPTIONS = [
    (("totals", "event"), 1.0, "totals"),
    (("totals", "event"), 0.0, "totals, event"),
    (("totals", "event"), -5.0, "totals, event"),
    (("totals",), DEL, "totals: missing"),
    ((*of(AGE, 0), "event"), -1.0, "'age', bin '(-inf"),
    ((*of(AGE, 0), "event"), 1e5, "'age', non_event and event"),
    ((*of(AGE, 0), "event"), NAN, "event: should be a finite number"),
    ((*of(AGE, 0), "points"), 500, "'age', bin '(-inf"),
    ((*of(HOME, 0), "points"), "+1", "reference_points"),
    ((*of(AGE, 0), "points"), 12.5, "points: should be a valid integer"),
    ((*of(AGE, 0), "points"), "many", "points: should be a valid integer; got 'many'"),
    ((*of(AGE, 0), "points"), True, "points: should be a valid integer; got True"),
    ((*of(AGE, 0), "points"), HUGE, "points: should be less"),
    ((*of(AGE, 0), "points"), None, "kept, and needs points"),
    ((*of(AGE, 0), "points"), DEL, "kept, and needs points"),
    ((*of(AGE, 0), "log_odds"), 9.0, "'age', bin '(-inf"),
    ((*of(AGE, 0), "log_odds"), "order", "where the weight of evidence rises"),
    ((*of(AGE, 0), "log_odd"), 9.0, "did you mean 'log_odds'?"),
    ((*of(AGE, 0), "woe"), -3.0, "weight of evidence of these counts"),
    ((*of(AGE, 1), "woe"), float("inf"), "woe: should be a finite number"),
    ((*of(AGE, 0), "bin"), "[1000, inf)", "'age', bin '[1000, inf)'"),
    ((*of(AGE, 0), "bin"), 5, "bin: should be a valid string"),
    ((*of(AGE, 0), "bin"), DEL, "'age', bin number 1, bin: missing"),
    ((*of(AGE, 2), "from"), -1e6, "bounds must rise"),
    ((*of(AGE, 2), "from"), None, "only the lowest bin"),
    ((*of(AGE, 0), "from"), 3.0, "the lowest bin comes first"),
    ((*of(AGE, 0), "missing"), True, "one of from, missing, code; got from, missing"),
    ((*of(AGE, -1), "code"), -2.0, "'age', bin 'Special -1'"),
    ((*of(AGE, -2), "missing"), DEL, "got none of them"),
    ((*of(AGE, 0), "shares_bin"), "x", "shares_bin"),
    ((*of(HOME, 0), "levels"), "own", "'home', bin"),
    ((*of(HOME, 0), "levels"), [], "levels: List should have at least 1 item"),
    ((*of(HOME, 0), "levels"), [False], "quote it"),
    ((*of(HOME, 0), "levels"), [1], "level 1: should be a valid string"),
    ((*of(HOME, 0), "levels"), ["x", "x"], "levels stand twice: 'x'"),
    ((*of(HOME, 0), "levels"), [""], "at least 1 character"),
    ((*of(HOME, -1), "unseen"), DEL, "'home', bin 'Unseen'"),
    ((*of(AGE), "bins"), [], "'age', bins: List"),
    ((*of(AGE), "bins"), "abc", "'age', bins: should be a valid list"),
    ((*of(AGE), "kind"), "categorical", "one of levels, missing, unseen; got from"),
    ((*of(AGE), "kind"), "foo", "'age', kind"),
    ((*of(AGE), "kept"), "no", "'age', kept: should be a valid boolean"),
    ((*of(AGE), "kept"), False, "coefficients are of"),
    ((*of(NOISE), "kept"), True, "coefficients are of"),
    ((*of(AGE), "trend"), "sideways", "the trend of these counts"),
    ((*of(AGE), "column"), 5, "column: should be a valid string"),
    ((*of(AGE), "column"), "", "coefficients are of"),
    ((*of(AGE), "reference_points"), NAN, "'age', reference_points"),
    ((*of(AGE), "reference_points"), 1e9, "'age', reference_points"),
    ((*of(AGE), "reason"), "none", "'age'"),
    (("characteristics",), [], "characteristics: List should have at least 1 item"),
    (("characteristics",), None, "characteristics: should be a valid list"),
    (("characteristics", 0), DEL, "coefficients are of"),
    (("classes",), [1, 1], "classes are two of one kind"),
    (("classes",), [1, 0], "classes are two of one kind"),
    (("classes",), [0, NAN], "classes are two of one kind"),
    (("classes",), [0, "a"], "classes are two of one kind"),
    (("classes",), [0, [1]], "classes are two of one kind"),
    (("classes",), [0], "classes: List"),
    (("parameters", "pdo"), -20.0, "parameters.pdo"),
    (("parameters", "pdo"), 40.0, "on this scale"),
    (("parameters", "pdo"), HUGE, "parameters.pdo"),
    (("parameters", "pdo"), "x", "parameters.pdo"),
    (("parameters", "pdo"), None, "parameters.pdo"),
    (("parameters", "base_score"), 0.0, "points begin at"),
    (("parameters", "base_odds"), 0.0, "parameters.base_odds"),
    (("parameters", "smoothing"), 500.0, "woe"),
    (("parameters", "C"), DEL, "parameters are absent: C"),
    (("parameters", "max_bin"), 3, "unknown parameters: max_bin"),
    (("parameters", "overrides"), {"age": {"splits": [1]}}, "parameters.overrides"),
    (("parameters", "overrides"), {"age": {"splits": 1}}, "parameters"),
    (("parameters", "overrides"), {"zzz": {}}, "no column is called 'zzz'"),
    (("parameters", "special_values"), None, "special_values"),
    (("intercept",), 5.0, "intercept"),
    (("intercept",), DEL, "intercept: missing"),
    (("base_points",), 100, "base_points"),
    (("fitted_with",), ["X"], "fitted_with"),
    (("column_names",), 1, "column_names"),
    (("coefficients",), [], "coefficients are of"),
    (("coefficients", 1, "coefficient"), -1.0, "coefficients, 'age'"),
    (("coefficients", 1, "coefficient"), "x", "coefficients, 1, coefficient"),
    (("coefficients", 1, "p_value"), 2.0, "coefficients, 1, p_value"),
    (("coefficients", 1, "p_value"), 0.9, "coefficients, 'age'"),
    (("coefficients", 1, "coefficient"), 99.0, "coefficients, 'age'"),
    (("coefficients", 1, "p_value"), None, "'age'"),
    (("coefficients", 1, "standard_error"), None, "standard error above 0; got None"),
    (("coefficients", 1, "standard_error"), 0.0, "standard error above 0; got 0.0"),
    (("coefficients", 0, "standard_error"), None, "coefficients, 'intercept'"),
    (("coefficients", 0, "p_value"), 0.5, "the intercept has no p_value"),
    (("parameters", "C"), -7.0, "parameters.C"),
    (("parameters", "min_iv"), 5, "below min_iv=5"),
    (("parameters", "max_characteristics"), 1, "3 characteristics are kept, more than max_characteristics=1"),
    (("parameters", "max_bins"), 2, "such bins are not found under max_bins=2"),
    (("parameters", "min_bin_size"), 0.5, "not found under min_bin_size=0.5"),
    (("parameters", "monotonic"), "ascending", "not found under monotonic='ascending'"),
    (("parameters", "overrides"), {"home": {"min_events": 500}}, "'home', and parameters"),
    (("parameters", "random_state"), "a", "parameters.random_state"),
    (("parameters", "random_state"), -1, "parameters.random_state"),
    (("parameters", "random_state"), 2.5, "parameters.random_state"),
    (("parameters", "flexibility"), -7.0, "parameters.flexibility"),
    (("parameters", "selection"), "foo", "parameters.selection\n"),
    (("parameters", "selection_p_value"), -7.0, "selection_p_value"),
    (("parameters", "max_vif"), "foo", "parameters.max_vif"),
    (("parameters", "max_characteristics"), "foo", "max_characteristics must be a whole number"),
    (("parameters", "min_stability"), [], "min_stability must be a number"),
    (("parameters", "always_keep"), None, "always_keep is a list"),
    (("parameters", "always_keep"), ["zz"], "always_keep names 'zz'"),
    (("edits",), None, "edits: should be a valid list"),
    (("edits",), [], "no edit says why"),
    (("edits", 0, "by"), DEL, "edit of 'debt', by: missing"),
    (("edits", 0, "by"), " ", "'debt'"),
    (("edits", 0, "when"), "soon", "'debt'"),
    (("edits", 0, "foo"), 1, "edit of 'debt', foo: unknown key"),
    (("edits", 0, "column"), "zzz", "edit of 'zzz'"),
    (("edits", 0, "points"), {"Missing": -999}, "'debt', bin 'Missing', points"),
    (("edits", 0, "points"), {"Nowhere": 1}, "no bin is called 'Nowhere'"),
    (("edits", 0, "splits"), [1.0], "one of points, splits and groups"),
    (("riskml_scorecard",), True, "format 2"),
    (("riskml_scorecard",), 1, "earlier formats are not read"),
    (("foo",), 1, "foo: unknown key"),
]


def corrupted(document, steps, value):
    document = deepcopy(document)
    place = document
    for step in steps[:-1]:
        place = place[step]
    if value is DEL:
        del place[steps[-1]]
    elif value == "+1":
        place["points"] += 1
    elif value == "order":
        # As far up as keeps the points' tolerance, or as far down.
        place["log_odds"] += -0.06 if place["woe"] > 0 else 0.06
        bins = document["characteristics"][AGE]["bins"]
        for row in bins[1:2]:
            row["log_odds"] = place["log_odds"] + (0.01 if row["woe"] < place["woe"] else -0.01)
            row["points"] = place["points"]
    else:
        place[steps[-1]] = value
    return document


@pytest.mark.parametrize(("steps", "value", "text"), CORRUPTIONS, ids=lambda part: str(part)[:40])
@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_a_corrupted_file_is_refused(document, tmp_path, suffix, steps, value, text):
    path = tmp_path / f"spoilt.{suffix}"
    said = corrupted(document, steps, value)
    path.write_text(json.dumps(said) if suffix == "json" else yaml.safe_dump(said))
    with pytest.raises(DataError) as error:
        Scorecard.load(path)
    assert text in str(error.value)
    assert path.name in str(error.value)


def test_the_file_without_a_corruption_is_read(document, tmp_path):
    (tmp_path / "card.json").write_text(json.dumps(document))
    assert list(Scorecard.load(tmp_path / "card.json").model_.kinds) == ["age", "debt", "home"]


def test_a_characteristic_or_a_bin_or_a_code_that_is_there_twice_is_refused(document, tmp_path):
    path = tmp_path / "card.json"
    for spoil, text in (
        (lambda said: said["characteristics"].append(said["characteristics"][0]), "coefficients are of"),
        (lambda said: said["characteristics"].append(said["characteristics"][NOISE]), "occurs twice"),
        (lambda said: said["characteristics"][AGE]["bins"].append(said["characteristics"][AGE]["bins"][-1]), "codes"),
        (
            lambda said: said["characteristics"][HOME]["bins"].append(said["characteristics"][HOME]["bins"][-1]),
            "unseen",
        ),
    ):
        said = deepcopy(document)
        spoil(said)
        path.write_text(json.dumps(said))
        with pytest.raises(DataError, match=text):
            Scorecard.load(path)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("deep.json", "[" * 100_000, "nested too deeply"),
        ("deep.yaml", "[" * 5_000, "levels of nesting, line 1"),
        ("twice.yaml", "a: 1\nb: 2\na: 3\n", "duplicate key 'a'"),
        ("twice.json", '{"a": 1, "a": 2}', "the key 'a' occurs twice"),
        ("long.json", "1" * 5_000, "cannot be read"),
        ("day.yaml", "when: 2026-13-45\n", "cannot be read"),
        ("empty.yaml", "", "no scorecard"),
    ],
)
def test_what_no_reader_can_make_sense_of_is_refused(tmp_path, name, text, says):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=says):
        Scorecard.load(tmp_path / name)


@pytest.mark.parametrize("row", [0, 1])
def test_the_coefficients_of_a_classic_card_are_those_of_its_log_odds(made, tmp_path, row):
    Scorecard(flexibility=0, special_values={"age": [-1]}).fit(made.X, made.y).save(tmp_path / "card.json")
    said = json.loads((tmp_path / "card.json").read_text())
    shown = said["coefficients"][row]
    # With the p-value that goes with it.
    said["coefficients"][row] |= {
        "coefficient": 0.4,
        "standard_error": shown["standard_error"] * 0.4 / shown["coefficient"],
    }
    said["coefficients"][row]["standard_error"] = abs(said["coefficients"][row]["standard_error"])
    (tmp_path / "card.json").write_text(json.dumps(said))
    with pytest.raises(DataError, match="coefficients"):
        Scorecard.load(tmp_path / "card.json")


@pytest.mark.parametrize("by", [1, -1])
@pytest.mark.parametrize("columns", [["age"], ["debt"], ["home"], ["age", "debt", "home"]], ids=len)
def test_points_that_are_all_shifted_are_not_those_of_the_intercept(document, tmp_path, columns, by):
    said = deepcopy(document)
    for part in (part for part in said["characteristics"] if part["column"] in columns):
        part["reference_points"] += by
        for row in part["bins"]:
            row["points"] += by
    # The edit on record goes along.
    said["edits"][0]["points"] = {label: points + by for label, points in said["edits"][0]["points"].items()}
    if "debt" not in columns:
        said["edits"] = document["edits"]
    (tmp_path / "card.json").write_text(json.dumps(said))
    with pytest.raises(DataError, match="share of the intercept"):
        Scorecard.load(tmp_path / "card.json")


def test_the_points_of_a_bin_without_rows_cannot_be_changed_by_hand(document, tmp_path):
    said = deepcopy(document)
    said["characteristics"][HOME]["bins"][-1]["points"] += 1
    (tmp_path / "card.json").write_text(json.dumps(said))
    with pytest.raises(DataError, match="'home', bin 'Unseen', points"):
        Scorecard.load(tmp_path / "card.json")


# What a fit may be asked for, and gives: no such card's file is refused.
GOOD = [
    {"pdo": 1, "C": 0.001, "flexibility": 0, "max_characteristics": 2},  # rounding moves bins by several points
    {"min_iv": 5},  # none is left
    {"min_iv": 0.5, "always_keep": ["home"]},
    {"max_bins": 2, "min_bin_size": 0.3, "monotonic": "peak"},
    {"monotonic": "concave"},
    {"overrides": {"age": {"missing": "nearest"}, "home": {"unseen": "worst", "rare_share": 0.3, "max_bins": 2}}},
    {"overrides": {"age": {"splits": [10, 12, 45]}, "home": {"groups": [["own", "barge"]]}}, "max_bins": 1},
    {"overrides": {"debt": {"min_bins": 5, "min_bin_count": 600}}},  # one bin is what there is
    {"smoothing": 500, "max_bins": 20, "min_bin_size": 0},
]


@pytest.mark.parametrize("weights", [None, "uneven"])
@pytest.mark.parametrize("asked", GOOD, ids=lambda asked: str(asked)[:40])
def test_the_file_of_a_good_card_is_read(made, tmp_path, asked, weights):
    weight = None if weights is None else np.random.default_rng(0).random(len(made.y))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # points that are too coarse
        card = Scorecard(**{"special_values": {"age": [-1]}} | asked).fit(made.X, made.y, weight)
    card.save(tmp_path / "card.json")
    assert (Scorecard.load(tmp_path / "card.json").points(made.X) == card.points(made.X)).all()


def test_what_an_edit_of_bins_keeps_is_not_asked_of_the_rules(made, tmp_path):
    card = Scorecard(min_iv=0.05, special_values={"age": [-1]}).fit(made.X, made.y)
    edited = card.edit("debt", splits=[2.0], by="A", why="w", when="2026-03-01", X=made.X, y=made.y)
    assert edited.summary_.set_index("column").loc["debt", "iv"] < 0.05
    edited.save(tmp_path / "card.json")
    assert "debt" in Scorecard.load(tmp_path / "card.json").model_.kinds
