"""Pictures: plain frames and arrays in, a `Picture` out; nothing is computed that `riskml.validation` computes.

A picture shows itself in a notebook; ``picture.save(path)`` writes it as PNG with its description inside. This is the
only place that imports matplotlib.
"""

from __future__ import annotations

from riskml.report.plots.card import card
from riskml.report.plots.customers import drivers, reasons_of_customer, tiers
from riskml.report.plots.data import event_rate_by_column, missing_and_kinds, target_overview, woe
from riskml.report.plots.evidence import by_group, learning, profit
from riskml.report.plots.models import leaderboard, search_history
from riskml.report.plots.monitoring import months
from riskml.report.plots.panel import events_over_time, missing_over_time, records_over_time, strength_over_time
from riskml.report.plots.picture import Picture
from riskml.report.plots.profiles import profiles
from riskml.report.plots.review import calibrations, differences, profits
from riskml.report.plots.search import search_seconds, search_settings
from riskml.report.plots.validation import calibration, gains, roc, score_distribution

__all__ = [
    "Picture",
    "by_group",
    "calibration",
    "calibrations",
    "card",
    "differences",
    "drivers",
    "event_rate_by_column",
    "events_over_time",
    "gains",
    "leaderboard",
    "learning",
    "missing_and_kinds",
    "missing_over_time",
    "months",
    "profiles",
    "profit",
    "profits",
    "reasons_of_customer",
    "records_over_time",
    "roc",
    "score_distribution",
    "search_history",
    "search_seconds",
    "search_settings",
    "strength_over_time",
    "target_overview",
    "tiers",
    "woe",
]
