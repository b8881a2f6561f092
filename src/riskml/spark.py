"""Past one machine: a panel's bins, boosted trees and scores, worked out by Spark where the rows are."""

from __future__ import annotations

import atexit
import hashlib
import logging
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from riskml.errors import DataError
from riskml.features.engines.spark import quiet
from riskml.models.boosting import RiskBooster
from riskml.models.family import directions
from riskml.runs.model_loading import load_model
from riskml.runtime.boosted import Boosting
from riskml.runtime.encoding import Encoding
from riskml.runtime.frame import Floats, levels
from riskml.schema import Column, Schema
from riskml.scorecard.binning.counts import Counts, LevelCounts, NumericCounts

if TYPE_CHECKING:
    from pyspark.sql import Column as Expression
    from pyspark.sql import DataFrame

_LEVELS = 1000  # of a categorical column; more of them are an identifier, or free text
_LARGEST = float(np.finfo(np.float32).max)
_NOT_FEATURES = ("customer", "as_of", "outcome")


def schema_of(frame: DataFrame, columns: Sequence[str] | None = None) -> Schema:
    """Return the schema of some columns: numbers and booleans are numeric, text is categorical.

    Parameters
    ----------
    columns : sequence of str, optional
        All but ``customer``, ``as_of`` and ``outcome`` by default: those of a panel.

    Raises
    ------
    DataError
        When a column is not there, or is neither.
    """
    types = dict(frame.dtypes)
    names = [name for name in types if name not in _NOT_FEATURES] if columns is None else list(columns)
    described = []
    for name in names:
        if name not in types:
            raise DataError(f"there is no column {name!r}", fix=f"the columns are {', '.join(types)}")
        if types[name] == "string":
            described.append(Column(name, "categorical"))
        elif types[name] in ("tinyint", "smallint", "int", "bigint", "float", "double", "boolean") or types[
            name
        ].startswith("decimal"):
            described.append(Column(name, "numeric"))
        else:
            raise DataError(
                f"the column is of type {types[name]}, neither numbers nor text",
                where=f"column {name!r}",
                fix="leave it out, or cast it",
            )
    return Schema(tuple(described))


def counts(
    frame: DataFrame,
    columns: Sequence[str] | None = None,
    target: str = "outcome",
    *,
    special_values: Mapping[str, Sequence[float]] | None = None,
    max_prebins: int = 128,
    accuracy: int = 10_000,
) -> dict[str, Counts]:
    """Return the counts of all columns, for ``OptimalBinner.fit_counts``; no row leaves Spark.

    One pass is for the target, one for the quantiles of all numeric columns, one for the levels of each categorical
    column, and one counts.

    Parameters
    ----------
    columns : sequence of str, optional
        All but ``customer``, ``as_of`` and ``outcome`` by default.
    target : str, default "outcome"
        0 or 1; 1 is the event.
    max_prebins : int, default 128
        Quantile pre-bins of a numeric column.
    accuracy : int, default 10,000
        Of the quantiles, as in Spark's ``percentile_approx``: the error of a rank is its reciprocal.

    Raises
    ------
    DataError
        When a column is neither numbers nor text, has too many levels, or the target is not 0 or 1 throughout.
    """
    schema = schema_of(frame, columns)
    codes = {name: tuple(map(float, (special_values or {}).get(name, ()))) for name in schema.numeric}
    _check_target(frame, target)
    edges = _edges(frame, codes, max_prebins, accuracy)
    _check_levels(frame, schema.categorical)
    cells = _cells(frame, schema, target, edges, codes)
    results: dict[str, Counts] = {}
    for column in schema:
        own = cells[cells["column"] == column.name]
        if column.kind == "categorical":
            results[column.name] = LevelCounts.from_frame(own)
        else:
            results[column.name] = _numeric_counts(own, edges[column.name], codes[column.name])
    return results


def boosting(
    frame: DataFrame,
    columns: Sequence[str] | None = None,
    target: str = "outcome",
    *,
    booster: RiskBooster | None = None,
    key: str = "customer",
    workers: int = 1,
) -> RiskBooster:
    """Return the kit's boosting, grown by ``xgboost.spark`` where the rows are.

    Parameters
    ----------
    columns : sequence of str, optional
        All but ``customer``, ``as_of`` and ``outcome`` by default.
    target : str, default "outcome"
        0 or 1; 1 is the event.
    booster : RiskBooster, optional
        The settings; the kit's own by default. ``n_jobs`` is Spark's matter (``spark.task.cpus``).
    key : str, default "customer"
        Rows with one value of it fall into one fold.
    workers : int, default 1
        Spark tasks that grow a model together.

    Returns
    -------
    RiskBooster
        Fitted: it scores pandas frames, and ``riskml.export.artifact.write_artifact`` writes it.

    Raises
    ------
    DataError
        When a column is neither numbers nor text, has too many levels, or the target is not 0 or 1 throughout.

    Notes
    -----
    The folds are those of a hash of the key, where one machine draws them stratified: the trees are other ones.
    """
    from pyspark.sql import functions as F
    from xgboost.spark import SparkXGBClassifier

    logger = logging.getLogger("XGBoost-PySpark")
    if logger.level == logging.NOTSET:  # it would write all parameters of every bag
        logger.setLevel(logging.WARNING)
    learned: RiskBooster = clone(booster or RiskBooster())
    schema = schema_of(frame, columns)
    _check_target(frame, target)
    encoding = Encoding(dict.fromkeys(schema.numeric) | _check_levels(frame, schema.categorical))
    encoding = Encoding({name: encoding.levels[name] for name in schema.names})
    fold = F.pmod(F.xxhash64(F.col(key).cast("string"), F.lit(learned.random_state)), F.lit(learned.folds))
    table = encoded(frame, encoding, [F.col(target).cast("int").alias("riskml_target"), fold.alias("riskml_fold")])
    table = table.persist()
    settings: dict[str, Any] = {
        name: getattr(learned, name)
        for name in (
            "learning_rate", "max_depth", "min_child_weight", "subsample", "colsample_bytree", "reg_lambda", "gamma",
            "max_cat_to_onehot", "random_state",
        )
    }  # fmt: skip
    if learned.monotone:
        settings["monotone_constraints"] = tuple(directions(schema, learned.monotone))
    types = ["float" if known is None else "c" for known in encoding.levels.values()]
    grown = []
    try:
        for bag in range(learned.bags):
            classifier = SparkXGBClassifier(
                features_col=_inputs(encoding),
                label_col="riskml_target",
                validation_indicator_col="riskml_held",
                num_workers=workers,
                n_estimators=learned.max_rounds,
                early_stopping_rounds=learned.patience,
                eval_metric="logloss",
                tree_method="hist",
                max_bin=128,
                feature_types=types,
                verbosity=0,
                verbose_eval=False,
                **settings,
            )
            with quiet():
                model = classifier.fit(table.withColumn("riskml_held", F.col("riskml_fold") == bag))
            trees = model.get_booster()
            trees = trees[: trees.best_iteration + 1]
            # Of a matrix without names, which is what the runtime scores.
            trees.feature_names, trees.feature_types = None, types
            grown.append(trees)
    finally:
        table.unpersist()
    learned.schema_, learned.classes_ = schema, np.array([0, 1])
    learned.feature_names_in_ = np.asarray(schema.names, dtype=object)
    learned.n_features_in_ = len(schema.names)
    learned.rounds_ = [trees.num_boosted_rounds() for trees in grown]
    learned.model_ = Boosting(encoding, tuple(grown))
    return learned


def encoded(frame: DataFrame, encoding: Encoding, more: Iterable[Expression] = ()) -> DataFrame:
    """Return the matrix that trees read, as ``Encoding.matrix`` makes it, one column of floats each.

    Parameters
    ----------
    more : iterable of Spark's columns
        Kept beside it.
    """
    from pyspark.sql import functions as F

    parts = []
    for (name, known), made in zip(encoding.levels.items(), _inputs(encoding), strict=True):
        if known is None:
            number = _number(name)
            clipped = F.least(F.greatest(number, F.lit(-_LARGEST)), F.lit(_LARGEST))
            value = F.when(number.isNotNull(), clipped)
        elif known:
            text = F.col(_quoted(name))
            numbers = F.create_map(*[F.lit(one) for pair in known.items() for one in pair])
            value = numbers[text]
        else:
            value = F.lit(None)
        parts.append(F.coalesce(value.cast("float"), F.lit(float("nan")).cast("float")).alias(made))
    return frame.select(*parts, *more)


def score(frame: DataFrame, wheel: str | Path, keep: Sequence[str] = ("customer",)) -> DataFrame:
    """Return the scores of all rows, from an exported wheel that every worker unpacks for itself.

    The workers need numpy, pandas, pyarrow and the library of the model's trees; riskml they do not need.

    Parameters
    ----------
    frame : Spark DataFrame
        The columns that the model reads, and those to be kept.
    wheel : path
        ``riskml_<name>-<version>-py3-none-any.whl``.

    Returns
    -------
    Spark DataFrame
        What is kept, ``probability``, ``points`` where the model has them (more points are safer), ``tier``.

    Raises
    ------
    DataError
        When the frame lacks a column.
    """
    wheel = Path(wheel)
    artifact = load_model(wheel)
    columns = artifact.kinds_read(frame.columns)
    absent = [name for name in (*keep, *columns) if name not in frame.columns]
    if absent:
        raise DataError(f"columns missing from the frame: {', '.join(absent)}", fix="add them, or choose keep")
    sent = _sent(frame.sparkSession, wheel)
    answers = artifact.score(pd.DataFrame({name: [] for name in columns}))
    types = dict(frame.dtypes)
    kept = [f"{_quoted(name)} {types[name]}" for name in keep]
    fields = [f"{name} {'string' if name == 'tier' else 'double'}" for name in answers.columns]
    read = frame.select(*[_quoted(name) for name in dict.fromkeys((*keep, *columns))])
    with quiet():
        return read.mapInPandas(_scorer(sent, list(keep)), ", ".join([*kept, *fields]))


def _sent(session: Any, wheel: Path) -> str:
    """Send a wheel to the workers; return the name that it has there."""
    content = wheel.read_bytes()
    name = f"{wheel.stem}-{hashlib.sha256(content).hexdigest()[:12]}.whl"
    folder = Path(tempfile.mkdtemp(prefix="riskml-wheel-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # workers fetch it when they need it
    (folder / name).write_bytes(content)
    session.sparkContext.addFile(str(folder / name))
    return name


def _scorer(wheel: str, keep: list[str]) -> Any:
    # A function within a function travels whole to the workers, which may not have riskml.
    def scores(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        import importlib
        import sys
        import tempfile
        import zipfile

        import pandas
        from pyspark import SparkFiles

        name = wheel.split("-")[0]
        source = SparkFiles.get(wheel)
        if getattr(sys.modules.get(name), "riskml_wheel", None) != wheel:
            # Where Spark itself cleans up: a worker is killed, and runs nothing at its end.
            folder = tempfile.mkdtemp(dir=SparkFiles.getRootDirectory())
            with zipfile.ZipFile(source) as archive:
                archive.extractall(folder)
            for stale in [module for module in sys.modules if module.split(".")[0] == name]:
                del sys.modules[stale]
            sys.path.insert(0, folder)
            importlib.invalidate_caches()
            importlib.import_module(name).riskml_wheel = wheel  # type: ignore[attr-defined]
        package = sys.modules[name]
        for batch in batches:
            yield pandas.concat([batch[keep], package.score(batch)], axis=1)

    return scores


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _inputs(encoding: Encoding) -> list[str]:
    # Names of any kind are no names for Spark's machine learning.
    return [f"riskml_{position}" for position in range(len(encoding.levels))]


def _number(name: str) -> Expression:
    """Return a column as double, missing as null."""
    from pyspark.sql import functions as F

    value = F.col(_quoted(name)).cast("double")
    return F.when(~F.isnan(value), value)


def _check_target(frame: DataFrame, target: str) -> None:
    from pyspark.sql import functions as F

    value = F.col(_quoted(target)).cast("double")
    labels = {row[0] for row in frame.select(value).distinct().limit(4).collect()}
    if labels != {0.0, 1.0}:
        raise DataError(
            f"the target holds {', '.join(map(str, labels)) or 'nothing'}",
            where=f"column {target!r}",
            fix="it must be 0 or 1 in every row, and each of them in some",
        )


def _check_levels(frame: DataFrame, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return the levels of categorical columns, numbered by name; too many are refused."""
    levels_of = {}
    for name in names:
        rows = frame.select(_quoted(name)).distinct().limit(_LEVELS + 2).collect()
        if len(rows) > _LEVELS + 1:
            raise DataError(
                f"there are more than {_LEVELS} levels: an identifier, or free text",
                where=f"column {name!r}",
                fix="leave the column out, or group its levels",
            )
        known = levels(pd.Series([row[0] for row in rows], dtype=object))
        levels_of[name] = {level: float(number) for number, level in enumerate(sorted({one for one in known if one}))}
    return levels_of


def _edges(frame: DataFrame, codes: Mapping[str, tuple[float, ...]], most: int, accuracy: int) -> dict[str, Floats]:
    """Return the edges of the pre-bins of numeric columns."""
    from pyspark.sql import functions as F

    if not codes:
        return {}
    shares = [position / most for position in range(1, most)]
    probes = []
    for position, (name, special) in enumerate(codes.items()):
        value = _number(name)
        regular = F.when(~value.isin(list(special)), value) if special else value
        probes.append(F.percentile_approx(regular, shares, accuracy).alias(f"q{position}"))
        probes.append(F.min(regular).alias(f"m{position}"))
    row = frame.agg(*probes).collect()[0]
    edges = {}
    for position, name in enumerate(codes):
        quantiles, least = row[f"q{position}"], row[f"m{position}"]
        # A pre-bin begins at its edge: at the least value none needs to.
        edges[name] = np.unique([one for one in quantiles or () if one > least]).astype(np.float64)
    return edges


def _cells(
    frame: DataFrame, schema: Schema, target: str, edges: Mapping[str, Floats], codes: Mapping[str, tuple[float, ...]]
) -> pd.DataFrame:
    """Return ``column, cell, level, non_event, event``, counted in one pass."""
    from pyspark.ml.feature import Bucketizer
    from pyspark.sql import functions as F

    event = F.col(_quoted(target)).cast("int").alias("riskml_event")
    kept = [
        (_number(column.name) if column.kind == "numeric" else F.col(_quoted(column.name))).alias(f"v{position}")
        for position, column in enumerate(schema)
    ]
    table = frame.select(event, *kept)
    cut = [position for position, column in enumerate(schema) if len(edges.get(column.name, ()))]
    if cut:
        # Binary search in the virtual machine; what is missing has a bucket of its own, told apart below.
        bucketizer = Bucketizer(
            splitsArray=[[-np.inf, *edges[schema.names[position]].tolist(), np.inf] for position in cut],
            inputCols=[f"v{position}" for position in cut],
            outputCols=[f"c{position}" for position in cut],
            handleInvalid="keep",
        )
        table = bucketizer.transform(table)
    entries = []
    for position, column in enumerate(schema):
        value, nothing = F.col(f"v{position}"), F.lit(None).cast("double")
        cell, level = nothing, F.lit(None).cast("string")
        if column.kind == "categorical":
            level = value
        else:
            regular = F.col(f"c{position}") if position in cut else F.lit(0.0)
            cell = F.when(value.isNull(), nothing)
            for number, code in enumerate(codes[column.name]):
                cell = cell.when(value == code, F.lit(-1.0 - number))
            cell = cell.otherwise(regular)
        entries.append(F.struct(F.lit(position).alias("position"), cell.alias("cell"), level.alias("level")))
    long = table.select("riskml_event", F.explode(F.array(*entries)).alias("e")).select("riskml_event", "e.*")
    event_count = F.sum("riskml_event")
    counted = long.groupBy("position", "cell", "level").agg(
        (F.count("riskml_event") - event_count).alias("non_event"), event_count.alias("event")
    )
    with quiet():
        cells: pd.DataFrame = counted.toPandas()
    cells["column"] = np.array(schema.names, dtype=object)[cells["position"].to_numpy()]
    return cells


def _numeric_counts(cells: pd.DataFrame, edges: Floats, codes: tuple[float, ...]) -> NumericCounts:
    counted = np.zeros((len(edges) + 1, 2))
    missing, special = np.zeros(2), {code: np.zeros(2) for code in codes}
    both = cells[["non_event", "event"]].to_numpy(dtype=np.float64)
    for cell, pair in zip(cells["cell"].to_numpy(dtype=np.float64), both, strict=True):
        if np.isnan(cell):
            missing += pair
        elif cell < 0:
            special[codes[int(-cell) - 1]] += pair
        else:
            counted[int(cell)] += pair
    return NumericCounts(edges, counted, missing, special)
