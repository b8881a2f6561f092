"""riskml: find, rank, explain and manage customers who may default, or leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["RiskClassifier", "__version__"]

if TYPE_CHECKING:
    from riskml.models.classifier import RiskClassifier


def __getattr__(name: str) -> Any:
    # Imported on first use: `riskml --help` must not pay for scikit-learn and XGBoost.
    if name == "RiskClassifier":
        from riskml.models.classifier import RiskClassifier

        return RiskClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
