"""Monitoring section of an experiment: limits, segments and columns of behaviour."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from riskml.config.base import Part, Text, first_duplicate
from riskml.config.panel import PanelConfig

Aspect = Literal["frequency", "payment", "complaints"]


class AspectConfig(Part):
    """Two columns of a customer's behaviour: in a recent and in a longer window."""

    recent: Text = Field(description="the column of the recent window")
    usual: Text = Field(description="the column of the longer window")
    scale: float = Field(
        1.0, gt=0, description="factor that scales recent to the length of usual: 4 for 90 and 360 days; 1 for means"
    )


class BehaviourConfig(Part):
    """Customers' behaviour against their own past; with a panel, omitted columns are taken from it."""

    frequency: AspectConfig | None = Field(None, description="purchases: fewer are worse")
    payment: AspectConfig | None = Field(None, description="days past due: more are worse")
    complaints: AspectConfig | None = Field(None, description="complaints: more are worse")
    frequency_fall: float = Field(0.5, gt=0, le=1, description="relative fall of frequency that counts as a change")
    payment_rise_days: float = Field(5.0, gt=0, description="rise of days past due that counts as a change")
    complaints_rise: float = Field(1.0, gt=0, description="rise of complaints, at recent's pace, that is a change")
    share_rise: float = Field(0.05, gt=0, lt=1, description="watch: rise of the share of customers with a change")

    def aspects(self) -> dict[Aspect, AspectConfig]:
        """Return the columns of each aspect that has them."""
        named: tuple[Aspect, ...] = ("frequency", "payment", "complaints")
        columns = {name: getattr(self, name) for name in named}
        return {name: pair for name, pair in columns.items() if pair is not None}

    def completed(self, panel: PanelConfig | None) -> BehaviourConfig:
        """Return it with a panel's columns for the omitted aspects."""
        if panel is None or len(panel.windows) < 2:
            return self
        short, long = panel.windows[1 if len(panel.windows) > 2 else 0], panel.windows[-1]
        kinds: dict[Aspect, tuple[str, str, float]] = {
            "frequency": ("purchases", "count", long / short),
            "payment": ("invoices", "mean_dpd", 1.0),
            "complaints": ("service", "complaints", long / short),
        }
        aspects: dict[str, AspectConfig] = {}
        for aspect, (role, feature, scale) in kinds.items():
            tables = panel.of_role(role)  # type: ignore[arg-type]
            if getattr(self, aspect) is None and tables:
                name = f"{tables[0]}_{feature}"
                aspects[aspect] = AspectConfig(recent=f"{name}_{short}d", usual=f"{name}_{long}d", scale=scale)
        return self.model_copy(update=aspects)


class MonitoringConfig(Part):
    """Limits that call for a look (watch) or for a new model (act)."""

    level: float = Field(0.95, ge=0.5, lt=1.0, description="confidence level of every interval and test")
    psi_watch: float = Field(0.10, gt=0, description="watch: PSI of the scores or of a column")
    psi_act: float = Field(0.25, gt=0, description="act: PSI of the scores or of a column")
    shifted_share: float = Field(0.3, gt=0, le=1, description="act: share of the model's columns beyond psi_act")
    missing_rise: float = Field(0.05, ge=0, lt=1, description="watch: rise of the share of missing cells")
    missing_rise_act: float = Field(0.2, ge=0, lt=1, description="act: rise beyond which the data must be repaired")
    unseen_share: float = Field(0.01, ge=0, lt=1, description="watch: share of rows with a level unseen in training")
    unseen_share_act: float = Field(0.2, ge=0, lt=1, description="act: share beyond which the data must be repaired")
    out_of_range_share: float = Field(0.01, ge=0, lt=1, description="watch: share of rows outside training's range")
    auc_watch: float = Field(0.01, ge=0, lt=0.5, description="watch: AUC loss against the hold-out set")
    auc_loss: float = Field(0.03, ge=0, lt=0.5, description="act: AUC loss against the hold-out set")
    calibration_watch: float = Field(0.1, ge=0, description="watch: relative error of expected events")
    calibration_tolerance: float = Field(0.2, ge=0, description="act: relative error of expected events")
    min_events: int = Field(20, ge=2, description="events and non-events below which ranking is not evaluated")
    moved_share: float = Field(0.1, gt=0, le=1, description="watch: net share of customers in a riskier tier")
    concentration_rise: float = Field(0.1, gt=0, le=1, description="watch: rise of the tiers' Herfindahl index")
    segments: tuple[str, ...] = Field((), description="columns whose groups are monitored separately")
    small_segment: int = Field(100, ge=1, description="rows below which a segment is shown and not evaluated")
    behaviour: BehaviourConfig = BehaviourConfig()

    @model_validator(mode="after")
    def _limits_are_in_order(self) -> MonitoringConfig:
        pairs = [
            ("psi_act", "psi_watch"),
            ("missing_rise_act", "missing_rise"),
            ("unseen_share_act", "unseen_share"),
            ("auc_loss", "auc_watch"),
        ]
        for act, watch in (*pairs, ("calibration_tolerance", "calibration_watch")):
            if getattr(self, act) < getattr(self, watch):
                raise ValueError(f"{act} lies below {watch}")
        if first_duplicate(self.segments):
            raise ValueError("each segment may be named once")
        return self
