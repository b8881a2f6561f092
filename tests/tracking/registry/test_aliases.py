"""The registry: a person makes a version champion, overrules the gate by name, and goes back."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST

from riskml.cli import main
from riskml.errors import InputError
from riskml.tracking.registry.aliases import GATE, Decision, aliases, challenge, promote, standings, take_back
from riskml.tracking.registry.status import standing

NAME = "riskml_loans"
ANN = Decision("Ann", "better by season", dt.datetime(2026, 1, 2, tzinfo=dt.UTC))
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def client(mlflow_uri: str) -> MlflowClient:
    """Return a client of a registry with three versions: 1 and 2 have passed the gate, 3 has not; none is champion."""
    client = MlflowClient(mlflow_uri, mlflow_uri)
    client.create_registered_model(NAME)
    for said in ("passed", "passed", "not passed"):
        tags = {"family": "tree", GATE: said, "riskml.gate_reason": "stability: PSI 0.4" if "not" in said else "fine"}
        client.create_model_version(NAME, source="file:///elsewhere", tags=tags)
    challenge(client, NAME)
    return client


def champion(client: MlflowClient) -> str | None:
    return aliases(client, NAME).get("champion")


def test_who_why_and_when_are_written_on_the_version(client: MlflowClient) -> None:
    promote(client, NAME, "2", ANN)
    tags = client.get_model_version(NAME, "2").tags
    said = {"promoted_by": "Ann", "promoted_why": "better by season", "promoted_at": "2026-01-02T00:00:00+00:00"}
    assert {f"riskml.{key}": value for key, value in said.items()}.items() <= tags.items()
    assert tags["riskml.promoted_forced"] == "false"


def test_the_challenger_is_meant_where_no_version_is_named(client: MlflowClient) -> None:
    assert promote(client, NAME, None, ANN, force=True).champion == "3"


def test_one_that_has_not_passed_needs_force_and_it_is_written_down(client: MlflowClient) -> None:
    with pytest.raises(InputError, match=r"has not passed the gate: stability: PSI 0.4") as refused:
        promote(client, NAME, "3", ANN)
    assert "--force" in refused.value.fix
    assert champion(client) is None
    promote(client, NAME, "3", ANN, force=True)
    assert champion(client) == "3"
    assert client.get_model_version(NAME, "3").tags["riskml.promoted_forced"] == "true"


def test_one_that_was_never_judged_needs_force(client: MlflowClient) -> None:
    client.create_model_version(NAME, source="file:///elsewhere")
    with pytest.raises(InputError, match="never judged"):
        promote(client, NAME, "4", ANN)


def test_back_goes_the_whole_way_back(client: MlflowClient) -> None:
    for version in ("1", "2", "1", "3"):
        promote(client, NAME, version, ANN, force=True)
    went = [take_back(client, NAME, ANN).champion for _ in range(3)]
    assert went == ["1", "2", "1"]
    with pytest.raises(InputError, match="nothing to go back to"):
        take_back(client, NAME, ANN)
    assert champion(client) == "1"


def test_what_was_taken_back_says_by_whom(client: MlflowClient) -> None:
    promote(client, NAME, "1", ANN)
    promote(client, NAME, "2", ANN)
    done = take_back(client, NAME, Decision("Bo", "alarms", ANN.at))
    assert (done.champion, done.before) == ("1", "2")
    tags = client.get_model_version(NAME, "2").tags
    assert (tags["riskml.taken_back_by"], tags["riskml.taken_back_why"]) == ("Bo", "alarms")


def test_the_last_decision_is_told_though_it_fell_in_the_same_second_as_the_one_before(client: MlflowClient) -> None:
    def told() -> str:
        return standing(client.get_model_version(NAME, "2"), aliases(client, NAME))

    promote(client, NAME, "1", ANN)
    promote(client, NAME, "2", ANN)
    take_back(client, NAME, Decision("Bo", "alarms", ANN.at))
    assert "version 2 of `riskml_loans` was the champion, and was taken back by Bo on 2026-01-02" in told()
    promote(client, NAME, "2", ANN)
    promote(client, NAME, "1", ANN)
    assert "version 2 of `riskml_loans` was the champion by Ann on 2026-01-02" in told()


def test_a_version_that_was_deleted_is_passed_over_on_the_way_back(client: MlflowClient) -> None:
    for version in ("1", "2", "3"):
        promote(client, NAME, version, ANN, force=True)
    client.delete_model_version(NAME, "2")
    assert take_back(client, NAME, ANN).champion == "1"


def test_a_person_s_decision_forgives_what_was_lost(client: MlflowClient) -> None:
    client.set_model_version_tag(NAME, "2", "riskml.auc_lost", "0.004")
    promote(client, NAME, "2", ANN)
    assert client.get_model_version(NAME, "2").tags["riskml.auc_lost"] == "0"


@pytest.mark.parametrize(
    ("name", "version", "said"),
    [
        ("riskml_none", "1", "no model is registered as 'riskml_none'"),
        ("riskml_o'brien", "1", "no model is registered"),
        (NAME, "9", "there is no version '9'"),
        (NAME, "v1", "there is no version 'v1'"),
    ],
)
def test_what_is_not_known_is_refused(client: MlflowClient, name: str, version: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        promote(client, name, version, ANN)


def test_the_champion_is_not_made_champion_again(client: MlflowClient) -> None:
    promote(client, NAME, "1", ANN)
    with pytest.raises(InputError, match="the champion already"):
        promote(client, NAME, "1", ANN)
    assert client.get_model_version(NAME, "1").tags["riskml.champions_before"] == ""


def test_without_a_champion_there_is_no_way_back(client: MlflowClient) -> None:
    with pytest.raises(InputError, match="has no champion"):
        take_back(client, NAME, ANN)


def test_the_newest_version_is_the_challenger(client: MlflowClient) -> None:
    assert aliases(client, NAME) == {"challenger": "3"}


def test_an_alias_that_another_process_sets_in_the_same_instant_is_set_again(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets, failures = MlflowClient.set_registered_model_alias, iter([True, True])

    def busy(*words: str) -> None:
        if next(failures, False):
            raise MlflowException("UNIQUE constraint failed", error_code=BAD_REQUEST)
        sets(*words)

    monkeypatch.setattr(MlflowClient, "set_registered_model_alias", busy)
    promote(client, NAME, "1", ANN)
    assert champion(client) == "1"


def test_the_versions_of_all_models_stand_in_one_table(client: MlflowClient) -> None:
    client.create_registered_model("not ours")
    promote(client, NAME, "2", ANN)
    table = standings(client)
    assert table["model"].unique().tolist() == [NAME]
    assert table["version"].tolist() == [3, 2, 1]
    assert table["aliases"].tolist() == ["challenger", "champion", ""]
    assert table["gate"].tolist() == ["not passed", "passed", "passed"]
    assert table["decided_by"].tolist() == ["", "Ann", ""]
    assert table["decision"].tolist() == ["", "promoted", ""]


def test_the_table_tells_the_last_decision_on_a_version(client: MlflowClient) -> None:
    promote(client, NAME, "1", ANN)
    promote(client, NAME, "2", ANN)
    take_back(client, NAME, Decision("Bo", "alarms", ANN.at))
    told = standings(client).set_index("version")[["decision", "decided_by", "decided_why"]]
    assert told.loc[2].tolist() == ["taken back", "Bo", "alarms"]
    assert told.loc[1].tolist() == ["promoted", "Bo", "alarms"]


# -- the command line


@pytest.mark.parametrize("name", ["loans", NAME])
def test_an_experiment_or_its_model_may_be_named(client: MlflowClient, name: str, capsys: Capture) -> None:
    assert main(["promote", name, "1"]) == 0
    assert main(["promote", name, "3", "--force", "--by", "Ann", "--why", "season"]) == 0
    assert "version 3 is the champion of riskml_loans now; it was version 1" in capsys.readouterr().out
    assert main(["promote", name, "--back"]) == 0
    assert champion(client) == "1"


@pytest.mark.parametrize(
    "words", [["--force"], ["--force", "--by", "Ann"], ["--force", "--by", " ", "--why", "x"], ["--back", "--force"]]
)
def test_force_needs_who_and_why(client: MlflowClient, words: list[str], capsys: Capture) -> None:
    assert main(["promote", "loans", *words]) == 2
    assert "--by" in (said := capsys.readouterr().err)
    assert "Traceback" not in said
    assert champion(client) is None


def test_models_lists_versions_and_why_one_did_not_pass(client: MlflowClient, capsys: Capture) -> None:
    assert main(["models", "loans"]) == 0
    said = capsys.readouterr().out
    assert "challenger" in said
    assert "3: stability: PSI 0.4" in said


def test_a_server_that_is_away_is_said_to_be(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert main(["promote", "loans"]) == 1
    said = capsys.readouterr().err
    assert "MLflow does not answer" in said
    assert "MLFLOW_TRACKING_URI" in said
    assert "secret" not in said


def test_where_nothing_was_tracked_no_records_are_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["models"]) == 2
    assert "nothing has been tracked here yet" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
