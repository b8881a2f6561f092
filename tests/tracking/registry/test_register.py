"""A run's model at the gate: challenger first, champion if it is not worse on rows that neither has learnt from."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from riskml.cli import main
from riskml.runs.run import Run
from riskml.tracking.log_items import Candidate
from riskml.tracking.registry import aliases
from riskml.tracking.registry.register import register

NAME = "riskml_loans"
NOW = dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC)
MakeRun = Callable[..., Run]
Register = Callable[[Run], ModelVersion]


@pytest.fixture
def client(mlflow_uri: str) -> MlflowClient:
    return MlflowClient(mlflow_uri, mlflow_uri)


@pytest.fixture
def logs(client: MlflowClient, loans: pd.DataFrame, tmp_path: Path) -> Callable[[Run], tuple[str, str]]:
    """Return a function that logs a run's model, once."""
    from riskml.tracking.model import log_model

    experiment = client.create_experiment("default/loans", artifact_location=(tmp_path / "mlartifacts").as_uri())
    models: dict[Path, tuple[str, str]] = {}

    def logged(run: Run) -> tuple[str, str]:
        if run.folder not in models:
            run_id = client.create_run(experiment).info.run_id
            model = log_model(run.path("models", run.champion), name="m", run_id=run_id, input_example=loans.head(2))
            models[run.folder] = model, run_id
        return models[run.folder]

    return logged


@pytest.fixture
def registers(client: MlflowClient, logs: Callable[[Run], tuple[str, str]]) -> Register:
    """Return a function that registers a run's model, as the sink does."""

    def registered(run: Run) -> ModelVersion:
        model, run_id = logs(run)
        candidate = Candidate(NAME, run.champion, 0.8, run.state["data_digest"], run=f"{run.folder.name} c1")
        return register(client, run, candidate, model, run_id, at=NOW)

    return registered


def why_not(version: ModelVersion) -> str:
    assert version.tags[aliases.GATE] == aliases.NOT_PASSED
    return str(version.tags[aliases.REASON])


def test_the_first_that_passes_is_champion_by_the_gate(
    make_run: MakeRun, registers: Register, client: MlflowClient
) -> None:
    version = registers(make_run())
    assert aliases.aliases(client, NAME) == {"champion": "1", "challenger": "1"}
    assert version.tags["riskml.gate_reason"] == "the first champion"
    assert version.tags["riskml.promoted_by"] == "the gate"
    assert version.tags["riskml.promoted_at"] == "2026-01-02T03:04:00+00:00"


def test_the_first_that_does_not_pass_is_no_champion(
    make_run: MakeRun, registers: Register, client: MlflowClient
) -> None:
    assert "ranking: AUC" in why_not(registers(make_run(min_auc=0.99)))
    assert aliases.aliases(client, NAME) == {"challenger": "1"}


def test_one_that_is_not_worse_takes_over_and_remembers_the_one_before(
    make_run: MakeRun, registers: Register, client: MlflowClient
) -> None:
    registers(make_run())
    second = registers(make_run())
    assert aliases.aliases(client, NAME) == {"champion": "2", "challenger": "2"}
    assert second.tags["riskml.champions_before"] == "1"
    assert second.tags["riskml.gate_reason"] == "not worse than version 1, the champion"


def test_one_that_is_worse_stays_challenger(make_run: MakeRun, registers: Register, client: MlflowClient) -> None:
    registers(make_run())
    assert "significantly worse" in why_not(registers(make_run(noise=0.5)))
    assert aliases.aliases(client, NAME) == {"champion": "1", "challenger": "2"}


def test_by_hand_leaves_one_that_passes_to_a_person(
    make_run: MakeRun, registers: Register, client: MlflowClient
) -> None:
    version = registers(make_run(promote="by_hand"))
    assert version.tags[aliases.GATE] == aliases.PASSED
    assert aliases.aliases(client, NAME) == {"challenger": "1"}


def test_what_was_made_by_hand_never_passes(make_run: MakeRun, registers: Register) -> None:
    assert "a person decides" in why_not(registers(make_run(by_hand=True)))


def test_a_champion_that_has_learnt_from_the_rows_is_not_compared(make_run: MakeRun, registers: Register) -> None:
    registers(make_run())
    reason = why_not(registers(make_run(aside=slice(1, None, 2))))
    assert "was trained on 150 of the 150 rows" in reason
    assert "a person decides" in reason


def test_customers_are_known_again_in_another_table(
    make_run: MakeRun, registers: Register, loans: pd.DataFrame
) -> None:
    first = make_run()
    registers(first)
    book = pd.read_csv(first.experiment.data.source).iloc[40:]
    assert "was trained on 65 of the 130 rows" in why_not(registers(make_run(book=book, aside=slice(0, 130))))


def test_new_customers_of_another_table_are_compared(
    make_run: MakeRun, registers: Register, client: MlflowClient
) -> None:
    first = make_run()
    registers(first)
    book = pd.read_csv(first.experiment.data.source)
    book["customer"] = "new " + book["customer"]
    assert registers(make_run(book=book)).tags[aliases.GATE] == aliases.PASSED


def test_without_identifiers_another_table_is_left_to_a_person(make_run: MakeRun, registers: Register) -> None:
    first = make_run(id=None)
    registers(first)
    book = pd.read_csv(first.experiment.data.source)
    assert registers(make_run(id=None)).tags[aliases.GATE] == aliases.PASSED
    reason = why_not(registers(make_run(id=None, book=book.iloc[2:])))
    assert "rows without identifiers, of another table" in reason


def test_a_champion_that_reads_a_column_left_out_since_scores_the_table(make_run: MakeRun, registers: Register) -> None:
    registers(make_run())
    reason = why_not(registers(make_run("age", features=("Age",))))
    assert "significantly worse" in reason
    assert "does not compare" not in reason


def test_a_champion_that_was_not_made_here_is_left_to_a_person(
    make_run: MakeRun, registers: Register, client: MlflowClient
) -> None:
    client.create_registered_model(NAME)
    client.create_model_version(NAME, source="file:///elsewhere")
    client.set_registered_model_alias(NAME, "champion", "1")
    assert "riskml has not registered it" in why_not(registers(make_run()))
    assert aliases.aliases(client, NAME) == {"champion": "1", "challenger": "2"}


def test_protected_groups_are_read_though_no_model_sees_them(make_run: MakeRun, registers: Register) -> None:
    version = registers(make_run(protected=("Sex",)))
    assert "fairness, Sex" in str(version.description)


def test_the_verdict_is_kept_in_the_run_on_the_model_and_on_the_record(
    make_run: MakeRun, registers: Register, client: MlflowClient
) -> None:
    run = make_run()
    version = registers(run)
    said = run.read_json("gate.json")
    assert (said["model"], said["version"], said["champion"], said["passed"]) == (NAME, "1", True, True)
    assert run.read_csv("gate.csv")["check"].tolist() == ["ranking", "champion"]
    assert {file.path for file in client.list_artifacts(version.run_id, "gate")} == {"gate/gate.json", "gate/gate.csv"}
    model = str(version.source).removeprefix("models:/")
    kept = {file.path for file in client.list_logged_model_artifacts(model, "gate")}
    assert kept == {"gate/gate.json", "gate/gate.csv", "gate/learnt.parquet"}
    assert client.get_run(version.run_id).data.tags[aliases.GATE] == aliases.PASSED
    assert json.dumps(said)


def first_line(client: MlflowClient, version: ModelVersion) -> str:
    return str(client.get_run(version.run_id).data.tags["mlflow.note.content"]).splitlines()[0]


def test_the_description_of_the_run_begins_with_what_the_gate_said(
    make_run: MakeRun, registers: Register, client: MlflowClient
) -> None:
    first = registers(make_run())
    assert first_line(client, first) == (
        "boosting, gate passed (the first champion); "
        "version 1 of `riskml_loans` is the champion by the gate on 2026-01-02."
    )
    worse = first_line(client, registers(make_run(noise=0.5)))
    assert worse.startswith("boosting, gate not passed (champion: AUC ")
    assert "it is significantly worse" in worse
    assert worse.endswith("version 2 of `riskml_loans` is the challenger.")


def test_the_description_changes_with_what_people_decide(
    make_run: MakeRun, registers: Register, client: MlflowClient
) -> None:
    first, second = registers(make_run()), registers(make_run(noise=0.5))
    client.set_tag(second.run_id, "mlflow.note.content", f"{first_line(client, second)}\n\n**Who?** Champion: m")
    said = ["--by", "Ann", "--why", "a better_season"]
    assert main(["promote", NAME, "2", "--force", *said]) == 0
    told = first_line(client, second)
    assert told.startswith("boosting, gate not passed (champion: AUC ")
    assert "version 2 of `riskml_loans` is the champion nevertheless by Ann on 2" in told
    assert told.endswith("(“a better\\_season”).")
    assert client.get_run(second.run_id).data.tags["mlflow.note.content"].endswith(".\n\n**Who?** Champion: m")
    assert "was the champion by the gate on 2026-01-02 before another" in first_line(client, first)

    assert main(["promote", NAME, "--back", "--by", "Bo", "--why", "alarms"]) == 0
    assert "was the champion, and was taken back by Bo on 2" in first_line(client, second)
    assert "is the champion by Bo on 2" in first_line(client, first)


def test_a_challenger_gives_way_to_a_later_one_in_its_description_too(
    make_run: MakeRun, registers: Register, client: MlflowClient
) -> None:
    first = registers(make_run(promote="by_hand"))
    assert first_line(client, first).endswith("is the challenger, and a person decides.")
    registers(make_run(promote="by_hand"))
    assert first_line(client, first).endswith("was a challenger.")


def test_what_is_kept_of_the_rows_names_nobody(make_run: MakeRun, registers: Register, tmp_path: Path) -> None:
    registers(make_run())
    (file,) = tmp_path.glob("mlartifacts/**/learnt.parquet")
    kept = pd.read_parquet(file)
    assert list(kept) == ["row"]
    assert kept["row"].dtype == "uint64"


def test_a_run_s_model_is_registered_once_and_later_decisions_stay(
    make_run: MakeRun, registers: Register, client: MlflowClient
) -> None:
    run = make_run()
    first = registers(run)
    registers(make_run())
    assert registers(run).version == first.version
    assert len(aliases.registered(client, NAME)) == 2
    assert aliases.aliases(client, NAME) == {"champion": "2", "challenger": "2"}


def test_a_registration_that_broke_off_is_taken_up_again(
    make_run: MakeRun, registers: Register, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise ConnectionError

    run = make_run()
    with monkeypatch.context() as patch:
        patch.setattr(aliases, "make_champion", away)
        with pytest.raises(ConnectionError):
            registers(run)
    assert aliases.aliases(client, NAME) == {"challenger": "1"}
    assert registers(run).tags[aliases.GATE] == aliases.PASSED
    assert aliases.aliases(client, NAME) == {"champion": "1", "challenger": "1"}


def test_one_is_judged_again_where_another_became_champion_meanwhile(
    make_run: MakeRun, registers: Register, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from riskml.tracking.registry import register as candidacy

    registers(make_run(noise=0.5))
    better, judging = make_run(), candidacy.judge
    registered = []

    def meanwhile(*words: object) -> object:
        if not registered:
            registered.append(better)
            registers(better)
        return judging(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(candidacy, "judge", meanwhile)
    slow = registers(make_run(noise=0.5))
    assert aliases.aliases(client, NAME)["champion"] == "3"
    assert "of version 3" in why_not(slow)


def test_two_that_register_at_once_leave_a_champion(
    make_run: MakeRun, logs: Callable[[Run], tuple[str, str]], registers: Register, client: MlflowClient
) -> None:
    runs = [make_run(), make_run()]
    for run in runs:  # one after the other: MLflow silences warnings meanwhile, which threads undo for each other
        logs(run)
    with ThreadPoolExecutor(2) as pool:
        versions = list(pool.map(registers, runs))
    assert {str(version.version) for version in versions} == {"1", "2"}
    held = aliases.aliases(client, NAME)
    assert held["challenger"] == "2"
    assert held["champion"] in {"1", "2"}
    assert all(version.tags[aliases.GATE] == aliases.PASSED for version in versions)
