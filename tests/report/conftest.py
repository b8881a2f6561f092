"""A small run folder, made by code from a seed: what the report is built from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from riskml.config.experiment import Experiment
from riskml.io import write_json
from riskml.metrics import calibration_table, delong, gains_table, jeffreys_p_value, roc_curve
from riskml.report import plots

STAGES = ("1_features", "2_models", "3_validation", "4_export", "5_prediction")
COLUMNS = {
    "seniority": "years in the present job",
    "records": "yes: an earlier default is on record",
    "income": "monthly income, thousands",
    "amount": "amount asked for",
    "home": "how the customer lives",
    "age": "years",
    "客户年龄段": "age band as the branch writes it",
}
_QUALITY = {"blend": 0.9, "boosting": 0.95, "scorecard": 1.1, "logistic": 1.3, "tree": 1.9}


@pytest.fixture(scope="session")
def experiment() -> Experiment:
    """Return the experiment of the run."""
    return Experiment.model_validate(
        {
            "name": "credit_default",
            "title": "Which applicants will not pay back?",
            "task": "default",
            "data": {"source": "credit_data", "target": "status", "event": "bad"},
        }
    )


@pytest.fixture(scope="session")
def outcomes() -> pd.DataFrame:
    """Return 1,114 rows set aside: event, and the probability of each family."""
    rng = np.random.default_rng(7)
    log_odds = rng.normal(-1.3, 1.4, 1114)
    frame = pd.DataFrame({"event": rng.random(1114) < _chance(log_odds)})
    for family, noise in _QUALITY.items():
        frame[family] = _chance(log_odds * 0.9 - 0.1 + rng.normal(0, noise * 0.45, 1114))
    return frame


@pytest.fixture(scope="session")
def bins() -> dict[str, pd.DataFrame]:
    """Return tables as of an optimal binner, one per column."""
    rng = np.random.default_rng(8)
    return {name: _bins(rng, 2 + at % 5, name == "home") for at, name in enumerate(COLUMNS)}


@pytest.fixture(scope="session")
def leaderboard() -> pd.DataFrame:
    """Return a leaderboard of five families."""
    return pd.DataFrame(
        {
            "family": list(_QUALITY),
            "auc_cv": [0.8531, 0.8510, 0.8402, 0.8321, 0.7810],
            "auc_cv_se": [0.0060, 0.0063, 0.0070, 0.0081, 0.0102],
            "auc_test": [0.8462, 0.8475, 0.8334, 0.8290, 0.7720],
            "gini_test": [0.6924, 0.6950, 0.6668, 0.6580, 0.5440],
            "ks_test": [0.55, 0.55, 0.53, 0.52, 0.44],
            "brier_test": [0.136, 0.137, 0.141, 0.143, 0.159],
            "logloss_test": [0.42, 0.42, 0.43, 0.44, 0.51],
            "columns": [7, 7, 6, 7, 5],
            "chosen": [True, False, False, False, False],
        }
    )


@pytest.fixture(scope="session")
def profile() -> pd.DataFrame:
    """Return a profile of the columns."""
    return pd.DataFrame(
        {
            "column": list(COLUMNS),
            "kind": ["numeric", "categorical", "numeric", "numeric", "categorical", "numeric", "categorical"],
            "missing": [0.0, 0.0, 0.086, 0.0, 0.0013, 0.0004, 0.3],
            "distinct": [47, 2, 353, 285, 6, 50, 4],
            "min": [0, np.nan, 6, 100, np.nan, 18, np.nan],
            "median": [5, np.nan, 125, 1000, np.nan, 36, np.nan],
            "max": [48, np.nan, 959, 5000, np.nan, 68, np.nan],
            "top": ["1", "no", "150", "1000", "owner", "30", "青年"],
            "top_share": [0.12, 0.83, 0.03, 0.06, 0.47, 0.04, 0.41],
            "suspicion": ["", "", "special codes", "", "", "", ""],
        }
    )


@pytest.fixture(scope="session")
def validation(experiment: Experiment, outcomes: pd.DataFrame) -> dict[str, Any]:
    """Return validation.json of the blend."""
    y, p = outcomes["event"].to_numpy(), outcomes["blend"].to_numpy()
    bounds = [tier.from_probability for tier in experiment.tiers]
    tier = np.searchsorted(bounds, p, side="right") - 1
    tiers = []
    for at, said in enumerate(experiment.tiers):
        rows, events, expected = int((tier == at).sum()), int(y[tier == at].sum()), float(p[tier == at].mean())
        rate = events / rows
        half = 1.96 * float(np.sqrt(rate * (1 - rate) / rows))
        tiers.append(
            {
                "tier": said.name,
                "rows": rows,
                "events": events,
                "event_rate": rate,
                "expected": expected,
                "lower": rate - half,
                "upper": rate + half,
                "jeffreys_p": float(jeffreys_p_value([events], [rows], [expected])[0]),
            }
        )
    ranked = delong(y, p)
    return {
        "part": "test",
        "rows": len(y),
        "events": int(y.sum()),
        "level": 0.95,
        "metrics": {
            "auc": {"value": ranked.auc, "low": ranked.lower, "high": ranked.upper},
            "gini": {"value": 2 * ranked.auc - 1, "low": 2 * ranked.lower - 1, "high": 2 * ranked.upper - 1},
            "ks": {"value": 0.47, "low": None, "high": None},
            "brier": {"value": float(np.mean((p - y) ** 2)), "low": None, "high": None},
            "observed_expected": {"value": float(y.sum() / p.sum()), "low": 0.9, "high": 1.1},
        },
        "calibration": calibration_table(y, p).to_dict(orient="records"),
        "gains": gains_table(y, p).to_dict(orient="records"),
        "tiers": tiers,
        "psi": {"value": 0.012, "no_shift": 0.02, "verdict": "stable"},
    }


@pytest.fixture(scope="session")
def comparison() -> pd.DataFrame:
    """Return comparison.csv of the blend."""
    return pd.DataFrame(
        {
            "family": ["boosting", "scorecard"],
            "auc": [0.8475, 0.8334],
            "champion_leads_by": [-0.0013, 0.0128],
            "lower": [-0.006, 0.002],
            "upper": [0.0034, 0.0236],
            "p_value": [0.58, 0.02],
        }
    )


@pytest.fixture(scope="session")
def scorecard() -> pd.DataFrame:
    """Return scorecard.csv."""
    bins = ["(-inf, 2)", "[2, inf)", "missing", "no", "yes"]
    frame = pd.DataFrame({"column": ["seniority"] * 3 + ["records"] * 2, "bin": bins})
    return frame.assign(woe=[0.8, -0.4, 0.0, -0.3, 1.2], points=[31.0, 74.5, 60.0, 70.0, 22.0])


@pytest.fixture(scope="session")
def search() -> pd.DataFrame:
    """Return the trials of a search."""
    rng = np.random.default_rng(9)
    best = {"scorecard": 0.840, "logistic": 0.832, "tree": 0.781, "boosting": 0.851}
    return pd.concat(
        pd.DataFrame({"family": family, "trial": range(15), "auc_cv": auc - np.append(rng.exponential(0.01, 14), 0)})
        for family, auc in best.items()
    )


@pytest.fixture(scope="session")
def drivers() -> pd.DataFrame:
    """Return drivers.csv."""
    size = [0.61, 0.52, 0.44, 0.31, 0.22, 0.12, 0.05]
    return pd.DataFrame({"column": list(COLUMNS), "mean_abs_contribution": size, "description": list(COLUMNS.values())})


@pytest.fixture(scope="session")
def notes() -> pd.DataFrame:
    """Return notes.csv."""
    said = [
        ("home", "text with blanks around it", "info", "converted"),
        ("income", "special codes: 0 stands for unknown in 8% of the rows", "warning", "kept"),
        ("branch", "one value in all rows", "info", "dropped"),
    ]
    return pd.DataFrame(said, columns=["column", "finding", "severity", "done"])


@pytest.fixture(scope="session")
def high_risk(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return high_risk.csv."""
    frame = outcomes["blend"].sort_values(ascending=False).head(60).rename("probability")
    frame = frame.rename_axis("customer").reset_index()
    frame["customer"] = [f"{customer:05d}" for customer in frame["customer"]]
    return frame.assign(
        tier="high",
        treatment="reviewed by an officer",
        reason_1="records = yes",
        reason_2="seniority = 1",
        reason_3=None,
    )


@pytest.fixture(scope="session")
def write_run(
    experiment: Experiment,
    leaderboard: pd.DataFrame,
    comparison: pd.DataFrame,
    scorecard: pd.DataFrame,
    profile: pd.DataFrame,
    validation: dict[str, Any],
    drivers: pd.DataFrame,
    notes: pd.DataFrame,
    high_risk: pd.DataFrame,
    outcomes: pd.DataFrame,
) -> Callable[..., Path]:
    """Return a function that writes the run's folder, as far as a stage and with changes to its files."""

    def write(folder: Path, upto: int = 5, experiment: Experiment = experiment, **changes: Any) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "experiment.yaml").write_text(experiment.to_yaml(), encoding="utf-8")
        stages = [
            {"name": name, "status": "finished" if at < upto else "pending", "seconds": 3.2 if at < upto else None}
            for at, name in enumerate(STAGES)
        ]
        state = {
            "experiment": experiment.name, "title": experiment.title, "task": experiment.task,
            "status": "finished", "created": "2026-01-05T09:30:00", "riskml": "0.1.0",
            "config_digest": experiment.digest(), "data_digest": "5d0c", "sample": 0, "seed": 7,
            "stages": stages, "mlflow_run_id": "8c1f", "mlflow_uri": "https://user:secret@tracking",
        }  # fmt: skip
        write_json(folder / "run.json", state | changes.get("run", {}))
        data = {
            "source": "credit_data", "rows": 4454, "columns": 8, "event_rate": 0.2815, "digest": "5d0c", "sample": 0,
            "parts": {"train": {"rows": 3340, "events": 941}, "test": {"rows": 1114, "events": 313}},
            "licence": "MIT", "truth": "real: The lender and the years are not named.",
        }  # fmt: skip
        frames = {
            1: {"profile": profile, "notes": notes},
            2: {"leaderboard": leaderboard, "scorecard": scorecard},
            3: {"drivers": drivers, "comparison": comparison},
            5: {"high_risk": high_risk},
        }
        objects = {
            1: {"data": data},
            2: {"fit": {"seconds": {"boosting": 12.0}, "search_stopped_by": {"boosting": "time", "tree": "trials"}}},
            3: {"validation": validation},
            4: {"export": {"wheel": "dist/riskml_credit_default-1.0.0-py3-none-any.whl", "sha256": "ab" * 32,
                           "bytes": 81234, "verified": {"rows": 1114, "max_difference": 2.2e-16, "python": "3.11.9"}}},
        }  # fmt: skip
        for stage in range(1, upto + 1):
            for name, frame in frames.get(stage, {}).items():
                changes.get(name, frame).to_csv(folder / f"{name}.csv", index=False)
            for name, said in objects.get(stage, {}).items():
                write_json(folder / f"{name}.json", said | changes.get(name, {}))
        if upto == 5:
            bounds = [tier.from_probability for tier in experiment.tiers]
            names = np.array([tier.name for tier in experiment.tiers], dtype=object)
            tier = names[np.searchsorted(bounds, outcomes["blend"], side="right") - 1]
            pd.DataFrame({"probability": outcomes["blend"], "tier": tier}).to_parquet(folder / "scores.parquet")
        return folder

    return write


@pytest.fixture(scope="session")
def pictures(
    experiment: Experiment,
    outcomes: pd.DataFrame,
    bins: dict[str, pd.DataFrame],
    leaderboard: pd.DataFrame,
    profile: pd.DataFrame,
    validation: dict[str, Any],
    search: pd.DataFrame,
    drivers: pd.DataFrame,
) -> dict[str, plots.Picture]:
    """Return every picture of the run."""
    y, p = outcomes["event"], outcomes["blend"]
    parts = pd.DataFrame({"part": ["train", "test"], "rows": [3340, 1114], "events": [941, 313]})
    ranked = {family: delong(y, outcomes[family]) for family in _QUALITY}
    tiers = pd.DataFrame([tier.model_dump() for tier in experiment.tiers])
    reasons = pd.DataFrame(
        {
            "column": list(COLUMNS),
            "value": ["1", "yes", "missing", "1500", "rent", "23", "青年"],
            "contribution": [0.8, 1.1, 0.2, -0.3, 0.25, 0.02, 0.4],
        }
    )
    return {
        "target": plots.target_overview(parts, event="default"),
        "missing": plots.missing_and_kinds(profile),
        "event_rate": plots.event_rate_by_column(bins, overall=0.28),
        "woe_seniority": plots.woe(bins["seniority"], "seniority"),
        "leaderboard": plots.leaderboard(leaderboard),
        "search": plots.search_history(search),
        "search_settings": plots.search_settings(search.assign(params='{"depth": 3}')),
        "search_seconds": plots.search_seconds(leaderboard, {"boosting": 41.5, "scorecard": 2.25}),
        "roc": plots.roc(
            {family: roc_curve(y, outcomes[family]) for family in _QUALITY},
            auc={family: (said.auc, said.lower, said.upper) for family, said in ranked.items()},
            chosen="blend",
        ),
        "calibration": plots.calibration(calibration_table(y, p), probability=p, family="blend"),
        "score_distribution": plots.score_distribution(p, y, tiers=tiers),
        "gains": plots.gains(gains_table(y, p), family="blend"),
        "tiers": plots.tiers(pd.DataFrame(validation["tiers"])),
        "drivers": plots.drivers(drivers, family="blend"),
        "reasons": plots.reasons_of_customer(reasons, reference=-1.3, customer="00042", probability=0.76),
    }


@pytest.fixture(scope="session")
def drawn(pictures: dict[str, plots.Picture]) -> dict[str, bytes]:
    """Return every picture of the run as a PNG file."""
    return {name: picture.png() for name, picture in pictures.items()}


def _chance(log_odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-log_odds))


def _bins(rng: np.random.Generator, n: int, levels: bool) -> pd.DataFrame:
    count, rate = rng.integers(100, 900, n), np.sort(rng.beta(2, 5, n))
    event = np.maximum(np.round(count * rate), 1).astype(int)
    good, bad = (count - event) / (count - event).sum(), event / event.sum()
    edges = [f"[{10 * at}, {10 * at + 10})" for at in range(n)]
    return pd.DataFrame(
        {
            "bin": [f"owner, parents, {at}" for at in range(n)] if levels else edges,
            "count": count,
            "event": event,
            "event_rate": event / count,
            "woe": np.log(bad / good),
            "iv": (bad - good) * np.log(bad / good),
        }
    )
