"""What an experiment may say of how its model is watched: limits, segments, and the columns of behaviour."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from riskml.config.panel import PanelConfig, Part, Text

Aspect = Literal["frequency", "payment", "complaints"]


class AspectConfig(Part):
    """Two columns of a customer's behaviour: of late, and in its own longer past."""

    recent: Text = Field(description="the column of the recent window")
    usual: Text = Field(description="the column of the customer's own longer window")
    scale: float = Field(
        1.0, gt=0, description="brings recent to the length of usual: 4 where 90 days stand beside 360; 1 for means"
    )


class BehaviourConfig(Part):
    """What customers do, each against its own past; with a panel, columns that are left out are found."""

    frequency: AspectConfig | None = Field(None, description="purchases: fewer are worse")
    payment: AspectConfig | None = Field(None, description="days past due: more are worse")
    complaints: AspectConfig | None = Field(None, description="complaints: more are worse")
    frequency_fall: float = Field(0.5, gt=0, le=1, description="a fall by this share of the usual pace is one")
    payment_rise_days: float = Field(5.0, gt=0, description="a rise by so many days past due is one")
    complaints_rise: float = Field(1.0, gt=0, description="a rise by so many complaints, at recent's pace, is one")
    share_rise: float = Field(0.05, gt=0, lt=1, description="more customers with such a change, by this share: watch")

    def aspects(self) -> dict[Aspect, AspectConfig]:
        """Return the columns by what they tell of."""
        named: tuple[Aspect, ...] = ("frequency", "payment", "complaints")
        aspects = {name: getattr(self, name) for name in named}
        return {name: columns for name, columns in aspects.items() if columns is not None}

    def completed(self, panel: PanelConfig | None) -> BehaviourConfig:
        """Return it with the columns that a panel has for what was left out."""
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
    """When a figure calls for a look, and when for a new model."""

    level: float = Field(0.95, ge=0.5, lt=1.0, description="confidence level of every interval and test")
    psi_watch: float = Field(0.10, gt=0, description="shift of the scores, or of a column, from which on it is watched")
    psi_act: float = Field(0.25, gt=0, description="shift above which something is to be done")
    shifted_share: float = Field(
        0.3, gt=0, le=1, description="share of the model's columns beyond psi_act that calls for a new model"
    )
    missing_rise: float = Field(0.05, ge=0, lt=1, description="more missing cells than in training, by this share")
    missing_rise_act: float = Field(0.2, ge=0, lt=1, description="beyond it the data are repaired before all else")
    unseen_share: float = Field(0.01, ge=0, lt=1, description="rows with a level that training never saw")
    out_of_range_share: float = Field(0.01, ge=0, lt=1, description="rows with a number beyond training's")
    auc_watch: float = Field(0.01, ge=0, lt=0.5, description="AUC lost against the rows set aside: watch")
    auc_loss: float = Field(0.03, ge=0, lt=0.5, description="AUC that may be lost against the rows set aside")
    calibration_watch: float = Field(0.1, ge=0, description="events observed over expected, off by this share: watch")
    calibration_tolerance: float = Field(
        0.2, ge=0, description="events observed over expected may be off by this share before it is mended"
    )
    min_events: int = Field(20, ge=2, description="events, and others, below which ranking is not judged")
    moved_share: float = Field(0.1, gt=0, le=1, description="more customers to a riskier tier than to a safer one")
    concentration_rise: float = Field(0.1, gt=0, le=1, description="rise of the tiers' Herfindahl index: watch")
    segments: tuple[str, ...] = Field((), description="columns whose groups are looked at one by one")
    small_segment: int = Field(100, ge=1, description="rows below which a segment is shown as small, and not judged")
    behaviour: BehaviourConfig = BehaviourConfig()

    @model_validator(mode="after")
    def _limits_are_in_order(self) -> MonitoringConfig:
        pairs = [("psi_act", "psi_watch"), ("missing_rise_act", "missing_rise"), ("auc_loss", "auc_watch")]
        for act, watch in (*pairs, ("calibration_tolerance", "calibration_watch")):
            if getattr(self, act) < getattr(self, watch):
                raise ValueError(f"{act} lies below {watch}")
        if len(set(self.segments)) != len(self.segments):
            raise ValueError("each segment may be named once")
        return self
