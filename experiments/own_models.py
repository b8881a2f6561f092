"""Models of one's own, for `models.families` and notebooks/own_work.ipynb; copy this file to begin."""

from optuna.distributions import IntDistribution
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler, TargetEncoder

from riskml import Family


def forest() -> Family:
    """Return a random forest; the size of its leaves is searched."""
    return Family(
        "forest",
        RandomForestClassifier(200, min_samples_leaf=8, max_features=0.4),
        space={"min_samples_leaf": IntDistribution(3, 30, log=True)},
        label="the random forest",
    )


def encoded() -> Pipeline:
    """Return a logistic regression on standardised numbers and target-encoded categories."""
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (
            TargetEncoder(cv=StratifiedKFold(5, shuffle=True, random_state=0)),
            make_column_selector(dtype_include=object),
        ),
    )
    return make_pipeline(columns, LogisticRegression())
