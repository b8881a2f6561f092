"""Whether a model is trained again, and what comes of it."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from riskml.cli import main
from riskml.config.experiment import Experiment
from riskml.errors import InputError
from riskml.pipeline.monitor import MonitorRequest, monitor
from riskml.pipeline.retrain import RetrainRequest, decide, retrain
from riskml.runs.run import Run

from ..monitoring.conftest import customers

AT = dt.datetime(2026, 4, 5, 6, 7, 8)
DAY = dt.date(2026, 4, 5)


@pytest.fixture
def own_run(run: Run, tmp_path: Path) -> Run:
    """Return a copy of the run that a test may write into, in a project of its own."""
    folder = tmp_path / "experiments" / "runs" / "loans" / run.folder.name
    shutil.copytree(run.folder, folder)
    return Run.open(folder)


def watched(run: Run, frame: pd.DataFrame, day: dt.date = DAY) -> Path:
    """Return the file of a month that was monitored."""
    file = run.folder.parents[3] / f"{day}.csv"
    frame.to_csv(file, index=False)
    monitor(MonitorRequest(run.folder, file, date=day), today=day, track=False)
    return file


def test_a_model_that_holds_is_left_as_it_is(own_run: Run, same: pd.DataFrame) -> None:
    watched(own_run, same.drop(columns="bad"))
    decision = decide(RetrainRequest(own_run.folder))
    assert not decision.needed
    assert decision.why[0] == "monitored as of 2026-04-05, the next step is none"
    assert retrain(RetrainRequest(own_run.folder), decision, at=AT) is None


def test_a_level_that_is_off_is_a_reason_with_its_finding(own_run: Run) -> None:
    watched(own_run, customers(3, 2500, harder=0.8))
    decision = decide(RetrainRequest(own_run.folder))
    assert decision.needed
    assert "the next step is recalibrate" in decision.why[0]
    assert any("The risk is underestimated" in one for one in decision.why)


def test_the_newest_month_counts(own_run: Run, same: pd.DataFrame) -> None:
    watched(own_run, customers(3, 2500, harder=0.8))
    watched(own_run, same.drop(columns="bad"), DAY + dt.timedelta(days=30))
    assert not decide(RetrainRequest(own_run.folder)).needed


def test_damaged_data_are_no_reason_to_train(own_run: Run, same: pd.DataFrame) -> None:
    watched(own_run, same.drop(columns="debt"))
    decision = decide(RetrainRequest(own_run.folder))
    assert not decision.needed
    assert "not fitted to damaged data" in decision.why[0]


def test_force_overrules_and_says_so(own_run: Run, same: pd.DataFrame) -> None:
    assert decide(RetrainRequest(own_run.folder, force=True)).needed
    watched(own_run, same.drop(columns="bad"))
    decision = decide(RetrainRequest(own_run.folder, force=True))
    assert decision.needed
    assert decision.why[0].startswith("it is forced: monitored as of")


def test_a_model_that_was_never_monitored_gives_no_reason(own_run: Run) -> None:
    with pytest.raises(InputError, match="never monitored"):
        decide(RetrainRequest(own_run.folder))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([], "retraining needs new rows"),
        (["--data", "blind.csv", "--extend"], "no column 'bad'"),
        (["--data", "short.csv", "--extend"], "lack columns of the run's own table: 'home'"),
        (["--data", "blind.csv", "--outcomes", "others.csv"], "no customer of the portfolio is among the outcomes"),
        (["--data", "nowhere.csv"], "does not exist"),
    ],
)
def test_bad_input_starts_no_run(
    own_run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = customers(4, 300)
    rows.drop(columns="bad").to_csv("blind.csv", index=False)
    rows.drop(columns="home").to_csv("short.csv", index=False)
    pd.DataFrame({"customer": ["x"], "bad": [1]}).to_csv("others.csv", index=False)
    before = set(own_run.folder.parent.iterdir())
    assert main(["retrain", str(own_run.folder), "--force", *more]) == 2
    assert message in capsys.readouterr().err
    assert set(own_run.folder.parent.iterdir()) == before


def test_a_dry_run_starts_nothing(own_run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    file = watched(own_run, customers(3, 2500, harder=0.8))
    before = set(own_run.folder.parent.iterdir())
    assert main(["retrain", str(own_run.folder), "--data", str(file), "--dry-run"]) == 0
    assert "train again: monitored as of 2026-04-05" in capsys.readouterr().out
    assert set(own_run.folder.parent.iterdir()) == before


def test_a_model_is_trained_again_to_the_gate_once_for_a_month(
    own_run: Run, mlflow_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole way: a tree on the old rows and the new ones, whose outcomes come from a file."""
    file = watched(own_run, customers(3, 2500, harder=0.8))
    rows = pd.read_csv(file)
    rows.drop(columns="bad").to_csv(tmp_path / "new.csv", index=False)
    rows[["customer", "bad"]].head(2000).to_csv(tmp_path / "known.csv", index=False)
    words = ["retrain", str(own_run.folder), "--data", str(tmp_path / "new.csv")]
    words += ["--outcomes", str(tmp_path / "known.csv"), "--extend"]
    words += ["-p", "models.families=[tree]", "-p", "document.learning_curve=false"]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "The risk is underestimated" in told
    assert "gate:" in told
    record = json.loads(own_run.path("monitoring", "2026-04-05", "retrain.json").read_text())
    new = Run.open(record["run"])
    assert new.state["status"] == "finished"
    assert new.state["retrained_from"].startswith(f"{own_run.folder.name}, monitored as of 2026-04-05")
    assert len(new.features().X) == 3000 + 2000  # rows whose outcome is not known are left out
    verdict = new.read_json("gate.json")
    assert verdict["model"] == "riskml_loans"
    assert ("champion" if verdict["champion"] else "challenger") in _aliases(mlflow_uri)
    # The same month again: the run is there, and nothing is trained twice.
    runs = set(own_run.folder.parent.iterdir())
    assert main(words) == 0
    assert "begun for this month already" in capsys.readouterr().out
    assert set(own_run.folder.parent.iterdir()) == runs


def _aliases(uri: str) -> set[str]:
    from mlflow import MlflowClient

    return set(MlflowClient(uri).get_registered_model("riskml_loans").aliases)


@pytest.mark.parametrize(("data", "overrides"), [(Path("new.csv"), ("panel.until=2026-01-01",)), (None, ())])
def test_dated_records_need_later_dates_and_no_table(
    own_run: Run, data: Path | None, overrides: tuple[str, ...]
) -> None:
    said = own_run.experiment.model_dump(mode="json") | {"data": {}}
    said["panel"] = {
        "tables": {
            "states": {"role": "statuses", "source": "x.csv", "time": "day", "kind": "state"},
            "acts": {"role": "activity", "source": "x.csv", "time": "day"},
        },
        "as_of": ["2026-01-01"],
        "outcome": {"rule": "status", "table": "states", "values": ["default"]},
    }
    own_run.path("experiment.yaml").write_text(Experiment.model_validate(said).to_yaml())
    asked = RetrainRequest(own_run.folder, data, overrides=overrides, force=True)
    with pytest.raises(InputError, match="retrained with later as-of dates"):
        retrain(asked, decide(asked), at=AT)


def test_rows_set_aside_by_date_begin_later_by_as_much_as_the_data_end_later(own_run: Run, tmp_path: Path) -> None:
    from riskml.pipeline.retrain import _overrides

    asked = own_run.experiment
    dated = asked.model_copy(
        update={
            "data": asked.data.model_copy(update={"date": "day"}),
            "split": asked.split.model_copy(update={"kind": "out_of_time", "from_date": dt.date(2025, 10, 1)}),
        }
    )
    features = own_run.features()
    dates = pd.Series(pd.Timestamp("2025-12-31"), index=features.X.index)
    own_run.write_features(type(features)(features.X, features.y, features.part, features.fold, dates))
    customers(4, 300).assign(day="2026-03-31").to_csv(tmp_path / "new.csv", index=False)
    moved = _overrides(Run(own_run.folder, dated), RetrainRequest(own_run.folder, tmp_path / "new.csv"))
    assert moved == ["split.from_date=2025-12-30"]
    told = RetrainRequest(own_run.folder, tmp_path / "new.csv", overrides=("split.from_date=2026-01-01",))
    assert _overrides(Run(own_run.folder, dated), told) == ["split.from_date=2026-01-01"]
