"""The command line: help at once, one clear message for what is wrong, exit codes that a script can rely on."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from riskml.cli import main
from riskml.config.experiment import read_experiment
from riskml.runs.run import Run

Capture = pytest.CaptureFixture[str]


def refused(words: list[str], capsys: Capture) -> str:
    """Return the message of a command that is refused."""
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "Traceback" not in said
    return said


# -- help


def test_help_imports_nothing_heavy() -> None:
    program = "import sys; from riskml.cli import main; main(['--help']); print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    loaded = set(said.splitlines()[-1].split())
    assert not loaded & {"pandas", "numpy", "sklearn", "mlflow", "papermill", "matplotlib", "xgboost", "pydantic"}


def test_help_names_every_command(capsys: Capture) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(
        command in said
        for command in ("run", "new", "samples", "simulate", "compare", "score", "track", "models", "promote")
    )


@pytest.mark.parametrize("words", [["run"], ["nonsense"], ["run", "x.yaml", "--sample", "many"], ["score", "model"]])
def test_a_command_that_is_not_understood_ends_with_2(words: list[str], capsys: Capture) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err


# -- run: what is wrong is said once, without a traceback


def test_a_missing_experiment_file(tiny: Path, capsys: Capture) -> None:
    said = refused(["run", "experiments/none.yaml"], capsys)
    assert "the experiment file does not exist" in said
    assert "none.yaml" in said
    assert "riskml new" in said


def test_a_wrong_key_in_the_file(tiny: Path, capsys: Capture) -> None:
    tiny.write_text(tiny.read_text().replace("folds: 2", "fold: 2"))
    said = refused(["run", "tiny"], capsys)
    assert "split.fold: unknown key" in said
    assert str(tiny) in said


def test_a_file_that_is_no_yaml(tiny: Path, capsys: Capture) -> None:
    tiny.write_text("name: [unclosed")
    assert "not valid YAML" in refused(["run", "tiny"], capsys)


@pytest.mark.parametrize("option", ["models.trials=many", "models.trials", "name.x=1", "nothing=1"])
def test_an_override_that_makes_no_sense(tiny: Path, option: str, capsys: Capture) -> None:
    assert option.split("=")[0].split(".")[0] in refused(["run", "tiny", "-p", option], capsys)


def test_a_folder_that_cannot_be_written(tiny: Path, capsys: Capture) -> None:
    (tiny.parent / "runs").write_text("a file where the runs should lie")
    said = refused(["run", "tiny"], capsys)
    assert "cannot be made" in said
    assert str(tiny.parent / "runs") in said


def test_a_run_that_does_not_exist_cannot_go_on(tiny: Path, capsys: Capture) -> None:
    assert "not the folder of a run" in refused(["run", "tiny", "--resume", "runs/none"], capsys)


def edited(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path, pd.DataFrame], None]:
    return lambda file, table: change(table).to_csv(file, index=False)


def all_one_class(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(bad=0)


def blank_targets(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(bad=table["bad"].where(table.index > 2))


def twice_one_customer(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(customer=table["customer"].where(table.index != 9, "k004"))


def text_among_numbers(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(debt=table["debt"].astype(object).where(table.index != 20, "much"))


def infinite(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(debt=table["debt"].where(table.index != 7, np.inf))


def of_another_name(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename(columns={"bad": "Bad"})


BAD_TABLES: dict[str, tuple[Callable[[Path, pd.DataFrame], object], list[str]]] = {
    "no file": (lambda file, table: file.unlink(), ["the file does not exist", "tiny.csv"]),
    "no column": (edited(of_another_name), ["'bad'", "data.target", "'Bad'"]),
    "one class": (edited(all_one_class), ["bad"]),
    "blank targets": (edited(blank_targets), ["bad", "k000"]),
    "duplicate customers": (edited(twice_one_customer), ["customer", "k004"]),
    "text among numbers": (edited(text_among_numbers), ["debt", "much", "k020"]),
    "infinite values": (edited(infinite), ["debt", "k007", "finite"]),
    "no rows": (edited(lambda table: table.head(0)), ["no rows", "tiny.csv"]),
    "twenty rows": (edited(lambda table: table.head(20)), ["20 rows", "at least"]),
    "no text in UTF-8": (lambda file, table: file.write_bytes(b"customer,debt,home,bad\nk1,1,caf\xe9,0\n"), ["UTF-8"]),
    "an empty file": (lambda file, table: file.write_bytes(b""), ["empty", "tiny.csv"]),
    "nothing to learn from": (edited(lambda table: table.assign(debt=None, home="own")), ["no feature is left"]),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_a_table_that_cannot_be_learnt_from(tiny: Path, tiny_table: pd.DataFrame, case: str, capsys: Capture) -> None:
    spoil, words = BAD_TABLES[case]
    spoil(tiny.parents[1] / "tiny.csv", tiny_table)
    said = refused(["run", "tiny", "--to", "1_features"], capsys)
    assert [word for word in words if word not in said] == []
    assert "where:" in said
    assert "fix:" in said


def test_debug_shows_where_an_error_came_from(tiny: Path, capsys: Capture) -> None:
    assert main(["--debug", "run", "experiments/none.yaml"]) == 2
    assert "Traceback" in capsys.readouterr().err


# -- new


def test_new_writes_an_experiment_that_can_be_read(tiny: Path, capsys: Capture) -> None:
    from riskml.config.experiment import read_experiment

    assert main(["new", "loans", "--data", "tiny.csv", "--target", "bad", "--id", "customer"]) == 0
    assert "riskml run experiments/loans.yaml" in capsys.readouterr().out
    experiment = read_experiment("experiments/loans.yaml")
    assert experiment.data.id == "customer"
    assert Path(experiment.data.source) == tiny.parents[1] / "tiny.csv"


def test_new_never_writes_over_an_experiment(tiny: Path, capsys: Capture) -> None:
    before = tiny.read_text()
    words = ["new", "tiny", "--data", "tiny.csv", "--target", "bad"]
    assert "--force" in refused(words, capsys)
    assert tiny.read_text() == before
    assert main([*words, "--force"]) == 0
    assert tiny.read_text() != before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Loans!", "--data", "tiny.csv", "--target", "bad"], "for example loans"),
        (["loans", "--data", "none.csv", "--target", "bad"], "the file does not exist"),
        (["loans", "--data", "tiny.csv", "--target", "worse"], "'worse'"),
        (["loans", "--data", "tiny.csv", "--target", "bad", "--event", "7"], "7"),
    ],
)
def test_new_says_what_is_wrong(tiny: Path, words: list[str], said: str, capsys: Capture) -> None:
    assert said in refused(["new", *words], capsys)
    assert not Path("experiments/loans.yaml").exists()


def test_a_family_that_is_left_out_is_told_wherever_the_families_are(tiny: Path, capsys: Capture) -> None:
    wrong = ["-p", "models.families=[logistic, tree, scorecard]", "-p", "models.fixed={tree: {max_depth: -3}}"]
    assert main(["run", "tiny", "--to", "2_models", *wrong]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "left out: tree: " in said
    assert "max_depth" in said
    (folder,) = tiny.parent.glob("runs/tiny/[0-9]*")
    run = Run.open(folder)
    (family,) = run.state["left_out"]
    assert family == "tree"
    assert "max_depth" in run.read_json("fit.json")["failures"]["tree"]
    client = MlflowClient(run.state["mlflow_uri"])
    assert "Left out: tree: `" in client.get_run(run.state["mlflow_run_id"]).data.tags["mlflow.note.content"]


# -- samples, compare, score


def test_samples_tells_what_a_result_is_worth(capsys: Capture) -> None:
    assert main(["samples"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in ("credit_data", "wa_churn", "mlc_churn", "lending_club", "cdnow"))
    assert "fictional" in said
    assert "licence" in said


def test_compare_shows_what_differs(quick_runs: Callable[[str], Run], capsys: Capture) -> None:
    folders = [str(quick_runs(name).folder) for name in ("credit_default", "telco_churn")]
    assert main(["compare", *folders]) == 0
    said = capsys.readouterr().out
    assert "do not compare" in said
    assert "data.source" in said
    assert "credit_data" in said
    assert f"{quick_runs('credit_default').state['champion']['auc_test']:.4f}" in said


def begun(tiny: Path, source: str, **split: str) -> Run:
    """Return a run of which nothing is done yet."""
    override = [f"data.source={source}", "data.date=day", *(f"split.{key}={value}" for key, value in split.items())]
    return Run.start(read_experiment(tiny, override), tiny.parent / "runs", at=dt.datetime(2026, 1, 2, 3, 4, 5))


def test_compare_cuts_nothing_at_80_columns_and_tells_the_kind_of_validation(tiny: Path, capsys: Capture) -> None:
    far = f"/books/{'x' * 70}/end.csv"
    runs = [begun(tiny, far), begun(tiny, "../tiny.csv", kind="out_of_time", from_date="2025-06-01")]
    assert main(["compare", *(str(run.folder) for run in runs)]) == 0
    told = capsys.readouterr()
    lines = told.out.splitlines()
    assert "the run tiny/20260102-030405 lacks data.json, leaderboard.csv, validation.json, predictions" in told.err
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    assert "".join("".join(lines).split()).count("x") >= 70
    heads = [line for line in lines if "tiny/20260102-030405" in line]
    assert len(heads) == 3
    assert len({line.rstrip() for line in heads}) == 1
    (validation,) = [line for line in lines if line.startswith("validation")]
    assert "stratified" in validation
    assert "out of time from 2025-06-01" in validation


def test_compare_says_of_what_is_no_run_where_it_was_looked_for(
    credit_run: Run, tiny: Path, tmp_path: Path, capsys: Capture
) -> None:
    folder, other = str(credit_run.folder), str(begun(tiny, "credit_data").folder)
    assert "not the folder of a run" in refused(["compare", folder, str(tmp_path)], capsys)
    assert "there is no run 'nobody'" in refused(["compare", folder, "nobody"], capsys)
    assert "name a file .html" in refused(["compare", folder, other, "-o", str(tmp_path / "page.pdf")], capsys)


def test_compare_needs_two_runs(credit_run: Run, capsys: Capture) -> None:
    assert "two runs" in refused(["compare", str(credit_run.folder)], capsys)


def test_a_run_is_not_compared_with_itself_however_it_is_named(credit_run: Run, capsys: Capture) -> None:
    folder = str(credit_run.folder)
    assert "is named twice" in refused(["compare", folder, folder], capsys)
    assert "once more" in refused(["compare", folder, f"{folder}/../{credit_run.folder.name}"], capsys)


@pytest.mark.parametrize("what", ["run", "wheel", "folder"])
def test_score_takes_a_run_a_wheel_or_a_folder(credit_run: Run, what: str, tmp_path: Path, capsys: Capture) -> None:
    models = {
        "run": credit_run.folder,
        "wheel": credit_run.path(credit_run.state["wheel"]),
        "folder": credit_run.path("models", credit_run.champion),
    }
    scored = credit_run.read_parquet("scores.parquet")
    credit_run.features().X.loc[scored.index].to_csv(tmp_path / "book.csv")
    out = tmp_path / "scores.csv"
    words = ["score", str(models[what]), str(tmp_path / "book.csv"), "-o", str(out), "--id", "customer"]
    assert main(words) == 0
    assert "150 customers scored" in capsys.readouterr().out
    back = pd.read_csv(out, index_col="customer")
    assert (back["probability"] - scored["probability"]).abs().max() <= 1e-9
    assert back["tier"].tolist() == scored["tier"].tolist()


def test_score_says_what_is_wrong(credit_run: Run, tmp_path: Path, capsys: Capture) -> None:
    model = str(credit_run.folder)
    (tmp_path / "book.csv").write_text("Age\n30\n")
    assert "does not exist" in refused(["score", str(tmp_path / "none"), "book.csv", "-o", "o.csv"], capsys)
    assert "no model" in refused(["score", str(tmp_path), "book.csv", "-o", "o.csv"], capsys)
    assert "does not exist" in refused(["score", model, str(tmp_path / "none.csv"), "-o", "o.csv"], capsys)
    said = refused(["score", model, str(tmp_path / "book.csv"), "-o", str(tmp_path / "o.csv")], capsys)
    assert "columns missing" in said
    assert not (tmp_path / "o.csv").exists()


def test_a_category_never_seen_is_scored(credit_run: Run, tmp_path: Path) -> None:
    book = credit_run.features().X.head(3).assign(Home="houseboat", Age=[np.nan, 30, 40])
    book.to_csv(tmp_path / "book.csv", index=False)
    assert main(["score", str(credit_run.folder), str(tmp_path / "book.csv"), "-o", str(tmp_path / "out.csv")]) == 0
    assert pd.read_csv(tmp_path / "out.csv")["probability"].between(0, 1).all()
