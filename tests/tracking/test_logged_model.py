from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskml.export.artifact import write_artifact
from riskml.runtime.package import Artifact
from riskml.tracking.model import as_input, log_model

# What MLflow warns of in its own use of other packages.
pytestmark = [
    pytest.mark.filterwarnings("ignore::Warning:mlflow.*"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:sqlalchemy.*"),
]


@pytest.fixture
def run_id(mlflow_uri, tmp_path):
    from mlflow import MlflowClient

    client = MlflowClient(mlflow_uri)
    experiment = client.create_experiment("default/loans", artifact_location=(tmp_path / "artifacts").as_uri())
    return client.create_run(experiment).info.run_id


@pytest.fixture
def logged(run_id, artifacts, loans):
    def logged(kind):
        return log_model(artifacts[kind], name=kind, run_id=run_id, input_example=loans.head(3))

    return logged


@pytest.mark.parametrize("kind", ["scorecard", "blend"])
def test_a_loaded_model_gives_the_scores_of_the_artifact_also_for_gaps_and_unseen_levels(
    kind, logged, artifacts, loans
):
    import mlflow.pyfunc

    artifact = Artifact.load(artifacts[kind])
    dirty = loans.copy()
    dirty.iloc[:5, 2] = "castle"
    dirty.iloc[5:9] = None
    model = mlflow.pyfunc.load_model(f"models:/{logged(kind)}")
    scores = model.predict(as_input(artifact, dirty))
    expected = artifact.score(dirty)
    assert scores.columns.tolist() == expected.columns.tolist()
    np.testing.assert_allclose(scores["probability"], expected["probability"], rtol=0, atol=1e-9)
    assert scores["tier"].tolist() == expected["tier"].tolist()


def test_the_signature_names_what_goes_in_and_what_comes_out(logged):
    from mlflow.models import get_model_info

    info = get_model_info(f"models:/{logged('scorecard')}")
    types = {column.name: column.type.name for column in info.signature.inputs}
    assert types == {"Age": "double", "Income": "double", "Home": "string"}
    types = {column.name: column.type.name for column in info.signature.outputs}
    assert types == {"probability": "double", "points": "double", "tier": "string"}
    assert info.saved_input_example_info is not None


def test_its_parameters_change_the_tiers_and_add_reasons(logged, artifacts, loans):
    import mlflow.pyfunc

    artifact = Artifact.load(artifacts["scorecard"])
    model, rows = mlflow.pyfunc.load_model(f"models:/{logged('scorecard')}"), as_input(artifact, loans.head(40))
    params = {"cut_offs": [0.0, 0.01, 0.02], "reasons": 2, "language": "zh"}
    scores = model.predict(rows, params=params)
    assert scores["tier"].tolist() == artifact.score(loans.head(40), params["cut_offs"])["tier"].tolist()
    reasons = artifact.explain(loans.head(40), n=2, language="zh")
    first = reasons[reasons["rank"] == 1].set_index("customer")["statement"]
    assert scores["reason_1"].tolist() == first.reindex(loans.index[:40]).fillna("").tolist()
    assert "reason_3" not in scores
    plain = model.predict(rows, params={"reasons": 1})["reason_1"]
    assert plain.iloc[0] in (
        "",
        *(f"{name} = {value}" for name, value in zip(reasons["column"], reasons["value"], strict=True)),
    )
    assert model.predict(rows).columns.tolist() == ["probability", "points", "tier"]


def test_it_needs_the_very_versions_here_and_neither_riskml_nor_a_pickle(logged, tmp_path):
    model_id = logged("blend")
    folder = tmp_path / "artifacts" / "models" / model_id / "artifacts"
    requirements = (folder / "requirements.txt").read_text().split()
    assert {text.split("==")[0] for text in requirements} == {"mlflow", "numpy", "pandas", "xgboost"}
    assert f"pandas=={pd.__version__}" in requirements
    assert not [path for path in folder.rglob("*") if path.suffix in {".pkl", ".pickle", ".joblib", ".cloudpickle"}]
    script = "import mlflow.pyfunc, sys; mlflow.pyfunc.load_model(sys.argv[1]); print('riskml' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", script, str(folder)], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split()[-1] == "False"


def test_it_belongs_to_its_run_and_that_run_s_experiment(logged, run_id, mlflow_uri):
    from mlflow import MlflowClient

    client = MlflowClient(mlflow_uri)
    model = client.get_logged_model(logged("tree"))
    run = client.get_run(run_id)
    assert (model.source_run_id, model.experiment_id) == (run_id, run.info.experiment_id)
    assert model.status == "READY"
    assert [output.model_id for output in run.outputs.model_outputs] == [model.model_id]


def test_two_versions_of_one_package_are_not_mistaken_for_each_other(
    logged, run_id, handmade, loans, loan_experiment, artifacts, tmp_path
):
    import mlflow.pyfunc

    other = write_artifact(
        handmade["tree"], tmp_path / "other", experiment=loan_experiment, family="tree", X_train=loans, metrics={}
    )
    ids = [logged("logistic"), log_model(other, name="tree", run_id=run_id, input_example=loans.head(3))]
    champion, challenger = (mlflow.pyfunc.load_model(f"models:/{model_id}") for model_id in ids)
    for model, folder in ((champion, artifacts["logistic"]), (challenger, other)):
        artifact = Artifact.load(folder)
        np.testing.assert_array_equal(
            model.predict(as_input(artifact, loans))["probability"], artifact.score(loans)["probability"]
        )


@contextmanager
def served(model_id):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["models", "serve", "-m", f"models:/{model_id}", "--env-manager", "local", "--host", "127.0.0.1"]
    # MLflow looks its web server up in PATH, as in an environment that is activated.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", *words, "--port", str(port)],
        env=os.environ | {"PATH": path}, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 240
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None, "the server has ended"
                assert time.monotonic() < deadline, "the server does not answer"
                time.sleep(0.3)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(timeout=30)


def ask(address, frame, **params):
    table = json.loads(frame.to_json(orient="split", index=False))
    body = json.dumps({"dataframe_split": table} | ({"params": params} if params else {})).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return pd.DataFrame(json.load(answer)["predictions"])


def test_mlflow_models_serve_answers_with_the_artifact_s_scores(logged, artifacts, loans):
    artifact = Artifact.load(artifacts["blend"])
    with served(logged("blend")) as address:
        scores = ask(address, loans.head(20))
        explained = ask(address, loans.head(20), reasons=1)
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(address, loans.head(2).drop(columns="Age"))
        refused.value.close()
    np.testing.assert_allclose(scores["probability"], artifact.score(loans.head(20))["probability"], rtol=0, atol=1e-9)
    assert scores["tier"].tolist() == artifact.score(loans.head(20))["tier"].tolist()
    assert explained["reason_1"].str.contains(" = ").any()
    assert 400 <= refused.value.code < 600
