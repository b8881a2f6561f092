from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from riskml.config.experiment import DEFAULT_TIERS, Experiment, ExportConfig, ModelsConfig, read_experiment
from riskml.config.monitoring import MonitoringConfig
from riskml.data.experiment_template import draft_experiment
from riskml.data.prepare import prepare
from riskml.data.sources.source import read_table
from riskml.errors import ConfigError, DataError

N = 400


@pytest.fixture
def book() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    status = np.where(np.arange(N) % 4 == 0, "bad", "good")
    return pd.DataFrame(
        {
            "status": status,
            "age": [*rng.integers(18, 65, N - 10), *[999] * 10],
            "visits": [*rng.integers(0, 50, N - 20), *[-1] * 20],
            "home": rng.choice(["own", "rent"], N),
            "customer": [f"c{i:03d}" for i in rng.permutation(N)],
            "as_of": pd.date_range("2023-01-01", periods=N).strftime("%F"),
            "branch": "north",
            "loss": np.where(status == "bad", rng.uniform(10, 90, N).round(1), 0.0),
        }
    )


def drafted(book: pd.DataFrame, at: Path, **said: object) -> tuple[str, Experiment]:
    book.to_csv(at / "book.csv", index=False)
    said = {"name": "mine", "file": at / "book.csv", "target": "status", **said}
    text = draft_experiment(**said)  # type: ignore[arg-type]
    path = at / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return text, read_experiment(path)


def test_what_columns_seem_to_be_is_filled_in(book: pd.DataFrame, tmp_path: Path):
    _, found = drafted(book, tmp_path)
    assert found.name == "mine"
    assert found.data.event == "bad"
    assert found.data.exclude == ("customer", "as_of", "branch", "loss")
    assert {name: tuple(said.special) for name, said in found.data.columns.items()} == {"age": (999,), "visits": (-1,)}


def test_every_guess_has_its_reason_in_a_comment(book: pd.DataFrame, tmp_path: Path):
    text, _ = drafted(book, tmp_path)
    assert "- customer  # (?) identifier: nearly every row has a value of its own" in text
    assert "- loss  # (?) leak: ranks the outcome by itself with an AUC of 1.000" in text
    assert "- branch  # (?) constant: one value only: north" in text
    assert "- as_of  # (?) date: dates (text such as 2023-01-01)" in text
    assert "999: not known yet  # in 10 rows" in text
    assert "event: bad  # (?) 100 of 400 rows (25.0%); not the event: 'good'" in text
    assert "(?) perhaps 'customer'" in text


def test_the_draft_runs_as_it_is(book: pd.DataFrame, tmp_path: Path):
    _, found = drafted(book, tmp_path)
    prepared = prepare(read_table(found.data.source), found)
    assert list(prepared.X) == ["age", "visits", "home"]
    assert prepared.schema["age"].special == (999.0,)


def test_every_key_of_an_experiment_is_written_and_explained(book: pd.DataFrame, tmp_path: Path):
    text, found = drafted(book, tmp_path)
    said = yaml.safe_load(text)
    commented = {"costs", "fairness", "document", "monitoring", "panel"}
    assert set(said) == set(Experiment.model_fields) - commented
    assert all(f"# {part}:" in text for part in commented)
    assert set(said["data"]) == set(type(found.data).model_fields)
    assert found.models == ModelsConfig(trials=8, time_budget=900)
    assert found.export == ExportConfig()
    for line in text.splitlines():
        assert line.isprintable()
    assert "never" in text.split("test_share")[1].splitlines()[0]


def test_the_draft_says_how_it_is_run_and_how_reruns_stay_the_same(book: pd.DataFrame, tmp_path: Path):
    lines = drafted(book, tmp_path)[0].splitlines()
    assert lines[1].endswith("run it:  riskml run mine")
    said = {line.split(":")[0].strip(): line for line in lines}
    assert "  trials: 8  # " in said["trials"]
    assert "byte-identical" in said["trials"]
    assert "time_budget: 900" in said["time_budget"]
    assert "or out_of_time, which needs data.date and from_date" in said["kind"]


@pytest.mark.parametrize("words", [("流失", "留存"), ("违约", "正常"), ("逾期", "正常"), ("坏账", "正常")])
def test_chinese_words_say_which_value_is_the_event(words: tuple[str, str], book: pd.DataFrame, tmp_path: Path):
    # The event is the more frequent one here: the word tells, not the count.
    book["status"] = book["status"].map({"good": words[0], "bad": words[1]})
    text, found = drafted(book, tmp_path)
    assert found.data.event == words[0]
    assert found.task == ("churn" if words[0] == "流失" else "default")


def test_roles_that_are_given_are_taken(book: pd.DataFrame, tmp_path: Path):
    _, found = drafted(book, tmp_path, id="customer", event="good")
    assert (found.data.id, found.data.event) == ("customer", "good")
    assert "customer" not in found.data.exclude


def test_with_a_date_the_latest_quarter_is_set_aside(book: pd.DataFrame, tmp_path: Path):
    _, found = drafted(book, tmp_path, date="as_of")
    assert found.split.kind == "out_of_time"
    assert str(found.split.from_date) == "2023-10-28"


def test_with_a_date_that_separates_the_outcomes_the_split_is_stratified(book: pd.DataFrame, tmp_path: Path):
    text, found = drafted(book.sort_values("status").assign(as_of=book["as_of"].to_numpy()), tmp_path, date="as_of")
    assert found.split.kind == "stratified"
    assert "# The latest quarter of the dates lacks events or non-events" in text


@pytest.mark.parametrize(
    ("values", "event"),
    [
        ([1, 0, 1], 1),
        ([1.0, 0.0, 0.0], 1),
        ([True, False, True], True),
        (["yes", "no", "yes"], "yes"),
        (["Churned", "Stayed", "Churned"], "Churned"),
        (["Charged Off", "Fully Paid", "Current"], "Charged Off"),
        (["default", "ok", "unclear"], "default"),
        ([2, 1, 1], 2),
        (["B", "A", "A"], "B"),
    ],
)
def test_the_event_is_guessed_and_keeps_its_type(values, event, book: pd.DataFrame, tmp_path: Path):
    book["status"] = np.array(values, dtype=object)[np.arange(N) % 3]
    text, found = drafted(book, tmp_path)
    assert found.data.event == event
    assert type(found.data.event) is type(event)
    assert "  event: " in text
    assert "# (?)" in text.split("  event: ")[1].splitlines()[0]


def test_an_event_that_cannot_be_guessed_lists_the_values(book: pd.DataFrame, tmp_path: Path):
    book["status"] = np.array(["a", "b", "c"])[np.arange(N) % 3]
    with pytest.raises(ConfigError, match=r"'a' \(134 rows\), 'b' \(133 rows\)") as caught:
        drafted(book, tmp_path)
    assert caught.value.fix == "name the event with --event"


def test_an_event_that_no_row_has_is_a_data_error(book: pd.DataFrame, tmp_path: Path):
    with pytest.raises(DataError, match="event's value 'Bad'"):
        drafted(book, tmp_path, event="Bad")


def test_a_target_of_one_value_is_a_data_error(book: pd.DataFrame, tmp_path: Path):
    with pytest.raises(DataError, match="one value only"):
        drafted(book.assign(status="bad"), tmp_path)


def test_rows_without_an_outcome_are_counted_in_a_comment(book: pd.DataFrame, tmp_path: Path):
    book.loc[:4, "status"] = None
    assert "The target is blank in 5 rows" in drafted(book, tmp_path)[0]


def test_columns_to_be_mended_are_named_at_the_top(book: pd.DataFrame, tmp_path: Path):
    book["age"] = book["age"].astype(str).where(book.index != 5, "old")
    assert "#   'age': 399 numbers, and row 5: 'old'" in drafted(book, tmp_path)[0]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([f"{1000 + 7 * i:,}.50" for i in range(N)], "row 0: '1,000.50'"),
        ([b"\x00\x01"] * N, "a cell holds a bytes"),
        (pd.to_timedelta(np.arange(N), unit="D"), "a column of durations"),
    ],
)
def test_what_no_run_can_use_is_excluded_with_the_reason(
    values: object, reason: str, book: pd.DataFrame, tmp_path: Path
):
    book.assign(amount=values).to_parquet(tmp_path / "book.parquet")
    text, experiment = drafted(book, tmp_path, file=tmp_path / "book.parquet")
    assert "amount" in experiment.data.exclude
    assert reason in next(line for line in text.splitlines() if line.startswith("    - amount"))


def test_columns_are_excluded_unseen_that_the_caller_names(book: pd.DataFrame, tmp_path: Path):
    assert "age" in drafted(book, tmp_path, exclude=["age"])[1].data.exclude


@pytest.mark.parametrize(
    ("target", "task"),
    [("status", "default"), ("Attrition_Flag", "churn"), ("churned", "churn"), ("bad", "default")]
    + [("是否流失", "churn"), ("是否违约", "default"), ("逾期", "default"), ("坏账", "default")],
)
def test_the_task_is_guessed_by_the_words(target: str, task: str, book: pd.DataFrame, tmp_path: Path):
    assert drafted(book.rename(columns={"status": target}), tmp_path, target=target)[1].task == task


@pytest.mark.parametrize(("event_rate", "bounds"), [(0.05, [0, 0.05, 0.14]), (0.25, [0, 0.25, 0.5])])
def test_tiers_begin_at_the_average_risk(event_rate: float, bounds: list[float], book: pd.DataFrame, tmp_path: Path):
    book["status"] = np.where(np.arange(N) < event_rate * N, "bad", "good")
    tiers = drafted(book, tmp_path)[1].tiers
    assert [tier.from_probability for tier in tiers] == bounds
    assert [tier.name for tier in tiers] == [tier.name for tier in DEFAULT_TIERS]


def test_a_sample_is_named_and_its_task_known():
    found = Experiment.model_validate(yaml.safe_load(draft_experiment("telco", "wa_churn", "churn")))
    assert (found.data.source, found.data.event, found.task) == ("wa_churn", "Yes", "churn")
    assert found.data.exclude == ()


@pytest.mark.parametrize(
    ("folder", "source"), [("", "book.csv"), ("experiments", "../book.csv"), ("a/b", None), (None, None)]
)
def test_the_data_file_is_named_from_the_experiments_folder_if_it_is_near(
    folder: str | None, source: str | None, book: pd.DataFrame, tmp_path: Path
):
    book.to_csv(tmp_path / "book.csv", index=False)
    place = None if folder is None else tmp_path / folder
    text = draft_experiment("mine", tmp_path / "book.csv", "status", folder=place)
    assert yaml.safe_load(text)["data"]["source"] == (source or str(tmp_path / "book.csv"))


@pytest.mark.parametrize("name", ["Mine", "1st", "my-model", "ünder", ""])
def test_a_name_that_cannot_be_one_gets_a_proposal(name: str):
    with pytest.raises(ConfigError, match="invalid name") as caught:
        draft_experiment(name, "wa_churn", "churn")
    assert re.fullmatch(r"for example [a-z][a-z0-9_]{0,49}", caught.value.fix)


@pytest.mark.parametrize(
    ("said", "where"), [({"target": "statsu"}, "--target"), ({"id": "custmer"}, "--id"), ({"date": "asof"}, "--date")]
)
def test_an_unknown_column_names_its_option(said: dict[str, str], where: str, book: pd.DataFrame, tmp_path: Path):
    with pytest.raises(ConfigError, match="the table has no column") as caught:
        drafted(book, tmp_path, **said)
    assert caught.value.where == where


def test_one_column_in_two_roles_is_a_config_error(book: pd.DataFrame, tmp_path: Path):
    with pytest.raises(ConfigError, match="different columns"):
        drafted(book, tmp_path, id="status")


hostile = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",), exclude_characters="\x00"), max_size=12).map(
    lambda text: "n" + text + "."
) | st.sampled_from(
    ["yes", "null", "~", "- a", "a: b", "# x", "{a}", "[1]", '"', "'", "!!x", "1e3", "&a", "a\nb", "\u2028x"]
)


@given(names=st.lists(hostile, min_size=4, max_size=4, unique_by=str.strip))
def test_any_column_name_comes_back_from_the_file(names: list[str], tmp_path_factory: pytest.TempPathFactory):
    target, special, constant, identifier = (name.strip() for name in names)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            target: np.arange(60) % 2,
            special: [*rng.integers(0, 50, 55), *[-1] * 5],
            constant: 1,
            identifier: [f"k{i}" for i in range(60)],
        }
    )
    folder = tmp_path_factory.mktemp("draft")
    frame.to_parquet(folder / "t.parquet")
    (folder / "e.yaml").write_text(draft_experiment("e", folder / "t.parquet", target), encoding="utf-8", newline="")
    found = read_experiment(folder / "e.yaml").data
    assert found.target == target
    assert found.exclude == (constant, identifier)
    assert list(found.columns) == [special]


@pytest.mark.parametrize("task", ["default", "churn"])
def test_what_only_people_know_can_be_uncommented(task: str, book: pd.DataFrame, tmp_path: Path):
    text, _ = drafted(book, tmp_path, name="churn" if task == "churn" else "mine")
    there = text.replace("# costs:", "costs:").replace("# document:", "document:")
    there = there.replace("# monitoring:", "monitoring:")
    said = yaml.safe_load(there.replace("#   ", "  ").replace("columns: [some_column]", "").replace("# fairness:", ""))
    found = Experiment.model_validate(said)
    assert found.costs is not None
    assert found.task == task
    assert found.document.owner == ""
    assert found.monitoring == MonitoringConfig(segments=("some_column",))
