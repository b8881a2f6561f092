"""The peers of `accuracy.py`, each with its defaults: started by it, in an environment without riskml."""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

THREADS = 2


def logistic(X: pd.DataFrame, y: pd.Series, other: pd.DataFrame, budget: float) -> Any:
    """Scaled numbers, one-hot levels."""
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    levels = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="missing"), OneHotEncoder(handle_unknown="ignore")
    )
    is_number = make_column_selector(dtype_include="number")
    prepared = make_column_transformer(
        (numbers, is_number), (levels, make_column_selector(dtype_exclude="number")), sparse_threshold=1.0
    )
    text = list(X.select_dtypes(exclude="number"))
    as_objects = dict.fromkeys(text, object)
    model = make_pipeline(prepared, LogisticRegression(max_iter=2000))
    return model.fit(_plain(X.astype(as_objects)), y).predict_proba(_plain(other.astype(as_objects)))[:, 1]


def xgboost(X: pd.DataFrame, y: pd.Series, other: pd.DataFrame, budget: float) -> Any:
    """Native levels and missing values."""
    from xgboost import XGBClassifier

    X, other = _categories(X, other)
    return XGBClassifier(enable_categorical=True, n_jobs=THREADS).fit(X, y).predict_proba(other)[:, 1]


def lightgbm(X: pd.DataFrame, y: pd.Series, other: pd.DataFrame, budget: float) -> Any:
    """Native levels and missing values."""
    from lightgbm import LGBMClassifier

    X, other = _categories(X, other)
    return LGBMClassifier(n_jobs=THREADS, verbose=-1).fit(X, y).predict_proba(other)[:, 1]


def catboost(X: pd.DataFrame, y: pd.Series, other: pd.DataFrame, budget: float) -> Any:
    """Native levels."""
    from catboost import CatBoostClassifier

    text = list(X.select_dtypes(exclude="number"))
    filled = [
        part.assign(**{name: part[name].astype(object).fillna("missing") for name in text}) for part in (X, other)
    ]
    model = CatBoostClassifier(cat_features=text, thread_count=THREADS, verbose=0, allow_writing_files=False)
    return model.fit(filled[0], y).predict_proba(filled[1])[:, 1]


def ebm(X: pd.DataFrame, y: pd.Series, other: pd.DataFrame, budget: float) -> Any:
    """Explainable boosting machine."""
    from interpret.glassbox import ExplainableBoostingClassifier

    text = dict.fromkeys(X.select_dtypes(exclude="number"), object)
    model = ExplainableBoostingClassifier(n_jobs=THREADS, random_state=0)
    return model.fit(X.astype(text), y).predict_proba(other.astype(text))[:, 1]


def optbinning(X: pd.DataFrame, y: pd.Series, other: pd.DataFrame, budget: float) -> Any:
    """Build optbinning's scorecard."""
    from optbinning import BinningProcess, Scorecard

    text = list(X.select_dtypes(exclude="number"))
    as_objects = dict.fromkeys(text, object)
    process = BinningProcess(list(X.columns), categorical_variables=text)
    card = Scorecard(process, LogisticRegression(max_iter=2000)).fit(X.astype(as_objects), y.to_numpy())
    return card.predict_proba(other.astype(as_objects))[:, 1]


def flaml(X: pd.DataFrame, y: pd.Series, other: pd.DataFrame, budget: float) -> Any:
    """Its search, within the budget."""
    from flaml import AutoML

    X, other = _categories(X, other)
    search = AutoML()
    search.fit(X, y, task="classification", metric="roc_auc", time_budget=budget, n_jobs=THREADS, seed=0, verbose=0)
    return search.predict_proba(other)[:, 1]


PEERS: tuple[Callable[..., Any], ...] = (logistic, xgboost, lightgbm, catboost, ebm, optbinning, flaml)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    # scikit-learn's imputers look for NaN, and find no None.
    return frame.where(frame.notna(), np.nan)


def _categories(X: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    text = list(X.select_dtypes(exclude="number"))
    kinds = {name: pd.CategoricalDtype(sorted(X[name].dropna().astype(str).unique())) for name in text}
    as_text = dict.fromkeys(text, str)
    X = X.assign(**{name: X[name].where(X[name].isna(), X[name].astype(as_text[name])) for name in text})
    other = other.assign(**{name: other[name].where(other[name].isna(), other[name].astype(str)) for name in text})
    return X.astype(kinds), other.astype(kinds)


def main(folder: Path, budget: float) -> None:
    """Write each peer's probabilities and seconds to ``found.json``."""
    X, other = pd.read_parquet(folder / "train.parquet"), pd.read_parquet(folder / "other.parquet")
    y = X.pop("_y")
    found = {}
    for peer in PEERS:
        start = time.perf_counter()
        try:
            p = np.asarray(peer(X, y, other, budget), dtype=float)
        except Exception as error:
            print(f"  {peer.__name__}: {type(error).__name__}: {error}")
            continue
        found[peer.__name__] = {"p": p.tolist(), "seconds": time.perf_counter() - start}
    (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]), float(sys.argv[2]))
