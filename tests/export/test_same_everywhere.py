"""One answer: the model in memory, its artifact, its wheel, one record, MLflow, SQL, ONNX and Spark."""

from __future__ import annotations

import importlib.util
import math

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskml.export.artifact import write_artifact
from riskml.export.onnx import onnx_inputs, to_onnx
from riskml.export.sql import to_sql
from riskml.export.wheel import build_wheel
from riskml.models.families import FAMILIES, estimator
from riskml.runs.model_loading import import_wheel
from riskml.runtime.frame import columns
from riskml.runtime.model import probability
from riskml.runtime.package import Artifact
from riskml.scorecard import SegmentedScorecard

IN_SQL = ("scorecard", "segmented", "logistic", "tree", "ebm")
IN_ONNX = (*IN_SQL, "boosting", "blend")
KINDS = (*IN_ONNX, "lightgbm", "catboost")
NAMED = {"segmented": "segmented scorecard"}
NAMES = ["Age", "Income", "Home"]
EDGES = [-1.0, 18.0, 30.0, 40.0, 40.5, 45.5, 60.0, 80.0, 90.0, 160.0]
number = st.one_of(
    st.none(),
    st.integers(-10, 200).map(float),
    st.sampled_from([*EDGES, 1e308, -1e308, 5e-324, 3.5e38, -0.0]),
    st.sampled_from(EDGES).map(lambda edge: math.nextafter(edge, math.inf)),
    st.sampled_from(EDGES).map(lambda edge: math.nextafter(edge, -math.inf)),
    st.sampled_from(EDGES).map(lambda edge: float(np.nextafter(np.float32(edge), np.float32(np.inf)))),
    st.floats(-1e6, 1e6),
)
text = st.one_of(
    st.none(),
    st.sampled_from(["owner", "rent", "None", "=cmd|'x'!A1", "", " ", "\u3000", "\t", "nan", "Owner", "rent ", "é\n"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=5),
)
rows = st.lists(st.tuples(number, number, text), min_size=1, max_size=12)
quickly = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def table(rows):
    frame = pd.DataFrame(rows, columns=NAMES)
    return frame.astype({"Age": "float64", "Income": "float64", "Home": object})


def hard_rows(count=400):
    """Return rows of every kind that is drawn above, the same in every run."""
    draw = np.random.default_rng(3)
    numbers = [np.nan, 1e308, -1e308, 3.5e38, *EDGES, *np.nextafter(EDGES, np.inf), *np.nextafter(EDGES, -np.inf)]
    texts = [None, "owner", "rent", "None", "=cmd|'x'!A1", "", " ", "\u3000", "Owner", "rent ", "a'b\\", "多伦多"]
    age, income = (draw.choice(numbers, count) for _ in range(2))
    return table(zip(age, income, draw.choice(np.array(texts, dtype=object), count), strict=True))


@pytest.fixture(scope="module")
def estimators(handmade, loans):
    """Return fitted estimators by kind: those written by hand, and those that only their own code can make."""
    draw = np.random.default_rng(4)
    risk = (loans["Age"] < 40) ^ (loans["Home"] == "rent") ^ (draw.random(len(loans)) < 0.2)
    outcome = risk.astype(int)
    segmented = SegmentedScorecard(segment_by="Home", min_segment_events=10).fit(loans, outcome)
    assert len(segmented.cards_) > 1
    found = {**handmade, "segmented": segmented}
    for kind in ("lightgbm", "catboost"):
        if importlib.util.find_spec(FAMILIES[kind].package):
            model = estimator(kind, {"bags": 2, "max_rounds": 20}, special_values=None, random_state=0)
            found[kind] = model.fit(loans, outcome)
    return found


@pytest.fixture(scope="module")
def folders(estimators, artifacts, loans, loan_experiment, tmp_path_factory):
    """Return artifact folders by kind."""
    parent = tmp_path_factory.mktemp("folders")
    return artifacts | {
        kind: write_artifact(
            model,
            parent / kind,
            experiment=loan_experiment,
            family=NAMED.get(kind, kind),
            X_train=loans,
            metrics={},
            events=120,
        )
        for kind, model in estimators.items()
        if kind not in artifacts
    }


class Kinds(dict):
    """By kind; what an extra would have made is skipped where it is not installed."""

    def __missing__(self, kind):
        pytest.skip(f"riskml[{kind}] is not installed")


@pytest.fixture(scope="module")
def loaded(folders):
    return Kinds({kind: Artifact.load(folder) for kind, folder in folders.items()})


@pytest.fixture(scope="module")
def wheels(folders, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    return Kinds({kind: import_wheel(build_wheel(artifact, folder / kind)) for kind, artifact in folders.items()})


@pytest.fixture(scope="module")
def sessions(loaded):
    import onnxruntime

    return {
        kind: onnxruntime.InferenceSession(to_onnx(artifact)) for kind, artifact in loaded.items() if kind in IN_ONNX
    }


def expected(fitted, frame):
    return probability(fitted.model_.margin(columns(fitted.schema_.conform(frame), fitted.model_.kinds)))


def assert_same(artifact, there, here, tolerance):
    """Compare probabilities, and tiers where rounding cannot carry a probability over a tier's bound."""
    np.testing.assert_allclose(there["probability"].astype(float), here["probability"], rtol=0, atol=tolerance)
    if "points" in here:
        np.testing.assert_allclose(there["points"].astype(float), here["points"], rtol=0, atol=tolerance)
    bounds = np.array([tier.from_probability for tier in artifact.tiers])
    clear = (np.abs(here["probability"].to_numpy()[:, None] - bounds) > tolerance).all(axis=1)
    assert there["tier"].to_numpy()[clear].tolist() == here["tier"].to_numpy()[clear].tolist()


def run_onnx(session, artifact, frame):
    names = [output.name for output in session.get_outputs()]
    return pd.DataFrame(
        {
            name: values[:, 0]
            for name, values in zip(names, session.run(None, onnx_inputs(artifact, frame)), strict=True)
        }
    )


@pytest.mark.parametrize("kind", KINDS)
@given(rows=rows)
@quickly
def test_the_wheel_and_a_record_alone_answer_as_the_model_in_memory(kind, loaded, wheels, estimators, rows):
    frame = table(rows)
    scores = wheels[kind].score(frame)
    np.testing.assert_array_equal(scores["probability"], expected(estimators[kind], frame))
    alone = pd.DataFrame([wheels[kind].score_record(record) for record in frame.to_dict("records")])
    pd.testing.assert_frame_equal(alone, scores, check_dtype=False, check_exact=True)
    reasons = wheels[kind].explain(frame, n=3)
    record = wheels[kind].explain_record(frame.iloc[-1].to_dict(), n=3)
    last = reasons[reasons["customer"] == len(frame) - 1].drop(columns="customer")
    assert [one["column"] for one in record] == last["column"].tolist()
    np.testing.assert_allclose([one["contribution"] for one in record], last["contribution"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", IN_SQL)
@given(rows=rows)
@quickly
def test_duckdb_answers_as_the_wheel(kind, loaded, rows):
    frame, artifact = table(rows), loaded[kind]
    with duckdb.connect() as connection:
        connection.register("loans", frame.assign(place=range(len(frame))))
        there = connection.sql(to_sql(artifact, "loans", keep=["place"])).df().sort_values("place")
    assert_same(artifact, there, artifact.score(frame), 1e-9)


@pytest.mark.parametrize("kind", IN_ONNX)
@given(rows=rows)
@quickly
def test_onnx_answers_as_the_wheel(kind, loaded, sessions, rows):
    frame, artifact = table(rows), loaded[kind]
    assert_same(artifact, run_onnx(sessions[kind], artifact, frame), artifact.score(frame), 1e-6)


def test_postgresql_answers_as_the_wheel(loaded, postgresql):
    import sqlalchemy

    frame = hard_rows()
    with postgresql() as address:
        engine = sqlalchemy.create_engine(address)
        types = {"Age": sqlalchemy.Double, "Income": sqlalchemy.Double, "Home": sqlalchemy.Text}
        frame.assign(place=range(len(frame))).to_sql("loans", engine, index=False, dtype=types)
        with engine.begin() as connection:
            # pandas writes NULL for a missing number; NaN is another thing to a database.
            connection.execute(
                sqlalchemy.text('update loans set "Age" = \'NaN\' where "Age" is null and place % 2 = 0')
            )
            for kind in IN_SQL:
                query = to_sql(loaded[kind], "public.loans", dialect="postgres", keep=["place"])
                there = pd.read_sql(sqlalchemy.text(query.replace(":", "\\:")), connection).sort_values("place")
                assert_same(loaded[kind], there, loaded[kind].score(frame), 1e-9)
        engine.dispose()


def test_spark_answers_as_the_wheel_with_the_wheel_and_with_sql(loaded, folders, spark, tmp_path):
    from riskml import spark as scale
    from riskml.features.engines.spark import quiet

    frame = hard_rows(60)
    file = tmp_path / "loans.parquet"
    frame.assign(customer=range(len(frame))).to_parquet(file)
    there = spark.read.parquet(str(file))
    there.createOrReplaceTempView("loans")
    with quiet():
        for kind in IN_SQL:
            found = spark.sql(to_sql(loaded[kind], "loans", dialect="spark", keep=["customer"])).toPandas()
            assert_same(loaded[kind], found.sort_values("customer"), loaded[kind].score(frame), 1e-9)
        for kind, artifact in loaded.items():
            found = scale.score(there, build_wheel(folders[kind], tmp_path / kind)).toPandas()
            assert_same(artifact, found.sort_values("customer"), artifact.score(frame), 1e-9)


@pytest.mark.filterwarnings("ignore::Warning:mlflow.*", "ignore::DeprecationWarning:sqlalchemy.*")
@pytest.mark.parametrize("kind", KINDS)
def test_mlflow_answers_as_the_wheel(kind, loaded, folders, mlflow_uri, tmp_path):
    import mlflow.pyfunc

    from riskml.tracking.model import as_input, log_model

    client = mlflow.MlflowClient(mlflow_uri)
    experiment = client.create_experiment("same", artifact_location=(tmp_path / "artifacts").as_uri())
    run = client.create_run(experiment).info.run_id
    frame, artifact = hard_rows(), loaded[kind]
    model = mlflow.pyfunc.load_model(
        f"models:/{log_model(folders[kind], name=kind, run_id=run, input_example=frame.head(3))}"
    )
    given = as_input(artifact, frame)
    for asked in (
        given,
        given[NAMES[::-1]].assign(more="x", other=1),
        given.astype({"Age": "Float64", "Home": "string"}),
    ):
        assert_same(artifact, model.predict(asked), artifact.score(frame), 1e-9)
    # MLflow itself refuses 64-bit integers where doubles are expected.
    whole = frame.assign(Age=np.arange(len(frame), dtype=np.int32))
    assert_same(artifact, model.predict(whole), artifact.score(whole), 1e-9)
