"""What a YAML file may contain: experiment, panel, monitoring, policy and early-warning rules."""

from riskml.config.experiment import DataConfig, Experiment, ModelsConfig, read_experiment
from riskml.config.monitoring import MonitoringConfig
from riskml.config.panel import PanelConfig
from riskml.config.policy import Policy, policy_of, read_policy
from riskml.config.warning import WarningRules, read_rules

__all__ = [
    "DataConfig",
    "Experiment",
    "ModelsConfig",
    "MonitoringConfig",
    "PanelConfig",
    "Policy",
    "WarningRules",
    "policy_of",
    "read_experiment",
    "read_policy",
    "read_rules",
]
