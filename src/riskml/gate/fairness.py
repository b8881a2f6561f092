"""Whether protected groups are approved about as often as others."""

from __future__ import annotations

import numpy as np
import pandas as pd

from riskml.gate.evidence import Evidence
from riskml.gate.verdict import Check
from riskml.validation import approval_rate_ratio

FEWEST = 30
"""Rows below which a group's rate is luck: it is not judged."""

_BANDS = 4


def approved_alike(evidence: Evidence, column: str, least: float, approve_below: float | None) -> Check:
    """Check that no group is approved much less often than the one approved most often.

    Parameters
    ----------
    evidence : Evidence
        ``groups`` has the column.
    column : str
    least : float
        The ratio of approval rates that is asked for; 0.8 is the four-fifths rule (29 CFR 1607.4(D)).
    approve_below : float or None
        The probability below which a customer is approved; that at which the last tier begins where it is None.
    """
    cut = evidence.tiers[-1].from_probability if approve_below is None else approve_below
    group = banded(evidence.groups[column])
    enough = group.map(group.value_counts()) >= FEWEST
    few = int(group[~enough].nunique())
    left_out = f"; {few} groups of fewer than {FEWEST} rows are not judged" if few else ""
    bound, name = f"at least {least:g}", f"fairness, {column}"
    if group[enough].nunique() < 2:
        return Check(name, True, None, bound, f"fewer than two groups to compare{left_out}")
    approved = (evidence.probability < cut).astype(int)[enough]
    # By place: customers' names may be anything.
    table = approval_rate_ratio(approved.to_numpy(), group[enough].to_numpy()).sort_values("rate", kind="stable")
    low, high = table.iloc[0], table.iloc[-1]
    if not high["rate"] > 0:
        return Check(name, False, None, bound, f"nobody has a probability below {cut:g}: nobody is approved")
    reason = (
        f"{low['group']}: {low['rate']:.1%} are approved (probability below {cut:g}), "
        f"{high['group']}: {high['rate']:.1%}{left_out}"
    )
    return Check(name, bool(low["ratio"] >= least), float(low["ratio"]), bound, reason)


def banded(column: pd.Series) -> pd.Series:
    """Return groups as text: values as they are, many different numbers in four bands of about equal size.

    Parameters
    ----------
    column : Series of shape (n,)

    Returns
    -------
    Series of str, shape (n,)
        Missing values are a group of their own.

    Examples
    --------
    >>> banded(pd.Series(range(12))).unique().tolist()
    ['0 to 2', '3 to 5', '6 to 8', '9 to 11']
    """
    known = column.dropna()
    number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if number and known.nunique() > 2 * _BANDS:
        edges = np.unique(np.quantile(known, np.linspace(0, 1, _BANDS + 1)[1:-1], method="lower"))
        place = np.searchsorted(edges, known, side="left")
        ends = known.groupby(place).agg(["min", "max"])
        names = {band: f"{row['min']:g} to {row['max']:g}" for band, row in ends.iterrows()}
        known = pd.Series([names[band] for band in place], index=known.index, dtype=object)
    return known.astype(str).reindex(column.index).fillna("missing").astype(object)
