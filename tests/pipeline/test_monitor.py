"""A month written, tracked, and done again."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from riskml.cli import main
from riskml.errors import InputError
from riskml.monitoring.html import page_context
from riskml.pipeline.monitor import MonitorRequest, MonitorResult, monitor, run_to_monitor
from riskml.runs.months import MONITORING, MonthStore
from riskml.runs.run import Run

from ..monitoring.conftest import customers

TODAY = dt.date(2026, 4, 5)
Monitor = Callable[..., MonitorResult]


@pytest.fixture
def own_run(run: Run, tmp_path: Path) -> Run:
    """Return a copy of the run that a test may write into, in a project of its own."""
    folder = tmp_path / "experiments" / "runs" / "loans" / run.folder.name
    shutil.copytree(run.folder, folder)
    return Run.open(folder)


@pytest.fixture
def book(tmp_path: Path, same: pd.DataFrame) -> Path:
    same.drop(columns="bad").to_csv(tmp_path / "march.csv", index=False)
    same[["customer", "bad"]].to_csv(tmp_path / "known.csv", index=False)
    return tmp_path / "march.csv"


@pytest.fixture
def monitored(own_run: Run, book: Path) -> Monitor:
    """Return what monitors the run, on the book unless told otherwise; nothing is tracked."""

    def once(day: str | None = "2026-03-01", *, track: bool = False, **said: object) -> MonitorResult:
        date = None if day is None else dt.date.fromisoformat(day)
        return monitor(MonitorRequest(own_run.folder, date=date, **({"data": book} | said)), today=TODAY, track=track)

    return once


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_month_is_a_folder_with_a_page_tables_and_what_to_do(monitored: Monitor, own_run: Run) -> None:
    done = monitored()
    folder = own_run.path("monitoring", "2026-03-01")
    assert done.written.folder == folder
    assert {"report.html", "monitoring.json", "customers.parquet", "findings.csv", "columns.csv", "tiers.csv"} <= names(
        folder
    )
    state = json.loads((folder / "monitoring.json").read_text())
    assert state["next_step"] == "none"
    assert [one["what"] for one in state["findings"]] == [one.text() for one in done.findings]
    assert state["metrics"] == done.month.metrics()


def test_customers_are_there_one_by_one(monitored: Monitor, same: pd.DataFrame) -> None:
    found = monitored().written.read("customers")
    assert found.index.tolist() == same["customer"].tolist()
    assert {"probability", "tier", "payment", "payment_usual", "payment_change", "payment_worse"} <= set(found)


def test_the_same_date_again_takes_the_place_of_what_was_there(
    monitored: Monitor, own_run: Run, tmp_path: Path
) -> None:
    monitored()
    again = monitored(outcomes=tmp_path / "known.csv")
    assert names(own_run.path("monitoring")) == {"2026-03-01"}
    assert again.written.state["known"] == 1500
    assert len(again.history) == 1


def test_the_month_before_is_found_and_customers_are_followed(monitored: Monitor, same: pd.DataFrame) -> None:
    monitored("2026-02-01")
    moves = monitored("2026-03-01").month.scored.moves
    assert (moves.since, moves.same, moves.riskier, moves.safer) == ("2026-02-01", len(same), 0, 0)


def test_a_file_of_scores_may_stand_for_the_month_before(
    monitored: Monitor, same: pd.DataFrame, tmp_path: Path
) -> None:
    same[["customer"]].assign(probability=0.1, tier="low").to_csv(tmp_path / "scores.csv", index=False)
    moves = monitored(previous=tmp_path / "scores.csv").month.scored.moves
    assert moves.matrix.loc["low"].sum() == len(same)


def test_a_previous_month_that_is_no_earlier_one_is_refused(monitored: Monitor) -> None:
    done = monitored("2026-03-01")
    with pytest.raises(InputError, match="which is not before 2026-03-01"):
        monitored("2026-03-01", previous=done.written.folder)


def test_a_trend_is_seen_over_the_months_and_not_beyond_the_one_that_is_looked_at(monitored: Monitor) -> None:
    for day in ("2026-01-01", "2026-03-01"):
        monitored(day)
    done = monitored("2026-02-01")
    assert [str(day) for day in done.history.index] == ["2026-01-01", "2026-02-01"]
    page = (done.written.folder / "report.html").read_text()
    assert "<figure>" in page
    assert "2026-03-01" not in page


def test_the_day_is_that_of_the_run_for_its_own_rows_and_today_for_others(monitored: Monitor) -> None:
    assert monitored(None).month.as_of == TODAY
    baseline = monitored(None, data="")
    assert str(baseline.month.as_of) == "2026-01-02"
    assert baseline.month.scored.realised.rows == 1200
    assert baseline.month.scored.realised.auc == baseline.reference.holdout.auc


def test_limits_and_segments_may_be_given_for_a_month(monitored: Monitor) -> None:
    done = monitored(overrides=("monitoring.small_segment=700",), segments=("late_90d",))
    assert set(done.month.scored.segments["by"]) == {"home", "late_90d"}
    assert done.month.scored.segments["small"].any()


def test_nothing_but_limits_may_be_overruled(monitored: Monitor) -> None:
    with pytest.raises(InputError, match="only limits of monitoring"):
        monitored(overrides=("models.trials=3",))


def test_a_broken_book_is_reported_and_holds_no_customers(
    monitored: Monitor, own_run: Run, tmp_path: Path, same: pd.DataFrame
) -> None:
    same.drop(columns="debt").to_csv(tmp_path / "broken.csv", index=False)
    done = monitored(data=tmp_path / "broken.csv")
    assert done.written.state["next_step"] == "repair"
    assert "customers.parquet" not in names(done.written.folder)
    assert "debt" in (done.written.folder / "report.html").read_text()
    assert monitored("2026-04-01").month.scored.moves.since == ""  # it is no month to follow customers from


def test_what_comes_from_the_data_is_escaped(monitored: Monitor, tmp_path: Path, same: pd.DataFrame) -> None:
    bad = same.assign(home=same["home"].where(same.index % 2 == 0, "<script>alert(1)</script>"))
    bad["customer"] = "=cmd()" + bad["customer"]
    bad.to_csv(tmp_path / "bad.csv", index=False)
    done = monitored(data=tmp_path / "bad.csv", segments=("home",))
    page = (done.written.folder / "report.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "Who &lt;will&gt; default?" in page


def test_the_page_says_under_what_assumption_performance_is_estimated(monitored: Monitor) -> None:
    done = monitored()
    context = page_context(done.month, done.findings, done.reference, done.history)
    assert "cannot see that the same customers have become riskier" in context["assumption"]
    assert "On the 1,200 rows of the test set" in context["checked"]
    assert str(context["assumption"]) in (done.written.folder / "report.html").read_text()


# -- MLflow


@pytest.fixture
def store(own_run: Run, mlflow_uri: str) -> str:
    """Return the address of an empty store, which the run names as its own."""
    return mlflow_uri


def records(uri: str) -> list[tuple[str, dict[str, float]]]:
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiments = [one.experiment_id for one in client.search_experiments()]
    found = client.search_runs(experiments, "tags.`riskml.kind` = 'monitoring'")
    return sorted((one.data.tags["riskml.monitored_date"], one.data.metrics) for one in found)


def test_every_date_is_one_record_by_the_same_names_however_often_it_is_monitored(
    monitored: Monitor, store: str, tmp_path: Path
) -> None:
    monitored("2026-02-01", track=True)
    monitored("2026-03-01", track=True)
    done = monitored("2026-03-01", track=True, outcomes=tmp_path / "known.csv")
    found = records(store)
    assert [day for day, _ in found] == ["2026-02-01", "2026-03-01"]
    assert found[1][1] == pytest.approx(done.month.metrics())
    assert done.written.state["mlflow_trouble"] is None
    assert len(done.history) == 2


def test_a_record_says_whose_model_it_is_and_what_to_do(monitored: Monitor, store: str, own_run: Run) -> None:
    from mlflow import MlflowClient

    done = monitored(track=True)
    client = MlflowClient(store)
    record = client.get_run(done.written.state["mlflow_run_id"])
    assert record.data.tags["riskml.run"] == own_run.folder.name
    assert record.data.tags["riskml.next_step"] == "none"
    assert "next step **none**" in record.data.tags["mlflow.note.content"]
    assert {"report.html", "monitoring.json", "findings.csv"} <= {
        one.path for one in client.list_artifacts(record.info.run_id)
    }
    assert not any(one.path.endswith(".parquet") for one in client.list_artifacts(record.info.run_id))


def test_months_of_another_machine_are_seen_in_the_trend(
    monitored: Monitor, store: str, own_run: Run, tmp_path: Path
) -> None:
    monitored("2026-02-01", track=True)
    shutil.rmtree(own_run.path("monitoring"))
    assert len(monitored("2026-03-01", track=True).history) == 2


def test_a_server_that_is_away_costs_the_record_and_the_next_month_writes_both(
    monitored: Monitor, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nobody listens on the port of "discard"
    away = monitored("2026-02-01", track=True)
    assert "MLflow does not answer" in away.written.state["mlflow_trouble"]
    assert (away.written.folder / "report.html").is_file()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monitored("2026-03-01", track=True)
    assert [day for day, _ in records(store)] == ["2026-02-01", "2026-03-01"]
    assert MonthStore(away.written.folder.parent, MONITORING).open(away.written.folder).state["mlflow_trouble"] is None


# -- the notebook's run


def test_the_newest_run_with_a_model_is_the_one_to_monitor(own_run: Run, tmp_path: Path) -> None:
    file = tmp_path / "experiments" / "loans.yaml"
    file.write_text(own_run.experiment.to_yaml())
    Run.start(own_run.experiment, tmp_path / "experiments" / "runs", at=dt.datetime(2026, 2, 2))
    assert run_to_monitor(str(file)) == own_run.folder


# -- the command line


def test_the_command_says_what_is_to_be_done(
    own_run: Run, book: Path, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["monitor", str(own_run.folder), "--data", str(book), "--date", "2026-03-01"]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "2026-03-01: 1,500 customers, 0 outcomes known" in told
    assert "next step: none" in told
    assert "frequency: no columns are configured" in told


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--date", "yesterday"], "expected a date such as"),
        (["--id", "custome"], "did you mean 'customer'"),
        (["--by", "colour"], "the portfolio has no column 'colour'"),
        (["--outcomes", "nowhere.csv"], "the file does not exist"),
        (["-p", "monitoring.psi_acts=1"], "unknown key"),
        (["-p", "monitoring.psi_act=0.01"], "psi_act lies below psi_watch"),
        (["--previous", "."], "not the folder of a month"),
    ],
)
def test_bad_input_is_one_message_and_leaves_nothing(
    own_run: Run, book: Path, more: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["monitor", str(own_run.folder), "--data", str(book), *more]) == 2
    assert message in capsys.readouterr().err
    assert not own_run.path("monitoring").exists()


def test_a_run_without_a_model_cannot_be_monitored(
    own_run: Run, book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own_run.mark("2_models", "failed", 1.0)
    assert main(["monitor", str(own_run.folder), "--data", str(book)]) == 2
    assert "the run has no model yet" in capsys.readouterr().err


def test_harder_times_show_once_outcomes_arrive_and_not_before(monitored: Monitor, tmp_path: Path) -> None:
    hard = customers(6, 2500, harder=0.8)
    hard.to_csv(tmp_path / "hard.csv", index=False)
    hard.drop(columns="bad").to_csv(tmp_path / "blind.csv", index=False)
    assert monitored(data=tmp_path / "blind.csv").written.state["next_step"] == "none"
    assert monitored(data=tmp_path / "hard.csv").written.state["next_step"] == "recalibrate"
