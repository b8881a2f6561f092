from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from tests.conftest import SPARK, clean_environment

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


def test_it_needs_the_very_versions_here_and_neither_riskml_nor_a_pickle(logged, clean_python, tmp_path):
    model_id = logged("blend")
    folder = tmp_path / "artifacts" / "models" / model_id / "artifacts"
    requirements = (folder / "requirements.txt").read_text().split()
    assert {text.split("==")[0] for text in requirements} == {"mlflow", "numpy", "pandas", "xgboost"}
    assert f"pandas=={pd.__version__}" in requirements
    assert not [path for path in folder.rglob("*") if path.suffix in {".pkl", ".pickle", ".joblib", ".cloudpickle"}]
    script = "import mlflow.pyfunc, sys; print(len(mlflow.pyfunc.load_model(sys.argv[1]).input_example))"
    done = subprocess.run(
        [str(clean_python), "-c", script, str(folder)], env=clean_environment(clean_python), cwd=tmp_path,
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert done.stdout.split()[-1] == "3"


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
def served(model_id, python):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["models", "serve", "-m", f"models:/{model_id}", "--env-manager", "local", "--host", "127.0.0.1"]
    server = subprocess.Popen(
        [str(python), "-m", "mlflow", *words, "--port", str(port)],
        env=clean_environment(python), start_new_session=True,
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


def test_mlflow_models_serve_answers_with_the_artifact_s_scores_where_riskml_is_not(
    logged, artifacts, loans, clean_python
):
    artifact = Artifact.load(artifacts["blend"])
    with served(logged("blend"), clean_python) as address:
        scores = ask(address, loans.head(20))
        explained = ask(address, loans.head(20), reasons=1)
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(address, loans.head(2).drop(columns="Age"))
        refused.value.close()
    np.testing.assert_allclose(scores["probability"], artifact.score(loans.head(20))["probability"], rtol=0, atol=1e-9)
    assert scores["tier"].tolist() == artifact.score(loans.head(20))["tier"].tolist()
    assert explained["reason_1"].str.contains(" = ").any()
    assert 400 <= refused.value.code < 600


# What runs on a cluster: Spark, MLflow and the logged model; riskml is neither there nor on the workers.
ON_SPARK = """
import json, sys, warnings
warnings.simplefilter("ignore")
from mlflow.pyfunc import spark_udf
from pyspark.sql import SparkSession
model, table, answers, settings = sys.argv[1:]
builder = SparkSession.builder
for name, value in json.loads(settings).items():
    builder = builder.config(name, value)
session = builder.getOrCreate()
session.sparkContext.setLogLevel("ERROR")
rows = session.read.parquet(table)
scores = spark_udf(session, model, env_manager="local", result_type="probability double, points double, tier string")
found = rows.select("customer", scores("Age", "Income", "Home").alias("s")).select("customer", "s.*").toPandas()
found.to_parquet(answers)
session.stop()
"""


def test_a_spark_udf_answers_with_the_artifact_s_scores_where_riskml_is_not(
    java, logged, artifacts, loans, clean_python, tmp_path
):
    artifact = Artifact.load(artifacts["scorecard"])
    as_input(artifact, loans).reset_index().to_parquet(tmp_path / "loans.parquet")
    own = {"spark.master": "local[1]", "spark.local.dir": str(tmp_path), "spark.driver.bindAddress": "127.0.0.1",
           "spark.driver.host": "127.0.0.1", "spark.ui.enabled": "false"}  # fmt: skip
    words = [f"models:/{logged('scorecard')}", tmp_path / "loans.parquet", tmp_path / "answers.parquet"]
    done = subprocess.run(
        [str(clean_python), "-c", ON_SPARK, *map(str, words), json.dumps(SPARK | own)], cwd=tmp_path,
        env=clean_environment(clean_python) | {"PYSPARK_PYTHON": str(clean_python)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = pd.read_parquet(tmp_path / "answers.parquet").set_index("customer").loc[loans.index]
    expected = artifact.score(loans)
    np.testing.assert_allclose(found["probability"], expected["probability"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found["points"], expected["points"], rtol=0, atol=1e-9)
    assert found["tier"].tolist() == expected["tier"].tolist()
