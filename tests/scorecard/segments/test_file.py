"""The file of segmented cards: what is written is read back to the byte, and what does not fit together is refused."""

from __future__ import annotations

import json
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import StratifiedKFold

from riskml.cli import main
from riskml.errors import ConfigError, DataError
from riskml.scorecard import Scorecard, SegmentedScorecard

BY = {"by": "a", "why": "b", "when": "2026-01-31"}


def customers(rows: int = 3000) -> tuple[pd.DataFrame, np.ndarray]:
    """Return customers of groups and ages in which other coefficients hold."""
    draw = np.random.default_rng(0)
    group, x, z = draw.choice(["a", "b", "c"], rows), draw.normal(size=rows), draw.normal(size=rows)
    age = draw.integers(18, 80, rows).astype(float)
    margin = -1 + np.where(group == "a", 1.5, -1.5) * x + np.where(age > 40, 1, -1) * z
    y = (draw.random(rows) < 1 / (1 + np.exp(-margin))).astype(int)
    x[draw.random(rows) < 0.05] = np.nan
    age[draw.random(rows) < 0.1] = -1
    return pd.DataFrame({"group": group, "x": x, "z": z, "age": age}), y


X, Y = customers()
WEIGHT = np.random.default_rng(1).uniform(0.5, 2, len(Y))
PERIOD = np.where(np.arange(len(Y)) % 2, "2024", "2025")
NUMBERED = X.assign(group=X["group"].map({"a": 1.0, "b": 2.0, "c": -3.5}))


def tree(**kwargs):
    card = Scorecard(special_values={"age": [-1]})
    return SegmentedScorecard(card, ["group", "age"], min_segment_share=0.1, **kwargs)


def named(**kwargs):
    return SegmentedScorecard(segment_by="group", min_segment_events=20, **kwargs)


def values(*counts):
    """Return rows whose group has these values so many times."""
    said = [value for value, count in counts for _ in range(count)]
    return X.head(len(said)).assign(group=said)


def fitted(name):
    rows = {
        "a pool": values(("a", 900), ("b", 900), ("c", 60), (None, 60)),
        "a pool of numbers": values((1.0, 900), (2.5, 900), (-3.0, 60), (7.0, 60), (np.nan, 60)),
        "no pool": values(("a", 900), ("b", 700), ("c", 5)),
        "no pool of numbers": values((1.0, 900), (2.0, 700), (3.0, 5), (np.nan, 5)),
        "missing is a segment": values(("missing", 900), (None, 700)),
        "missing is the largest": values(("a", 700), (None, 900), ("b", 5)),
        "a level is called as the pool": values(("a", 900), ("others", 60), ("c", 60)),
    }.get(name)
    if rows is not None:
        return named().fit(rows, Y[: len(rows)])
    if name == "one segment":
        return named(max_segments=1).fit(X, Y)
    if name == "a tree of one":
        return tree(min_segment_events=100_000).fit(X, Y)
    if name == "of an array":
        return SegmentedScorecard(segment_by=["x0"], max_segments=2).fit(NUMBERED.to_numpy(), Y)
    if name == "folds":
        return tree(cv=[(np.arange(0, 1500), np.arange(1500, 3000)), (range(1500, 3000), range(1500))]).fit(X, Y)
    if name == "weights, periods and edits":
        weighted = {"sample_weight": WEIGHT, "periods": PERIOD}
        cards = tree().fit(X, Y, **weighted)
        cards = cards.edit("segment 1", "x", splits=[-1, 0, 1], X=X, y=Y, **weighted, **BY)
        return cards.edit("segment 2", "z", splits=[0], X=X, y=Y, **weighted, **BY)
    return tree().fit(X, Y)


@pytest.fixture(scope="module")
def models():
    """Return a way to fitted cards that fits each once."""
    known: dict[str, SegmentedScorecard] = {}

    def of(name):
        if name not in known:
            known[name] = fitted(name)
        return known[name]

    return of


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
@pytest.mark.parametrize(
    "name",
    [
        "a tree", "a tree of one", "of an array", "weights, periods and edits", "folds", "one segment", "a pool",
        "a pool of numbers", "no pool", "no pool of numbers", "missing is a segment", "missing is the largest",
        "a level is called as the pool",
    ],
)  # fmt: skip
def test_a_file_is_read_and_written_again_to_the_byte(models, name, suffix, tmp_path):
    first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
    models(name).save(first)
    SegmentedScorecard.load(first).save(second)
    assert first.read_bytes() == second.read_bytes()


@pytest.fixture(scope="module")
def documents(models, tmp_path_factory):
    """Return a way to what the file of a model says."""

    def of(name):
        path = tmp_path_factory.mktemp("cards") / "cards.json"
        models(name).save(path)
        return json.loads(path.read_text())

    return of


def refusal(said, tmp_path):
    path = tmp_path / "cards.json"
    path.write_text(json.dumps(said))
    with pytest.raises(DataError) as refused:
        SegmentedScorecard.load(path)
    assert str(path) in refused.value.where
    return str(refused.value).replace(str(path), "cards.json")


def put(said, path, value):
    *way, last = path
    for step in way:
        said = said[step]
    said[last] = value


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("max_segments", "x", "max_segments is a whole number, at least 1; got 'x'"),
        ("max_segments", 0, "at least 1; got 0"),
        ("max_segments", None, "at least 1; got None"),
        ("max_segments", 3, "there are 4 segments, more than max_segments=3"),
        ("min_segment_share", 5, "min_segment_share is a share of rows, 0 < share < 1; got 5"),
        ("min_segment_share", "a", "got 'a'"),
        ("min_segment_events", -1, "min_segment_events is a whole number, at least 1; got -1"),
        ("min_segment_events", "q", "got 'q'"),
        ("cv", "a", "cv is a number of folds"),
        ("cv", -3, "got -3"),
        ("cv", {}, "got {}"),
        ("cv", [[[1], ["a"]], [[2], [1]]], "pairs of train and test rows"),
        ("random_state", "z", "random_state is a whole number, at least 0, or None; got 'z'"),
        ("segment_by", "grup", "did you mean 'group'?"),
        ("segment_by", 3, "no column is called '3'"),
        ("segment_by", ["group", "zz"], "no column is called 'zz'"),
        ("segment_by", {}, "segment_by is a column's name, or a list of them; got {}"),
        ("segment_by", ["group"], "'age' makes segments, and segment_by is ['group']"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_by_name(documents, tmp_path, name, value, message):
    said = documents("a tree")
    said["parameters"][name] = value
    refused = refusal(said, tmp_path)
    assert message in refused
    assert f"cards.json, parameters.{name}" in refused


@pytest.mark.parametrize(
    ("path", "value", "messages"),
    [
        (["foo"], 3, ["- foo: unknown key"]),
        (["segments", 0, "foo"], 3, ["- segment 'segment 1', foo: unknown key"]),
        (["segments", 0, "rulle"], 3, ["did you mean 'rule'?"]),
        (["parameters", "foo"], 3, ["parameters are segment_by, ", "random_state, foo", "cards.json, parameters"]),
        (["segments", 0, "rule"], None, ["- segment 'segment 1', rule: should be a valid string; got None"]),
        (["segments", 0, "rule"], "hello", ["its rule is 'group in {a} and", "got 'hello'", "'segment 1', rule"]),
        (["segments", 0, "count"], 10_000, ["the card was built on", "got 10000", "segment 'segment 1', count"]),
        (["segments", 0, "event_rate"], 0.9, ["the card's event rate is 0.3", "got 0.9", "'segment 1', event_rate"]),
        (["segments", 1, "segment"], "segment 1", ["the segment occurs twice", "segment 'segment 1'"]),
        (["splits", 0, "column"], "zz", ["the cards have no categorical column 'zz'", "split 1, column"]),
        (["splits", 0, "cases", 0, "code"], 1, ["cases of a categorical column are levels", "split 1"]),
        (["splits", 0, "cases", 0, "levels"], [1], ["- split 1, case 1, level 1: should be a valid string"]),
        (["splits", 0, "cases", 0, "segment"], "segment 1", ["a case goes to one split or one segment", "split 1"]),
        (
            ["splits", 1, "cases", 0],
            {"from": None, "split": 3},
            ["rows come from several splits", "cards.json, splits"],
        ),
        (["splits", 1, "cases", 1, "from"], "x", ["- split 2, case 2, from: should be a valid number; got 'x'"]),
        (["splits", 1, "cases", 1, "from"], -5, ["every split of 'age' has the same cases", "split 2"]),
        (["splits", 1, "cases", 1, "from"], 1e9, ["bounds must rise", "split 2"]),
        (["splits", 1, "cases", 1, "split"], True, ["- split 2, case 2, split: should be a valid integer; got True"]),
        (["segments", 1, "card", "column_names"], False, ["knows its columns by name", "'segment 2', column_names"]),
        (
            ["segments", 1, "card", "fitted_with"],
            ["periods"],
            ["it was fitted with other things", "'segment 2', fitted"],
        ),
        (["segments", 1, "card", "classes"], [0, 2], ["its classes differ from those of 'segment 1'", "'segment 2'"]),
    ],
)
def test_what_was_changed_by_hand_is_named_with_its_place(documents, tmp_path, path, value, messages):
    said = documents("a tree")
    put(said, path, value)
    refused = refusal(said, tmp_path)
    for message in messages:
        assert message in refused


def test_cards_that_changed_places_are_refused(documents, tmp_path):
    said = documents("a tree")
    first, second = said["segments"][:2]
    first["card"], second["card"] = second["card"], first["card"]
    assert "segment 'segment 1', event_rate" in refusal(said, tmp_path)


def test_splits_that_lead_to_each_other_s_segments_are_refused(documents, tmp_path):
    said = documents("a tree")
    others = {"segment 1": "segment 2", "segment 2": "segment 1"}
    for split in said["splits"]:
        for case in split["cases"]:
            if "segment" in case:
                case["segment"] = others.get(case["segment"], case["segment"])
    assert "segment 'segment 1', rule" in refusal(said, tmp_path)


def test_special_codes_of_a_split_are_the_cards(documents, tmp_path):
    said = documents("a tree")
    for split in said["splits"]:
        for case in split["cases"]:
            if "code" in case:
                case["code"] = 5.0
    assert "the special codes of 'age' are [-1.0]; got [5.0]" in refusal(said, tmp_path)


def test_all_cards_have_the_same_parameters_the_bins_of_edits_aside(documents, tmp_path):
    said = documents("weights, periods and edits")
    changed = deepcopy(said)
    changed["segments"][0]["card"]["parameters"]["C"] = 9.0
    refused = refusal(changed, tmp_path)
    assert "C is the same for all cards; got 0.3, and 9.0 for 'segment 1'" in refused
    assert "segment 'segment 2', parameters.C" in refused
    said["segments"][3]["card"]["parameters"]["overrides"] = {"z": {"max_bins": 10}}
    assert "segment 'segment 4', parameters.overrides" in refusal(said, tmp_path)


def test_a_count_that_weights_hide_leaves_the_others_too_small(documents, tmp_path):
    said = documents("weights, periods and edits")
    said["segments"][0]["count"] *= 100
    assert "the min_segment_share of all, or more" in refusal(said, tmp_path)


@pytest.mark.parametrize(
    ("name", "segment", "rule", "expected"),
    [
        ("a pool", "a", "group is b", "'group is a'"),
        ("a pool", "others", "group is c; or a value not seen in training", "'group is c; missing; or a value not"),
        ("a pool of numbers", "others", "group is 1; 7; missing; or a value not seen in training", "'group is 7; "),
        ("a pool of numbers", "others", "group is hello; or a value not seen in training", "'group is missing; or"),
        ("no pool", "a", "group is b; or missing, or a value not seen in training", "'group is a; c; missing; or"),
        ("missing is a segment", "missing (no value)", "group is missing", "'group is missing"),
        ("one segment", "all", "group is a", "'everyone'"),
    ],
)
def test_the_rule_of_a_named_column_is_that_of_its_splits(documents, tmp_path, name, segment, rule, expected):
    said = documents(name)
    (part,) = [part for part in said["segments"] if part["segment"] == segment]
    part["rule"] = rule
    refused = refusal(said, tmp_path)
    assert f"by the splits its rule is {expected}" in refused
    assert f"segment {segment!r}, rule" in refused


def test_the_segments_of_a_named_column_are_its_values(documents, tmp_path):
    said = documents("a tree")
    said["parameters"]["segment_by"] = "group"
    assert "'age' makes segments, and segment_by is 'group'" in refusal(said, tmp_path)
    said = documents("a pool of numbers")
    said["splits"][0]["cases"].insert(1, {"from": 5.0, "segment": "1"})
    assert "there is one split, without bounds" in refusal(said, tmp_path)
    said = documents("a pool of numbers")
    said["splits"][0]["cases"].append(said["splits"][0]["cases"][-1])
    assert "a code stands in two cases" in refusal(said, tmp_path)


def test_the_command_line_takes_a_spoilt_file_for_bad_input(documents, tmp_path, capsys):
    said = documents("a tree")
    put(said, ["splits", 1, "cases", 1, "from"], "x")
    (tmp_path / "cards.json").write_text(json.dumps(said))
    X.to_csv(tmp_path / "book.csv", index=False)
    words = ["score", str(tmp_path / "cards.json"), str(tmp_path / "book.csv"), "-o", str(tmp_path / "out.csv")]
    assert main(words) == 2
    assert "split 2, case 2, from" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_a_splitter_cannot_be_written_and_the_cards_can_without_it(tmp_path, suffix):
    cards = named(cv=StratifiedKFold(2)).fit(X, Y)
    path = tmp_path / f"cards{suffix}"
    with pytest.raises(ConfigError, match=r"a card file holds numbers, text and lists; got StratifiedKFold") as refused:
        cards.save(path)
    assert refused.value.where == "cv"
    assert refused.value.fix.endswith("save after set_params(cv=None)")
    assert not path.exists()
    cards.set_params(cv=None).save(path)
    assert (SegmentedScorecard.load(path).points(X) == cards.points(X)).all()
