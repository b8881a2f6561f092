"""Score bands of parcelling, with the assumed event rate of declined applicants."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.runtime.frame import Floats

ENOUGH = 30  # accepted rows without which a band's event rate says little
_COLUMNS = ["band", "accepted", "rejected", "accepted_event_rate", "assumed_rate", "source"]
NO_BANDS = pd.DataFrame(columns=_COLUMNS)


def score_bands(
    points: Floats, chance: Floats, event: NDArray[np.int8], weight: Floats, bands: int, uplift: float
) -> tuple[pd.DataFrame, NDArray[np.intp]]:
    """Return the bands of all applicants' scores, and the position of each applicant's band."""
    cuts = np.unique(np.quantile(points, np.arange(1, bands) / bands).round())
    # Nobody stands below a cut at the lowest score.
    cuts = cuts[cuts > points.min()]
    band = np.searchsorted(cuts, points, side="right")
    count = len(cuts) + 1
    own = band[: len(event)]
    rows, events = np.bincount(own, minlength=count), np.bincount(own, event, minlength=count)
    mass, risky = np.bincount(own, weight, minlength=count), np.bincount(own, weight * event, minlength=count)
    observed = np.where(mass > 0, risky / np.where(mass > 0, mass, 1.0), np.nan)
    everyone = np.bincount(band, minlength=count)
    believed = np.bincount(band, chance, minlength=count) / np.maximum(everyone, 1)
    enough = (rows >= ENOUGH) & (events > 0) & (risky > 0)
    bounds = ["(-inf", *(f"[{cut:g}" for cut in cuts)]
    table = pd.DataFrame(
        {
            "band": [
                f"{low}, {high})" for low, high in zip(bounds, [*(f"{cut:g}" for cut in cuts), "inf"], strict=True)
            ],
            "accepted": rows,
            "rejected": everyone - rows,
            "accepted_event_rate": observed,
            "assumed_rate": np.minimum(np.where(enough, observed, believed) * uplift, 1.0),
            "source": np.where(enough, "accepted", "card"),
        }
    )
    return table, band


def extrapolated(table: pd.DataFrame) -> str:
    """Return a sentence on declined applicants in bands where too few were accepted; empty when there are none."""
    from_card = int(table.loc[table["source"] == "card", "rejected"].sum())
    if not from_card:
        return ""
    return (
        f" {from_card:,} of {int(table['rejected'].sum()):,} declined applicants stand in score bands with fewer than "
        f"{ENOUGH} accepted ones, or with no event among them: there the card's own probability is extrapolated."
    )
