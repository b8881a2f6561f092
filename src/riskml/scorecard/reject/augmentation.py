"""`Augmented`: applicants with known and with assumed outcomes, and what the assumption's literature warns of."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.runtime.frame import Floats

Method = Literal["known", "fuzzy", "parcelling"]
WARNINGS: dict[Method, str] = {
    "known": "The known outcomes alone: unbiased only where all that the old policy looked at is on the card (outcomes "
    "missing at random, Little and Rubin 2002); probabilities of declined applicants are extrapolated.",
    "fuzzy": "Fuzzy augmentation: every declined applicant counts as an event and as a non-event, weighted by the "
    "first card's probability (Siddiqi 2006). With uplift 1 it extrapolates what that card believes, which Crook and "
    "Banasik (2004) found neither to harm nor to help; it understates standard errors, because inferred rows count as "
    "observed.",
    "parcelling": "Parcelling: outcomes of declined applicants are drawn, score band by score band, at the event rate "
    "of accepted ones times the uplift (Siddiqi 2006). The uplift is an assumption that no data of accepted "
    "applicants can test (Hand and Henley 1993), and it moves the result.",
}


@dataclass(frozen=True, repr=False)
class Augmented:
    """Applicants with known and with inferred outcomes.

    Parameters
    ----------
    X : DataFrame of shape (n, p)
        Accepted applicants first; a declined one keeps its index, and occurs twice in fuzzy augmentation.
    event : ndarray of shape (n,)
        The outcome, 1 for an event, observed or assumed.
    warning : str
        What the method's literature warns of.
    y : ndarray of shape (n,)
        The outcome in the card's classes: ``Scorecard().fit(both.X, both.y, both.weight)``.
    bands : DataFrame
        Of parcelling, a row per score band from the riskiest: ``band`` (points), ``accepted``, ``rejected`` (rows),
        ``accepted_event_rate``, ``assumed_rate`` (uplift included), ``source`` (whose rate it is: of the accepted, or
        the card's mean probability where too few were accepted). Without rows for the other methods.
    """

    X: pd.DataFrame
    event: NDArray[np.int8]
    weight: Floats
    inferred: NDArray[np.bool_]
    warning: str
    y: NDArray[Any]
    method: Method
    bands: pd.DataFrame

    def __repr__(self) -> str:
        """Return what it holds, and the warning."""
        return f"Augmented({self._summary})\n{self.warning}"

    def _repr_html_(self) -> str:
        bands = self.bands.to_html(index=False, border=0, escape=True) if len(self.bands) else ""
        return f"<p>{escape(self._summary)}</p><p><strong>{escape(self.warning)}</strong></p>{bands}"

    @property
    def _summary(self) -> str:
        known = int((~self.inferred).sum())
        return f"method={self.method!r}, {known:,} known rows, {int(self.inferred.sum()):,} inferred rows"
