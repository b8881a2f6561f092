"""Past one machine: what Spark counts, grows and scores is what one machine does."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from riskml import spark as scale
from riskml.config.experiment import DataConfig, Experiment
from riskml.errors import DataError
from riskml.export.artifact import write_artifact
from riskml.export.wheel import build_wheel
from riskml.models.boosting import RiskBooster
from riskml.runtime.package import Artifact
from riskml.scorecard import OptimalBinner
from riskml.scorecard.binning.counts import NumericCounts, count_levels, count_numeric

CODES = {"income": (-1.0,)}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Return a panel: numbers with gaps and a code, whole numbers, a flag, levels with gaps, an outcome."""
    draw = np.random.default_rng(8)
    n = 1500
    income = draw.normal(50.0, 15.0, n).round(1)
    income[draw.random(n) < 0.1] = np.nan
    income[draw.random(n) < 0.1] = -1.0
    orders, vip = draw.poisson(3.0, n), draw.random(n) < 0.2
    home = draw.choice(np.array(["own", "rent", "with parents", "o'`hara", None], dtype=object), n)
    risk = -1.0 - 0.03 * (np.nan_to_num(income, nan=40.0) - 50) + 0.9 * (home == "rent") - 0.2 * orders
    outcome = (draw.random(n) < 1 / (1 + np.exp(-risk))).astype(int)
    return pd.DataFrame(
        {
            "customer": np.arange(n) // 2, "as_of": pd.Timestamp("2024-07-01"), "income": income, "orders": orders,
            "vip": vip, "home": home, "outcome": outcome,
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def frame(spark: Any, rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Any:
    file = tmp_path_factory.mktemp("rows") / "rows.parquet"
    rows.to_parquet(file, index=False)
    return spark.read.parquet(str(file))


@pytest.fixture(scope="module")
def counts(frame: Any) -> Any:
    return scale.counts(frame, special_values=CODES, max_prebins=40)


@pytest.fixture(scope="module")
def learned(frame: Any) -> tuple[RiskBooster, Any]:
    """Return the kit's fitted booster, and Spark's own model that it was made of."""
    from xgboost.spark import SparkXGBClassifier

    models = []
    fit = SparkXGBClassifier.fit

    def kept(self: Any, table: Any) -> Any:
        models.append(fit(self, table))
        return models[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SparkXGBClassifier, "fit", kept)
        booster = scale.boosting(frame, booster=RiskBooster(bags=1, patience=15))
    return booster, models[0]


@pytest.fixture(scope="module")
def grown(learned: tuple[RiskBooster, Any]) -> RiskBooster:
    return learned[0]


@pytest.fixture(scope="module")
def artifact(grown: RiskBooster, rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    experiment = Experiment(
        name="scaled", title="Who leaves?", task="churn", data=DataConfig(source="p.csv", target="outcome", event=1)
    )
    folder = tmp_path_factory.mktemp("scaled") / "artifact"
    return write_artifact(grown, folder, experiment=experiment, family="boosting", X_train=rows, metrics={})


def test_the_columns_of_a_panel_are_all_but_who_when_and_what_became_of_them(frame: Any):
    schema = scale.schema_of(frame)
    assert (schema.numeric, schema.categorical) == (("income", "orders", "vip"), ("home",))


def test_counts_are_those_of_one_machine_over_the_same_edges(counts: Any, rows: pd.DataFrame):
    event = rows["outcome"].to_numpy(dtype=np.int8)
    for name in ("income", "orders", "vip"):
        found = counts[name]
        own = count_numeric(rows[name].to_numpy(dtype=np.float64), event, found.edges, CODES.get(name, ()))
        np.testing.assert_array_equal(found.counts, own.counts)
        np.testing.assert_array_equal(found.missing, own.missing)
        assert {code: pair.tolist() for code, pair in found.special.items()} == {
            code: pair.tolist() for code, pair in own.special.items()
        }
    levels = count_levels(rows["home"].to_numpy(), event)
    assert counts["home"].levels == levels.levels
    np.testing.assert_array_equal(counts["home"].counts, levels.counts)
    np.testing.assert_array_equal(counts["home"].missing, levels.missing)


def test_prebins_are_of_about_equal_size(counts: Any):
    regular = counts["income"].counts.sum(axis=1)
    assert 30 <= len(regular) <= 40
    assert regular.max() < 3 * regular.mean()


def test_the_bins_from_sparks_counts_are_those_from_pandas_counts(counts: Any, rows: pd.DataFrame):
    event = rows["outcome"].to_numpy(dtype=np.int8)
    own = {
        name: count_numeric(rows[name].to_numpy(dtype=np.float64), event, part.edges, CODES.get(name, ()))
        if isinstance(part, NumericCounts)
        else count_levels(rows[name].to_numpy(), event)
        for name, part in counts.items()
    }
    there = OptimalBinner(special_values=CODES).fit_counts(counts)
    here = OptimalBinner(special_values=CODES).fit_counts(own)
    pd.testing.assert_frame_equal(there.summary_, here.summary_)
    for name in counts:
        pd.testing.assert_frame_equal(there.tables_[name], here.tables_[name])


def test_the_information_is_that_of_a_fit_on_the_rows_themselves(counts: Any, rows: pd.DataFrame):
    there = OptimalBinner(special_values=CODES).fit_counts(counts).summary_
    here = OptimalBinner(special_values=CODES).fit(rows[list(counts)], rows["outcome"]).summary_
    np.testing.assert_allclose(there["iv"], here["iv"], rtol=0.1, atol=0.003)


def test_a_target_that_is_not_known_in_every_row_is_refused(frame: Any):
    with pytest.raises(DataError, match="the target holds") as told:
        scale.counts(frame, ["orders"], target="income")
    assert "'income'" in str(told.value)


def test_a_column_that_is_not_there_is_refused(frame: Any):
    with pytest.raises(DataError, match="there is no column 'incme'"):
        scale.counts(frame, ["incme"])


def test_dates_are_no_feature(frame: Any):
    with pytest.raises(DataError, match="neither numbers nor text"):
        scale.schema_of(frame, ["as_of"])


def test_the_matrix_is_that_of_one_machine(frame: Any, grown: RiskBooster, rows: pd.DataFrame):
    from riskml.runtime.frame import columns

    encoding = grown.model_.encoding
    with scale.quiet():
        there = scale.encoded(frame, encoding, ["customer"]).toPandas()
    here = encoding.matrix(columns(rows, encoding.kinds))
    np.testing.assert_array_equal(there.drop(columns="customer").to_numpy(), here)


def test_trees_grown_on_spark_rank_as_well_as_those_of_one_machine(grown: RiskBooster, rows: pd.DataFrame):
    features = rows[list(grown.schema_.names)]
    one = RiskBooster(bags=1, patience=15).fit(features, rows["outcome"])
    there, here = (roc_auc_score(rows["outcome"], model.predict_proba(features)[:, 1]) for model in (grown, one))
    assert there > 0.65
    assert there == pytest.approx(here, abs=0.03)


def test_the_runtime_gives_what_spark_gives(frame: Any, learned: tuple[RiskBooster, Any], rows: pd.DataFrame):
    grown, model = learned
    with scale.quiet():
        table = model.transform(scale.encoded(frame, grown.model_.encoding)).select("probability").toPandas()
    there = np.array([row[1] for row in table["probability"]])
    assert len(set(there)) > 50
    np.testing.assert_allclose(grown.predict_proba(rows[list(grown.schema_.names)])[:, 1], there, atol=1e-6)


def test_the_wheel_scores_on_spark_as_it_does_on_pandas(frame: Any, artifact: Path, rows: pd.DataFrame, tmp_path: Path):
    wheel = build_wheel(artifact, tmp_path)
    with scale.quiet():
        there = scale.score(frame, wheel, keep=["customer", "outcome"]).toPandas()
    here = Artifact.load(artifact).score(rows)
    assert there.columns.tolist() == ["customer", "outcome", "probability", "tier"]
    assert there["customer"].tolist() == rows["customer"].tolist()
    np.testing.assert_allclose(there["probability"], here["probability"], rtol=1e-9)
    assert there["tier"].tolist() == here["tier"].tolist()


def test_points_of_a_card_are_scored_too(spark: Any, artifacts: dict[str, Path], loans: pd.DataFrame, tmp_path: Path):
    file = tmp_path / "loans.parquet"
    loans.reset_index().to_parquet(file)
    wheel = build_wheel(artifacts["scorecard"], tmp_path)
    with scale.quiet():
        there = scale.score(spark.read.parquet(str(file)), wheel).toPandas().set_index("customer")
    here = Artifact.load(artifacts["scorecard"]).score(loans)
    pd.testing.assert_frame_equal(there.loc[here.index], here, check_dtype=False, rtol=1e-9)


def test_a_column_that_the_model_reads_and_the_frame_lacks_is_named(frame: Any, artifact: Path, tmp_path: Path):
    with pytest.raises(DataError, match="missing from the frame: home"):
        scale.score(frame.drop("home"), build_wheel(artifact, tmp_path))


def test_mlflow_scores_the_same_package_on_spark(frame: Any, artifact: Path, rows: pd.DataFrame, mlflow_uri: str):
    import mlflow
    from mlflow.pyfunc import spark_udf

    from riskml.tracking.model import as_input, log_model

    model = Artifact.load(artifact)
    with mlflow.start_run() as run:
        logged = log_model(artifact, name="model", run_id=run.info.run_id, input_example=rows.head(3))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(mlflow|pyspark)\.")
        scores = spark_udf(
            frame.sparkSession,
            f"models:/{logged}",
            env_manager="local",
            result_type="probability double, tier string, reason_1 string",
            params={"reasons": 1},
        )
        typed = frame.selectExpr(
            *[
                f"cast({name} as {'double' if kind == 'numeric' else 'string'}) {name}"
                for name, kind in model.model.kinds.items()
            ]
        )
        there = typed.select(scores(*typed.columns).alias("s")).select("s.*").toPandas()
    here = model.score(as_input(model, rows))
    np.testing.assert_allclose(there["probability"], here["probability"], rtol=1e-9)
    assert there["tier"].tolist() == here["tier"].tolist()
    assert there["reason_1"].str.contains(" = ").any()
