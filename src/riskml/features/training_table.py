"""Training table of an experiment: a flat table, or the rows of a panel."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from riskml.config.experiment import Experiment
from riskml.data.sources.source import read_customers
from riskml.errors import ConfigError, InputError
from riskml.features.panel_store import Listener, Panel, build, features_at, opened
from riskml.io import parse_date, replacing


def experiment_panel(experiment: Experiment, folder: Path, progress: Listener | None = None) -> Panel | None:
    """Return the panel of an experiment on dated records, built if necessary; None for a flat table.

    Parameters
    ----------
    folder : Path
        Folder of the panel.
    progress : callable, optional
        As for ``riskml.features.panel_store.build``.
    """
    return None if experiment.panel is None else build(experiment.panel, folder, progress=progress)


def experiment_table(experiment: Experiment, panel: Panel | None) -> pd.DataFrame:
    """Return the training table of an experiment.

    Parameters
    ----------
    panel : Panel or None
        The panel of the experiment.

    Returns
    -------
    DataFrame of shape (n, p)
        Of a panel: ``row`` (customer and as-of date), ``customer``, ``as_of``, the features, ``outcome``. Rows whose
        outcome was unknown on the first out-of-time date are omitted: no model could have been trained on them.
    """
    return read_customers(experiment.data.source, experiment.data) if panel is None else panel_rows(experiment, panel)


def panel_rows(experiment: Experiment, panel: Panel) -> pd.DataFrame:
    """Return the rows of a panel as an experiment's table."""
    rows = panel.frame()
    rows = rows[~embargoed(experiment, rows["as_of"])].reset_index(drop=True)
    names = rows["customer"].astype(str) + " " + rows["as_of"].dt.strftime("%Y-%m-%d")
    rows.insert(0, "row", names)
    return rows


def embargoed(experiment: Experiment, dates: pd.Series) -> pd.Series:
    """Return which as-of dates are before the out-of-time sample while their performance window ends within it."""
    begins = experiment.split.from_date
    if experiment.panel is None or experiment.split.kind != "out_of_time" or begins is None:
        return pd.Series(False, index=dates.index)
    outcome = experiment.panel.outcome
    known = dates + pd.Timedelta(days=outcome.gap + outcome.days)
    return (dates < pd.Timestamp(begins)) & (known > pd.Timestamp(begins))


def check_tables(experiment: Experiment, folder: Path) -> None:
    """Refuse a panel whose tables cannot be read or lack a column."""
    if experiment.panel is not None:
        try:
            opened(experiment.panel, folder)
        except OSError as error:
            raise InputError(f"the tables cannot be read: {error.strerror}", where=str(folder)) from None


def write_portfolio(experiment: Experiment, as_of: str, folder: Path, out: Path) -> int:
    """Write the features of the customers who are eligible on a day, and return their number."""
    if experiment.panel is None:
        raise ConfigError(
            "the experiment has no panel: its flat table is scored directly",
            where="panel",
            fix="use riskml score MODEL DATA -o OUT",
        )
    if out.suffix not in (".csv", ".parquet"):
        raise InputError(f"the file must end in .csv or .parquet; got {out.name!r}", where="--out")
    rows = features_at(experiment.panel, parse_date(as_of, "--as-of"), folder)
    with replacing(out) as temporary:
        if out.suffix == ".csv":
            rows.to_csv(temporary, index=False, lineterminator="\n")
        else:
            rows.to_parquet(temporary, index=False)
    return len(rows)
