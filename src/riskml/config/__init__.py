"""What a YAML file may contain: experiment, panel, monitoring, policy and early-warning rules."""

from riskml.config.experiment import (
    ColumnConfig,
    CostsConfig,
    DataConfig,
    Experiment,
    ExportConfig,
    GateConfig,
    ModelsConfig,
    SplitConfig,
    TierConfig,
    read_experiment,
)
from riskml.config.monitoring import MonitoringConfig
from riskml.config.panel import PanelConfig
from riskml.config.policy import Policy, policy_of, read_policy
from riskml.config.warning import WarningRules, read_rules

__all__ = [
    "ColumnConfig",
    "CostsConfig",
    "DataConfig",
    "Experiment",
    "ExportConfig",
    "GateConfig",
    "ModelsConfig",
    "MonitoringConfig",
    "PanelConfig",
    "Policy",
    "SplitConfig",
    "TierConfig",
    "WarningRules",
    "policy_of",
    "read_experiment",
    "read_policy",
    "read_rules",
]
