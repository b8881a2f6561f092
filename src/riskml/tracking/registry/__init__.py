"""MLflow model registry: versions, aliases and decisions."""

from riskml.tracking.registry.aliases import Decision, champion, promote, registered, take_back

__all__ = ["Decision", "champion", "promote", "registered", "take_back"]
