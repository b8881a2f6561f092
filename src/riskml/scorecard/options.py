"""What may be asked of one column's bins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from riskml.errors import ConfigError
from riskml.scorecard.runs import TRENDS, Constraints, Trend
from riskml.scorecard.woe import OBJECTIVES, Objective

Monotonic = Literal["auto", "auto_asc_desc"] | Trend
MissingAs = Literal["own", "nearest"]
UnseenAs = Literal["neutral", "rare", "worst"]


@dataclass(frozen=True)
class ColumnOptions:
    """What is asked of one column's bins; shares are of all rows (sums of weights where rows have weights).

    Parameters
    ----------
    max_bins, min_bins : int
        Bins, missing values and special codes not counted.
    min_bin_size : float
        Least share of rows in a bin.
    min_events, min_nonevents : float
        Least number of events and non-events in a bin.
    min_rate_difference : float
        Least difference of event rates between neighbours.
    max_p_value : float
        Highest p-value of the two-proportion z-test between neighbours.
    monotonic : str
        A trend of the event rate, or ``auto`` (ascending, descending, peak or valley) or ``auto_asc_desc``.
    objective : {"iv", "js", "log_likelihood"}
    splits : sequence of float, optional
        Cuts that are given instead of sought; a bin begins at each.
    groups : sequence of sequences of level, optional
        Groups of a categorical column that are given instead of sought.
    missing : {"own", "nearest"}
        A bin of their own for missing values, or the bin whose event rate is nearest.
    unseen : {"neutral", "rare", "worst"}
        What a level never seen counts as: nothing (weight 0), the rare levels' group, or the riskiest group.
    rare_share : float
        Levels with a smaller share of rows are pooled.
    smoothing : float
        Rows of the average event rate that each bin is thought to have besides its own: shrinks small bins to 0.
    """

    max_bins: int = 6
    min_bins: int = 1
    min_bin_size: float = 0.05
    min_events: float = 1.0
    min_nonevents: float = 1.0
    min_rate_difference: float = 0.0
    max_p_value: float = 1.0
    monotonic: Monotonic = "auto"
    objective: Objective = "iv"
    splits: Sequence[float] | None = None
    groups: Sequence[Sequence[Any]] | None = None
    missing: MissingAs = "own"
    unseen: UnseenAs = "neutral"
    rare_share: float = 0.01
    smoothing: float = 0.0

    def check(self, column: str) -> None:
        """Refuse what is impossible or contradictory."""
        allowed: dict[str, tuple[str, ...]] = {
            "monotonic": ("auto", "auto_asc_desc", *TRENDS),
            "objective": OBJECTIVES,
            "missing": get_args(MissingAs),
            "unseen": get_args(UnseenAs),
        }
        problems = [
            f"{name} must be one of {', '.join(values)}; got {getattr(self, name)!r}"
            for name, values in allowed.items()
            if getattr(self, name) not in values
        ]
        if not 1 <= self.min_bins <= self.max_bins:
            problems.append(f"1 <= min_bins <= max_bins is needed; got {self.min_bins} and {self.max_bins}")
        if not 0 <= self.min_bin_size < 1:
            problems.append(f"min_bin_size is a share of rows, 0 <= share < 1; got {self.min_bin_size}")
        elif self.min_bins > 1 and self.min_bins * self.min_bin_size > 1 + 1e-9:
            problems.append(f"min_bins={self.min_bins} bins of min_bin_size={self.min_bin_size} are more than all rows")
        if not 0 < self.max_p_value <= 1:
            problems.append(f"max_p_value is a probability, 0 < p <= 1; got {self.max_p_value}")
        negative = [
            name
            for name in ("min_events", "min_nonevents", "min_rate_difference", "rare_share", "smoothing")
            if not getattr(self, name) >= 0
        ]
        problems += [f"{name} must not be negative; got {getattr(self, name)}" for name in negative]
        if self.splits is not None and self.groups is not None:
            problems.append("splits and groups exclude each other: a column is numeric or categorical")
        if problems:
            raise ConfigError("\n".join(problems), where=f"column {column!r}", mend="correct these options")

    def constraints(self, rows: float) -> Constraints:
        """Return the same in rows."""
        return Constraints(
            self.min_bins,
            self.max_bins,
            self.min_bin_size * rows,
            self.min_events,
            self.min_nonevents,
            self.min_rate_difference,
            self.max_p_value,
        )
